"""The parts of a training run: one stage, or two and their test, each in its own folder."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aa.build.data import build_protocol
from aa.build.training import build_training
from aa.processes import is_main_process, runner_command, wait_for_others
from aa.runs.kinds import Summary
from aa.runs.layout import STAGES, SUMMARY, stage_folders
from aa.runs.reading import find_record
from aa.runs.snapshots import record_config

if TYPE_CHECKING:
    from aa.config.primary import TrainConfig
    from aa.training.puppet_test import PuppetTest

log = logging.getLogger(__name__)


def run_recipe(config: TrainConfig, folder: str | Path) -> None:
    """Train the stage of a checked config, then its next stage and its test if it has them.

    A run of one stage fills the run folder itself; with a next stage there are `stage1/` and
    `stage2/`, and the test's results beside them.

    Raises:
        UserError: data, weights or machine are not what the config says.
    """
    if config.next_stage is None:
        _train(config, Path(folder))
    else:
        first, second = stage_folders(config, folder)
        stage = replace(config.next_stage, init_from=str(first))
        after = replace(config, stage=stage, next_stage=None)
        for part, its_folder in ((config, first), (after, second)):
            its_folder.mkdir(exist_ok=True)
            twin = part.rerun and str(Path(part.rerun) / its_folder.name)
            _train(replace(part, rerun=twin), its_folder)
    if config.test and is_main_process():
        build_puppet_test(config, Path(folder)).run()


def _train(config: TrainConfig, folder: Path) -> None:
    """Train one stage, unless a stopped run had finished it."""
    summary = find_record(folder, SUMMARY, Summary) if config.resume else None
    if summary and summary.get("steps", 0) >= config.stage.max_steps:
        log.info("%s: finished already", folder)
        if is_main_process():
            record_config(folder, config)
        return
    build_training(config, folder).run()
    wait_for_others()  # the first process has saved what all start from next


def build_puppet_test(config: TrainConfig, folder: str | Path) -> PuppetTest:
    """The test of a config whose stages have been trained into the run folder."""
    from aa.training.puppet_test import PuppetTest

    folder = Path(folder)
    # Without what only says where this run is: it would be refused a second time.
    given = [a for a in sys.argv[1:] if not a.lstrip("+").startswith(("hydra.", "resume", "rerun"))]
    stages = {f"stage {n}": folder / name for n, name in enumerate(STAGES, 1)}
    return PuppetTest(
        config,
        folder,
        build_protocol(config, "test"),
        stages if config.next_stage else {config.name: folder},
        " ".join([runner_command("train"), *given]),
    )
