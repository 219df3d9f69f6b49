"""What has become of a run."""

import pytest

from aa.cli.task import Task
from aa.errors import UserError
from aa.files import write_json
from aa.runs.outcomes import read_outcome, state, write_outcome
from tests.full_disk import no_file_larger_than


def test_a_run_that_ended_by_itself_says_how(tmp_path):
    write_outcome(tmp_path, seconds=1.23456, error="no room", code=2)
    outcome = {"state": "failed", "error": "no room", "code": 2, "seconds": 1.235}
    assert read_outcome(tmp_path) == outcome
    assert state(tmp_path) == "failed"


def test_a_run_that_began_and_does_not_say_was_interrupted(tmp_path):
    assert state(tmp_path) == "waiting"
    (tmp_path / ".hydra").mkdir()
    assert state(tmp_path) == "interrupted"


def test_a_full_disk_is_said_by_the_file_that_was_not_written_and_leaves_no_half(tmp_path):
    with no_file_larger_than(0), pytest.raises(OSError, match=r"File too large: '.*/a\.json'"):
        write_json(tmp_path / "a.json", {})
    assert list(tmp_path.iterdir()) == []


def test_an_outcome_that_cannot_be_written_is_said_unless_the_run_has_failed(tmp_path):
    job = Task(lambda config, folder: None, object)
    job.folder = tmp_path
    with no_file_larger_than(0):
        job._keep_outcome("the disk is full", 1.0)
        with pytest.raises(UserError, match=r"outcome\.json: File too large"):
            job._keep_outcome(None, 1.0)
