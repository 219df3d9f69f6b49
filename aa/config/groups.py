"""Keys that hold other keys: what they may be set to, and one line about anything else."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from types import NoneType
from typing import Any, get_args, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from aa.errors import UserError

# Groups that conf/ has options for, and those of Hydra; all others are set key by key.
WITH_OPTIONS = ("model", "data", "stage", "hardware", "hardware.sharding", "inference", "poses")
OF_HYDRA = ("hydra.launcher", "hydra.sweeper", "hydra.job_logging", "hydra.hydra_logging")
CHOSEN_BY = {key: key.replace(".", "/") for key in (*WITH_OPTIONS, *OF_HYDRA)}
CHOSEN_BY["next_stage"] = "+stage@next_stage"


def groups_of(schema: Any) -> Iterator[tuple[str, Any, bool]]:
    """(name, dataclass, whether it may be null) of the groups that a dataclass holds."""
    for name, hint in get_type_hints(schema).items():
        for inner in filter(is_dataclass, (hint, *get_args(hint))):
            yield name, inner, NoneType in get_args(hint)


def is_group(key: str, known: Iterable[str]) -> bool:
    """Return whether a dotted key holds others, among all keys there are."""
    return any(name.startswith(f"{key}.") for name in known)


def keys_of(group: str, schema: Any, prefix: str = "") -> list[str]:
    """The dotted keys of a schema that hold a group, by the name of its dataclass."""
    keys = []
    for name, inner, _ in groups_of(schema):
        keys += [f"{prefix}{name}"] if inner.__name__ == group else []
        keys += keys_of(group, inner, f"{prefix}{name}.")
    return keys


def no_group(key: str, found: str) -> str:
    """One line about a group that is set to what is none; one of its options may be meant."""
    ways = f"set {key}.<key>=<value>"
    if key in CHOSEN_BY:
        meant = re.fullmatch(r"(?!null$|true$|false$)[a-z]\w*", found, re.IGNORECASE)
        ways = f"choose {CHOSEN_BY[key]}={found if meant else '<option>'} or {ways}"
    return f"{key} is a group of keys: {ways}; got {found or repr('')}."


def check_open(config: Any, schema: Any) -> None:
    """Refuse groups that are left open: a merge would take what the schema has for them.

    Raises:
        UserError: the first of them.
    """
    for owner, prefix, name, *_ in _walk(config, schema):
        if OmegaConf.is_missing(owner, name):
            raise UserError(no_group(prefix + name, "???"))


def check_groups(config: Any, schema: Any) -> None:
    """Refuse groups that refer to another thing, before anybody asks for their keys.

    Anything else that is no group OmegaConf has refused.

    Raises:
        UserError: the first of them.
    """
    for owner, prefix, name, group, optional in _walk(config, schema):
        if OmegaConf.is_interpolation(owner, name):
            _check_reference(owner, name, group, optional, prefix)


def _walk(config: Any, schema: Any, prefix: str = "") -> Iterator[tuple[Any, str, str, Any, bool]]:
    """Yield (config, prefix of its keys, name, dataclass, may be null) of all groups, outer first.

    References are not followed.
    """
    for name, group, optional in groups_of(schema):
        yield config, prefix, name, group, optional
        followed = name in config and not OmegaConf.is_interpolation(config, name)
        if followed and isinstance(config[name], DictConfig):
            yield from _walk(config[name], group, f"{prefix}{name}.")


def _check_reference(config: Any, name: str, group: Any, optional: bool, prefix: str) -> None:
    values: Any = OmegaConf.to_container(config)  # as they stand there
    written = values[name]
    try:
        value = config[name]
    except (OmegaConfBaseException, RecursionError) as error:
        raise UserError(no_group(prefix + name, f"{written}, which leads nowhere")) from error
    fits = isinstance(value, DictConfig) and OmegaConf.get_type(value) is group
    if not (fits or (value is None and optional)):
        kind = "another group" if isinstance(value, DictConfig) else f"{value!r}"
        raise UserError(no_group(prefix + name, f"{written}, which is {kind}"))
