"""Resolvers that the yaml files may use in ${...}, and the schemas they name."""

import functools
import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf

from aa.config.app import AppConfig
from aa.config.convert import node_rank_of, without_hydra
from aa.config.evaluation import EvaluateConfig
from aa.config.export import ExportConfig
from aa.config.prepare import PrepareConfig
from aa.config.primary import InferConfig, TrainConfig
from aa.sweeps.sweep import Sweep

SCHEMAS = {
    "train": TrainConfig,
    "infer": InferConfig,
    "evaluate": EvaluateConfig,
    "prepare": PrepareConfig,
    "export": ExportConfig,
    "app": AppConfig,
}


def register_schemas() -> None:
    """Make known what the primary configs name: dataclasses, resolvers, our launcher for Slurm."""
    for name, schema in SCHEMAS.items():
        ConfigStore.instance().store(name=f"{name}_schema", node=schema)
    Plugins.instance()  # looks for plugins, unless that has been done
    with suppress(ImportError):  # without the extra `sweep` there is none
        from hydra_plugins.aa_slurm import choose

        choose()
    register_resolvers()


def register_resolvers(new_folder: Callable[[str], object] = str) -> None:
    """Make known the resolvers that the yaml files use.

    Args:
        new_folder: function of the default run folder that returns the one to use.
    """
    OmegaConf.register_new_resolver("chosen", chosen, replace=True)
    OmegaConf.register_new_resolver("first_host", first_host, replace=True)
    OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)
    OmegaConf.register_new_resolver("new_folder", new_folder, replace=True)


def chosen(group: str) -> str:
    """The option of a group; nothing where a run's own `.hydra/config.yaml` is composed."""
    return HydraConfig.get().runtime.choices.get(group, "")


def first_host(value: Any, _root_: DictConfig) -> Any:
    """A value where this is the first host of a run, None where it is a later one."""
    return None if node_rank_of(_root_) else value


def job_folder(_root_: DictConfig) -> str:
    """The folder of a job in that of its sweep, see `Sweep.claim`."""
    hydra = _root_.hydra
    sweep = Sweep.read(hydra.sweep.dir)
    return sweep.claim(without_hydra(_root_), hydra.overrides.task, hydra.job.num)


@functools.cache  # requested several times in a run
def make_folder(wanted: str) -> str:  # pyright: ignore[reportReturnType] count() has no end
    """Make the folder, or the first of wanted-2, wanted-3, ... that no other run has made."""
    for number in itertools.count(1):
        folder = Path(wanted if number == 1 else f"{wanted}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return str(folder)
