import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from aa.data.reporting import ReportingDataset, collate
from aa.errors import UserError

READER = """
import os, sys, time
from aa.data.reporting import ReportingDataset

class Items:
    bad_clips = {}
    def __getitem__(self, k):
        return {}

items = ReportingDataset(Items())
if os.fork() == 0:
    items[0]
    print(os.getpid(), flush=True)
time.sleep(60)
"""


LOADER = """
import os, time
import numpy as np
import paddle
from aa.data.reporting import ReportingDataset, collate

class Items:
    bad_clips = {}
    def __len__(self):
        return 8
    def __getitem__(self, k):
        return {"x": np.zeros(2**18, np.float32)}

loader = paddle.io.DataLoader(ReportingDataset(Items()), num_workers=1, collate_fn=collate)
batches = iter(loader)
next(batches)
print(batches._workers[0].pid, flush=True)
time.sleep(60)
"""


class Broken:
    def __len__(self):
        return 1

    def __getitem__(self, k):
        raise UserError("a.mp4: no video.")


def test_an_item_that_cannot_be_made_is_its_error():
    assert collate([ReportingDataset(Broken())[0]]) == {"error": "a.mp4: no video."}


def test_a_process_that_reads_ends_when_the_one_that_trains_is_killed():
    root = Path(__file__).parents[2]
    trains = subprocess.Popen([sys.executable, "-c", READER], stdout=subprocess.PIPE, cwd=root)
    reads = psutil.Process(int(trains.stdout.readline()))
    trains.kill()
    trains.wait()
    try:
        reads.wait(timeout=10)
    except psutil.TimeoutExpired:
        reads.kill()
        pytest.fail("it lives on")


def test_its_shared_memory_is_given_back():
    root = Path(__file__).parents[2]
    trains = subprocess.Popen([sys.executable, "-c", LOADER], stdout=subprocess.PIPE, cwd=root)
    reads = psutil.Process(int(trains.stdout.readline().split()[-1]))
    assert shared_memory(reads.pid)
    trains.kill()
    trains.wait()
    reads.wait(timeout=10)
    assert not shared_memory(reads.pid)


def shared_memory(pid):
    return list(Path("/dev/shm").glob(f"paddle_{pid}_*"))
