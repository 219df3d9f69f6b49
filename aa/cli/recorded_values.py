"""Recorded values: a name, an option, a place to write, and what an override says of them."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import (
    Glob,
    IntervalSweep,
    Override,
    QuotedString,
    RangeSweep,
)

from aa.config.texts import literal
from aa.errors import UserError, one_line

NAME = re.compile(r"(?!.{200})\w[\w.-]*(/\w[\w.-]*)*")  # no file has a longer one
INTERPOLATION = re.compile(r"\$\\*\{")  # Hydra takes the backslash of $\{ away
# Places where a run writes besides its folder: taken where below the working directory.
WRITTEN = ("data.generate.folder", "data.latents", "inference.cache_dir")
# Of a queue's settings: they become lines of a script for a shell.
PLAIN_TEXT = re.compile(r"[\w.,:/@%+*()&|=\[\] -]{0,200}")
MOST_SWEPT = 10_000  # values of a range
SHOWN = 120  # characters of an override in a message


def check_name(name: object) -> None:
    """Refuse a recorded name, a part of the new run's folder, that leads out of it.

    Hydra keeps that folder in its config, where a ${...} in it would be resolved.

    Raises:
        UserError: it does, or would be.
    """
    alive = isinstance(name, str) and INTERPOLATION.search(name)
    if isinstance(name, str) and (alive or ".." in name.split("/")):
        reason = "would be more than text" if alive else "leads out of outputs/"
        raise UserError(f"recorded name {shown(name)}: {reason}; add name=<another>.")


def leads_out(key: str, value: object) -> bool:
    """Return whether a recorded value is a place to write outside the working directory; say so.

    Args:
        key: dotted.
        value: of it, as it was recorded.
    """
    if key not in WRITTEN or value in (None, "", "null"):
        return False
    text = (value.text if isinstance(value, QuotedString) else str(value)).replace("\0", "")
    real, here = (os.path.realpath(path) for path in (os.path.expanduser(text), os.curdir))
    if real.startswith(os.path.join(here, "")):
        return False
    line = f"{key}={shown(text)}: not taken from the folder, for it leads out of the working"
    print(f"{line} directory, and a run writes there. Give it again if yours.", file=sys.stderr)
    return True


def resolved(text: str, override: Override, config: Mapping[str, Any]) -> str:
    """An override with what came of its interpolation, as the run's own config has it."""
    value: Any = config
    for name in override.key_or_group.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise UserError(
                f"recorded override {shown(text)}: its value is not in the run's snapshot; give "
                f"it yourself: add {override.key_or_group}=<value>."
            )
        value = value[name]
    if isinstance(value, Mapping):
        raise UserError(f"recorded override {shown(text)}: is a group of keys; choose an option.")
    return f"{text.partition('=')[0]}={literal(value)}"


def is_group_of(home: Path, key: str) -> bool:
    return bool(NAME.fullmatch(key)) and ".." not in key and (home / key).is_dir()


def is_option(name: object) -> bool:
    return isinstance(name, str) and bool(NAME.fullmatch(name)) and ".." not in name


def is_setting(value: object) -> bool:
    """Return whether a value may go into a queue's script: a number, or words without line ends."""
    plain = value is None or isinstance(value, bool | int | float)
    return plain or (isinstance(value, str) and bool(PLAIN_TEXT.fullmatch(value)))


def names_of(override: Override) -> list[Any]:
    """The options that an override chooses, as texts."""
    found = []
    for value in values_of(override):
        found += value if isinstance(value, list) else [value]
    plain = [value.text if isinstance(value, QuotedString) else value for value in found]
    return [str(value) if type(value) is int else value for value in plain if value is not None]


def values_of(override: Override) -> list[Any]:
    value = override.value()
    if isinstance(value, Glob):  # over options that there are
        return []
    if isinstance(value, IntervalSweep):  # of a search
        return [value.start, value.end]
    return list(override.sweep_iterator()) if override.is_sweep_override() else [value]


def check_range(override: Override) -> None:
    """Refuse a range of more values than anybody sweeps over, before they are made."""
    value = override.value()
    if isinstance(value, RangeSweep):
        start, stop = value.start or 0, value.stop or 0
        if not abs(stop - start) <= MOST_SWEPT * abs(value.step):
            raise ValueError("a range that is too long")


def shown(text: str) -> str:
    line = one_line(text[: 2 * SHOWN])
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."
