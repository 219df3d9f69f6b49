"""Trainings on two hosts, by hand and under Slurm: nobody hangs, no step is lost, all is said."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from contextlib import suppress

import numpy as np
import psutil
import pytest

from aa.data.writers import open_writer
from tests.cluster.slurm import wait_for
from tests.cluster.trainings import RUNNER, TINY, assert_saved, losses, saved, steps
from tests.commands import ROOT, run_here

STEPS = 12
HERE = {"PYTHONPATH": str(ROOT)}
DEBIAN = pytest.mark.parametrize("hosts", [{"debian": True}], ids=["debian"], indirect=True)
CLUSTERS = pytest.mark.parametrize(
    "cluster",
    [{"proctrack": "pgid"}, {"proctrack": "linuxproc", "debian": True}],
    ids=["pgid", "linuxproc"],
    indirect=True,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """{step: loss} of an uninterrupted training in one process, with the samples of two."""
    home = tmp_path_factory.mktemp("whole")
    own = ["stage.per_device_batch_size=2", f"stage.max_steps={STEPS}", "hydra.run.dir=run"]
    result = run_here(home, "train", "stage=1", "hardware=cpu", *TINY, *own)
    assert result.returncode == 0, result.stderr
    return losses(home / "run")


class Node:
    """The command of one host, in the working directory of its test."""

    def __init__(self, hosts, node, home, *overrides):
        self.output = home / f"node{node}.txt"
        command = [*RUNNER, *overrides, f"hardware.node_rank={node}"]
        self.process = hosts.start("ab"[node], *command, cwd=home, env=HERE, output=self.output)

    def end(self, timeout=60):
        """(exit code, the last line that says an error or an interruption)."""
        code = self.process.wait(timeout)
        said = re.findall(r"(?:error: |interrupted).*", self.output.read_text())
        return code, said[-1] if said else ""


def start(hosts, home, *overrides, order=(0, 1), data=TINY, of=lambda node: []):
    """[node 0, node 1] of a training of 400 steps into `run`, started in an order."""
    own = ["stage.max_steps=400", "hydra.run.dir=run", "resume=auto"]
    meet = ["hardware.nodes=2", f"hardware.master={hosts.name('a')}:29400"]
    command = ["stage=1", "hardware=cpu", *data, *own, *meet, *overrides]
    found = {}
    for node in order:
        found[node] = Node(hosts, node, home, *command, *of(node))
        time.sleep(2 * (order != (0, 1)))
    return [found[0], found[1]]


def trains(hosts, host):
    """The process of a host that trains, and not one that it has started."""
    for process in hosts.processes(host):
        with suppress(psutil.Error):  # it has ended meanwhile
            family = [process.environ(), process.parent().environ()]
            if ["PADDLE_TRAINER_ID" in known for known in family] == [True, False]:
                return process
    raise AssertionError(f"nothing trains on {host}")


def wait_for_steps(run, count, *nodes):
    def there():
        ended = [node.end() for node in nodes if node.process.poll() is not None]
        assert not ended, ended
        return steps(run) >= count

    wait_for(there, f"{count} steps", 90)


@DEBIAN
@pytest.mark.slow
def test_a_signal_to_one_host_saves_on_both_and_the_losses_stay_those_of_one_process(
    hosts, tmp_path, whole
):
    run, length = tmp_path / "run", f"stage.max_steps={STEPS}"
    nodes = start(hosts, tmp_path, length, order=(1, 0))
    wait_for_steps(run, 2, *nodes)
    nodes[1].process.send_signal(signal.SIGTERM)
    for node in nodes:
        code, said = node.end()
        assert code == 143
        assert "go on from its last checkpoint on every host, with its own hardware.node_r" in said
    assert assert_saved(run) < STEPS
    nodes = [Node(hosts, node, tmp_path, "resume=run") for node in (0, 1)]
    ends = [node.end() for node in nodes]
    assert [code for code, _ in ends] == [0, 0], ends
    assert losses(run) == pytest.approx(whole, abs=1e-5)


@pytest.mark.slow
def test_a_killed_process_is_named_on_both_hosts(hosts, tmp_path):
    nodes = start(hosts, tmp_path, "stage.save_steps=1")
    wait_for_steps(tmp_path / "run", 2, *nodes)
    since = time.monotonic()
    trains(hosts, "b").kill()
    for node in nodes:
        code, said = node.end(20)
        assert code == 1
        assert "process 1 ended without a word (SIGKILL): killed, or out of memory" in said
        assert said.endswith(f"Go on from its last checkpoint: resume={tmp_path}/run")
    assert "error: node 1 (node2), process 1" in nodes[0].end()[1]
    assert time.monotonic() - since < 10
    assert not hosts.processes("b")


@pytest.mark.slow
def test_a_cut_cable_ends_both_hosts_within_45_s(hosts, tmp_path):
    nodes = start(hosts, tmp_path, "stage.save_steps=1")
    wait_for_steps(tmp_path / "run", 2, *nodes)
    hosts.cut()
    for node, other in zip(nodes, ("node 1 (node2)", "node 0 (node1)"), strict=True):
        code, said = node.end(45)
        assert code == 1
        assert f"{other} has not been heard of for 30 s: the host or the way to it is down" in said


def test_another_learning_rate_on_one_host_trains_nowhere(hosts, tmp_path):
    rates = {0: "stage.learning_rate=1e-5", 1: "stage.learning_rate=1e-3"}
    for node in start(hosts, tmp_path, of=lambda node: [rates[node]]):
        code, said = node.end()
        assert code == 2
        assert "stage.learning_rate is 0.001 there, 1e-05 here. Give all hosts the same" in said


def test_other_clips_on_one_host_train_nowhere(hosts, tmp_path):
    for number, host in enumerate("ab"):
        for kind in ("video", "video_dwpose"):
            clip = tmp_path / f"disk_of_{host}" / kind / "one.mp4"
            clip.parent.mkdir(parents=True)
            with open_writer(clip, format="mp4", fps=8, height=32, width=32) as writer:
                writer.write(np.full([8, 32, 32, 3], 200 * number, np.uint8))
        mount = ["mount", "--bind", str(tmp_path / f"disk_of_{host}"), str(tmp_path / "clips")]
        (tmp_path / "clips").mkdir(exist_ok=True)
        assert hosts.run(host, *mount).returncode == 0
    tiny = [word for word in TINY if not word.startswith(("data=", "data.generate"))]
    try:
        for node in start(hosts, tmp_path, *tiny, "data=folder", "data.folder=clips", data=()):
            code, said = node.end()
            assert code == 2
            assert "node2 has other data than node1: clips/video/one.mp4 changed" in said
    finally:
        for host in "ab":
            hosts.run(host, "umount", str(tmp_path / "clips"))


@pytest.mark.slow
def test_sigterm_to_everybody_saves_without_a_scheduler_too(tmp_path):
    """`timeout` signals its child, then the group of both: readers of clips are in it."""
    own = ["stage=1", "hardware=cpu", *TINY, "stage.max_steps=4000", "hydra.run.dir=run"]
    process = subprocess.Popen(
        [*RUNNER, *own], cwd=tmp_path, env={**os.environ, **HERE}, start_new_session=True
    )
    try:
        wait_for(lambda: steps(tmp_path / "run") >= 2, "two steps", 90)
        process.send_signal(signal.SIGTERM)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(20) == 143
    finally:
        process.kill()
    assert_saved(tmp_path / "run")


def printed_command():
    """The words behind `srun` in docs/clusters.md, for a CPU."""
    text = (ROOT / "docs" / "clusters.md").read_text()
    words = shlex.split(re.search(r"^srun (.*\n(?:    .*\n)*)", text, re.M)[1].replace("\\\n", ""))
    assert "hardware=a100" in words
    cpu = {"hardware=a100": "hardware=cpu", "hardware.devices=8": "hardware.devices=1"}
    return [cpu.get(word, word) for word in words if word != "stage=2"]


@CLUSTERS
@pytest.mark.slow
def test_a_job_that_is_queued_again_has_the_losses_of_one_that_was_left_alone(
    cluster, tmp_path, whole
):
    options, (python, runner, *given) = [], printed_command()
    while python.startswith("-"):
        options, (python, runner, *given) = [*options, python], [runner, *given]
    words = [*RUNNER, *given, "stage=1", *TINY, f"stage.max_steps={STEPS}"]
    quoted = " ".join(word if "$" in word else shlex.quote(word) for word in words)
    script = f"srun {' '.join(options)} {quoted}\n"
    where = ["--nodes=2", "--ntasks-per-node=1", f"--output={tmp_path}/log", "--open-mode=append"]
    job = cluster.submit(script, *where, cwd=tmp_path, env=HERE)
    run = tmp_path / "outputs" / job
    wait_for(lambda: steps(run) >= 2, "two steps", 90)
    assert cluster.run("b", "scontrol", "requeue", job).returncode == 0
    wait_for(lambda: saved(run) >= steps(run), "the step to be saved", 30)
    assert saved(run) < STEPS
    assert cluster.wait(job, "COMPLETED", timeout=120)["Restarts"] == "1"
    assert losses(run) == pytest.approx(whole, abs=1e-5)
    snapshot = json.loads((run / "snapshot.json").read_text())
    assert snapshot["config"]["hardware"]["nodes"] == 2
