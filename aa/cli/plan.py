"""`plan=true` or `plan=max` on the command line: counts, and starts nothing."""

import os
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from aa.cli.recorded import compose, given_options, split_options
from aa.config.convert import to_config, typed
from aa.config.hardware import HardwareConfig
from aa.config.overrides import normalise_overrides
from aa.config.primary import TrainConfig
from aa.errors import UserError
from aa.files import write_json
from aa.machine import card_memory, prepare_paddle
from aa.processes import is_main_process, is_rank, runner_command, wants_group
from aa.runs.layout import PLAN, stage_folders

VALUES = ("true", "max")
OURS = re.compile(r"\+{0,2}plan=(.*)", re.DOTALL)
OTHERS = re.compile(r"\+{0,2}(resume|rerun)=(?!null$)")


def take_plan(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The value of the last `plan=` among arguments, None if there is none, and the others."""
    values = [m[1].strip("'\"").lower() for m in map(OURS.fullmatch, arguments) if m]
    asked = values[-1] if values and values[-1] not in ("null", "false") else None
    return asked, [a for a in arguments if not OURS.fullmatch(a)]


def run_plan(value: str, arguments: list[str], schema: type, *, runner: str) -> bool:
    """Print what the training or the animation of a command needs; return whether it fits.

    Args:
        value: "true", or, of a training, "max" to look for the most that fits too.
        arguments: of the command, options first, without `plan=`.
        schema: dataclass of its config.
        runner: its path.

    Raises:
        UserError: the command makes no config, or is not one new run.
    """
    words, overrides = split_options(arguments)
    values = VALUES if schema is TrainConfig else VALUES[:1]
    if value not in values:
        raise UserError(f"plan must be {' or '.join(values)}, got {value}.")
    if any(word in ("-m", "--multirun") for word in words):
        raise UserError("plan counts one run: leave out -m.")
    if any(OTHERS.match(override) for override in overrides):
        raise UserError("plan counts a new run: leave out resume= and rerun=.")
    values = compose(given_options(words), normalise_overrides(overrides), schema, runner)
    if schema is TrainConfig and values["stage"]["init_from"] in ("???", ""):
        values["stage"]["init_from"] = None  # where it starts from takes no memory
    config = to_config(typed(OmegaConf.create(values), schema))
    os.environ.setdefault("GLOG_minloglevel", "2")  # Paddle warns of what it traces
    prepare_paddle(HardwareConfig(device="cpu"))
    from aa.build.plan import build_plans, build_video_plan  # deferred: pulls in paddle
    from aa.plan.report import show, show_video

    command = [*shlex.split(runner_command(runner)), *words, *overrides]
    if schema is TrainConfig:
        return show(build_plans(config), command, search=value == "max")
    return show_video(build_video_plan(config), command)


def check_memory(config: TrainConfig, folder: Path) -> None:
    """Refuse a training whose devices' memory is known and does not do, before its first step.

    What was counted goes into the folders of its stages.

    Raises:
        UserError: says with which changes it fits.
    """
    hardware = config.hardware
    if is_rank():
        return
    counted = []
    if hardware.memory_gb is not None:
        if wants_group(hardware):  # paddle is imported here with the threads that each of them has
            cpu = cast(
                dict[str, Any],
                {"devices": hardware.devices, "num_threads": hardware.num_threads},
            )
            prepare_paddle(HardwareConfig(device="cpu", **cpu))
        from aa.build.plan import build_plans  # deferred: pulls in paddle
        from aa.plan.report import check_fits

        there = (card_memory() or 0) if hardware.device == "gpu" else 0
        memory = max(hardware.memory_gb, there)
        config = replace(config, hardware=replace(hardware, memory_gb=memory))
        command = [*shlex.split(runner_command(sys.argv[0])), *sys.argv[1:]]
        counted = check_fits(build_plans(config), command, resumed=bool(config.resume))
    if is_main_process(hardware.node_rank):
        folders = stage_folders(folder, several=config.next_stage is not None)
        for number, its_folder in enumerate(folders):
            (its_folder / PLAN).unlink(missing_ok=True)  # of another machine
            if counted:
                its_folder.mkdir(exist_ok=True)
                write_json(its_folder / PLAN, counted[number])
