"""The parts of a training run: one stage, or two and their test, each in its own folder."""

import logging
from dataclasses import replace
from pathlib import Path

from aa.build import build_puppet_test, build_training
from aa.processes import is_main_process, wait_for_others
from aa.runs.kinds import Summary
from aa.runs.layout import SUMMARY, stage_folders
from aa.runs.reading import find_record
from aa.snapshots import record_config

log = logging.getLogger(__name__)


def run_recipe(config, folder):
    """Train the stage of a checked `TrainConfig`, then its next stage and its test if it has them.

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


def _train(config, folder):
    """Train one stage, unless that is what a stopped run had finished."""
    summary = find_record(folder, SUMMARY, Summary) if config.resume else None
    if summary and summary.get("steps", 0) >= config.stage.max_steps:
        log.info("%s: finished already", folder)
        if is_main_process():
            record_config(folder, config)
        return
    build_training(config, folder).run()
    wait_for_others()  # the first process has saved what all start from next
