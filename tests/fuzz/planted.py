"""Readers that break each promise once, for `test_harness`: `python -m tests.fuzz.planted`."""

import ctypes
import logging
import os
import subprocess
import sys
import time

from aa.errors import UserError
from tests.fuzz.command import main
from tests.fuzz.kind import Kind, Mutant

TRUNCATE = ctypes.CDLL(None).truncate


def read(folder):
    return (folder / "input").read_bytes()


def refuse(folder):
    raise UserError("input: not what is wanted.")


def run_hot(folder):
    end = time.process_time() + 2.3
    while time.process_time() < end:
        pass


def wait(folder):
    time.sleep(60)


def fill_memory(folder):
    bytearray(os.urandom(2**20) * 200)


def ask_for_too_much(folder):
    try:
        bytearray(2**40)
    except MemoryError as error:
        raise UserError("input: too large.") from error


def raise_key_error(folder):
    return {}["missing"]


def call_system(folder):
    os.system("touch ran")


def start_process(folder):
    try:
        subprocess.run(["touch", "ran"], check=True)
    except Exception as error:  # the harness notes it all the same
        raise UserError("input: not readable.") from error


def import_module(folder):
    __import__("this_is_no_module_of_ours")


def write_beside(folder):
    (folder.parent / "canary" / "precious.txt").write_text("changed")


def write_beside_through_link(folder):
    (folder / "link").symlink_to(folder.parent)
    (folder / "link" / "new.txt").write_text("new")


def make_folder_beside(folder):
    os.mkdir(folder.parent / "made")


def print_escape(folder):
    print("\x1b[2J")


def log_escape(folder):
    logging.getLogger("planted").warning("name \x1b]0;title\x07")


def tell_secret(folder):
    raise UserError(f"input: {os.environ['SECRET']} is unknown.")


def write_secret(folder):
    (folder / "result.txt").write_text(os.environ["SECRET"])


def write_in_library(folder):
    """What a library writes is no event of Python's: it is seen in the canary."""
    name = os.fsencode(folder.parent / "canary" / "precious.txt")
    TRUNCATE(name, 0)


def crash(folder):
    os.abort()


PLANTED = {
    name: function
    for name, function in list(globals().items())
    if callable(function) and getattr(function, "__module__", "") == __name__
}


class Planted(Kind):
    """Mutant n goes to reader n."""

    targets = PLANTED

    def honest(self):
        return [Mutant({"input": b"hello"}, "read")]

    def mutant(self, rng):
        return Mutant({"input": b"hello"}, rng.choice(list(PLANTED)))

    def targets_of(self, files):
        return list(PLANTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], {"planted": Planted}))
