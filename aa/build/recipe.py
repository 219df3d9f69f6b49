"""The parts of a training run: one stage, or two and their test, each in its own folder."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aa.build.data import build_protocol
from aa.config.convert import to_dict
from aa.processes import is_main_process, runner_command, wait_for_others
from aa.runs.kinds import Summary
from aa.runs.layout import STAGES, SUMMARY, stage_folders
from aa.runs.reading import find_record
from aa.runs.snapshots import record_config

if TYPE_CHECKING:
    from aa.config.primary import TrainConfig
    from aa.training.puppet_test import PuppetTest

log = logging.getLogger(__name__)


def stages_to_train(config: TrainConfig, folder: str | Path) -> Iterator[tuple[TrainConfig, Path]]:
    """Yield the config and the folder of each stage when it is to be trained.

    A run of one stage fills the run folder itself; with a next stage there are `stage1/` and
    `stage2/`. A stage that a stopped run had finished is left out.
    """
    for part, its_folder in _parts(config, Path(folder)):
        its_folder.mkdir(exist_ok=True)
        if _is_finished(part, its_folder):
            log.info("%s: finished already", its_folder)
            if is_main_process():
                record_config(its_folder, to_dict(part))
            continue
        yield part, its_folder
        wait_for_others()  # the first process has saved what all start from next


def _parts(config: TrainConfig, folder: Path) -> list[tuple[TrainConfig, Path]]:
    if config.next_stage is None:
        return [(config, folder)]
    first, second = stage_folders(folder, several=True)
    stage = replace(config.next_stage, init_from=str(first))
    after = replace(config, stage=stage, next_stage=None)

    def twin(part: TrainConfig, its_folder: Path) -> TrainConfig:
        """The part of the run that it repeats."""
        return replace(part, rerun=part.rerun and str(Path(part.rerun) / its_folder.name))

    return [(twin(config, first), first), (twin(after, second), second)]


def _is_finished(config: TrainConfig, folder: Path) -> bool:
    summary = find_record(folder, SUMMARY, Summary) if config.resume else None
    return bool(summary and summary.get("steps", 0) >= config.stage.max_steps)


def build_puppet_test(config: TrainConfig, folder: str | Path) -> PuppetTest | None:
    """The test of a config whose stages have been trained into the run folder.

    None where the config has none, and in all processes but the main one.
    """
    if config.test is None or not is_main_process():
        return None
    from aa.inference.run import autocast
    from aa.training.puppet_test import PuppetTest

    folder = Path(folder)
    # Without what only says where this run is: it would be refused a second time.
    given = [a for a in sys.argv[1:] if not a.lstrip("+").startswith(("hydra.", "resume", "rerun"))]
    stages = {f"stage {n}": folder / name for n, name in enumerate(STAGES, 1)}
    return PuppetTest(
        folder,
        build_protocol(config, "test"),
        stages if config.next_stage else {config.name: folder},
        options=config.inference,
        validation=build_protocol(config, "validation"),
        precision=partial(autocast, config.hardware.device, config.precision),
        title=config.name,
        command=" ".join([runner_command("train"), *given]),
        values=_decisive_values(config),
    )


def _decisive_values(config: TrainConfig) -> dict[str, Any]:
    """The config's values that decide the result, for the report."""
    values: dict[str, Any] = {"seed": config.seed}
    for name in ("model", "data", "stage", "next_stage", "inference"):
        group = getattr(config, name)
        for key, value in to_dict(group).items() if group else ():
            if not isinstance(value, dict):
                values[f"{name}.{key}"] = value
    return values
