"""Commands that the page starts: words of an ordinary command, never a line for a shell."""

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from aa.config.texts import literal
from aa.errors import UserError, one_line
from aa.processes import runner_command, runner_file

PLAIN = re.compile(r"(?!.*\$\{)[A-Za-z_./][\w./@+-]*", re.ASCII)  # read by Hydra as the text it is
WORDS = {"null", "true", "false", "nan", "inf", "on", "off", "yes", "no"}  # but these are not


RUNNERS = ("infer", "train")  # that the page starts


def overrides(values: Mapping[str, Any]) -> list[str]:
    """`key=value` for each value that is not None, as Hydra reads it back."""
    return [f"{key}={_spelled(value)}" for key, value in values.items() if value is not None]


def words(runner: str, arguments: Sequence[str]) -> list[str]:
    """The words of a command: this Python, the runner's file, its arguments.

    Raises:
        UserError: the page starts no such runner.
    """
    if runner not in RUNNERS:
        raise UserError(f"{one_line(runner)}: no such runner; {' and '.join(RUNNERS)} are started.")
    return [sys.executable, str(runner_file(runner)), *arguments]


def to_copy(runner: str, arguments: Sequence[str]) -> str:
    """The same command as one types it."""
    return f"{runner_command(runner)} {shlex.join(arguments)}"


def _spelled(value: Any) -> str:
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return literal(value)
