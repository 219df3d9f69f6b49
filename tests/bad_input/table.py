"""docs/bad_input.md: every case and the line that a user reads. `--write` writes it anew.

python tests/bad_input/table.py --write
"""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from tests.bad_input.case import CASES, new_folder  # noqa: E402 after the path is set

TABLE = ROOT / "docs" / "bad_input.md"
MODULES = (
    "runs",
    "configs",
    "programs",
    "archives",
    "folders",
    "videos",
    "pictures",
    "poses",
    "lists",
)
OPENING = """\
# Bad input

What was tried, and the one line that each gives. The exit code is 2, nothing is written but the
run's config and log, and no code of a file runs. A file costs at most four times its size and 64 MB
of memory (a picture: see `aa/data/pictures.py`), and a small one two seconds. Pickles are read by a
reader that knows tensors only and counts what it makes.
A message names the key or the file, what was found and what to do; characters that would steer a
terminal are shown as `\\x1b`, and of a very long message start and end.

A test makes every one of these inputs and compares the message with this page
(`tests/bad_input/`). Written by `python tests/bad_input/table.py --write`; files are called by
neutral names and lie in `/data`.
"""


def load_cases():
    """All cases, in the order of the page."""
    for module in MODULES:
        importlib.import_module(f"tests.bad_input.{module}")
    modules = [f"tests.bad_input.{module}" for module in MODULES]
    return sorted(CASES, key=lambda case: modules.index(case.prepare.__module__))


def render(lines):
    """The page of {name: line}."""
    text, kind = OPENING, None
    for case in load_cases():
        if case.kind != kind:
            kind = case.kind
            text += f"\n## {kind}\n\n| what | message |\n|---|---|\n"
        text += f"| {case.name} | {_cell(lines[case.name])} |\n"
    return text


def read_table():
    """{name: cell} of the page as it is."""
    rows = [line for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    cells = [row.removeprefix("| ").removesuffix(" |").split(" | ", 1) for row in rows]
    return {name: cell for name, cell in cells if name != "what"}


def cell(line):
    """A message as it stands in the table: as code, whose marks are none of markdown's."""
    return _cell(line)


def _cell(line):
    fence = "``" if "`" in line else "`"
    line = line.replace("|", "\\|")
    return f"{fence} {line} {fence}" if fence == "``" else f"`{line}`"


def main():
    """Try every case and write the page."""
    lines = {}
    for case in load_cases():
        with new_folder() as folder:
            lines[case.name] = case.line(folder)
        print(f"{case.name}: {lines[case.name]}")
    if sys.argv[1:] == ["--write"]:
        TABLE.write_text(render(lines))


if __name__ == "__main__":
    main()
