"""The facts of a training by which trackers show it and compare it with others."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig

from aa.config.convert import to_dict
from aa.config.overrides import assignment
from aa.config.primary import TrainConfig
from aa.config.validation import LOSS
from aa.runs.differences import RUN_LINKS, flat, without_runs
from aa.runs.jobs import spelled
from aa.runs.layout import STAGES
from aa.runs.trackers import TrackedRun

ALWAYS = ("stage.learning_rate", "data.height", "data.width", "seed")


def tracked_run(config: TrainConfig, folder: str | Path) -> TrackedRun:
    """What trackers are told of a training.

    Args:
        config: checked.
        folder: of the run, or of its stage.
    """
    folder = Path(folder)
    return TrackedRun(
        folder=folder,
        name=f"{config.name}/{folder.name}" if folder.name in STAGES else config.name,
        config=flat(without_runs(to_dict(config))),
        hyper_parameters=hyper_parameters(config, task_overrides()),
        metrics=metric_tags(config),
    )


def hyper_parameters(config: TrainConfig, overrides: Iterable[str]) -> dict[str, int | float | str]:
    """{key: number or text}: what the overrides set, groups too, and the keys of `ALWAYS`.

    The keys have slashes for dots: VisualDL's table leaves cells of dotted ones empty.

    Args:
        overrides: as Hydra's task overrides say them.
    """
    values, found = flat(to_dict(config)), {}
    for key, text in map(assignment, overrides):
        if key in values:
            found[key] = _plain(values[key])
        elif "." not in key and not key.startswith("~"):
            found[key] = text  # the option of a group
    found |= {key: _plain(values[key]) for key in ALWAYS}
    about_others = [key for key in found if key.split(".")[0] in RUN_LINKS]
    return {key.replace(".", "/"): v for key, v in found.items() if key not in about_others}


def task_overrides() -> list[str]:
    """The overrides that this process was started with; none outside a Hydra command."""
    return list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []


def metric_tags(config: TrainConfig) -> list[str]:
    """The scalars that tell how good a training is."""
    validated = config.validation.metrics if config.validation.num_clips else []
    drawn = ["psnr", "ssim", "psnr_figure"] if config.test else []
    names = sorted({*validated, *drawn}, key=lambda name: (name != LOSS, name))
    return ["train/loss", *(f"val/{name}" for name in names)]


def _plain(value: Any) -> int | float | str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else spelled(value)
