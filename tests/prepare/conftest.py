"""A data set that is made in this process, by the detector that knows the truth."""

import pytest

from aa.prepare.attempts import here
from aa.prepare.run import prepare
from tests.prepare.videos import SMALL, detect


@pytest.fixture
def make(compose, tmp_path):
    """Function (source, target, overrides) -> the target, made."""

    def build(source, target=None, *overrides, engine=here):
        return made(compose, tmp_path, source, target, *overrides, engine=engine)

    return build


def made(compose, home, source, target=None, *overrides, engine=here):
    """Make a data set, by default `home/set`."""
    target = target or home / "set"
    given = [f"source={source}", f"target={target}", *SMALL, *overrides]
    run = home / "run"
    run.mkdir(exist_ok=True)
    (run / "snapshot.json").unlink(missing_ok=True)
    prepare(compose("prepare", given), run, engine=engine, detect=detect)
    return target
