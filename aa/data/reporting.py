"""Items on their way from the processes that read clips to the one that trains."""

import json
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aa.errors import ClipError, UserError

if TYPE_CHECKING:
    from aa.data.clips import ClipDataset

# Those that the user can fix, first of all of a clip, and one that only a programmer can.
TROUBLES = ("clip_error", "error", "crash")


class ReportingDataset:
    """A `ClipDataset` whose troubles travel with the items, out of the worker processes.

    Every item has its number under "number": Paddle's loader takes a batch without arrays for the
    end of the data, and waits for ever for an item that raised in its thread. One that cannot be
    made has besides only one of `TROUBLES`, a message or a traceback. Clips left out so far come
    under "bad_clips".
    """

    def __init__(self, dataset: "ClipDataset") -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, k: int) -> dict[str, Any]:
        number = {"number": np.array(k)}
        try:
            item = {**self.dataset[k], **number}
        except ClipError as error:
            return {"clip_error": str(error), **number}
        except UserError as error:
            return {"error": str(error), **number}
        except Exception:
            return {"crash": traceback.format_exc(), **number}
        bad = {str(clip.video): reason for clip, reason in self.dataset.bad_clips.items()}
        return {**item, "bad_clips": json.dumps(bad)} if bad else item


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Items as one batch of arrays; what `ReportingDataset` reports stays text.

    A batch with an item that could not be made is the first such item's report, and the numbers.
    """
    for trouble in TROUBLES:
        reports = [item[trouble] for item in items if trouble in item]
        if reports:
            return {trouble: reports[0], "number": np.stack([item["number"] for item in items])}
    reports = [item.pop("bad_clips") for item in items if "bad_clips" in item]
    batch = {key: np.stack([item[key] for item in items]) for key in items[0]}
    return {**batch, "bad_clips": reports[-1]} if reports else batch


def collate_in_loader(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """As `collate`, where nothing may be raised: a loader's thread would be waited for for ever."""
    try:
        return collate(items)
    except Exception:
        numbers = np.stack([item["number"] for item in items])
        return {"crash": traceback.format_exc(), "number": numbers}


def raise_trouble(batch: Mapping[str, Any]) -> None:
    """Raise what a batch reports, if one of its items could not be made.

    Raises:
        ClipError, UserError: the user can fix it.
        RuntimeError: a mistake in the program; its message is the traceback.
    """
    if "clip_error" in batch:
        raise ClipError(batch["clip_error"])
    if "error" in batch:
        raise UserError(batch["error"])
    if "crash" in batch:
        raise RuntimeError(f"item {batch['number'].tolist()}: {batch['crash']}")
