"""What has become of a run."""

from aa.outcomes import read_outcome, state, write_outcome


def test_a_run_that_ended_by_itself_says_how(tmp_path):
    write_outcome(tmp_path, seconds=1.23456, error="no room", code=2)
    outcome = {"state": "failed", "error": "no room", "code": 2, "seconds": 1.235}
    assert read_outcome(tmp_path) == outcome
    assert state(tmp_path) == "failed"


def test_a_run_that_began_and_does_not_say_was_interrupted(tmp_path):
    assert state(tmp_path) == "waiting"
    (tmp_path / ".hydra").mkdir()
    assert state(tmp_path) == "interrupted"
