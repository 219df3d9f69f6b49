"""Clips that are held out of training: what is recorded of them, and which checkpoint is kept."""

import json
import os
import shutil
import signal

import numpy as np
import paddle
import pytest

from aa.build.data import build_clips, build_validation_items, hold_out_clips
from aa.build.training import build_trainer
from aa.data.reporting import collate
from aa.errors import ClipError, Interrupted, UserError
from aa.runs.layout import checkpoint_step, list_checkpoints
from aa.training.records import RecordCallback
from aa.training.usable import Usable
from aa.training.validation import ClipValidation
from aa.weights.folders import open_folder
from aa.weights.models import load_model, read_component
from tests.conftest import TINY_MODEL

HELD_OUT = ["stage=1", "validation.num_clips=1", "validation.steps=2"]
STEPS = ["stage.max_steps=5", "stage.save_steps=4", "stage.save_total_limit=2"]
STEPS += ["stage.ema_decay=0.5", "stage.learning_rate=0.03", "stage.log_steps=1"]
METRICS = ["validation.metrics=[loss,psnr,ssim,temporal_error]"]
METRICS += ["inference.num_frames=3", "inference.num_inference_steps=1"]


@pytest.fixture(scope="module")
def configured(compose, puppets):
    """Function (overrides) -> the config of a tiny training with a clip held out."""

    def build(*overrides):
        return compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *HELD_OUT, *overrides])

    return build


@pytest.fixture(scope="module")
def whole(configured, tmp_path_factory):
    """A run of five steps that is validated at the steps 2, 4 and 5."""
    folder = tmp_path_factory.mktemp("whole")
    build_trainer(configured(*STEPS, *METRICS), folder).train()
    return folder


@pytest.fixture
def resumed(whole, configured, tmp_path):
    """The same run, stopped in its last step, with a link that leads nowhere, and gone on with."""
    folder = tmp_path / "resumed"
    shutil.copytree(whole, folder, symlinks=True)
    shutil.rmtree(folder / "checkpoints" / "step-000005")
    (folder / "summary.json").unlink()
    link = folder / "checkpoints" / "best"
    link.unlink()
    link.symlink_to("step-000005")
    build_trainer(configured(*STEPS, *METRICS, f"resume={folder}"), folder).train()
    return folder


def records(folder, key):
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return {line["step"]: line[key] for line in lines if key in line}


def items(config):
    clips, _ = build_clips(config)
    return build_validation_items(config, hold_out_clips(config, clips)[1])


def test_every_job_of_a_sweep_is_validated_on_the_same_items(configured):
    one, other = items(configured()), items(configured("seed=7", "stage.learning_rate=1e-3"))
    assert len(one) == 4
    for first, second in zip(one, other, strict=True):
        for name in first:
            np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_items_keep_their_reference_and_have_timesteps_of_all_parts(configured):
    found = [items(configured("stage.uncond_ratio=1"))[k] for k in range(4)]
    assert not any(item["drop_reference"] for item in found)
    assert [int(item["timesteps"][0]) for item in found] == [125, 375, 625, 875]


def test_a_clip_that_is_held_out_is_in_no_training_item(configured, tmp_path):
    config = configured()
    trainer = build_trainer(config, tmp_path)
    used = trainer.dataset.clips
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, RecordCallback):  # it is not trained: its records stay open
            callback.recorder.close()
    every_clip, _ = build_clips(config)
    (held_out,) = hold_out_clips(config, every_clip)[1]
    assert len(used) == 2
    assert held_out not in used


def test_validation_is_recorded_every_so_often_and_at_the_last_step(whole):
    for name in ("loss", "psnr", "ssim", "temporal_error"):
        assert list(records(whole, f"val/{name}")) == [2, 4, 5]
    assert list(records(whole, "loss")) == [1, 2, 3, 4, 5]


def test_the_loss_is_that_of_the_averaged_weights_in_evaluation_mode(whole, configured):
    model = load_model(list_checkpoints(whole)[-1])
    model.eval()
    losses = []
    for item in items(configured()):
        batch = {n: paddle.to_tensor(v) for n, v in collate([item]).items()}
        losses.append(float(model(**batch)))
    assert records(whole, "val/loss")[5] == pytest.approx(np.mean(losses), rel=1e-5)


class TwoClips:
    """Four items, in turn of the clips a and b; the second one of a does not decode."""

    clips = ("a", "b")

    def __len__(self):
        return 4

    def clip(self, k):
        return "ab"[k % 2]

    def __getitem__(self, k):
        if k == 2:
            raise ClipError("a: does not decode.")
        return {"loss": np.array(2.0**k)}


def test_a_clip_of_which_one_item_does_not_decode_counts_in_no_loss():
    validation = ClipValidation(
        lambda loss: loss.sum(),
        TwoClips(),
        metrics=["loss"],
        options=None,
        recorder=None,
        precision=None,
        usable=Usable(skip_bad=True),
    )
    assert validation._loss() == (2 + 8) / 2


def test_the_best_checkpoint_is_saved_at_once_and_kept_beyond_the_limit(whole):
    losses = records(whole, "val/loss")
    best = min(losses, key=lambda step: losses[step])
    assert best == 2  # which is no multiple of save_steps
    assert [checkpoint_step(p) for p in list_checkpoints(whole)] == [2, 4, 5]
    assert os.readlink(whole / "checkpoints" / "best") == "step-000002"
    assert open_folder(whole / "checkpoints" / "best").layout == 3


def test_a_resumed_run_has_the_same_records_checkpoints_and_best(whole, resumed):
    for key in ("loss", "val/loss", "val/psnr"):
        assert records(resumed, key) == records(whole, key)
    assert [checkpoint_step(p) for p in list_checkpoints(resumed)] == [2, 4, 5]
    assert os.readlink(resumed / "checkpoints" / "best") == "step-000002"


def test_validating_does_not_touch_training(train, puppets):
    seldom = train("seldom", *HELD_OUT, "validation.steps=100", "validation.keep_best=null")
    often = train("often", *HELD_OUT, "validation.steps=1", *METRICS)
    assert records(seldom, "loss") == records(often, "loss")
    weights = [
        read_component("denoising_unet", open_folder(folder).sources["denoising_unet"])
        for folder in (seldom, often)
    ]
    np.testing.assert_array_equal(*(state["conv_in.weight"] for state in weights))
    assert not (seldom / "checkpoints" / "best").is_symlink()


def test_without_clips_held_out_nothing_is_recorded(train):
    folder = train("run", "stage=1", "validation.steps=1")
    assert not records(folder, "val/loss")
    assert not (folder / "checkpoints" / "best").is_symlink()


def test_a_metric_that_cannot_be_computed_stops_the_run_before_it_starts(configured, tmp_path):
    options = ["validation.metrics=[loss,temporal_error]", "inference.num_frames=1"]
    with pytest.raises(UserError, match=r"temporal_error .*mp4, as animated, has a single frame"):
        build_trainer(configured(*options), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_signal_breaks_a_validation_off_and_who_goes_on_makes_up_for_it(
    whole, configured, tmp_path, monkeypatch
):
    measured = ClipValidation._item_loss

    def item_loss(self, k):
        os.kill(os.getpid(), signal.SIGTERM)
        return measured(self, k)

    monkeypatch.setattr(ClipValidation, "_item_loss", item_loss)
    with pytest.raises(Interrupted):
        build_trainer(configured(*STEPS, *METRICS), tmp_path).train()
    assert [checkpoint_step(path) for path in list_checkpoints(tmp_path)] == [2]
    assert records(tmp_path, "val/loss") == {}
    monkeypatch.undo()
    build_trainer(configured(*STEPS, *METRICS, f"resume={tmp_path}"), tmp_path).train()
    for key in ("loss", "val/loss", "val/psnr"):
        assert records(tmp_path, key) == records(whole, key)
