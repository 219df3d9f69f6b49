"""Frame that `python -m aa.weights` and `python -m aa.data` share."""

import argparse
import sys
from typing import NoReturn

from aa.cli.task import FULL_ERROR, INTERRUPTED, USER_ERROR
from aa.errors import UserError, one_line
from aa.interrupts import unwinding


def run_program(parser: argparse.ArgumentParser) -> None:
    """Run the `command` that the arguments choose: what the user can fix is one line and exit 2.

    Args:
        parser: sets `command`, a function of its options.
    """
    options = parser.parse_args()
    try:
        with unwinding():
            options.command(options)
    except UserError as error:
        if FULL_ERROR:
            raise
        _stop(str(error))
    except OSError as error:  # a full disk, a folder that may not be written
        if FULL_ERROR:
            raise
        _stop(f"{error.filename or 'disk'}: {error.strerror or error}.")
    except KeyboardInterrupt as stop:
        print("interrupted", file=sys.stderr)
        sys.exit(getattr(stop, "code", INTERRUPTED))


def _stop(message: str) -> NoReturn:
    print(f"error: {one_line(message)}", file=sys.stderr)
    sys.exit(USER_ERROR)
