"""A stage and a GPU of one's own: one yaml each, in a folder beside the checkout."""

import json

import numpy as np
import pytest
import yaml

from aa.runs.layout import list_checkpoints
from aa.weights.folders import open_folder
from aa.weights.models import read_component
from tests.commands import run_here, run_light
from tests.conftest import TINY_MODEL

STAGE = """\
defaults: ["1"]
trainable: ["reference_unet.*"]
"""
CARD = """\
defaults: [a100]
memory_gb: 47.5
peak_tflops: { bfloat16: 362, float32: 91 }
bandwidth_gb: 864
"""
OWN = ["--config-dir=mine", "stage=reference_only"]
QUICK = ["stage.max_steps=2", "stage.save_steps=1", "stage.log_steps=1", "stage.init_from=null"]


@pytest.fixture
def home(tmp_path):
    """A folder of a user: his configs are in `mine`."""
    for group, name, text in (("stage", "reference_only", STAGE), ("hardware", "l40s", CARD)):
        (tmp_path / "mine" / group).mkdir(parents=True)
        (tmp_path / "mine" / group / f"{name}.yaml").write_text(text)
    return tmp_path


def shown(home, *overrides):
    """The config of a command."""
    done = run_light(home, "train", "--cfg", "job", *OWN, *overrides)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def test_a_stage_is_one_file(home):
    config = shown(home)
    assert config["stage"]["trainable"] == ["reference_unet.*"]
    assert config["stage"]["max_steps"] == 30000


def test_a_gpu_is_one_file(home):
    hardware = shown(home, "hardware=l40s")["hardware"]
    assert (hardware["memory_gb"], hardware["bandwidth_gb"]) == (47.5, 864)
    assert (hardware["device"], hardware["sharding"]["level"]) == ("gpu", "none")


def test_both_are_counted_by_a_plan(home):
    done = run_here(home, "train", *OWN, *TINY_MODEL, "data=puppets", "hardware=l40s", "plan=true")
    assert done.returncode == 0, done.stderr
    assert "it fits" in done.stdout and "47.5" in done.stdout


@pytest.mark.parametrize("recompute", ["false", "true"])
def test_such_a_stage_trains_the_reference_network_alone(home, puppets, recompute):
    given = [*TINY_MODEL, *puppets, "hardware=cpu", f"hardware.recompute={recompute}", *QUICK]
    done = run_here(home, "train", *OWN, *given, "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (home / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    assert all(line["grad_norm"] > 0 for line in lines)
    first, second = (open_folder(step) for step in list_checkpoints(home / "run"))
    assert changed("reference_unet", first, second)
    assert not changed("denoising_unet", first, second)
    assert not changed("pose_guider", first, second)


def changed(component, *folders):
    """Whether a network has other weights in another folder."""
    one, two = (read_component(component, folder.sources[component]) for folder in folders)
    return any(not np.array_equal(one[key], two[key]) for key in one)
