"""Items on their way from the processes that read clips to the one that trains."""

import json
import os
import signal

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
            self._process = os.getpid()
            end_with_parent(signal.SIGKILL)  # SIGTERM is the training's own
        try:
            item = self.dataset[k]
        except UserError as error:
            return {"error": str(error)}
        item["number"] = np.array(k)
        bad = {str(clip.video): reason for clip, reason in self.dataset.bad_clips.items()}
        return {**item, "bad_clips": json.dumps(bad)} if bad else item


def collate(items):
    """Items as one batch of arrays; what `ReportingDataset` reports stays text."""
    errors = [item["error"] for item in items if "error" in item]
    if errors:
        return {"error": errors[0]}
    reports = [item.pop("bad_clips") for item in items if "bad_clips" in item]
    batch = {key: np.stack([item[key] for item in items]) for key in items[0]}
    return {**batch, "bad_clips": reports[-1]} if reports else batch
