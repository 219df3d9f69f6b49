"""What stops a training, what does not, and what it says."""

import errno
import json
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file

from aa.errors import UserError
from aa.runs.layout import list_checkpoints
from aa.runs.sealing import fault_in, seal

DISK_FULL = OSError(errno.ENOSPC, "No space left on device")
EXPLODING = ["stage.learning_rate=1e30", "stage.max_steps=5"]


def test_a_loss_that_is_no_number_stops_training_and_says_what_to_try(train, tmp_path):
    with pytest.raises(UserError, match=r"gradient norm (nan|inf) at step \d+; .* Lower stage\.le"):
        train("run", "stage=1", *EXPLODING)
    line = json.loads((tmp_path / "run" / "nonfinite.jsonl").read_text())
    assert line["step"] > 1
    assert [Path(s["clip"]).suffix for s in line["samples"]] == [".mp4"]


def test_steps_that_give_no_numbers_can_be_left_out_and_are_counted(train, monkeypatch):
    from aa.models.animate_anyone import AnimateAnyone

    original, calls = AnimateAnyone.loss, []

    def loss(model, *arguments, **conditions):
        calls.append(1)
        value = original(model, *arguments, **conditions)
        return value * float("nan") if len(calls) == 2 else value

    monkeypatch.setattr(AnimateAnyone, "loss", loss)
    folder = train("run", "stage=1", "stage.max_steps=3", "stage.skip_nonfinite=true")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["skipped_steps"] for line in lines] == [0, 1, 1]
    assert [line["loss"] is None for line in lines] == [False, True, False]
    weights = load_file(list_checkpoints(folder)[-1] / "pose_guider.safetensors")
    assert all(np.isfinite(array).all() for array in weights.values())


def test_a_folder_that_holds_another_run_is_refused(train, tmp_path):
    (tmp_path / "run" / "checkpoints" / "step-000001").mkdir(parents=True)
    with pytest.raises(UserError, match="holds a run already"):
        train("run", "stage=1")


def test_no_trainable_parameter_at_all_is_refused(train):
    with pytest.raises(UserError, match="chooses no parameter that can change the result"):
        train("run", "stage=1", "stage.trainable=['vae.*','!vae.*']")


def test_sharding_in_one_process_is_refused(train):
    with pytest.raises(UserError, match=r"use hardware\.devices=2 or more"):
        train("run", "stage=1", "hardware/sharding=stage1")


def test_saving_and_sampling_do_not_count_as_training_time(train, monkeypatch):
    from aa.training import checkpoints, records

    hours, original = [], checkpoints.save_weights

    def slow(*arguments, **options):
        hours.append(1)
        original(*arguments, **options)

    clock = SimpleNamespace(perf_counter=lambda: time.perf_counter() + 3600 * len(hours))
    monkeypatch.setattr(records, "time", clock)
    monkeypatch.setattr(checkpoints, "save_weights", slow)
    lines = (train("run", "stage=1") / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == len(hours) == 2
    assert all(json.loads(line)["seconds_per_step"] < 3600 for line in lines)


def test_a_disk_that_fills_up_while_saving_stops_training_and_leaves_the_checkpoint_before(
    train, tmp_path, monkeypatch
):
    def seal_until_full(partial, target, **about):
        if target.name == "step-000002":
            raise DISK_FULL
        seal(partial, target, **about)

    monkeypatch.setattr("aa.training.checkpoints.seal", seal_until_full)
    with pytest.raises(UserError, match=r"No space left.*step-000001 is as it was.*resume="):
        train("run", "stage=1")
    kept = tmp_path / "run" / "checkpoints"
    assert [p.name for p in kept.iterdir()] == ["step-000001"]
    assert fault_in(kept / "step-000001") is None
