"""The end of what a process printed."""

import re
import signal
from pathlib import Path

from aa.files import unlinked

TAIL = 64 * 1024  # bytes of the end of a file that are looked at
# Sequences that drive a terminal: CSI ones (colours, moves), strings up to BEL or ST (titles,
# links), other escapes, then every control character that is left.
CONTROL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
    r"|[^\x20-\x7e\t\xa0-\U0010ffff]"
)
ERROR = re.compile(r"(error: |[\w.]*(Error|Exception)\b)")


def last_lines(path: str | Path, most: int = 50) -> list[str]:
    """The last lines of a file: of a bar its last state, nothing that drives a terminal."""
    with open(path, "rb", opener=unlinked) as file:
        file.seek(max(0, file.seek(0, 2) - TAIL))
        text = file.read().decode("utf-8", errors="replace")
    lines = []
    for line in text.split("\n"):
        states = [part for part in (CONTROL.sub("", p).rstrip() for p in line.split("\r")) if part]
        lines += states[-1:]
    return lines[-most:]


def last_error(path: str | Path, code: int) -> str:
    """The reason why the process that printed a file ended, in one line.

    Args:
        path: the file.
        code: its exit code, negative for a signal.
    """
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}: killed, or out of memory"
    return error_line(path) or f"ended with exit code {code} and without a word"


def error_line(path: str | Path) -> str | None:
    """The last line of a file that names an error, None where none does."""
    lines = (line.strip() for line in reversed(last_lines(path)))
    found = next((line for line in lines if ERROR.match(line)), None)
    return found and found.removeprefix("error: ")
