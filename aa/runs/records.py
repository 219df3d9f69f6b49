"""The records of a training by step: metrics.jsonl and VisualDL."""

from __future__ import annotations

import json
import logging
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aa.files import replacing, unlinked
from aa.runs.layout import METRICS
from aa.runs.lines import read_lines

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)


class Recorder:
    """Appends to `metrics.jsonl` and VisualDL's `vdl/`.

    Args:
        folder: the run folder.
        step: of what a stopped run resumes from; its later lines are dropped.
    """

    def __init__(self, folder: str | Path, *, step: int = 0) -> None:
        from visualdl import LogWriter

        folder = Path(folder)
        self.last, vdl = _cut(folder, METRICS, step), folder / "vdl"
        _cut(folder, "nonfinite.jsonl", step)
        # Closed by `close`.
        self.file = open(folder / METRICS, "a", opener=unlinked)  # noqa: SIM115
        before = sorted(vdl.glob("vdlrecords.*"))
        # Names have the second only: who resumes in the same one must not take the same file.
        self.writer = LogWriter(logdir=str(vdl), filename_suffix=f".{os.getpid()}.{len(before)}")
        _carry_over(before, self.writer, step=step)

    def describe(self, hyper_parameters: Mapping[str, float | str], metrics: list[str]) -> None:
        """Tell VisualDL what sets this training apart from others, and what to compare them by.

        Args:
            metrics: tags of scalars that are recorded.
        """
        self.writer.add_hparams(hyper_parameters, metrics)

    def record(self, step: int, *, group: str = "train", **values: float | None) -> None:
        """Write one line of values for a step, and the same as VisualDL scalars.

        In the file, names of another group than "train" have it in front: "val/psnr".
        """
        prefix = "" if group == "train" else f"{group}/"
        line = {"step": step, **{prefix + key: value for key, value in values.items()}}
        if group == "train":
            self.last = line
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        for key, value in values.items():
            if value is not None:
                self.writer.add_scalar(f"{group}/{key}", value, step)

    def image(self, tag: str, image: np.ndarray, step: int) -> None:
        """Write an image, uint8 [H, W, 3], for VisualDL."""
        self.writer.add_image(tag, image, step, dataformats="HWC")

    def flush(self) -> None:
        """Return when the file is on the disk, and VisualDL's with the system."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.writer.flush()

    def close(self) -> None:
        """Flush and close both."""
        self.file.close()
        self.writer.close()


def _cut(folder: Path, name: str, step: int) -> dict[str, Any]:
    """Drop a file's records of later steps and what is damaged; return the last loss that is kept.

    A power cut leaves zero bytes, or half a line, where the file was being written.
    """
    path, damaged, size, last = folder / name, [], 0, {}
    if not os.path.lexists(path):
        return last
    for line, record in _up_to(folder, name, step, damaged.append):
        size += len(line)
        last = record if "loss" in record else last
    if size != path.stat().st_size:
        with replacing(path) as file:
            for line, _ in _up_to(folder, name, step, str):
                file.write(line)
    if damaged:
        log.warning(
            "%s, as a power cut leaves it: dropped. What came after step %d is recorded again",
            damaged[0],
            step,
        )
    return last


def _up_to(
    folder: Path, name: str, step: int, damaged: Callable[[str], object]
) -> Iterator[tuple[bytes, dict[str, Any]]]:
    found = read_lines(folder, name, damaged)
    return ((line, record) for line, record in found if record["step"] <= step)


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
