"""The start of a runner's task: its config checked, its device and its processes ready."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from aa.cli.launch import launch
from aa.cli.plan import check_memory
from aa.cli.tree import print_tree
from aa.config.convert import to_config
from aa.config.hardware import HardwareConfig
from aa.config.primary import TrainConfig
from aa.machine import prepare_paddle
from aa.processes import is_main_process, is_run_command, wants_group
from aa.runs.rerun_check import check_rerun
from aa.runs.resume import repair

Run = Callable[[Any, Path], object]  # of a checked config into a run folder


def start(run: Run, config: DictConfig, *, full_error: bool) -> None:
    """Check a composed config, run it, alone or in a group of processes, and check a rerun.

    Args:
        run: the runner's function.
        config: with its schema.
        full_error: the processes of a group show whole tracebacks of the user's errors too.

    Raises:
        UserError: a value is missing or impossible, an input is not there, the device is not the
            one requested or has too little memory.
        DifferenceError: it repeats a run and came to another result.
    """
    from aa.cli.inputs import check_inputs  # deferred: reads weights, and a question needs none

    checked, folder = to_config(config), Path(HydraConfig.get().runtime.output_dir)
    check_inputs(checked)
    hardware: HardwareConfig | None = getattr(checked, "hardware", None)
    node_rank, in_group = 0, False
    if hardware is not None:
        node_rank, in_group = hardware.node_rank, wants_group(hardware)
    if not in_group:  # each of its processes comes here too
        if is_main_process(node_rank):
            print_tree(config)
        if hardware is not None:
            prepare_paddle(hardware)
    if isinstance(checked, TrainConfig):
        _check_training(checked, folder)
    if in_group:
        _run_group(checked, folder, full_error=full_error)
    else:
        run(checked, folder)
    if getattr(checked, "rerun_check", False) and is_run_command(node_rank):
        check_rerun(str(checked.rerun), folder)  # given, or the config would have been refused


def _check_training(config: TrainConfig, folder: Path) -> None:
    """Make a run that is resumed fit for it, and refuse what its devices have no memory for."""
    if config.resume and is_run_command(config.hardware.node_rank):
        repair(config.resume)
    check_memory(config, folder)


def _run_group(config: TrainConfig, folder: Path, *, full_error: bool) -> None:
    from aa.build.data import generate_clips  # deferred: draws

    if config.data.generate and is_main_process(config.hardware.node_rank):
        generate_clips(config)  # once, not in every process
    launch(config, folder, full_error=full_error)
