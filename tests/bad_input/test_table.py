"""Every case of bad input gives the line that docs/bad_input.md says, soon and in little memory."""

import os

import pytest

from aa.errors import one_line
from tests.bad_input.table import TABLE, cell, load_cases, read_table, render

CASES = load_cases()
SECONDS = 30  # of a processor: a command that loads paddle takes ten
ADVICE = "run `python tests/bad_input/table.py --write` and read what has changed"


def processor_time():
    """Seconds that this process and those it has started have had, however busy the host is."""
    return sum(os.times()[:4])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_gives_the_line_that_the_table_says(case, tmp_path):
    start = processor_time()
    line = case.line(tmp_path)
    assert processor_time() - start < SECONDS
    assert line.isprintable()
    assert cell(line) == read_table().get(case.name), ADVICE


def test_the_page_has_these_cases_and_no_others():
    rows = render({case.name: "" for case in CASES}).splitlines()
    page = TABLE.read_text().splitlines()
    assert [row.split(" | ")[0] for row in page] == [row.split(" | ")[0] for row in rows], ADVICE


def test_a_message_is_one_line_that_leaves_the_terminal_alone_and_ends():
    line = one_line("a\n b\x1b[2J \ud800" + "c" * 10**6)
    assert line.startswith("a b\\x1b[2J \\ud800ccc")
    assert len(line) < 2100
