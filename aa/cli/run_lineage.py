"""`aa runs lineage`: where a run comes from and what came of it, as trees."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.tree import Tree

from aa.cli.tables import cell, console, print_json
from aa.runs.jobs import run_at, short
from aa.runs.lineage import Lineage, Node
from aa.runs.promotion import MODELS


def lineage(
    run: str, *, outputs: str = "outputs", models: str = MODELS, as_json: bool = False
) -> None:
    """Print what a run comes from and what came of it.

    Args:
        run: a run folder, or a checkpoint in it.
        outputs, models: folders that are looked through.
        as_json: as JSON.

    Raises:
        UserError: there is no such run.
    """
    folder = run_at(run)
    found = Lineage(outputs, models)
    origins, results = found.origins(folder), found.results(folder)
    if as_json:
        values = {"from": _plain(origins.others), "to": _plain(results.others)}
        print_json({**_about(origins), **values})
        return
    tree = Tree(cell(_label(origins), "bold"))
    for title, node in (("comes from", origins), ("was used by", results)):
        branch = tree.add(cell(title if node.others else f"{title} nothing", "dim"))
        _add(branch, node)
    console().print(tree, soft_wrap=True)


def _add(branch: Tree, node: Node) -> None:
    for other in node.others:
        _add(branch.add(cell(f"{other.relation}: {_label(other)}")), other)
    if node.cut:
        branch.add(cell("..."))


def _label(node: Node) -> str:
    run, facts = node.run, [node.kind]
    if run is not None:
        steps = f"{run.step}/{run.steps} steps" if run.step is not None else ""
        metric = f"{run.metric[0]} {run.metric[1]:.4g}" if run.metric else ""
        facts = [run.kind, run.state, steps, metric, _resumed(run.folder)]
    there = "" if node.there else "not there any more"
    part = f"/{node.part}" if node.part else ""
    return f"{short(node.path)}{part} ({', '.join(filter(None, (*facts, there)))})"


def _resumed(folder: Path) -> str:
    """How often a run was resumed: each time it keeps the snapshot from before."""
    times = len(list(folder.glob("snapshot-*.json")))
    return f"resumed {times} time{'s' * (times != 1)}" if times else ""


def _plain(nodes: Iterable[Node]) -> list[dict[str, Any]]:
    return [{**_about(node), "others": _plain(node.others)} for node in nodes]


def _about(node: Node) -> dict[str, Any]:
    found = {"kind": node.kind, "path": str(node.path), "relation": node.relation}
    found |= {"part": node.part, "there": node.there}
    return {**found, "state": node.run.state} if node.run else found
