import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from aa.data.loader import ClipLoader
from aa.data.reporting import ReportingDataset, collate, collate_in_loader, raise_trouble
from aa.errors import ClipError, UserError

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
    """Three items; the second cannot be made."""

    def __init__(self, error):
        self.error, self.bad_clips = error, {}

    def __len__(self):
        return 3

    def __getitem__(self, k):
        if k == 1:
            raise self.error
        return {"x": np.zeros(2, np.float32)}


@pytest.mark.parametrize("error", [ClipError("a.mp4: no video."), UserError("no room.")])
def test_an_item_that_cannot_be_made_is_raised_where_it_is_used(error):
    items = ReportingDataset(Broken(error))
    raise_trouble(collate([items[0]]))
    with pytest.raises(type(error), match=str(error)):
        raise_trouble(collate([items[0], items[1]]))


@pytest.mark.parametrize("workers", [0, 1])
def test_the_loader_gives_every_batch_whatever_an_item_raised(workers):
    items = ReportingDataset(Broken(KeyError("x")))
    batches = list(ClipLoader(items, batch_size=1, collate_fn=collate, num_workers=workers))
    assert ["crash" in batch for batch in batches] == [False, True, False]
    assert [batch["number"].tolist() for batch in batches] == [[0], [1], [2]]


def test_items_that_do_not_go_together_are_reported_not_raised():
    items = [{"x": np.zeros(n), "number": np.array(n)} for n in (1, 2)]
    batch = collate_in_loader(items)
    assert "must have the same shape" in batch["crash"]
    assert batch["number"].tolist() == [1, 2]


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
