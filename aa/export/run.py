"""An export run: a model to a folder of ONNX files, and the record of both."""

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aa.export.animation import Animation
from aa.export.folder import SCRIPT, export
from aa.files import write_json
from aa.runs.fingerprints import fingerprint, sha256
from aa.runs.layout import SUMMARY
from aa.runs.snapshots import write_snapshot

if TYPE_CHECKING:
    from aa.models.animate_anyone import AnimateAnyone

log = logging.getLogger(__name__)


class ExportRun:
    """Writes the export of a model, and into a run folder what it was made of.

    Args:
        folder: the run folder.
        model: in evaluation mode.
        target: the folder of the export.
        animation: that it is for.
        weights: the files that the model was read from.
        config: of the run, as plain values for its records.
    """

    def __init__(
        self,
        folder: Path,
        model: "AnimateAnyone",
        target: Path,
        animation: Animation,
        *,
        weights: list[Path],
        config: dict[str, Any],
    ) -> None:
        self.folder, self.model, self.target, self.animation = folder, model, target, animation
        self.weights, self.config = weights, config

    def run(self) -> None:
        """Write the records and the export.

        Raises:
            UserError: the model has no such sizes, the folder is there already, or there is no
                room.
        """
        begin = time.perf_counter()
        self.animation.check(self.model)
        write_snapshot(self.folder, self.config, fingerprint(self.weights))
        export(self.model, self.target, self.animation)
        files = {p.name: {"bytes": p.stat().st_size, "sha256": sha256(p)} for p in self._files()}
        summary = {"target": os.path.abspath(self.target), "files": files}
        seconds = round(time.perf_counter() - begin, 3)
        write_json(self.folder / SUMMARY, {**summary, "seconds": seconds})
        log.info("written: %s; animate with python %s", self.target, self.target / SCRIPT)

    def _files(self) -> list[Path]:
        return sorted(path for path in self.target.iterdir() if path.is_file())
