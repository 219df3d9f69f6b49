"""Lines of metrics.jsonl: those that are damaged are told, the others are read."""

import logging

import pytest

from aa.runs.lines import read_lines, read_records
from aa.runs.reading import RecordError
from aa.runs.records import Recorder

LINE = '{"step": 1, "loss": 0.5}\n'


def read(folder, content):
    """(the steps of a file, what is wrong with it)."""
    (folder / "metrics.jsonl").write_bytes(content.encode())
    told = []
    return [r["step"] for _, r in read_lines(folder, "metrics.jsonl", told.append)], told


@pytest.mark.parametrize(
    ("content", "steps", "told"),
    [
        (LINE, [1], ""),
        (LINE + '{"step": 2', [1], ""),  # being written
        (LINE + "\0" * 300, [1], "line 2 is no record"),
        (LINE + "\0\n" + LINE, [1, 1], "line 2 is no record"),
        (LINE + "[]\n{}\n" + LINE, [1, 1], "2 lines are no records, from line 2 on"),
        (LINE + "x" * 200_000 + "\n" + LINE, [1, 1], "line 2 is no record"),
        (LINE + '{"step": "2"}\n', [1], "line 2 is no record"),
        (LINE + "[" * 5000 + "\n", [1], "line 2 is no record"),
        (LINE + f'{{"step": {10**400}}}\n', [1], "line 2 is no record"),
    ],
)
def test_a_damaged_line_is_told_and_left_out(tmp_path, content, steps, told):
    found, lines = read(tmp_path, content)
    assert found == steps
    assert [told] * bool(told) == [line.partition(": ")[2] for line in lines]


def test_where_every_line_counts_a_damaged_one_is_an_error(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(LINE + "x\n")
    with pytest.raises(RecordError, match=r"metrics\.jsonl: line 2 is no record"):
        read_records(tmp_path / "metrics.jsonl")


@pytest.mark.parametrize("tail", ["\0" * 4096, '{"step": 3, "lo', '{"step": 3, "lo\0\0\0'])
def test_what_a_power_cut_leaves_is_dropped_when_a_run_goes_on(tmp_path, caplog, tail):
    whole = LINE + LINE.replace("1", "2")
    (tmp_path / "metrics.jsonl").write_text(whole + tail)
    with caplog.at_level(logging.WARNING):
        Recorder(tmp_path, step=2).close()
    assert (tmp_path / "metrics.jsonl").read_text() == whole
    told = [r.getMessage() for r in caplog.records]
    assert len(told) == ("\0" in tail)
    assert all("What came after step 2 is recorded again" in line for line in told)


def test_a_file_of_visualdl_that_asks_for_more_than_it_has_ends_there(tmp_path):
    Recorder(tmp_path).close()
    (file,) = (tmp_path / "vdl").iterdir()
    file.write_bytes(file.read_bytes() + (2**60).to_bytes(8, "little") + b"x")
    Recorder(tmp_path).close()  # no MemoryError
