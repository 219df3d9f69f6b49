"""`checkpoints/best`: a link to the checkpoint that validated best."""

import os
from pathlib import Path

from aa.config.evaluation import higher_is_better
from aa.runs.layout import BEST, CHECKPOINTS, checkpoint_step, list_checkpoints
from aa.runs.lines import is_number, read_records
from aa.runs.sealing import SUFFIX, flush


class BestCheckpoint:
    """Chooses the best checkpoint of a run by its records, so that a resumed one chooses the same.

    Args:
        folder: the run folder.
        metric: the name of what is compared, recorded as "val/<metric>".
        every: how often it is recorded, in steps; at the last step too.
    """

    def __init__(self, folder: str | Path, metric: str, every: int) -> None:
        self.folder, self.metric, self.every = Path(folder), metric, every

    def is_new(self, step: int) -> bool:
        """Return whether this step, not saved yet, validated better than every checkpoint."""
        return self._choose(step) == step

    def link(self) -> None:
        """Point `best` at the best validated checkpoint, or remove it.

        What a stop, or a quarantined checkpoint, has left of it is fixed.
        """
        link, step = self.folder / CHECKPOINTS / BEST, self._choose()
        if step is None:
            link.unlink(missing_ok=True)
            return
        target = f"step-{step:06d}"
        if link.is_symlink() and os.readlink(link) == target:
            return
        partial = link.with_name(f".{BEST}{SUFFIX}")
        partial.unlink(missing_ok=True)
        partial.symlink_to(target)
        os.replace(partial, link)
        flush(link.parent)

    def _choose(self, *more: int) -> int | None:
        """The step of the best record, the first of equals, of checkpoints and `more` steps."""
        steps = {*more, *map(checkpoint_step, list_checkpoints(self.folder))}
        key, sign = f"val/{self.metric}", -1 if higher_is_better(self.metric) else 1
        found = [
            (sign * record[key], record["step"])
            for record in read_records(self.folder / "metrics.jsonl")
            if record["step"] in steps and is_number(record.get(key))
        ]
        return min(found)[1] if found else None
