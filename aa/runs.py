"""The records of a run folder: metrics, VisualDL, summary. Imports no paddle."""

import json
import os
from pathlib import Path


def write_json(path, content):
    """Write JSON under a temporary name and rename it, so that a reader never sees half of it."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(content, indent=1, default=str) + "\n")
    os.replace(partial, path)


def read_json(path):
    """What `write_json` wrote."""
    return json.loads(Path(path).read_text())


def read_records(path):
    """The lines of a `metrics.jsonl`; a last line that was cut short is left out."""
    lines = Path(path).read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


class Recorder:
    """Appends to `metrics.jsonl` and VisualDL's `vdl/`.

    Args:
        folder: the run folder.
        step: of what a stopped run goes on from; its later lines are dropped.
    """

    def __init__(self, folder, *, step=0):
        from visualdl import LogWriter

        path, vdl = Path(folder) / "metrics.jsonl", Path(folder) / "vdl"
        kept = [r for r in read_records(path) if r["step"] <= step] if path.exists() else []
        path.write_text("".join(json.dumps(r) + "\n" for r in kept))
        self.file = open(path, "a")  # noqa: SIM115 closed by `close`
        before = sorted(vdl.glob("vdlrecords.*"))
        # Its name has the second only: a process started in the same one must not share it.
        self.writer = LogWriter(logdir=str(vdl), filename_suffix=f".{os.getpid()}")
        _carry_over(before, self.writer, step=step)
        self.last = next((r for r in reversed(kept) if "loss" in r), {})

    def record(self, step, *, group="train", **values):
        """One line of numbers for a step, and the same as VisualDL scalars.

        In the file, names of another group than "train" have it in front: "validation/psnr".
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

    def image(self, tag, image, step):
        """A picture, uint8 [H, W, 3], for VisualDL."""
        self.writer.add_image(tag, image, step, dataformats="HWC")

    def flush(self):
        """Return when all of it is on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.writer.flush()

    def close(self):
        """Flush and close both."""
        self.file.close()
        self.writer.close()


def _carry_over(files, writer, *, step):
    """Move VisualDL's records up to a step into the writer's file: it shows only one of a folder.

    A record that was cut short ends its file.
    """
    from google.protobuf.message import DecodeError
    from visualdl.proto.record_pb2 import Record
    from visualdl.reader.record_reader import RecordReader

    for file in files:
        for data in RecordReader(str(file)).get_all():
            try:
                record = Record.FromString(data)
            except DecodeError:
                break
            if all(value.id <= step for value in record.values):
                writer._get_file_writer().add_record(record)
    writer.flush()
    for file in files:
        file.unlink()
