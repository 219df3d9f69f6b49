"""Records of a run folder are what their readers expect, or one line names the file."""

import json
import os

import pytest

from aa.runs.kinds import HydraFile, Job, Outcome, Overrides, Snapshot
from aa.runs.reading import RecordError, find_record, read_record, read_yaml_record
from aa.runs.tolerant import TolerantReader


@pytest.fixture
def outcome(tmp_path):
    """Function (content of outcome.json, as text or plain values) -> the line that refuses it."""

    def refuse(content):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "outcome.json").write_text(text)
        with pytest.raises(RecordError) as caught:
            read_record(tmp_path, "outcome.json", Outcome)
        return str(caught.value)

    return refuse


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"state": ["done"]}, "Expected `str`, got `array` - at `$.state`"),
        ({"code": 10**400}, "at `$.code`"),
        ({"state": "x" * 1001}, "Expected `str` of length <= 1000"),
        ([], "Expected `object`, got `array`"),
        ("{", "Expecting property name"),
        ("", "it is empty"),
        ("\0" * 50, "it holds zero bytes only"),
        ("[" * 100_000, "nested too deeply"),
        (f"{{{'[],' * 600_000}", "it holds 1200001 values"),
    ],
)
def test_what_is_no_outcome_is_one_line_that_names_the_file(outcome, tmp_path, content, reason):
    line = outcome(content)
    assert line.startswith(f"{tmp_path}/outcome.json: cannot be read as what a run writes (")
    assert reason in line and "\n" not in line


def test_a_record_without_a_file_is_none(tmp_path):
    assert find_record(tmp_path, "outcome.json", Outcome) is None


def test_halves_of_characters_become_question_marks(tmp_path):
    (tmp_path / "snapshot.json").write_text(r'{"command": ["a\udcff", "\ud83d\ude00"]}')
    assert read_record(tmp_path, "snapshot.json", Snapshot) == {"command": ["a?", "😀"]}


def test_unknown_keys_are_not_read(tmp_path):
    (tmp_path / "job.json").write_text('{"number": 3, "later": {"a": []}}')
    assert read_record(tmp_path, "job.json", Job) == {"number": 3}


@pytest.mark.parametrize("id", ["1; ls", "--help", "../x"])
def test_a_job_of_slurm_has_a_number(tmp_path, id):
    (tmp_path / "job.json").write_text(json.dumps({"queued": id}))
    with pytest.raises(RecordError, match="queued"):
        read_record(tmp_path, "job.json", Job)


def linked(run, outside):
    (run / "outcome.json").symlink_to(outside)


def piped(run, outside):
    os.mkfifo(run / "outcome.json")


def a_folder(run, outside):
    (run / "outcome.json").mkdir()


def endless(run, outside):
    (run / "outcome.json").symlink_to("/dev/zero")


@pytest.mark.parametrize("place", [linked, piped, a_folder, endless])
def test_only_a_plain_file_of_the_folder_is_read(tmp_path, place):
    (tmp_path / "outside.json").write_text('{"state": "done"}')
    (tmp_path / "run").mkdir()
    place(tmp_path / "run", tmp_path / "outside.json")
    with pytest.raises(RecordError, match=r"outcome\.json: (is a link to|that is)"):
        read_record(tmp_path / "run", "outcome.json", Outcome)


def test_a_folder_on_the_way_may_be_no_link(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "snapshot.json").write_text("{}")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "stage1").symlink_to(tmp_path / "outside")
    with pytest.raises(RecordError, match="stage1: is a link to"):
        read_record(tmp_path / "run", "stage1/snapshot.json", Snapshot)


def test_the_run_folder_itself_may_be_reached_by_a_link(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "outcome.json").write_text('{"state": "done"}')
    (tmp_path / "latest").symlink_to("run")
    assert read_record(tmp_path / "latest", "outcome.json", Outcome) == {"state": "done"}


def test_overrides_are_texts(tmp_path):
    (tmp_path / "overrides.yaml").write_text("- a=1\n- [b]\n")
    with pytest.raises(RecordError, match=r"Expected `str`, got `array` - at `\$\[1\]`"):
        read_yaml_record(tmp_path, "overrides.yaml", Overrides)


def test_hydras_file_is_read_as_far_as_it_matters(tmp_path):
    (tmp_path / "hydra.yaml").write_text("hydra: {overrides: {hydra: [a], task: []}, verbose: no}")
    found = read_yaml_record(tmp_path, "hydra.yaml", HydraFile)
    assert found == {"hydra": {"overrides": {"hydra": ["a"], "task": []}}}


def test_a_tolerant_reader_goes_on_and_tells(tmp_path):
    (tmp_path / "outcome.json").write_text("{")
    (tmp_path / "job.json").write_text('{"number": 1}')
    reader = TolerantReader(tmp_path)
    found = reader.json("outcome.json", Outcome), reader.json("job.json", Job)
    assert found == (None, {"number": 1})
    assert len(reader.troubles) == 1 and "outcome.json" in reader.troubles[0]
