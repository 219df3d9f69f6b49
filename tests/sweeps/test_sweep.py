"""Which folder is which job's."""

import json

import pytest
from omegaconf import OmegaConf

from aa.sweeps.sweep import Sweep, plain_name


@pytest.fixture
def make_sweep_of(tmp_path):
    """Function swept keys -> a `Sweep` into `tmp_path`."""

    def make(*swept):
        return Sweep(
            folder=str(tmp_path),
            runner="/x/runners/train.py",
            options=[],
            arguments=[],
            command="",
            swept=list(swept),
            metric=None,
            direction=None,
            launcher="BasicLauncher",
            sweeper="basic",
            full_error=False,
            home=".",
            started=0.0,
        )

    return make


def config(**values):
    return OmegaConf.create({"seed": 1, "name": "a", "data": {"num_workers": 0}, **values})


def signature(of, overrides=(), **values):
    return of.describe(config(**values), overrides)[0]


def test_a_folder_says_the_number_and_what_is_swept(make_sweep_of):
    sweep = make_sweep_of("seed", "stage")
    given = ["name=a", "seed=1", "stage='2'"]
    assert sweep.claim(config(), given, 3) == "3_seed-1_stage-2"


def test_a_value_that_is_null_is_called_so(make_sweep_of):
    assert make_sweep_of("fit").claim(config(fit=None), ["fit=null"], 0) == "0_fit-null"


def test_a_job_has_the_folder_it_had_whatever_its_number(make_sweep_of, tmp_path):
    sweep = make_sweep_of("seed")
    (tmp_path / "0_seed-1").mkdir()
    job = {"number": 0, "signature": signature(sweep, ["seed=1"]), "asked": 0.0}
    (tmp_path / "0_seed-1/job.json").write_text(json.dumps(job))
    assert sweep.claim(config(), ["seed=1"], 5) == "0_seed-1"


def test_two_jobs_never_share_a_number(make_sweep_of):
    sweep = make_sweep_of("seed")
    assert sweep.claim(config(seed=1), ["seed=1"], 0) == "0_seed-1"
    assert sweep.claim(config(seed=2), ["seed=2"], 0) == "1_seed-2"
    assert sweep.claim(config(seed=1), ["seed=1"], 1) == "0_seed-1"


def test_what_changes_no_number_does_not_change_the_signature(make_sweep_of):
    sweep = make_sweep_of("seed")
    assert signature(sweep) == signature(sweep, name="b", data={"num_workers": 4})
    assert signature(sweep) == signature(sweep, sweep={"retries": 3})
    assert signature(sweep) != signature(sweep, seed=2)


def test_what_is_swept_sets_jobs_apart_though_it_changes_no_number(make_sweep_of):
    sweep = make_sweep_of("data.num_workers")
    two, four = (
        signature(sweep, [f"data.num_workers={n}"], data={"num_workers": n}) for n in (2, 4)
    )
    assert two != four


@pytest.mark.parametrize(
    ("text", "name"), [("stage.init_from-a/b c", "stage.init_from-a_b_c"), ("x-'a=b,c'", "x-a-b_c")]
)
def test_a_name_can_be_given_back_as_a_value(text, name):
    assert plain_name(text) == name
