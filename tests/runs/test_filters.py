"""Which runs a filter means."""

import time
from dataclasses import replace

import pytest

from aa.errors import UserError
from aa.runs.filters import parse, select
from aa.runs.summary import read_run
from tests.runs.folders import make_run


@pytest.fixture
def runs(tmp_path):
    """A good training of a day ago, and a failed inference of now."""
    config = {"name": "puppets", "stage": {"learning_rate": 1e-4, "lr_scheduler": "cosine"}}
    good = read_run(make_run(tmp_path / "good", **config, flag=True, old_key=[1, 2]))
    bad = read_run(make_run(tmp_path / "bad", ends="failed", runner="infer", name="infer"))
    good, bad = replace(good, changed=time.time() - 86400), replace(bad, changed=time.time())
    vars(good)["size"], vars(bad)["size"] = 2_000_000_000, 1000
    return [good, bad]


@pytest.mark.parametrize(
    "text",
    [
        "state=done",
        "kind=train",
        "name=puppets",
        "stage.learning_rate=0.0001",
        "stage.learning_rate=1e-4",
        "stage.learning_rate<2e-4",
        "stage.lr_scheduler=cosine",
        "flag=true",
        "old_key=[1,2]",
        "age>1h",
        "size>1.5GB",
    ],
)
def test_a_filter_selects_the_runs_it_holds_for(text, runs):
    assert select(runs, parse([text], runs)) == runs[:1]


def test_several_filters_must_all_hold(runs):
    assert select(runs, parse(["state=failed", "kind=train"], runs)) == []
    assert select(runs, parse(["state=failed", "age<1h"], runs)) == runs[1:]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("learning_rate=1", "learning_rate: no such key; did you mean .*stage.learning_rate"),
        ("state=fine", "state is one of running, done"),
        ("age>7", "age wants a number and one of s, min, h, d, w"),
        ("size>1.2.3GB", "size wants a number"),
        ("failed", "a filter is key=value"),
    ],
)
def test_what_cannot_be_meant_is_an_error(text, line, runs):
    with pytest.raises(UserError, match=line):
        parse([text], runs)


def test_a_key_of_a_schema_is_known_without_a_run_that_has_it():
    assert select([], parse(["data.height=64"], [])) == []
