"""Whole trainings and animations on a card, as a user starts them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aa.data.video import VideoReader

ROOT = Path(__file__).parents[2]
COMMON = ["stage=1", "model=parity", "data=puppets", "data.height=96", "data.width=64"]
COMMON += ["data.generate.num_clips=3", "data.generate.num_frames=10", "data.num_workers=0"]
COMMON += ["stage.max_steps=4", "stage.save_steps=2", "stage.log_steps=1"]
CARDS = {"v100": 2e-2, "a100": 5e-2}  # float16 and bfloat16: how far losses may be off


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(folder):
    """Function (runner, overrides), to be run once each -> nothing; the run ends well."""

    def start(runner, *overrides):
        command = [sys.executable, ROOT / "runners" / f"{runner}.py", *overrides]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    return start


@pytest.fixture(scope="module")
def train(run):
    """Function (overrides) -> nothing; all start from the same weights, which a card draws anew."""
    run("train", *COMMON, "hardware=cpu", "hydra.run.dir=start", "stage.max_steps=1")
    return lambda *overrides: run("train", *COMMON, "stage.init_from=start", *overrides)


@pytest.fixture(scope="module")
def on_cpu(train, folder):
    """Losses of the CPU."""
    train("hardware=cpu", "hydra.run.dir=cpu")
    return losses(folder / "cpu")


def records(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def losses(folder):
    return [record["loss"] for record in records(folder)]


@pytest.mark.parametrize("card", CARDS)
def test_a_training_in_half_precision_has_the_losses_of_the_cpu(train, folder, on_cpu, card):
    train(f"hardware={card}", f"hydra.run.dir={card}")
    assert losses(folder / card) == pytest.approx(on_cpu, rel=CARDS[card])
    last = records(folder / card)[-1]
    assert last["memory_gb"] > 0
    assert 0 < last["model_flops_utilization"] < 1
    assert last["skipped_steps"] == 0


@pytest.mark.parametrize("card", CARDS)
def test_a_training_that_goes_on_ends_with_the_losses_of_a_whole_one(train, folder, on_cpu, card):
    name = f"{card}_in_parts"
    train(f"hardware={card}", f"hydra.run.dir={name}", "stage.max_steps=2")
    more = [f"resume={name}", "resume_with_changes=true", "stage.max_steps=4"]
    train(f"hardware={card}", *more)
    assert losses(folder / name) == pytest.approx(on_cpu, rel=CARDS[card])


def test_the_plan_counts_what_a_training_in_float32_takes(train, folder):
    sizes = ["data.height=512", "data.width=512", "data.generate.folder=large_clips"]
    sizes += ["hardware=v100", "hardware.precision=float32", "hardware.recompute=false"]
    train(*sizes, "hydra.run.dir=large")
    gib = json.loads((folder / "large" / "plan.json").read_text())["gib"]
    counted = sum(gib.values()) - gib["Paddle and its libraries"]  # not the allocator's
    assert counted == pytest.approx(records(folder / "large")[-1]["memory_gb"], rel=0.15)


@pytest.mark.several
@pytest.mark.parametrize("level", ["none", "stage1", "stage2", "stage3"])
def test_cards_that_share_a_training_have_the_losses_of_the_cpu(train, folder, level):
    both = ["hardware=v100", "hardware.precision=float32", "hardware.recompute=false"]
    both += ["hardware.devices=2", f"hardware/sharding={level}", f"hydra.run.dir=two_{level}"]
    train(*both)
    alone = ["hardware=cpu", "stage.per_device_batch_size=2", f"hydra.run.dir=one_{level}"]
    train(*alone)
    expected = losses(folder / f"one_{level}")
    assert losses(folder / f"two_{level}") == pytest.approx(expected, rel=1e-3)


def test_an_animation_on_a_card_looks_like_that_of_the_cpu(run, folder, on_cpu):
    clips = folder / "outputs" / "data" / "puppets"
    video, pose = (sorted((clips / kind).glob("*.mp4"))[0] for kind in ("video", "video_dwpose"))
    quick = ["weights=cpu", f"reference={video}", f"pose={pose}", "inference.num_frames=4"]
    quick += ["inference.num_inference_steps=2", "inference.height=96", "inference.width=64"]
    found = []
    for hardware in ("cpu", "v100"):
        name = f"video_{hardware}"
        run("infer", *quick, f"hardware={hardware}", f"hydra.run.dir={name}")
        (path,) = [p for p in (folder / name).glob("*.mp4") if "side_by_side" not in p.name]
        found.append(VideoReader(path).read(range(4)).astype("float64"))
    assert np.sqrt(np.mean((found[0] - found[1]) ** 2)) < 8  # of 255
