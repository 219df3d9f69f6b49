"""Whole tiny runs: what they write, and what must not change their numbers."""

import json

import numpy as np
import pytest

from aa.runs.layout import list_checkpoints
from aa.weights.folders import open_folder
from aa.weights.models import load_model, read_component
from tests.conftest import SAMPLING

PLAIN = "stage=1"


def metrics(folder, key):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)[key] for line in lines]


def state(folder, component):
    return read_component(component, open_folder(folder).sources[component])


def test_a_run_folder_holds_metrics_records_snapshot_and_summary(trained):
    folder = trained(PLAIN, *SAMPLING)
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    wanted = {"metrics.jsonl", "snapshot.json", "summary.json"}
    wanted |= {"samples/step-000002/reference_pose_result_truth.mp4"}
    assert wanted <= found
    assert [n for n in found if n.startswith("vdl/vdlrecords")]


def test_metrics_have_one_line_a_logged_step_with_the_promised_keys(trained):
    folder = trained(PLAIN)
    assert metrics(folder, "step") == [1, 2]
    line = json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])
    wanted = {"step", "loss", "learning_rate", "grad_norm", "samples_per_second", "memory_gb"}
    assert wanted <= set(line)


def test_the_first_and_the_last_step_are_always_logged(train):
    folder = train("run", "stage=1", "stage.max_steps=3", "stage.log_steps=100")
    assert metrics(folder, "step") == [1, 3]
    assert None not in metrics(folder, "grad_norm")


def test_the_same_run_twice_gives_the_same_losses_and_weights(trained, train):
    one, two = trained(PLAIN), train("two", PLAIN)
    assert metrics(one, "loss") == metrics(two, "loss")
    weights = [state(f, "denoising_unet")["conv_in.weight"] for f in (one, two)]
    np.testing.assert_array_equal(*weights)


def test_sampling_does_not_touch_training(trained):
    assert metrics(trained(PLAIN), "loss") == metrics(trained(PLAIN, *SAMPLING), "loss")


def test_reading_in_worker_processes_changes_no_number(trained, train):
    workers = train("workers", "stage=1", "data.num_workers=2")
    assert metrics(trained(PLAIN), "loss") == metrics(workers, "loss")


def test_accumulating_two_batches_is_one_batch_of_two(train):
    big = train("big", "stage=1", "stage.per_device_batch_size=2")
    small = train("small", "stage=1", "stage.gradient_accumulation_steps=2")
    assert metrics(big, "loss") == pytest.approx(metrics(small, "loss"), abs=1e-5)
    assert metrics(big, "grad_norm") == pytest.approx(metrics(small, "grad_norm"), rel=1e-4)


def test_only_the_newest_checkpoints_are_kept(train):
    folder = train("run", "stage=1", "stage.max_steps=3", "stage.save_total_limit=2")
    assert [p.name for p in list_checkpoints(folder)] == ["step-000002", "step-000003"]


def test_components_that_do_not_train_are_stored_once(trained):
    first, second = list_checkpoints(trained(PLAIN))
    assert (first / "vae.safetensors").samefile(second / "vae.safetensors")
    assert not (first / "pose_guider.safetensors").samefile(second / "pose_guider.safetensors")


def test_stage_2_changes_nothing_but_the_motion_modules(trained):
    first = trained(PLAIN)
    second = trained("stage=2", "stage.num_frames=3", f"stage.init_from={first}")
    for component in ("reference_unet", "denoising_unet", "pose_guider", "vae", "image_encoder"):
        before, after = state(first, component), state(second, component)
        for name, array in before.items():
            np.testing.assert_array_equal(array, after[name], err_msg=f"{component} {name}")
    assert "motion_module" in open_folder(second).sources


def test_a_moving_average_is_what_the_checkpoint_holds(trained):
    fast = (PLAIN, "stage.learning_rate=0.1", "stage.max_grad_norm=0")
    still, moved = trained(*fast, "stage.ema_decay=1.0"), trained(*fast)
    both = [state(f, "pose_guider")["conv_in.weight"] for f in (still, moved)]
    assert np.abs(both[0] - both[1]).max() > 1e-3
    at_start = load_model(list_checkpoints(still)[0]).pose_guider.conv_in.weight.numpy()
    np.testing.assert_array_equal(both[0], at_start)


def test_gradients_are_clipped_before_the_step(trained):
    fast = (PLAIN, "stage.learning_rate=0.1")
    free, tight = (trained(*fast, f"stage.max_grad_norm={most}") for most in ("0", "1e-6"))
    assert metrics(free, "grad_norm")[0] == pytest.approx(metrics(tight, "grad_norm")[0], rel=1e-5)
    assert metrics(free, "loss")[1] != metrics(tight, "loss")[1]


def test_latents_kept_on_the_disk_give_the_same_losses(trained, train, tmp_path):
    plain = trained(PLAIN)
    kept = train("kept", "stage=1", f"data.latents={tmp_path / 'latents'}")
    np.testing.assert_allclose(metrics(kept, "loss"), metrics(plain, "loss"), rtol=1e-5)
    assert len(list((tmp_path / "latents").glob("*/*.safetensors"))) == 3
