"""Trainings that stop before their end: none is done, and each says where to go on from."""

import json
import os
import re
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from aa.data.clips import ClipDataset
from aa.data.loader import ClipLoader
from aa.errors import Signalled, UserError
from aa.runs.outcomes import read_outcome
from aa.training.failures import told_failures
from tests.commands import one_line, run_here
from tests.conftest import SAMPLING, TINY_MODEL
from tests.damaged import damaged_clips

STEPS = ["stage=1", "stage.max_steps=8", "stage.save_steps=8", "stage.log_steps=1"]
WINDOW = ["inference.num_frames=40", "inference.context_frames=40"]  # reaches what is damaged


@pytest.fixture
def clips(tmp_path):
    return damaged_clips(tmp_path / "clips")


@pytest.fixture
def every_item(monkeypatch):
    """Function (does something with the number of an item before it is read)."""
    read = ClipDataset.__getitem__

    def change(before):
        monkeypatch.setattr(ClipDataset, "__getitem__", lambda self, k: before(k) or read(self, k))

    return change


def own_clips(folder, *, workers=0):
    size = ["data.height=16", "data.width=16", "data.sample_margin=1"]
    return ["data=folder", f"data.folder={folder}", f"data.num_workers={workers}", *size]


def command(clips, *overrides, workers=0):
    """The result of a training command in the folder above the clips."""
    data = own_clips(clips, workers=workers)
    return run_here(clips.parent, "train", *TINY_MODEL, "hardware=cpu", *data, *overrides)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_clip_that_breaks_while_training_is_its_failure_in_one_line(clips, workers):
    result = command(clips, *STEPS, "hydra.run.dir=run", workers=workers)
    assert re.search(
        r"video/a\.mp4.* Training stopped after step \d of 8; mend the clip, then start again, for "
        r"it has no checkpoint yet \(stage\.save_steps=8\); or leave such clips out: add "
        r"data\.skip_bad=true\.$",
        one_line(result),
    )
    assert result.stdout.endswith("\n")  # the error's line is its own, behind the bar
    assert read_outcome(clips.parent / "run")["state"] == "failed"


@pytest.mark.slow
def test_the_checkpoint_that_a_failure_names_is_gone_on_from(clips):
    line = one_line(command(clips, *STEPS, "stage.save_steps=1", "hydra.run.dir=run"))
    step, resume = re.search(r"go on from step (\d): (resume=\S+);", line).groups()
    result = run_here(clips.parent, "train", resume, "data.skip_bad=true")
    assert result.returncode == 0, result.stderr
    lines = (clips.parent / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, 9))
    assert int(step) in range(1, 8)


def test_a_mistake_in_the_program_while_reading_ends_training_with_its_traceback(train, every_item):
    every_item(lambda k: [][k])
    with pytest.raises(RuntimeError, match="IndexError: list index out of range"):
        train("run", "stage=1")


def test_a_training_whose_data_ends_early_has_failed(train, monkeypatch):
    from aa.training import trainer

    def collate(items, original=trainer.collate_in_loader):
        return original(items) if items[0]["number"] < 1 else {"no": "arrays"}

    monkeypatch.setattr(trainer, "collate_in_loader", collate)
    with pytest.raises(UserError, match=r"ended by itself at step 1, 2 were asked for"):
        train("run", "stage=1")


# Paddle's thread may miss the files of a process that is about to end.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGKILL, r"was killed \(SIGKILL\).* data\.num_workers=0"),
        (signal.SIGBUS, r"^/dev/shm, with [\d.]+ MiB in all, .*--shm-size=8g.*data\.num_workers=0"),
    ],
)
def test_a_process_that_reads_and_is_ended_is_named_with_what_to_do(
    train, puppets, every_item, number, said
):
    every_item(lambda k: os.kill(os.getpid(), number) if k == 1 else None)
    with pytest.raises(UserError, match=said + r".*Training stopped after step \d of 4"):
        train("run", "stage=1", "stage.max_steps=4", data=[*puppets, "data.num_workers=1"])


@pytest.mark.slow
def test_a_process_that_reads_and_leaves_is_named_by_its_exit_code():
    loader = ClipLoader([0], num_workers=1, collate_fn=lambda items: os._exit(3))
    with pytest.raises(SystemError):
        list(loader)
    assert loader.trouble().startswith("a process that reads clips has ended by itself (code 3).")


def test_a_failure_after_a_signal_interrupts_and_is_no_failure(tmp_path):
    trainer = SimpleNamespace(readers_trouble=lambda: "a process that reads clips has ended.")
    stopper = SimpleNamespace(signal=signal.SIGTERM)
    told = told_failures(trainer, stopper, folder=tmp_path, max_steps=8, save_steps=8)
    with pytest.raises(Signalled) as stop, told:
        raise SystemError("a reader is gone")
    assert stop.value.code == 143


def test_with_skip_bad_training_goes_on_and_counts_the_clip_once(train, clips):
    data = [*own_clips(clips, workers=2), "data.skip_bad=true"]
    folder = train("run", *STEPS, *SAMPLING, *WINDOW, "stage.sample_steps=8", data=data)
    assert json.loads((folder / "summary.json").read_text())["bad_clips"] == 1


def test_a_failure_in_the_second_stage_goes_on_from_the_end_of_the_first(train, clips):
    (clips.parent / "run" / ".hydra").mkdir(parents=True)
    second = ["stage=2", "stage.init_from=null", "stage.num_frames=3", "stage.max_steps=8"]
    with pytest.raises(UserError, match=r"go on from the end of stage1: resume=\S*/run;"):
        train("run/stage2", *second, "stage.save_steps=8", data=own_clips(clips))


def test_a_sample_of_a_clip_that_does_not_decode_is_the_clips_failure(train, clips):
    with pytest.raises(UserError, match=r"video/a\.mp4.* after step 1 of 8"):
        train("run", *STEPS, *SAMPLING, *WINDOW, data=own_clips(clips))


def test_with_skip_bad_the_next_clip_is_shown_and_the_first_named_once(train, clips, caplog):
    data = [*own_clips(clips), "data.skip_bad=true"]
    folder = train("run", "stage=1", *SAMPLING, *WINDOW, data=data)
    assert len(list((folder / "samples").glob("*/*.mp4"))) == 2
    warned = [m for m in caplog.messages if m.startswith("left out of validation and samples: ")]
    assert len(warned) == 1
    assert "video/a.mp4" in warned[0]


def test_a_held_out_clip_that_does_not_decode_is_its_failure(train, clips, held_out):
    with pytest.raises(UserError, match=r"video/a\.mp4.* Training stopped after step 1 of 2"):
        train("run", "stage=1", *held_out(1), data=own_clips(clips))


@pytest.fixture
def held_out(monkeypatch, clips):
    """Function (number of clips) -> overrides that hold them out: the damaged one first."""
    monkeypatch.setattr("aa.data.held_out._rank", lambda clip, root: str(clip.video))
    (clips / "video" / "c.mp4").write_bytes((clips / "video" / "b.mp4").read_bytes())
    (clips / "video_dwpose" / "c.mp4").write_bytes((clips / "video" / "b.mp4").read_bytes())

    def overrides(number):
        metrics = ["validation.metrics=[loss,psnr]", "validation.steps=1"]
        shown = [*WINDOW, "inference.num_inference_steps=1"]
        return [f"validation.num_clips={number}", *metrics, *shown]

    return overrides


def validations(folder, key):
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [line[key] for line in lines if key in line]


def test_with_skip_bad_it_is_left_out_of_the_validation(train, clips, held_out):
    data = [*own_clips(clips), "data.skip_bad=true"]
    folder = train("run", "stage=1", *held_out(2), data=data)
    for key in ("val/loss", "val/psnr"):
        values = validations(folder, key)
        assert len(values) == 2
        assert np.isfinite(values).all()
    assert json.loads((folder / "summary.json").read_text())["bad_clips"] == 1


def test_a_validation_without_any_clip_left_is_an_error(train, clips, held_out):
    data = [*own_clips(clips), "data.skip_bad=true"]
    with pytest.raises(UserError, match=r"none of the 1 clips to validate on .*video/a\.mp4"):
        train("run", "stage=1", *held_out(1), data=data)
