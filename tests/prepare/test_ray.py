"""`engine=ray`: the same data set by Ray's tasks."""

import os
import signal
import sys

import pytest

from aa.errors import UserError
from aa.prepare.over_ray import OverRay
from tests.prepare.test_workers import contents, double_or_die
from tests.prepare.videos import puppet, save


def test_without_ray_a_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"engine=ray needs Ray: pip install .*engine=local"):
        OverRay(None, 2)


@pytest.fixture(scope="module")
def over_ray():
    ray = pytest.importorskip("ray")
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    yield OverRay(None, 2)
    ray.shutdown()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.slow
def test_ray_makes_the_same_data_set(over_ray, make, tmp_path):
    for seed in range(2):
        save(tmp_path / f"raw/{seed}.mp4", *puppet(seed, 24))
    (tmp_path / "raw/broken.mp4").write_bytes(b"no video")
    here = contents(make(tmp_path / "raw", tmp_path / "set"))
    (tmp_path / "set").rename(tmp_path / "calm")
    assert contents(make(tmp_path / "raw", tmp_path / "set", engine=over_ray)) == here


@pytest.mark.slow
def test_a_job_that_kills_its_process_is_lost_with_ray_too(over_ray):
    done = dict(over_ray(double_or_die, range(8)))
    results = [done[number].result for number in range(8)]
    assert results == [0, 2, 4, None, 8, None, 12, 14]
    assert done[5].lost == "ValueError: five"
