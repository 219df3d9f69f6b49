"""Two processes on the CPU, started by `hardware.devices=2`, are one run with the same numbers."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

from aa.runs.layout import list_checkpoints
from aa.runs.requests import ask
from aa.runs.sealing import fault_in
from tests.commands import ROOT, run_here
from tests.conftest import TINY_MODEL

pytestmark = pytest.mark.slow  # starts twelve interpreters that import paddle
COMMON = [
    *TINY_MODEL,
    "stage=1",
    "hardware=cpu",
    "data=puppets",
    "data.generate={folder:set,num_clips:3,num_frames:10,fps:8,seed:0}",
    "data.height=32",
    "data.width=16",
    "data.sample_margin=2",
    "data.num_workers=0",
    "stage.max_steps=3",
    "stage.log_steps=1",
]
TOGETHER = ["stage.per_device_batch_size=2", "hardware.devices=1", "hardware.sharding.level=none"]
APART = ["stage.per_device_batch_size=1", "hardware.devices=2"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def two(home):
    """The run folder of two processes with batches of 1, which also keep the frames encoded."""
    finish(home, *COMMON, *APART, "data.latents=latents", "hydra.run.dir=two")
    return home / "two"


@pytest.fixture(scope="module")
def one(home):
    """The run folder of one process with batches of 2, which takes two steps more."""
    longer = ["stage.max_steps=5", "stage.save_steps=3", "hydra.run.dir=one"]
    train_here(home, *COMMON, *TOGETHER, *longer)
    return home / "one"


def train_here(folder, *arguments):
    """A training in one process, this one, that must end well."""
    result = run_here(folder, "train", *arguments)
    assert result.returncode == 0, result.stderr


def start(folder, *overrides):
    """A training in the working directory `folder`, as a process."""
    return subprocess.Popen(
        [sys.executable, ROOT / "runners" / "train.py", *overrides],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(folder, *overrides):
    """A training that must end well."""
    process = start(folder, *overrides)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said


def metrics(folder, key):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)[key] for line in lines]


def test_two_processes_have_the_loss_of_one_with_the_same_global_batch(one, two):
    assert metrics(two, "step") == [1, 2, 3]
    assert metrics(two, "loss") == pytest.approx(metrics(one, "loss")[:3], abs=1e-5)


def test_two_processes_have_the_gradient_of_one_with_the_same_global_batch(one, two):
    assert metrics(two, "grad_norm") == pytest.approx(metrics(one, "grad_norm")[:3], rel=1e-3)


def test_two_processes_share_one_run_folder(two):
    assert (two / "checkpoints" / "step-000003" / "config.json").is_file()
    logs = sorted(p.name for p in (two / "logs").iterdir())
    assert logs == ["workerlog.0", "workerlog.1"]


def test_two_processes_fill_one_folder_of_latents(home, two):
    assert len(list((home / "latents").glob("*/*.safetensors"))) == 3


def test_the_first_of_two_processes_validates_and_both_save_the_best(tmp_path):
    own = ["hardware.devices=2", "hardware/sharding=stage1", "hydra.run.dir=run"]
    finish(tmp_path, *COMMON, *own, "validation.num_clips=1", "validation.steps=2")
    lines = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    assert [line["step"] for line in lines if "val/loss" in line] == [2, 3]
    saved = [path.name for path in list_checkpoints(tmp_path / "run")]
    assert saved == ["step-000002", "step-000003"]  # save_steps is 500
    assert (tmp_path / "run" / "checkpoints" / "best").resolve().name in saved


def test_only_the_first_process_shows_the_config(two):
    assert "max_steps" not in (two / "logs" / "workerlog.1").read_text()


def test_a_signal_to_the_command_lets_the_group_finish_its_step_and_save(tmp_path):
    own = ["hardware.devices=2", "data.num_workers=1", "stage.max_steps=1000", "hydra.run.dir=run"]
    process = start(tmp_path, *COMMON, *own)
    until = time.monotonic() + 120
    records = tmp_path / "run" / "metrics.jsonl"
    while not (records.exists() and records.stat().st_size):  # both train
        assert time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 143
    assert "go on from its last checkpoint" in said
    (checkpoint,) = list_checkpoints(tmp_path / "run")
    assert fault_in(checkpoint) is None


def test_two_processes_do_together_what_their_run_is_asked_for(tmp_path):
    own = ["hardware.devices=2", "hardware/sharding=stage1", "stage.max_steps=1000"]
    own += ["stage.sample_steps=900", "stage.save_steps=900", "hydra.run.dir=run"]
    own += ["inference.num_frames=2", "inference.num_inference_steps=1"]
    process, run, until = start(tmp_path, *COMMON, *own), tmp_path / "run", time.monotonic() + 120

    def wait_for(pattern):
        while not list(run.glob(pattern)):
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.1)

    wait_for("metrics.jsonl")
    ask(run, ["sample", "save"])
    wait_for("samples/step-*/*.mp4")
    wait_for("checkpoints/step-*")
    ask(run, ["stop"])
    _, said = process.communicate(timeout=120)
    assert process.returncode == 143
    assert "go on from its last checkpoint" in said
    first, last = list_checkpoints(run)
    assert fault_in(first) is None and fault_in(last) is None
    assert "asked after step" in (run / "train.log").read_text()


def test_a_run_goes_on_in_shards_and_back_in_one_process_with_the_losses_of_a_whole_one(home, one):
    folder = shutil.copytree(one, home / "sharded")
    shutil.rmtree(folder / "checkpoints" / "step-000005")
    (folder / "summary.json").unlink()
    resume = ["resume=sharded", "resume_with_changes=true"]
    finish(home, *resume, *APART, "hardware.sharding.level=stage1", "stage.max_steps=4")
    train_here(home, *resume, *TOGETHER, "stage.max_steps=5")
    assert metrics(folder, "step") == [1, 2, 3, 4, 5]
    assert [m is None for m in metrics(folder, "grad_norm")] == [False, False, False, True, False]
    assert metrics(folder, "loss") == pytest.approx(metrics(one, "loss"), abs=1e-5)
    ours, theirs = (
        load_file(list_checkpoints(f)[-1] / "denoising_unet.safetensors") for f in (folder, one)
    )
    for name, array in theirs.items():
        np.testing.assert_allclose(ours[name], array, atol=1e-5, err_msg=name)


def test_a_killed_process_ends_the_whole_run_and_leaves_a_folder_to_go_on_with(tmp_path):
    own = ["hardware.devices=2", "stage.max_steps=1000", "stage.save_steps=1", "hydra.run.dir=run"]
    process = start(tmp_path, *COMMON, *own)
    until = time.monotonic() + 120
    while not list_checkpoints(tmp_path / "run"):
        assert time.monotonic() < until
        time.sleep(0.1)
    family = psutil.Process(process.pid).children(recursive=True)
    ranks = [p for p in family if p.environ().get("PADDLE_TRAINER_ID") == "1"]
    ranks[-1].kill()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "process 1 ended without a word (SIGKILL): killed, or out of memory" in said
    assert not psutil.wait_procs(family, timeout=5)[1]
    assert fault_in(list_checkpoints(tmp_path / "run")[-1]) is None


def test_two_machines_that_share_in_shards_have_the_loss_of_one_process(home, one):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        master = f"127.0.0.1:{free.getsockname()[1]}"
    own = ["stage.per_device_batch_size=1", "hardware/sharding=stage1", "hydra.run.dir=machines"]
    own += ["hardware.nodes=2", f"hardware.master={master}"]
    machines = [start(home, *COMMON, *own, f"hardware.node_rank={rank}") for rank in (0, 1)]
    for machine in machines:
        _, said = machine.communicate(timeout=300)
        assert machine.returncode == 0, said
    expected = metrics(one, "loss")[:3]
    assert metrics(home / "machines", "loss") == pytest.approx(expected, abs=1e-5)
    snapshot = json.loads((home / "machines" / "snapshot.json").read_text())
    assert "hardware.node_rank=0" in snapshot["command"]
