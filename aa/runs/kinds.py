"""The records of run folders and sweeps as types: what a reader may count on.

Keys of which a reader can do without are not required. A key that is not here is not read.
"""

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Line = Annotated[str, Meta(max_length=100_000)]  # for people, or a path
Name = Annotated[str, Meta(max_length=1000)]
Overrides = list[Line]
SlurmId = Annotated[str, Meta(pattern=r"^\d+(_\d+)?$")]
Plain = dict[Name, Any]  # of configs and scores: checked for depth, numbers and length


class Git(TypedDict):
    """The code that a run was made from."""

    commit: Name
    diff: str


class Data(TypedDict):
    """The files that a run has read, see `aa.runs.fingerprints.fingerprint`."""

    kind: Name
    files: dict[Line, dict[Name, Name | Count]]


class Snapshot(TypedDict, total=False):
    """`snapshot.json`, as much of it as is there."""

    config: Plain
    seed: Whole | None
    command: list[Line]
    folder: Line
    working_directory: Line
    git: Git | None
    code: dict[Line, Name]
    packages: dict[Name, Name | None]
    data: Data
    machine: Plain


class Listed(TypedDict, total=False):
    """The part of `snapshot.json` that a list of runs shows, as much of it as is there."""

    config: Plain
    command: list[Line]
    working_directory: Line


class Outcome(TypedDict, total=False):
    """`outcome.json`, as much of it as is there."""

    state: Name
    error: Line | None
    code: Whole
    seconds: float


class Job(TypedDict, total=False):
    """`job.json`, as much of it as is there.

    `limit`, `limits` and `counted` are a `TimeLimit`'s: how far the job came, how often, and if the
    end of this start is one of them.
    """

    number: Count
    signature: Name
    swept: Plain
    attempts: Count
    asked: float | None
    tried: float | None
    stopped: bool
    waits: Line | None
    limit: list[Any] | None
    limits: Count
    counted: bool
    queued: SlurmId | None


class SweepAbout(TypedDict, total=False):
    """`sweep.json`, as much of it as is there."""

    runner: Line
    arguments: list[Line]
    command: Line
    swept: list[Name]
    metric: Name | None
    direction: Literal["min", "max"] | None
    sweeper: Name
    launcher: Name
    home: Line


class SweepNeeds(TypedDict):
    """The keys that `sweep.json` must have for a sweep to resume."""

    runner: Line
    options: list[Line]
    arguments: list[Line]
    swept: list[Name]


class RecordedSweep(SweepNeeds, total=False):
    """`sweep.json` of a sweep that resumes."""

    home: Line


class Stopped(TypedDict):
    """`stopped.json`: when the command that was stopped had started."""

    started: float


class Video(TypedDict, total=False):
    """A video of an animation in its `summary.json`."""

    pose: Line
    video: Line
    frames: Count
    seconds: float
    sha256_of_frames: dict[Name, Name]


class RecordsState(TypedDict, total=False):
    """The state of the steps before a checkpoint that the records of a training need."""

    losses: float
    counted: Count
    skipped: Count
    missed: list[Name]


class TrainingValues(TypedDict):
    """`state.json` of a checkpoint; `scaler` and `records` are null where there was none."""

    lr_scheduler: Plain
    scaler: Plain | None
    records: RecordsState | None


class TrainerProgress(TypedDict):
    """The part of the state written by paddlenlp's trainer that is relied on."""

    global_step: Count
    max_steps: Count
    consumed_samples: Count
    epoch: float


class MadeFiles(TypedDict):
    """The files that the result of a case was written to."""

    video: Line
    side_by_side: Line


class CaseResult(MadeFiles, total=False):
    """The result of a case, as the summary of an animation tells it."""

    reference: Line
    pose: Line
    reference_pose: Line
    driving: bool
    frames: Count
    width: Count
    height: Count
    fps: float
    sound: bool
    seconds: float
    sha256_of_frames: dict[Name, Name]


class MadeVideo(TypedDict):
    """A line of `cases.jsonl`: a case that is made, and the bytes of its files."""

    name: Name
    signature: Name
    bytes: dict[Name, Count | None]
    result: CaseResult


class FileEntry(TypedDict):
    """A file in the manifest of a sealed folder, or of an export."""

    bytes: Count
    sha256: Name


class Summary(TypedDict, total=False):
    """`summary.json` of a training, an animation or an export, as much of it as is there."""

    steps: Count
    videos: list[Video]
    files: dict[Line, FileEntry]


class SealedFiles(TypedDict):
    """The keys that the manifest of a sealed folder must have, see `aa.runs.sealing`."""

    format: Name
    files: dict[Line, FileEntry]


class Manifest(SealedFiles, total=False):
    """The manifest of a sealed folder; of a checkpoint with its step and its settings' hash."""

    step: Count
    config: Name


class Holder(TypedDict):
    """The record that a process leaves in the lock file that it holds."""

    pid: Count
    host: Name
    since: Annotated[float, Meta(ge=0, le=253_402_300_799)]  # up to the year 9999


class HydraJob(TypedDict, total=False):
    """The job in `.hydra/hydra.yaml`."""

    name: Name | None


class HydraRuntime(TypedDict, total=False):
    """The runtime in `.hydra/hydra.yaml`."""

    cwd: Line


class HydraPart(TypedDict, total=False):
    """The keys that are read of Hydra's part of a config."""

    overrides: dict[Name, list[Line]]
    job: HydraJob
    runtime: HydraRuntime


class HydraFile(TypedDict, total=False):
    """`.hydra/hydra.yaml`, as much of it as is read."""

    hydra: HydraPart
