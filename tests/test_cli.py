"""Arguments, run folders, the shown config, this machine, and a run in two processes."""

import io
import json
import os
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.hydra_config import HydraConfig

from aa import cli, machine
from aa.arguments import check_arguments, normalise_overrides
from aa.config import HardwareConfig
from aa.errors import UserError
from aa.launch import GroupError, _fail, check_shared_folder, rank_overrides, wants_group

ROOT = Path(__file__).parents[1]


@pytest.fixture
def composed():
    """Function (overrides) -> a DictConfig of train.yaml, as inside a run."""

    def build(*overrides):
        cli.register_schemas()
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            config = hydra_compose("train", [*overrides], return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        config = config.copy()
        config._set_flag(["struct", "readonly"], [False, False])
        del config["hydra"]
        return config

    yield build
    HydraConfig.instance().cfg = None


@pytest.fixture
def as_rank(monkeypatch):
    """This process as the second of a launched group."""
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "2")
    monkeypatch.setenv("PADDLE_TRAINER_ID", "1")


@pytest.mark.parametrize(
    ("argument", "normal"),
    [
        ("stage=2", "stage='2'"),
        ("stage=1,2", "stage='1','2'"),
        ("stage=1, 2", "stage='1','2'"),
        ("stage=choice(1,2)", "stage='1','2'"),
        ("stage=range(1,3)", "stage='1','2'"),
        ("stage=sort(2,1)", "stage='1','2'"),
        ('stage="2"', 'stage="2"'),
        ("stage='1','2'", "stage='1','2'"),
        ("+stage=2", "stage='2'"),
        ("++stage=2", "stage='2'"),
        ("+experiment=smoke", "+experiment=smoke"),
        ("+hardware=cpu", "hardware=cpu"),
        ("hardware/sharding=1", "hardware/sharding='1'"),
        ("stage=null", "stage='null'"),
    ],
)
def test_an_option_may_be_named_by_a_number(argument, normal):
    assert normalise_overrides([argument]) == [normal]


@pytest.mark.parametrize(
    "argument", ["seed=2", "stage.max_steps=3", "-m", "~stage", "stage", "stage=[", "x.stage=2"]
)
def test_other_arguments_stay_as_they_are(argument):
    assert normalise_overrides([argument]) == [argument]


def test_options_may_stand_between_overrides():
    arguments, starts = check_arguments(["stage=1", "-m", "seed=1,2", "--config-dir", "mine"])
    assert arguments == ["-m", "--config-dir", "mine", "stage=1", "seed=1,2"]
    assert starts


def test_a_question_starts_no_run():
    assert check_arguments(["--cfg", "job"]) == (["--cfg", "job"], False)


def test_a_run_folder_that_exists_is_another_runs(tmp_path):
    wanted = str(tmp_path / "12-00-00_stage1")
    made = [cli.make_folder.__wrapped__(wanted) for _ in range(3)]
    assert made == [wanted, f"{wanted}-2", f"{wanted}-3"]
    assert all(os.path.isdir(folder) for folder in made)


def test_one_run_asks_for_its_folder_as_often_as_it_likes(tmp_path):
    wanted = str(tmp_path / "run")
    assert cli.make_folder(wanted) == cli.make_folder(wanted) == wanted


def test_the_folder_of_a_sweeps_job_says_what_sets_it_apart(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "-m", "model=parity", "stage='1','2'"])
    assert cli.job_folder(["model=parity", "stage='2'"]) == "stage-2"
    assert cli.job_folder(["model=parity"]) == "model-parity"
    assert cli.job_folder(["stage.init_from=a/b c"]) == "stage.init_from-a_b_c"


def test_the_tree_shows_values_as_they_are_typed(composed):
    config = composed("data=puppets", "stage='1'", "name='[bold] [1, 2]'")
    shown = io.StringIO()
    with redirect_stdout(shown):
        cli.print_tree(config)
    lines = [line.lstrip("│├└─ ").rstrip() for line in shown.getvalue().splitlines()]
    assert "stage=1" in lines
    assert "num_frames                   1" in lines
    assert "manifest       null" in lines
    assert "skip_bad       false" in lines
    assert any(re.fullmatch(r"name +\[bold\] \[1, 2\]", line) for line in lines)
    patterns = ["denoising_unet.*", "pose_guider.*", "reference_unet.*"]
    patterns += ["!reference_unet.up_blocks.3.*"]
    assert f"trainable                    {json.dumps(patterns)}" in lines


def test_processes_share_the_cores(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    alone = machine.thread_settings(HardwareConfig(device="cpu"))
    shared = machine.thread_settings(HardwareConfig(device="cpu", devices=4))
    chosen = machine.thread_settings(HardwareConfig(device="cpu", num_threads=3))
    assert [s["OMP_NUM_THREADS"] for s in (alone, shared, chosen)] == ["8", "2", "3"]


def test_more_devices_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(machine, "count_gpus", lambda: 2)
    machine.check_device(HardwareConfig(device="gpu", devices=2))
    with pytest.raises(UserError, match=r"hardware.devices=4: this machine shows 2 GPUs; use "):
        machine.check_device(HardwareConfig(device="gpu", devices=4))


def test_hidden_gpus_do_not_count(monkeypatch):
    cards = [Path("/dev/nvidia0"), Path("/dev/nvidia1"), Path("/dev/nvidiactl")]
    monkeypatch.setattr(Path, "glob", lambda self, pattern: cards)
    counts = []
    for visible in ("all", "0,1", "1", "", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        counts.append(machine.count_gpus())
    assert counts == [2, 2, 1, 0, 0]


def test_only_the_first_command_starts_a_group(as_rank, monkeypatch):
    assert not wants_group(HardwareConfig(device="cpu", devices=2))
    monkeypatch.delenv("PADDLE_TRAINERS_NUM")
    assert wants_group(HardwareConfig(device="cpu", devices=2))
    assert not wants_group(HardwareConfig(device="cpu", devices=1))


def test_ranks_started_by_hand_must_share_a_run_folder(as_rank):
    check_shared_folder(["stage=1", "hydra.run.dir=here"], "2 processes")
    with pytest.raises(UserError, match=r"2 processes need one run folder: add hydra.run.dir="):
        check_shared_folder(["stage=1"], "2 processes")


def test_ranks_repeat_the_job_in_its_folder(composed):
    composed("stage='1'", "seed=7", "hydra.run.dir=old", "hydra.job.name=x")
    assert rank_overrides("out/it's,1") == [
        "hydra.job.name=x",
        "stage='1'",
        "seed=7",
        "hydra.run.dir='out/it\\'s,1'",
        "hydra.output_subdir=null",
    ]


def test_a_failing_rank_speaks_for_its_group(tmp_path):
    (tmp_path / "workerlog.0").write_text("step 1\nTerminated\n")
    (tmp_path / "workerlog.1").write_text("Traceback ...\nMemoryError: 3 GB\nbye\n")
    with pytest.raises(
        GroupError, match=r"MemoryError: 3 GB; the processes' output is in"
    ) as error:
        _fail(tmp_path, code=241)
    assert error.value.code == 1
    (tmp_path / "workerlog.1").write_text("error: clip 3 is short.\n")
    with pytest.raises(UserError, match=r"^clip 3 is short\.$"):
        _fail(tmp_path, code=2)
