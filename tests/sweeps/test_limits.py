"""A time limit that a job comes to again and again."""

import json

import pytest

from aa.runs.outcomes import read_outcome
from aa.sweeps.limits import EVER, TimeLimit
from aa.sweeps.sweep import Sweep

HOUR = TimeLimit(minutes=60, most=EVER)


@pytest.fixture
def come_to(tmp_path):
    """Function (limit, last step) -> the error of a job that has come to it, None as it goes on.

    It has begun anew before, unless `again` is false.
    """
    folder = tmp_path / "0_a"
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps({"number": 0}))
    sweep = Sweep(**(dict.fromkeys(Sweep.__dataclass_fields__) | {"folder": str(tmp_path)}))

    def note(limit, step, *, again=True):
        if again:
            sweep.note(folder.name, counted=False)
        (folder / f"checkpoints/step-{step:06}").mkdir(parents=True, exist_ok=True)
        limit.note(sweep, folder)
        return (read_outcome(folder) or {}).get("error")

    return note


def test_a_job_that_gets_on_may_come_to_its_limit_as_often_as_it_likes(come_to):
    assert [come_to(HOUR, step) for step in range(1, 9)] == [None] * 8


def test_a_job_that_gets_nowhere_between_two_limits_has_failed(come_to):
    assert [come_to(HOUR, step) for step in (1, 2)] == [None, None]
    assert come_to(HOUR, 2) == (
        "saved no new step between two time limits of 60 minutes; give it more: "
        "hydra.launcher.timeout_min=120."
    )


def test_a_limit_that_the_job_and_the_waiting_command_see_is_one(come_to):
    assert come_to(HOUR, 1) is None
    assert come_to(HOUR, 1, again=False) is None
    assert come_to(HOUR, 1) is not None


def test_a_job_has_another_try_when_it_is_given_more_time(come_to):
    assert come_to(HOUR, 1) is None
    assert come_to(TimeLimit(minutes=90, most=EVER), 1) is None


def test_a_job_is_queued_again_as_often_as_is_said(come_to):
    twice = TimeLimit(minutes=60, most=1)
    assert come_to(twice, 1) is None
    assert come_to(twice, 2) == (
        "was not done after 2 times 60 minutes, and hydra.launcher.max_num_timeout=1; give it "
        "more: hydra.launcher.timeout_min=120."
    )


def test_a_warning_for_priority_is_no_time_limit():
    assert not HOUR.has_come()
    assert not TimeLimit.of({}).has_come()
    assert TimeLimit.of({"timeout_min": 1, "signal_delay_s": 20}).has_come()
