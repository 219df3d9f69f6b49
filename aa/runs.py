"""The records of a run folder: metrics, VisualDL, summary. Imports no paddle."""

import json
import os
from contextlib import suppress
from pathlib import Path

STAGES = ("stage1", "stage2")  # folders of a run of both stages
PLAN = "plan.json"  # in a stage's folder: what was counted of it before it started
CASES = "cases.jsonl"  # of an animation: a line for each video as soon as it is done


def stage_folders(config, folder):
    """The folders of the stages of a `TrainConfig`, in order: the run's own, or one for each."""
    return [Path(folder) / name for name in STAGES] if config.next_stage else [Path(folder)]


def write_json(path, content):
    """Write JSON, see `write_text`."""
    write_text(path, json.dumps(content, indent=1, default=str) + "\n")


def write_text(path, text):
    """Write a text under a temporary name and rename it, so that a reader never sees half of it.

    Raises:
        OSError: it cannot be written; names the file, and leaves none.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:  # of a full disk it names no file
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


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

        folder = Path(folder)
        kept, vdl = _cut(folder / "metrics.jsonl", step), folder / "vdl"
        _cut(folder / "nonfinite.jsonl", step)
        self.file = open(folder / "metrics.jsonl", "a")  # noqa: SIM115 closed by `close`
        before = sorted(vdl.glob("vdlrecords.*"))
        # Names have the second only: who goes on in the same one must not take the same file.
        self.writer = LogWriter(logdir=str(vdl), filename_suffix=f".{os.getpid()}.{len(before)}")
        _carry_over(before, self.writer, step=step)
        self.last = next((r for r in reversed(kept) if "loss" in r), {})

    def describe(self, hyper_parameters, metrics):
        """Tell VisualDL what sets this training apart from others, and what to compare them by.

        Args:
            hyper_parameters: {key: number or text}.
            metrics: tags of scalars that are recorded.
        """
        self.writer.add_hparams(hyper_parameters, metrics)

    def record(self, step, *, group="train", **values):
        """One line of numbers for a step, and the same as VisualDL scalars.

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

    def image(self, tag, image, step):
        """A picture, uint8 [H, W, 3], for VisualDL."""
        self.writer.add_image(tag, image, step, dataformats="HWC")

    def flush(self):
        """Return when the file is on the disk, and VisualDL's with the system."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.writer.flush()

    def close(self):
        """Flush and close both."""
        self.file.close()
        self.writer.close()


def _cut(path, step):
    """Drop a file's records of later steps, and a line that was cut short; return what is kept."""
    if not path.exists():
        return []
    kept = [record for record in read_records(path) if record["step"] <= step]
    text = "".join(json.dumps(record) + "\n" for record in kept)
    if text != path.read_text():
        write_text(path, text)
    return kept


def _carry_over(files, writer, *, step):
    """Move VisualDL's records up to a step into the writer's file: it shows only one of a folder.

    A record that was cut short ends its file. One that is in two files, because an earlier move was
    stopped half-way, is moved once. Hyper-parameters are those of who goes on, see `describe`.
    """
    from google.protobuf.message import DecodeError
    from visualdl.proto.record_pb2 import Record  # pyright: ignore (protobuf makes it at run time)
    from visualdl.reader.record_reader import RecordReader

    moved = set()
    for file in files:
        for data in RecordReader(str(file)).get_all():
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
