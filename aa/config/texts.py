"""Values of keys that hold a text, taken as they were typed.

Hydra's grammar reads 2024_06 as the number 202406, 1e3 as 1000.0 and nan as no number, takes a
comma for several values and refuses ~ and brackets: folders have such names.
"""

import os
import re
import shlex
from typing import Any

from hydra.conf import HydraConf
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Quote, QuotedString
from hydra.errors import HydraException

from aa.config.app import AppConfig
from aa.config.evaluation import EvaluateConfig
from aa.config.export import ExportConfig
from aa.config.keys import PATHS, known_keys, text_keys
from aa.config.prepare import PrepareConfig
from aa.config.primary import InferConfig, TrainConfig

SCHEMAS = (TrainConfig, InferConfig, EvaluateConfig, PrepareConfig, ExportConfig, AppConfig)
KEYS = {key for schema in SCHEMAS for key in known_keys(schema)}
TEXTS = {key for schema in SCHEMAS for key in text_keys(schema)} | {*text_keys(HydraConf, "hydra.")}
ASSIGNMENT = re.compile(r"(\+{0,2}([\w.]+)=)(.*)", re.DOTALL)
QUOTED_OR_PLAIN = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^,()\[\]'\"]+")
HOME = re.compile(r"(?:(?<=^)|(?<=,))~[^,/]*")  # of every value of a sweep


def as_typed(argument: str) -> str:
    """An argument, its value quoted where Hydra would read another text, or none, out of it.

    The home folder is put in for a ~ that a path begins with: no shell does so after `key=`.
    """
    match = ASSIGNMENT.fullmatch(argument)
    if not match or match[2] not in TEXTS:
        return argument
    start, key, value = match.groups()
    if key in PATHS:
        value = HOME.sub(lambda home: os.path.expanduser(home[0]), value)
    return start + _quoted_where_needed(value)


def plain(value: str) -> str:
    """The one text that a value of an argument stands for, without quotes."""
    read = _read(value)
    if isinstance(read, QuotedString):
        return read.text
    return read if isinstance(read, str) else value


def quoted(text: str) -> str:
    """A text as Hydra reads it back, whatever is in it."""
    return QuotedString(text=text, quote=Quote.single).with_quotes()


def literal(value: Any) -> str:
    """A plain value as an override writes it; a ${...} in it stays a text."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return quoted(re.sub(r"\\*\$\{", lambda m: "\\" * (2 * len(m[0]) - 3) + "${", value))
    if isinstance(value, list):
        return f"[{','.join(map(literal, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{literal(v)}" for key, v in value.items()) + "}"
    return repr(value)


def for_the_shell(key: str, text: str) -> str:
    """An assignment to be typed: quotes for Hydra inside quotes for the shell."""
    argument = f"{key}={quoted(text)}"
    return shlex.quote(argument) if re.search(r'["$`\\!]', argument) else f'"{argument}"'


def _quoted_where_needed(value: str) -> str:
    read = _read(value)
    if isinstance(read, HydraException) and "," not in value:
        return quoted(value)
    if _is_number(read):
        return quoted(value.strip())
    if isinstance(read, HydraException):
        pieces = QUOTED_OR_PLAIN.sub(_quoted_piece, value)
        return value if isinstance(_read(pieces), HydraException) else pieces
    if isinstance(read, ChoiceSweep) and any(map(_is_number, read.list)):
        return QUOTED_OR_PLAIN.sub(_quoted_piece, value)
    return value


def _quoted_piece(match: re.Match[str]) -> str:
    """One value of a sweep, quoted where Hydra reads a number or nothing out of it."""
    read = _read(match[0])
    needed = _is_number(read) or isinstance(read, HydraException)
    return quoted(match[0].strip()) if needed else match[0]


def _read(value: str) -> Any:
    """Read a value as Hydra does, or return the error that it raises."""
    try:
        return OverridesParser.create().parse_override(f"key={value}").value()
    except HydraException as error:
        return error


def _is_number(read: object) -> bool:
    return isinstance(read, bool | int | float)
