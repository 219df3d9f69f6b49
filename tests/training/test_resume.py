"""A stopped run goes on as if it had not stopped."""

import json
import shutil
from collections import Counter

import numpy as np
import pytest
from safetensors.numpy import load_file

from aa.build.training import build_trainer
from aa.data.clips import ClipDataset
from aa.errors import UserError
from aa.runs.layout import list_checkpoints
from aa.training import state
from tests.conftest import TINY_MODEL

STEPS = ["stage=1", "stage.max_steps=4", "stage.save_steps=2", "stage.log_steps=1"]
STEPS += ["stage.ema_decay=0.5", "stage.lr_scheduler=cosine", "stage.learning_rate=1e-3"]


@pytest.fixture(scope="module")
def whole(trained):
    """A run of four steps that nobody stopped. Read only."""
    return trained(*STEPS)


@pytest.fixture
def copy(whole, tmp_path):
    """A copy of it that a test may break."""
    return shutil.copytree(whole, tmp_path / "copy")


@pytest.fixture(scope="module")
def resumed(whole, compose, puppets, tmp_path_factory):
    """The same run, stopped after the third step and gone on with."""
    folder = tmp_path_factory.mktemp("resume") / "resumed"
    shutil.copytree(whole, folder)
    shutil.rmtree(folder / "checkpoints" / "step-000004")
    (folder / "summary.json").unlink()
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folder / "metrics.jsonl").write_text("".join(lines[:3]) + lines[3][:20])
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *STEPS, f"resume={folder}"])
    build_trainer(config, folder).train()
    return folder


def weights(folder):
    last = list_checkpoints(folder)[-1]
    return {f.stem: load_file(f) for f in sorted(last.glob("*.safetensors"))}


def records(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_resumed_run_ends_with_the_same_weights_to_the_bit(whole, resumed):
    expected, found = weights(whole), weights(resumed)
    assert list_checkpoints(resumed)[-1].name == "step-000004"
    for name, arrays in expected.items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(found[name][key], array, err_msg=f"{name} {key}")


def test_its_records_have_every_step_once_with_the_same_loss(whole, resumed):
    for key in ("step", "loss", "learning_rate"):
        assert [r[key] for r in records(resumed)] == [r[key] for r in records(whole)]


def test_without_resume_a_folder_that_holds_a_run_is_refused(whole, compose, puppets):
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *STEPS])
    with pytest.raises(UserError, match="go on with it: resume="):
        build_trainer(config, whole)


def test_a_checkpoint_of_weights_alone_says_how_to_start_from_it(copy, compose, puppets):
    shutil.rmtree(list_checkpoints(copy)[-1] / "training")
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *STEPS, f"resume={copy}"])
    with pytest.raises(UserError, match=r"stage\.init_from="):
        build_trainer(config, copy)


def test_items_that_were_seen_are_not_read_again(copy, compose, puppets, monkeypatch):
    shutil.rmtree(copy / "checkpoints" / "step-000004")
    (copy / "summary.json").unlink()
    numbers, original = [], ClipDataset.__getitem__

    def read(dataset, k):
        numbers.append(int(k))
        return original(dataset, k)

    monkeypatch.setattr(ClipDataset, "__getitem__", read)
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *STEPS, f"resume={copy}"])
    config.data.num_workers = 0
    build_trainer(config, copy).train()
    assert numbers == [2, 3]  # one a step, the steps 3 and 4


class Counting:
    """An open file of arrays that counts how often each is read."""

    def __init__(self, file, counts):
        self.file, self.counts = file, counts

    def __enter__(self):
        self.file.__enter__()
        return self

    def __exit__(self, *error):
        return self.file.__exit__(*error)

    def keys(self):
        return self.file.keys()

    def get_tensor(self, key):
        self.counts[key] += 1
        return self.file.get_tensor(key)


def test_every_array_of_the_state_is_read_once(copy, compose, puppets, monkeypatch):
    counts, original = Counter(), state._arrays
    monkeypatch.setattr(state, "_arrays", lambda folder: Counting(original(folder), counts))
    config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", *STEPS, f"resume={copy}"])
    build_trainer(config, copy).train()
    saved = load_file(list_checkpoints(copy)[-1] / "training" / state.ARRAYS)
    assert counts == {key: 1 for key in saved}
