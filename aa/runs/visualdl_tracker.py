"""VisualDL's records of a training, `vdl/` of its folder."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aa.files import unlinked
from aa.runs.layout import VISUALDL

if TYPE_CHECKING:
    import numpy as np

    from aa.runs.trackers import TrackedRun


class VisualdlTracker:
    """A `Tracker` that writes VisualDL's files at once, in the process of the training.

    Args:
        folder: of the run, or of its stage.
        step: of what a stopped run resumes from; its later records are dropped.
    """

    def __init__(self, folder: Path, *, step: int) -> None:
        from visualdl import LogWriter

        home = folder / VISUALDL
        before = sorted(home.glob("vdlrecords.*"))
        # Names have the second only: who resumes in the same one must not take the same file.
        self.writer = LogWriter(logdir=str(home), filename_suffix=f".{os.getpid()}.{len(before)}")
        _carry_over(before, self.writer, step=step)

    def begin(self, run: TrackedRun) -> None:
        """Tell what sets this training apart from others, and what to compare them by."""
        self.writer.add_hparams(run.hyper_parameters, run.metrics)

    def scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        """Write scalars."""
        for key, value in values.items():
            self.writer.add_scalar(f"{group}/{key}", value, step)

    def image(self, tag: str, image: np.ndarray, step: int) -> None:
        """Write an image, uint8 [H, W, 3]."""
        self.writer.add_image(tag, image, step, dataformats="HWC")

    def file(self, kind: str, path: Path, step: int) -> None:
        """Leave it: it lies beside `vdl/`."""

    def flush(self) -> None:
        """Hand all to the system."""
        self.writer.flush()

    def end(self, state: str) -> None:
        """Close the file."""
        self.writer.close()


def _carry_over(files: Iterable[Path], writer: Any, *, step: int) -> None:
    """Move VisualDL's records up to a step into the writer's file: it shows only one of a folder.

    A record that was cut short ends its file. One that is in two files, because an earlier move was
    stopped half-way, is moved once. Hyper-parameters are those of who resumes, see `describe`.
    """
    from google.protobuf.message import DecodeError

    # protobuf makes it at run time
    from visualdl.proto.record_pb2 import Record  # pyright: ignore[reportAttributeAccessIssue]

    moved = set()
    for file in files:
        for data in _visualdl_records(file):
            if data in moved:
                continue
            moved.add(data)
            try:
                record = Record.FromString(data)
            except DecodeError:
                break
            if all(v.id <= step and not v.HasField("hparam") for v in record.values):
                writer._get_file_writer().add_record(record)
    writer.flush()
    for file in files:
        file.unlink()


def _visualdl_records(path: Path) -> Iterator[bytes]:
    """Yield the records of a VisualDL file: each has its length in front, in 8 bytes.

    VisualDL's own reader makes room for any length that it is told.
    """
    with open(path, "rb", opener=unlinked) as file:
        size = os.fstat(file.fileno()).st_size
        while len(header := file.read(8)) == 8:
            (length,) = struct.unpack("<Q", header)
            if not 0 < length <= size - file.tell():
                return
            yield file.read(length)
