"""Tables and JSON on standard output: words of anybody's files steer no terminal."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from aa.cli.tree import WIDE
from aa.plain import printable

RIGHT = ("age", "size")  # columns of numbers with units


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    colours: Mapping[Any, str] | None = None,
) -> None:
    """Print rows of cells; lines may be longer than the terminal is wide.

    Args:
        columns: titles.
        rows: as many cells each as there are columns; the last column is as long as it is.
        colours: {content of a cell: style}.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=True, justify="right" if name in RIGHT else "left")
    for row in rows:
        table.add_row(*(cell(value, (colours or {}).get(value, "")) for value in row))
    console().print(table, soft_wrap=True)


def print_line(text: object) -> None:
    """Print a line as it is, however wide the terminal."""
    console().print(printable(text), soft_wrap=True)


def print_json(values: Any) -> None:
    """Print plain values as JSON in ASCII; what is no finite number is null."""
    text = json.dumps(_finite(values), indent=1, default=str, allow_nan=False)
    print(text.replace("\x7f", "\\u007f"), flush=True)


def console() -> Console:
    """A console that takes no word of ours for a style and cuts no line."""
    return Console(highlight=False, markup=False, emoji=False, width=WIDE)


def cell(text: object, style: str = "") -> Text:
    """A cell whose text is shown as it is: rich takes brackets in a plain one for styles."""
    return Text(printable(text), style=style)


def _finite(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {str(key): _finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return None
    return values
