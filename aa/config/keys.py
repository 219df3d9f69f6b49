"""Keys of the schemas, and OmegaConf's errors about keys and values in our words."""

import re
from collections.abc import Collection, Iterable
from dataclasses import is_dataclass
from difflib import get_close_matches
from types import NoneType
from typing import Any, get_args, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from aa.config.groups import is_group, no_group
from aa.errors import UserError

OUTSIDE = {"experiment": "+experiment"}  # a group that no schema knows
WHAT = {
    "weights": "a weights folder or the run folder of a training",
    "generated": "a folder of videos, the run folder of an animation, or one video",
    "truth": "a folder of videos with the same names, or one video",
    "target": "a folder that is not there yet",
    "stage.init_from": "a run folder of stage 1 or a weights folder, null starts at random",
}
PATHS = {  # keys that name a file or a folder
    *("resume", "rerun", "sweep.resume", "hydra.run.dir", "hydra.sweep.dir"),
    *("weights", "reference", "pose", "driving", "reference_pose", "cases"),
    *("generated", "truth", "masks"),
    *("data.manifest", "data.folder", "data.generate.folder", "data.latents"),
    *(f"{s}.{key}" for s in ("stage", "next_stage") for key in ("init_from", "motion_init_from")),
    *(f"model.{whose}_weights" for whose in ("base", "released", "motion")),
    *("inference.cache_dir", "inference.lora", "poses.cache_dir"),
    *("poses.dwpose.detector", "poses.dwpose.pose"),
    *("source", "target", "check", "app.outputs"),
}
VALUES = (
    (r"Value (.+) of type '\w+' could not be converted to Integer", "a whole number, got {}"),
    (r"Value (.+) of type '\w+' could not be converted to Float", "a number, got {}"),
    (r"Value (.+) is not a valid bool", "true or false, got {}"),
    (r"field '.+' is not (Optional)", "given, it cannot be null"),
    (r"Invalid value assigned: (\w+) is not a ListConfig", "a list like [a,b], got a single {}"),
    (r"Cannot convert '(\w+)' to string", "a text, got a {}"),
    (r"Cannot merge DictConfig with (ListConfig)", "a list like [a,b], got keys in braces"),
)


def known_keys(schema: Any, prefix: str = "") -> list[str]:
    """Dotted names of all keys and groups of a dataclass."""
    keys = []
    for name, hint in get_type_hints(schema).items():
        keys.append(prefix + name)
        for inner in filter(is_dataclass, (hint, *get_args(hint))):
            keys += known_keys(inner, f"{prefix}{name}.")
    return keys


def text_keys(schema: Any, prefix: str = "") -> list[str]:
    """Dotted names of the keys of a dataclass that hold a text, or a text or null."""
    keys = []
    for name, hint in get_type_hints(schema).items():
        if hint is str or set(get_args(hint)) == {str, NoneType}:
            keys.append(prefix + name)
        for inner in filter(is_dataclass, (hint, *get_args(hint))):
            keys += text_keys(inner, f"{prefix}{name}.")
    return keys


def no_such_key(key: str, known: Iterable[str]) -> str:
    """Message about an unknown key, with the nearest of the known ones if any is near."""
    dotted = key.replace("/", ".")
    group, _, leaf = dotted.rpartition(".")
    homes = {}  # the last part of a name -> the groups that have it
    for name in (*known, *OUTSIDE):
        home, _, last = name.rpartition(".")
        if "published_" in home and "published_" not in key:  # others follow these
            continue
        homes.setdefault(last, []).append(home)
    siblings = [last for last in homes if group in homes[last]]
    near = [f"{group}.{n}".lstrip(".") for n in get_close_matches(leaf, siblings, 1, 0.65)]
    for last in [] if near else get_close_matches(leaf, homes, 1, 0.8):
        near = [f"{home}.{last}".lstrip(".") for home in homes[last]]
    near = [n.replace(".", "/") if "/" in key else OUTSIDE.get(n, n) for n in near[:3]]
    advice = f"did you mean {' or '.join(near)}?" if near else "`--cfg job` shows all keys."
    return f"{key}: no such key; {advice}"


def check_keys(config: Any, known: Collection[str], prefix: str = "") -> None:
    """Refuse keys that `+key=value` or an overlay put beside those of the schema.

    Raises:
        UserError: the first of them.
    """
    for key in config:
        name = f"{prefix}{key}"
        if name not in known:
            raise UserError(no_such_key(name, known))
        if OmegaConf.is_missing(config, key) or OmegaConf.is_interpolation(config, key):
            continue
        node = config[key]
        if isinstance(node, DictConfig) and is_dataclass(OmegaConf.get_type(node)):
            check_keys(node, known, f"{name}.")


def explain_value(error: Exception, known: Collection[str]) -> str:
    """One line about an OmegaConf error."""
    key = str(getattr(error, "full_key", ""))
    if isinstance(error, MissingMandatoryValue):
        what = f" ({WHAT[key]})" if key in WHAT else ""
        return f"{key} must be given: add {key}=<value>{what}."
    return explain_text(str(error).strip() or type(error).__name__, known)


def explain_text(text: str, known: Collection[str]) -> str:
    """One line about the text of an OmegaConf error."""
    first = text.splitlines()[0]
    full_key = re.search(r"full_key: *(\S+)\n", text)
    if not full_key:
        return first
    key = full_key[1]
    if reference := re.match(
        r"While dereferencing interpolation '(.+?\})': (?:Value|Cannot)", first
    ):
        wanted = next((what for pattern, what in VALUES if re.search(pattern, first)), "another {}")
        return f"{key} must be {wanted.format(reference[1])}."
    if re.match(r"Key '.+' (not in '\w+'|is not in struct)", first):
        return no_such_key(key, known)
    if is_group(key, known):
        return _explain_group(key, first, known)
    for pattern, wanted in VALUES:
        match = re.match(pattern, first)
        if match:
            return f"{key} must be {wanted.format(match[1])}."
    return first if key in first else f"{key}: {first}"


def _explain_group(key: str, first: str, known: Collection[str]) -> str:
    """One line about the first line of an OmegaConf error about a group."""
    assigned = re.match(r"Invalid type assigned: \w+ is not a subclass of \w+. value: ?(.*)", first)
    if assigned:
        return no_group(key, assigned[1])
    if first.startswith("Cannot merge DictConfig with ListConfig"):
        return no_group(key, "a list")
    if re.match(r"field '.+' is not Optional", first):
        return no_group(key, "null")
    if re.match(
        "'NoneType' object has no attribute", first
    ):  # of a group that is null, a wrong key
        its = [name.rpartition(".")[2] for name in known if name.rpartition(".")[0] == key]
        return f"{key}: a key that it has not; its keys are {', '.join(its)}."
    return first if key in first else f"{key}: {first}"
