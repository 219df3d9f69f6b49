"""`rerun=<run folder>` makes the config of that run again, whatever conf/ says now."""

import json
import os
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from aa.cli.recorded import literal
from aa.cli.rerun import rerun_arguments
from aa.cli.resolvers import register_schemas
from aa.config.convert import to_dict
from aa.config.overrides import check_arguments
from aa.config.primary import TrainConfig
from aa.errors import UserError

RUNNER = Path(__file__).parents[2] / "runners" / "train.py"
STARTED = ["model=parity", "data=puppets", "name=train", "stage.max_steps=7"]


@pytest.fixture
def run(compose, tmp_path, monkeypatch):
    """Function (changed values of its config, overrides) -> the folder of a run of `STARTED`."""
    monkeypatch.chdir(tmp_path)

    def build(changed=(), *, overrides=STARTED, options=(), runner="train.py", **more):
        folder = tmp_path / "run"
        (folder / ".hydra").mkdir(parents=True)
        (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump([*overrides]))
        own = {"hydra": {"overrides": {"hydra": ["hydra.run.dir=run", "hydra.verbose=false"]}}}
        (folder / ".hydra" / "hydra.yaml").write_text(yaml.safe_dump(own))
        config = to_dict(compose("train", STARTED))
        for key, value in dict(changed).items():
            *groups, last = key.split(".")
            group = config
            for name in groups:
                group = group[name]
            group[last] = value
        snapshot = {
            "config": config,
            "command": ["python", f"runners/{runner}", *options, *overrides],
            "working_directory": os.getcwd(),
            "git": {"commit": "0123456789abcdef", "diff": ""},
            **more,
        }
        (folder / "snapshot.json").write_text(json.dumps(snapshot))
        return folder

    return build


def rerun(folder, *given):
    """The arguments that `rerun=folder` and those given beside it stand for."""
    register_schemas()
    arguments, _ = check_arguments([f"rerun={folder}", *given])
    return rerun_arguments(arguments, TrainConfig, runner=RUNNER)


def refused(folder, *given):
    with pytest.raises(UserError) as caught:
        rerun(folder, *given)
    return str(caught.value)


def test_a_rerun_takes_the_overrides_of_the_run_then_those_given(run, capsys):
    folder = run()
    arguments = rerun(folder, "stage.max_steps=9", "rerun_check=true", "hydra.run.dir=there")
    given = ["stage.max_steps=9", "rerun_check=true", "hydra.run.dir=there"]
    assert arguments == [*STARTED, *given, f"rerun='{folder}'"]
    assert capsys.readouterr().err == "changed: stage.max_steps=9\n"


def test_a_rerun_of_a_rerun_or_of_a_resumed_run_forgets_what_that_one_repeated(run):
    folder = run(overrides=[*STARTED, "rerun=older", "+rerun_check=true", "resume='run'"])
    assert rerun(folder) == [*STARTED, f"rerun='{folder}'"]


def test_a_value_that_conf_says_differently_now_stays_the_runs(run, compose, capsys):
    arguments = rerun(run({"stage.learning_rate": 3e-5}))
    assert arguments[-2] == "stage.learning_rate=3e-05"
    assert capsys.readouterr().err == (
        "conf differs: stage.learning_rate composes to 1e-05 now; the run's 3e-05 is used\n"
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stage.trainable", ["denoising_unet.*", "!denoising_unet.conv_in.*"]),
        ("data.generate", None),
        ("data.folder", "it's, {here}"),
        ("stage.ema_decay", 0.5),
        ("data.skip_bad", True),
        ("stage.snr_gamma", None),
    ],
)
def test_values_of_every_kind_come_back_as_they_were(run, compose, key, value):
    source = {"data.generate": None, "data.folder": "clips"}  # data has one of them
    arguments = rerun(run({**(source if key in source else {}), key: value}))
    config = compose("train", [a for a in arguments if not a.startswith("hydra.")])
    for name in key.split("."):
        config = getattr(config, name)
    assert config == value


@pytest.mark.parametrize("value", ["", "a b", "it's", '"', "C:\\", "a\\'b", "1", "null", "[x]"])
def test_a_text_is_written_so_that_hydra_reads_it_back(value):
    read = OverridesParser.create().parse_override(f"key={literal(value)}").value()
    assert getattr(read, "text", read) == value


def test_a_key_that_is_no_more_is_refused_with_the_commit_to_use(run):
    line = refused(run({"stage.gone": 3, "older": "x"}))
    assert line.endswith(
        "its config has keys that are no more: stage.gone=3, older='x'. "
        "Use the code of that run, commit 0123456789ab."
    )


def test_a_group_that_is_null_now_is_refused_with_the_commit_to_use(run):
    line = refused(run({"test": {"num_pairs": 3}}))
    assert "test was a group of keys and composes to null now. Use the code of that run" in line


def test_an_option_that_is_no_more_is_refused_with_the_commit_to_use(run):
    line = refused(run(overrides=["+experiment=gone"]))
    assert "experiment=gone: no such option; there are" in line
    assert line.endswith("commit 0123456789ab.")


def test_a_key_that_is_new_is_said(run, capsys):
    folder = run()
    snapshot = json.loads((folder / "snapshot.json").read_text())
    del snapshot["config"]["stage"]["temporal_weight"]
    (folder / "snapshot.json").write_text(json.dumps(snapshot))
    rerun(folder)
    line = "conf differs: stage.temporal_weight is new since that run; 0.0 is used\n"
    assert capsys.readouterr().err == line


def test_another_working_directory_is_said(run, tmp_path, monkeypatch, capsys):
    folder = run()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    rerun(folder)
    assert f"the run's was {tmp_path}, this is {tmp_path}/elsewhere;" in capsys.readouterr().err


def test_options_come_before_all_overrides(run):
    folder = run()
    arguments = rerun(folder, "--cfg", "job", "-m", "seed=1,2")
    assert arguments[:4] == ["--cfg", "job", "-m", STARTED[0]]


@pytest.fixture
def of_mine(run, tmp_path):
    """The folder of a run of a stage of one's own, and its overrides."""
    (tmp_path / "mine" / "stage").mkdir(parents=True)
    (tmp_path / "mine" / "stage" / "mine.yaml").write_text("defaults: ['1']\nmax_steps: 7\n")
    started = [*STARTED[:3], "stage=mine"]
    return run(overrides=started, options=["--config-dir", "mine"]), started


def test_the_config_folder_of_the_run_has_to_be_given_again(of_mine, tmp_path):
    folder, _ = of_mine
    line = refused(folder)
    assert "was started with --config-dir=" in line
    assert line.endswith(f"give it again: rerun={folder} --config-dir={tmp_path / 'mine'}")


def test_a_config_folder_that_is_given_again_is_searched(of_mine):
    folder, started = of_mine
    assert rerun(folder, "--config-dir=mine")[1:-1] == started


def test_the_first_stage_of_a_recipe_has_its_config(run, compose):
    folder = run()
    (folder / "stage1").mkdir()
    (folder / "snapshot.json").rename(folder / "stage1" / "snapshot.json")
    assert rerun(folder)[:-1] == STARTED


def test_rerun_and_resume_together_are_refused(run):
    assert "give one of them" in refused(run(), "resume=run")


def test_the_runs_own_folder_is_not_used_again(run):
    assert "is the run to repeat; choose another folder" in refused(run(), "hydra.run.dir=run/")


def test_a_run_of_another_runner_names_the_right_one(run):
    assert "is a run of infer.py: python runners/infer.py rerun=" in refused(run(runner="infer.py"))


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    assert "no run to repeat: there is no " in refused(tmp_path)


def test_a_run_that_ended_before_its_snapshot_is_refused(run):
    folder = run()
    (folder / "snapshot.json").unlink()
    assert "holds no snapshot.json, which every run writes before its first" in refused(folder)
