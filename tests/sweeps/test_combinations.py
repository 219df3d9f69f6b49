"""Which combinations of values become jobs."""

import pytest

from aa.errors import UserError
from aa.sweeps.combinations import combinations
from tests.sweeps.toys import Toy

SIZES = {"height": ["32", "64"], "rate": ["1e-4", "1e-3"], "width": ["48", "96"], "seed": ["1"]}


def jobs(paired=(), excluded=()):
    found = combinations(SIZES, paired=paired, excluded=excluded)
    return ["/".join(word.partition("=")[2] for word in job[:3]) for job in found]


def test_without_pairs_there_are_all_in_the_order_of_hydras_sweeper():
    assert len(jobs()) == 8
    assert jobs()[:3] == ["32/1e-4/48", "32/1e-4/96", "32/1e-3/48"]


def test_paired_keys_change_together():
    expected = ["32/1e-4/48", "32/1e-3/48", "64/1e-4/96", "64/1e-3/96"]
    assert jobs(["height", "width"]) == expected


def test_jobs_that_all_conditions_of_one_text_hold_for_are_left_out():
    paired = ["height", "width"]
    assert jobs(paired, ["height>32 rate=0.001"]) == ["32/1e-4/48", "32/1e-3/48", "64/1e-4/96"]
    assert jobs(paired, ["height=32", "rate<5e-4"]) == ["64/1e-3/96"]


@pytest.mark.parametrize(
    ("paired", "excluded", "line"),
    [
        (["height", "seed"], [], r"sweep.zip: seed is not swept; give it several values"),
        (["height", "other"], [], "sweep.zip: other is not swept"),
        ([], ["height"], r"sweep.exclude: height: a condition is key=value"),
        ([], ["heigt=32"], "sweep.exclude: heigt: no such key; did you mean .*height"),
        ([], [" "], "an empty condition would leave every job out"),
        ([], ["seed=1"], "sweep.exclude leaves none of 8 jobs"),
    ],
)
def test_what_cannot_be_meant_is_an_error(paired, excluded, line):
    with pytest.raises(UserError, match=line):
        jobs(paired, excluded)


def test_keys_with_different_counts_cannot_go_together():
    with pytest.raises(UserError, match="height has 2, rate has 3"):
        values = {"height": ["1", "2"], "rate": ["1", "2", "3"]}
        combinations(values, paired=["height", "rate"], excluded=[])


@pytest.mark.slow
def test_a_sweep_runs_its_pairs_and_goes_on_with_them(tmp_path):
    toy = Toy(tmp_path)
    asked = ["x=1,2,4", "seed=3,5,7", "y=a,b", "sweep.zip=[x,seed]"]
    code, _, errors = toy.sweep(*asked, 'sweep.exclude=["x>3 y=b"]')
    assert (code, errors) == (0, "")
    assert list(toy.outcomes()) == [
        "0_x-1_seed-3_y-a",
        "1_x-1_seed-3_y-b",
        "2_x-2_seed-5_y-a",
        "3_x-2_seed-5_y-b",
        "4_x-4_seed-7_y-a",
    ]
    assert toy.resume()[0] == 0
    assert set(toy.starts().values()) == {1}


def test_a_search_has_no_combinations(tmp_path):
    code, _, errors = Toy(tmp_path).sweep(
        "hydra/sweeper=optuna", "sweep.zip=[x,seed]", "x=interval(1,2)"
    )
    assert code == 2 and "hydra/sweeper=optuna makes none" in errors
