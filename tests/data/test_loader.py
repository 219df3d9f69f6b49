"""Processes that read clips: they serve the one that trains, stop for nobody else, end with it."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
LOADER = """
import os, signal, sys, time
import numpy as np
from aa.data.loader import ClipLoader
from aa.data.reporting import ReportingDataset, collate

class Items:
    bad_clips = {}
    def __len__(self):
        return 8
    def __getitem__(self, k):
        return {"x": np.zeros(2**18, np.float32)}

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
    signal.signal(number, lambda *_: None)  # as one that finishes its step
loader = ClipLoader(ReportingDataset(Items()), num_workers=1, collate_fn=collate)
batches = iter(loader)
next(batches)
print(batches._workers[0].pid, flush=True)
"""
WAIT = "time.sleep(60)"
GO_ON = "sys.stdin.readline(); print(1 + len(list(batches)), flush=True)"


@contextmanager
def training(then):
    """(the process that trains, the one that reads for it), in a group of their own."""
    with subprocess.Popen(
        [sys.executable, "-c", LOADER + then],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    ) as trains:
        reads = psutil.Process(int(trains.stdout.readline().split()[-1]))
        try:
            yield trains, reads
        finally:
            trains.kill()
            if reads.is_running():
                reads.kill()


def shared_memory(pid):
    return list(Path("/dev/shm").glob(f"paddle_{pid}_*"))


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2], ids=lambda n: n.name
)
def test_a_signal_to_everybody_takes_no_batch_away(number):
    with training(GO_ON) as (trains, _):
        for _ in range(3):
            os.killpg(trains.pid, number)
        assert trains.communicate("go on\n", timeout=30)[0] == "8\n"
        assert trains.returncode == 0


def test_who_stops_amid_an_epoch_is_not_kept_waiting():
    with training("") as (trains, reads):
        trains.communicate(timeout=10)
        reads.wait(timeout=5)
    assert trains.returncode == 0


def test_a_process_that_reads_ends_when_the_one_that_trains_is_killed_and_gives_memory_back():
    with training(WAIT) as (trains, reads):
        assert shared_memory(reads.pid)
        trains.kill()
        trains.wait()
        reads.wait(timeout=10)
        assert not shared_memory(reads.pid)
