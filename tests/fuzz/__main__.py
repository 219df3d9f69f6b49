"""`python -m tests.fuzz --minutes 30`: try mutants of each kind, end with a table."""

import sys

from tests.fuzz.command import main
from tests.fuzz.registry import KINDS

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], KINDS))
