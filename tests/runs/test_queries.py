"""Runs in an order."""

import pytest

from aa.errors import UserError
from aa.runs.listing import list_runs
from aa.runs.queries import parse_query
from tests.runs.folders import make_run


@pytest.fixture
def runs(tmp_path):
    """a, b and c with their losses, scores and rates; d has none yet."""
    values = {"a": (0.3, 20.0, 1e-4), "b": (0.1, 30.0, 1e-5), "c": (0.2, 25.0, 1e-3)}
    for name, (loss, psnr, rate) in values.items():
        line = {"step": 1, "val/loss": loss, "val/psnr": psnr}
        make_run(tmp_path / name, lines=[line], stage={"learning_rate": rate})
    make_run(tmp_path / "d")
    return list_runs(tmp_path)


def names(runs, *words):
    return "".join(run.folder.name for run in parse_query(words, runs).runs(runs))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sort=val/loss"], "bcad"),
        (["sort=val/psnr"], "bcad"),  # more of it is better
        (["sort=-val/loss"], "acbd"),
        (["sort=stage.learning_rate"], "bacd"),
        (["val/loss<0.25", "sort=val/psnr"], "bc"),
        (["val/psnr>20", "sort=-stage.learning_rate", "limit=1"], "c"),
        (["val/loss=0.3"], "a"),
    ],
)
def test_runs_come_in_the_order_of_a_key(words, expected, runs):
    assert names(runs, *words) == expected


def test_words_before_and_after_numbers_do_not_fail(runs):
    assert sorted(names(runs, "sort=state")) == list("abcd")


def test_the_metrics_that_are_named_are_known(runs):
    assert parse_query(["val/loss<1", "sort=val/psnr"], runs).metrics == ["val/psnr", "val/loss"]


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("sort=val/los", "val/los: no such key"),
        ("sort=", ": no such key"),
        ("limit=0", "whole number from 1 on"),
        ("val/loss<small", "val/loss wants a number"),
        ("nothing/loss<1", "nothing/loss: no such key"),
    ],
)
def test_what_cannot_be_meant_is_an_error(word, line, runs):
    with pytest.raises(UserError, match=line):
        parse_query([word], runs)


def test_a_word_that_counts_once_is_given_once(runs):
    with pytest.raises(UserError, match="give limit= once"):
        parse_query(["limit=1", "limit=2"], runs)
