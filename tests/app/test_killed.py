"""A queue comes to its end although its server is killed; `benchmarks/` kills more often."""

import random

import pytest

from benchmarks.app_kill_test import check, make_home, run_killed, starts


@pytest.mark.slow
def test_a_job_outlives_its_server_and_makes_the_frames_of_the_plain_command(tmp_path):
    home = make_home(tmp_path)
    rng = random.Random(3)
    killed = run_killed(home, jobs=2, kills=1, rng=rng, longest=2.0, preset="fast")
    check(home, killed=killed)
    assert starts(home) == {"000001": 1, "000002": 1}
