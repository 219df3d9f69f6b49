"""The command as a user types it, in a process where importing paddle is an error."""

import json
import signal
import time

import pytest

from aa.puppets.clips import make_puppets
from tests.commands import ROOT, one_line, run_light
from tests.prepare.videos import puppet, save
from tests.test_interrupts import started


@pytest.fixture
def command(tmp_path):
    """Function (arguments) -> the finished process of the runner, in tmp_path."""
    return lambda *arguments: run_light(tmp_path, "prepare", *arguments, "hydra.run.dir=run")


@pytest.fixture
def data_set(tmp_path):
    """Three generated clips of 12 frames."""
    size = {"height": 64, "width": 64, "fps": 8, "seed": 7}
    return make_puppets(
        tmp_path / "set", num_clips=3, num_frames=12, **size, progress=False
    ).parent.parent


def test_a_data_set_that_is_fine_passes_the_check(command, data_set, tmp_path):
    result = command("check=set", "keep.min_frames=12", "processes=2")
    assert (result.returncode, result.stderr) == (0, "")
    assert "3 clips of 36 frames, no fault; notes: none" in result.stdout
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert [row["pose_share"] for row in report["rows"]] == [1.0, 1.0, 1.0]
    assert (tmp_path / "run/report.html").read_text().count("data:image/jpeg") == 3
    assert len(json.loads((tmp_path / "run/snapshot.json").read_text())["data"]["files"]) == 6


def test_a_fault_is_one_line_and_exit_code_2(command, data_set):
    (data_set / "video/00001.mp4").write_bytes(b"")
    line = one_line(command("check=set", "keep.min_frames=12", "processes=1"))
    assert line.startswith("check=set: 1 faults in 2 clips: video/00001.mp4: is empty (0 bytes)")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["source=raw"], "give source=<folder of videos> target=<data set to be made>, or check="),
        (["check=raw"], "check=raw: no such folder or manifest; check the path."),
        (["check=.", "keep.min_hight=0.5"], "keep.min_hight: no such key; did you mean keep.min_"),
        (["check=.", "processes=0"], "processes must lie between 1 and 1024, or be null, got 0."),
        (["check=.", "keep.min_seen=2"], "keep.min_seen must be at most 1, got 2.0."),
        (["check=.", "engine=slurm"], "engine must be one of local, ray, got slurm."),
        (["check=.", "ray_address=auto"], "ray_address goes with engine=ray; add it, or use "),
        (["check=.", "keep.max_frames=40"], "keep.max_frames must be at least twice keep.min_"),
    ],
)
def test_a_mistake_is_one_line(arguments, line, command):
    assert one_line(command(*arguments)).startswith(line)


@pytest.mark.slow
def test_a_signal_ends_it_and_the_same_command_goes_on(tmp_path):
    save(tmp_path / "raw/a.mp4", *puppet(1, 400))
    words = ["source=raw", "target=set", "keep.min_side=64", "processes=1", "hydra.run.dir=run"]
    with started(str(ROOT / "runners/prepare.py"), *words, folder=tmp_path) as process:
        until = time.monotonic() + 60
        while not list((tmp_path / "set/.prepare").glob("*.npz")):
            assert time.monotonic() < until and process.poll() is None
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=30)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert errors == "interrupted; the same command goes on with the rest\n"
    assert not (tmp_path / "set/report.html").exists()
