"""MLflow as a tracker of trainings.

MLflow's own variables of the environment say where: MLFLOW_TRACKING_URI (else a file of SQLite in
`outputs/.mlflow`), MLFLOW_EXPERIMENT_NAME (else "aa"), and what a server asks for.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aa.runs.jobs import spelled
from aa.runs.outcomes import DONE, FAILED

if TYPE_CHECKING:
    import numpy as np

    from aa.runs.trackers import TrackedRun

HOME = Path("outputs/.mlflow")  # hidden: no run is looked for there
EXPERIMENT = "aa"
STATUS = {DONE: "FINISHED", FAILED: "FAILED"}  # any other: KILLED
MOST_PARAMS, LONGEST_KEY, LONGEST_VALUE = 100, 250, 500  # of a call; characters


class MlflowTracker:
    """A `Tracker` that keeps a training as a run of MLflow."""

    def __init__(self) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # unless somebody wants it
        import mlflow  # pyright: ignore[reportMissingImports]

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of each table it makes
        self._mlflow = mlflow
        self._client: Any = None
        self._run = ""
        self._artifacts: str | None = None  # where the store says, if that is not ours
        self._recorded: dict[str, dict[int, float]] = {}  # of each metric, by step, before a stop

    def begin(self, run: TrackedRun) -> str:
        """Begin a run; go on with the earlier one if it is there."""
        uri, home = os.environ.get("MLFLOW_TRACKING_URI"), HOME.absolute()
        if not uri:
            home.mkdir(parents=True, exist_ok=True)
            uri, self._artifacts = f"sqlite:///{home}/mlflow.db", (home / "artifacts").as_uri()
        self._client = self._mlflow.MlflowClient(uri)
        if run.identity and self._find(run.identity):
            self._resume(run.identity)
        else:
            self._start(run)
        return self._run

    def scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        """Record numbers; what a resumed run repeats is there already."""
        from mlflow.entities import Metric  # pyright: ignore[reportMissingImports]

        named = {f"{group}/{key}": value for key, value in values.items()}
        now = int(1000 * time.time())
        metrics = [
            Metric(key, value, now, step)
            for key, value in named.items()
            if self._recorded.get(key, {}).get(step) != value
        ]
        self._client.log_batch(self._run, metrics=metrics)

    def image(self, tag: str, image: np.ndarray, step: int) -> None:
        """Record an image, uint8 [H, W, 3]."""
        self._client.log_image(self._run, image, artifact_file=f"{tag}/step-{step:06d}.png")

    def file(self, kind: str, path: Path, step: int) -> None:
        """Name the last of its kind in a tag: samples are videos, checkpoints have gigabytes."""
        self._client.set_tag(self._run, f"aa.{kind}", os.path.abspath(path))

    def flush(self) -> None:
        """Every call has sent what it was given."""

    def end(self, state: str) -> None:
        """End the run."""
        self._client.set_terminated(self._run, STATUS.get(state, "KILLED"))

    def _experiment(self) -> str:
        """The identity of the experiment, made if it is not there."""
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        if self._client.get_experiment_by_name(name) is None:
            with suppress(self._mlflow.exceptions.MlflowException):  # another run has just made it
                self._client.create_experiment(name, artifact_location=self._artifacts)
        return self._client.get_experiment_by_name(name).experiment_id

    def _find(self, identity: str) -> bool:
        with suppress(self._mlflow.exceptions.MlflowException):  # another server, or deleted
            return self._client.get_run(identity).info.lifecycle_stage == "active"
        return False

    def _resume(self, identity: str) -> None:
        self._run = identity
        self._client.update_run(identity, status="RUNNING")
        for key in self._client.get_run(identity).data.metrics:
            history = self._client.get_metric_history(identity, key)
            self._recorded[key] = {point.step: point.value for point in history}

    def _start(self, run: TrackedRun) -> None:
        from mlflow.entities import Param  # pyright: ignore[reportMissingImports]

        tags = {"aa.folder": os.path.abspath(run.folder), "aa.host": socket.gethostname()}
        made = self._client.create_run(self._experiment(), run_name=run.name, tags=tags)
        self._run = made.info.run_id
        params = [
            Param(key, spelled(value)[:LONGEST_VALUE])
            for key, value in run.config.items()
            if len(key) <= LONGEST_KEY
        ]
        for first in range(0, len(params), MOST_PARAMS):
            self._client.log_batch(self._run, params=params[first : first + MOST_PARAMS])
