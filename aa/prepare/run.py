"""The command: a data set is made, or checked, with its report."""

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import cast

from aa.config.convert import to_dict
from aa.config.prepare import PrepareConfig
from aa.errors import UserError
from aa.plain import printable
from aa.poses.detectors.choice import choose_detector
from aa.prepare.attempts import Engine
from aa.prepare.detection import detector
from aa.prepare.jobs import Detect
from aa.prepare.layout import Target, begin, settings_of
from aa.prepare.preparation import Decision, Preparation
from aa.prepare.report import write_report
from aa.prepare.sources import find_sources
from aa.prepare.split import write_manifests
from aa.prepare.summary import line, rows, summarise
from aa.prepare.workers import Workers
from aa.runs.fingerprints import fingerprint
from aa.runs.lock import held
from aa.runs.snapshots import write_snapshot

log = logging.getLogger(__name__)


def run(config: PrepareConfig, folder: Path) -> None:
    """Make the data set of a checked config, or check one.

    Args:
        folder: the run folder.

    Raises:
        UserError: nothing is kept, or a check finds a fault.
    """
    engine = build_engine(config, folder)
    if config.check:
        from aa.prepare.check_run import check_data_set

        check_data_set(config, folder, engine=engine)
    else:
        config = replace(config, detector=choose_detector(config.detector))
        prepare(config, folder, engine=engine, detect=detector(config.detector))


def build_engine(config: PrepareConfig, folder: Path) -> Engine:
    """What does the jobs of a config."""
    count = config.processes or os.cpu_count() or 1
    if config.engine == "ray":
        from aa.prepare.over_ray import OverRay

        return OverRay(config.ray_address, count)
    return Workers(count, folder / "workers.log")


def prepare(config: PrepareConfig, folder: Path, *, engine: Engine, detect: Detect) -> None:
    """Make a data set, with its report and its lists.

    Raises:
        UserError: the target cannot be used, or nothing is kept.
    """
    sources = find_sources(cast(str, config.source))
    _refuse_inside(config)
    target = begin(config)
    with held(target.records):
        write_snapshot(folder, to_dict(config), fingerprint([source.path for source in sources]))
        decisions = Preparation(config, target, sources, engine=engine, detect=detect).run()
        summary = _write(config, target, decisions)
    print(f"report:   {printable(target.folder / 'report.html')}")
    if not summary["kept"]:
        raise UserError(
            f"nothing is kept: {line(summary)}. {target.folder / 'report.html'} says why; limits "
            "are keys, keep.*, of another target=<folder>."
        )
    print(line(summary))
    print(f"train on: data.manifest={printable(target.manifest('train'))}")


def _write(config: PrepareConfig, target: Target, decisions: list[Decision]) -> dict:
    write_manifests(target, {str(d.clip): str(d.split) for d in decisions if d.kept})
    summary = summarise(decisions)
    write_report(target, settings_of(config), summary, rows(decisions))
    log.info("%s", line(summary))
    return summary


def _refuse_inside(config: PrepareConfig) -> None:
    source, target = (Path(str(path)).resolve() for path in (config.source, config.target))
    if target == source or source in target.parents:
        raise UserError(
            f"target={config.target}: lies in the folder of the sources, which is searched to the "
            "bottom. Name a folder elsewhere."
        )
