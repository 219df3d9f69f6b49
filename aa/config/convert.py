"""Composed configs, of Hydra's or of files, as their checked dataclasses, and back."""

import json
import os
from dataclasses import asdict
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from aa.config.groups import check_groups, check_open
from aa.config.keys import PATHS, check_keys, explain_value, known_keys
from aa.config.model import ModelConfig
from aa.config.slurm import SLURM, hosts_of_job
from aa.errors import UserError


def without_hydra(config: DictConfig) -> DictConfig:
    """A composed DictConfig without Hydra's own part, unresolved."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def typed(config: DictConfig, schema: Any) -> DictConfig:
    """A composed DictConfig with its schema, also where its yaml names none (a run's own config).

    A ~ that a path begins with is the home folder, also where a yaml file has it.

    Raises:
        UserError: the schema has no such key, or another type.
    """
    try:
        check_open(config, schema)
        if OmegaConf.get_type(config) is not schema:
            config = cast(DictConfig, OmegaConf.merge(OmegaConf.structured(schema), config))
        check_groups(config, schema)
        return _with_hosts(_with_home(config))
    except (OmegaConfBaseException, AttributeError) as error:  # the latter of a key in a null group
        raise UserError(explain_value(error, known_keys(schema))) from error


def node_rank_of(config: DictConfig) -> int:
    """The rank of the host that a composed DictConfig is for; 0 where it cannot say."""
    try:
        return int(OmegaConf.select(_with_hosts(config), "hardware.node_rank") or 0)
    except (UserError, OmegaConfBaseException, ValueError):
        return 0


def _with_hosts(config: DictConfig) -> DictConfig:
    """In a Slurm job: its hosts in the place of `hardware.nodes=slurm`."""
    if OmegaConf.select(config, "hardware.nodes") == SLURM:
        config = config.copy()
        for key, value in hosts_of_job(os.environ).items():
            OmegaConf.update(config, f"hardware.{key}", value)
    return config


def _with_home(config: DictConfig) -> DictConfig:
    written = OmegaConf.to_container(config)  # interpolations are no paths yet
    paths = {key: _at(written, key) for key in PATHS}
    for key, path in paths.items():
        if isinstance(path, str) and path.startswith("~"):
            config = config.copy()
            OmegaConf.update(config, key, os.path.expanduser(path))
    return config


def _at(values: Any, key: str) -> Any:
    """The value of a dotted key, None where there is none."""
    for name in key.split("."):
        values = values.get(name) if isinstance(values, dict) else None
    return values


def to_config(config: DictConfig) -> Any:
    """The composed DictConfig as its dataclass, every check run.

    Raises:
        UserError: a key is unknown, a value is missing, of the wrong type or impossible.
    """
    schema = OmegaConf.get_type(config)
    known = known_keys(schema)
    check_open(config, schema)
    check_groups(config, schema)
    check_keys(config, known)
    try:
        return OmegaConf.to_object(config)
    except OmegaConfBaseException as error:
        raise UserError(explain_value(error, known)) from error


def model_from_dict(values: dict[str, Any]) -> ModelConfig:
    """ModelConfig from the plain dict of a weights folder's config.json.

    Raises:
        UserError: a key or a value is no model's.
    """
    if "${" in json.dumps(values):  # OmegaConf would look up the environment, or make a folder
        raise UserError("a value with ${...} is refused: wanted plain numbers and words.")
    try:
        return cast(
            ModelConfig,
            OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ModelConfig), values)),
        )
    except OmegaConfBaseException as error:
        line = explain_value(error, known_keys(ModelConfig))
        raise UserError(f"config.json does not describe a model: {line}") from error


def to_dict(config: Any) -> dict[str, Any]:
    """A config as plain values, for json."""
    return asdict(config)
