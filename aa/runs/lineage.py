"""Where a run comes from, and what came of it: weights, data, runs that were repeated."""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from aa.errors import UserError
from aa.runs.index import RunIndex
from aa.runs.jobs import is_run
from aa.runs.promotion import MODELS, find_models, read_source
from aa.runs.resume import run_folder
from aa.runs.summary import Run, read_run

WEIGHTS = ("weights", "stage.init_from", "stage.motion_init_from", "next_stage.motion_init_from")
DATA = (
    *("data.manifest", "data.folder", "data.generate.folder"),
    *("reference", "pose", "cases", "generated", "truth", "masks"),
)
KEYS = ("rerun", *WEIGHTS, *DATA)  # of configs, whose values are paths
RUN, MODEL, SWEEP = "run", "model", "sweep"
MOST_DEPTH, MOST_NODES = 50, 2000
INSIDE = 4  # folders between a run and what is used of it: stage2/checkpoints/step-000500


@dataclass
class Node:
    """A run, a named model, or a file or folder of weights or data.

    Attributes:
        kind: RUN, MODEL, SWEEP, "weights" or "data".
        path: of its folder or file.
        relation: the key by which one uses the other, in whose config it is; "" of the root. Of
            what came of a run with the part that was used of that.
        part: of where something comes from: "checkpoints/step-000500", or "" for all of it.
        run: where it is one.
        there: whether it still exists.
        others: what it comes from, or what came of it.
        cut: others are shown elsewhere in the tree, or are too many.
    """

    kind: str
    path: Path
    relation: str = ""
    part: str = ""
    run: Run | None = None
    there: bool = True
    others: list["Node"] = field(default_factory=list)
    cut: bool = False


class Lineage:
    """The relations of runs and named models.

    Args:
        outputs: the folder that runs are below.
        models: the folder of named models.
    """

    def __init__(self, outputs: str | Path = "outputs", models: str | Path = MODELS) -> None:
        runs = RunIndex(outputs).runs() if Path(outputs).is_dir() else []
        self.runs = {Path(os.path.realpath(run.folder)): run for run in runs}
        self.models = {Path(os.path.realpath(model)): model for model in find_models(models)}
        self._count = 0
        self._users: dict[Path, list[Node]] | None = None

    def origins(self, folder: Path) -> Node:
        """The tree of what a run comes from."""
        root = self._node(Path(os.path.realpath(folder)), "", RUN)
        self._count = 0
        self._grow(root, self._sources, {root.path})
        return root

    def results(self, folder: Path) -> Node:
        """The tree of what came of a run, of all below `outputs` and `models`."""
        root = self._node(Path(os.path.realpath(folder)), "", RUN)
        self._count = 0
        self._grow(root, self._made, {root.path})
        return root

    def _grow(self, node: Node, find, seen: set[Path], depth: int = 0) -> None:
        for other in find(node):
            self._count += 1
            if depth >= MOST_DEPTH or self._count > MOST_NODES:
                node.cut = True
                return
            node.others.append(other)
            if other.kind in (RUN, MODEL):
                if other.path in seen:
                    other.cut = True
                else:
                    seen.add(other.path)
                    self._grow(other, find, seen, depth + 1)

    def _sources(self, node: Node) -> Iterator[Node]:
        """Yield what a run or a model comes from."""
        if node.kind == MODEL:
            with suppress(UserError, OSError):
                source = read_source(node.path) or {}
                if "run" in source:
                    path = source.get("checkpoint", source["run"])
                    yield self._node(Path(os.path.realpath(path)), "promoted from", "weights")
        if node.run is None:
            return
        if node.run.sweep:
            yield Node(SWEEP, node.run.sweep, "job of")
        for key in KEYS:
            value = node.run.config.get(key)
            with suppress(ValueError, OSError):  # no path at all
                if isinstance(value, str) and value:
                    path = Path(os.path.realpath(node.run.home / value))
                    if not path.is_relative_to(node.path):
                        kind = "data" if key in DATA else "weights"
                        yield self._node(path, key, kind)

    def _made(self, node: Node) -> Iterator[Node]:
        """Yield the runs and models that come from one."""
        if self._users is None:
            self._users = defaultdict(list)
            for path in (*self.runs, *self.models):
                user = self._node(path, "", RUN)
                for source in self._sources(user):
                    if source.kind in (RUN, MODEL):
                        relation = ", ".join(filter(None, (source.relation, source.part)))
                        made = Node(user.kind, user.path, relation, run=user.run)
                        self._users[source.path].append(made)
        for made in self._users[node.path]:
            yield Node(made.kind, made.path, made.relation, run=made.run)

    def _node(self, path: Path, relation: str, kind: str) -> Node:
        """The run or model that a real path lies in, else what it is said to be."""
        for home in (path, *list(path.parents)[:INSIDE]):
            part = "" if home == path else str(path.relative_to(home))
            if home in self.models:
                return Node(MODEL, home, relation, part)
            run = self.runs.get(home)
            if run is None and (home == path or part.startswith(("checkpoints/", "stage"))):
                run = self._elsewhere(home)
            if run is not None:
                return Node(RUN, home, relation, part, run)
        return Node(kind, path, relation, there=os.path.lexists(path))

    def _elsewhere(self, folder: Path) -> Run | None:
        """A run that is not below `outputs`."""
        with suppress(OSError):
            if folder.is_dir() and is_run(folder) and run_folder(folder) == folder:
                return read_run(folder)
        return None
