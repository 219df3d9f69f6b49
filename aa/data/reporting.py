"""Items on their way from the processes that read clips to the one that trains."""

import json
import os
import signal
import sys

import numpy as np

from aa.errors import UserError
from aa.launch import end_with_parent


class ReportingDataset:
    """A `ClipDataset` whose troubles travel with the items, out of the worker processes.

    An item that cannot be made is {"error": message}; clips left out so far come under "bad_clips",
    the item's number under "number". Worker processes end when the one they read for is killed:
    Paddle's wait for their next order, and its memory is never given back.
    """

    def __init__(self, dataset):
        self.dataset, self._process = dataset, os.getpid()

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, k):
        if os.getpid() != self._process:
            _end_with(self._process)
            self._process = os.getpid()
        try:
            item = self.dataset[k]
        except UserError as error:
            return {"error": str(error)}
        item["number"] = np.array(k)
        bad = {str(clip.video): reason for clip, reason in self.dataset.bad_clips.items()}
        return {**item, "bad_clips": json.dumps(bad)} if bad else item


def _end_with(trains):
    """In a process that reads: end, and give shared memory back, when the one that trains ends."""
    signal.signal(signal.SIGUSR1, _leave)  # SIGTERM and SIGINT are the training's own
    end_with_parent(signal.SIGUSR1)
    if os.getppid() != trains:  # it has ended already
        _leave(None, None)


def _leave(number, frame):
    if "paddle" in sys.modules:
        from paddle.io.multiprocess_utils import _cleanup_mmap

        _cleanup_mmap()
    os._exit(1)


def collate(items):
    """Items as one batch of arrays; what `ReportingDataset` reports stays text."""
    errors = [item["error"] for item in items if "error" in item]
    if errors:
        return {"error": errors[0]}
    reports = [item.pop("bad_clips") for item in items if "bad_clips" in item]
    batch = {key: np.stack([item[key] for item in items]) for key in items[0]}
    return {**batch, "bad_clips": reports[-1]} if reports else batch
