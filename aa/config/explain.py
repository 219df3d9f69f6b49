"""Errors that come from the command line, Hydra or the file system, as one line for the user."""

import re
from typing import Any

from hydra.conf import HydraConf
from hydra.errors import OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from aa.config.groups import keys_of, no_group
from aa.config.keys import explain_text, explain_value, known_keys, no_such_key
from aa.config.texts import TEXTS, for_the_shell
from aa.errors import UserError, one_line

HYDRA = (
    (
        r"Could not find '([\w/]+)/([^'/]*)'\s+Available options in '.*':([\s\w.-]*)Config search",
        lambda m: f"{m[1]}={m[2]}: no such option; there are {', '.join(m[3].split())}.",
    ),
    (
        r"Could not override 'experiment'. No match in the defaults list.\s+.* use (\S+)",
        lambda m: f"experiment: not chosen yet, so it needs a plus: {m[1]}.",
    ),
    (
        r"You must specify '([^']+)', e\.g, \S+\s+Available options:\s+([\s\w.-]*)",
        lambda m: f"{m[1]} must be given: add {m[1]}=<option>, one of {', '.join(m[2].split())}.",
    ),
    (
        r"Error resolving interpolation '(.+)', possible interpolation keys: ([\w/, ]+)",
        lambda m: f"{m[1]}: a group's option can be that of another group only: of {m[2]}.",
    ),
    (
        r"Invalid loaded object type: (\w+)",
        lambda m: f"a yaml file holds a {m[1]}, wanted keys: `key: value`, a line each.",
    ),
    (
        r"Unsupported item value in defaults : (\w+)",
        lambda m: (
            f"a defaults list of a yaml file: an option must be a text, got a {m[1]}; quote it."
        ),
    ),
    (
        r"Config group override must be a string or a list. Got (\w+)",
        lambda m: f"a group's option must be a name, got a {m[1]}; quote it.",
    ),
    (
        r"Could not append to config. An item is already at '([^']+)'",
        lambda m: f"{m[1]}: is there already; leave the plus away: {m[1]}=<value>.",
    ),
    (
        r"Could not delete from config. (.*)",
        lambda m: f"nothing to delete: {m[1]}",
    ),
    (
        r"Ambiguous value for argument '(.*)'\n",
        lambda m: f"{m[1]}: several values; add -m to sweep over them, or {_one_value(m[1])}.",
    ),
    (
        r"Sweep parameters '(.*)' requires --multirun",
        lambda m: f"{m[1]}: several values; add -m to sweep over them.",
    ),
    (
        r"Unexpected type for root: NoneType",
        lambda m: (
            "a key is set inside a group that is null here; choose that group first "
            "(data.generate.* needs data=puppets)."
        ),
    ),
)


def explain(error: Exception, schema: Any) -> str:
    """One line about any error that arguments, configs or folders can cause.

    Args:
        error: what was raised.
        schema: dataclass of the primary config, for the keys that exist.
    """
    own = (UserError, OverrideParseException)
    while not isinstance(error, own) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return one_line(_explain(error, schema))


def _explain(error: Exception, schema: Any) -> str:
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OverrideParseException):
        return _explain_syntax(error)
    if isinstance(error, OmegaConfBaseException) or _is_omegaconfs(error):
        known = known_keys(schema) if schema else []
        if str(getattr(error, "full_key", "")).startswith("hydra."):
            known = known_keys(HydraConf, "hydra.")
        return explain_value(error, known)
    no_group = re.match(r"Could not override '([^']+)'. No match in the defaults list", str(error))
    if no_group and no_group[1] != "experiment":
        return no_such_key(no_group[1], known_keys(schema))
    elsewhere = _of_another_package(str(error))
    if elsewhere:
        return (
            f"{elsewhere[1]}.yaml: has no package, so all it sets would be a part of "
            f"{elsewhere[2]}: write `# @package _global_` as its first line."
        )
    in_yaml = re.match(r"In '(.+)': \w+ raised while composing config:\s+(.*)", str(error), re.S)
    if in_yaml:
        return f"{in_yaml[1]}.yaml: {_explain_yaml(in_yaml[2], schema)}"
    return _explain_hydra(error)


def _explain_hydra(error: Exception) -> str:
    """One line about what Hydra or the file system says."""
    for pattern, line in HYDRA:
        match = re.search(pattern, str(error))
        if match:
            return line(match)
    if isinstance(error, OSError) and error.filename:
        return (
            f"{error.filename}: {error.strerror}; if no run folder can be there, choose another "
            "with hydra.run.dir=<folder>, in a sweep with hydra.sweep.dir=<folder>."
        )
    return str(error).split("\nConfig search path")[0] or type(error).__name__


def _explain_yaml(text: str, schema: Any) -> str:
    """One line about what OmegaConf says of a yaml file; of a whole group it names no key."""
    kind = re.match(r".*: \w+ is not a subclass of (\w+)\. value: (.*)\n\s+full_key: *\n", text)
    if not kind:
        return explain_text(text, known_keys(schema))
    keys = keys_of(kind[1], schema) or keys_of(kind[1], HydraConf, "hydra.")
    if len(keys) == 1:
        return no_group(keys[0], kind[2])
    return f"{' or '.join(keys) or 'one of its keys'} is a group of keys; got {kind[2]}."


def _is_omegaconfs(error: Exception) -> bool:
    """Return whether a plain Python error is OmegaConf's, which adds the key to its text."""
    return isinstance(error, AttributeError) and "full_key: " in str(error)


def _explain_syntax(error: OverrideParseException) -> str:
    override = error.override
    if re.fullmatch(r"[\w./@+]+", override):
        return f"{override}: no value given; write {override}=<value>."
    whole = re.fullmatch(r"\+{0,2}([\w./@]+)=([^'\"\[\]{}]+)", override)
    mended = for_the_shell(whole[1], whole[2]) if whole else "\"key='a=b'\""
    unknown = re.search(r"Unknown function '\w+'", str(error))
    if unknown:
        return f"{override}: {unknown[0]}; quote a text with brackets: {mended}."
    return (
        f"{override or repr('')}: cannot be read as key=value; close brackets and quotes, write no "
        f"spaces around = or after commas, and quote what is not plain ASCII words: {mended}."
    )


def _one_value(override: str) -> str:
    """Tell what to type where one value was meant and has commas."""
    key, _, value = override.lstrip("+").partition("=")
    if key in TEXTS:
        return f"quote a text with commas twice: {for_the_shell(key, value)}"
    return f'write a list: "{key}=[{value}]"'


def _of_another_package(text: str) -> re.Match[str] | None:
    """The match of (file, group) where a yaml file sets keys of the whole config below its group.

    Without a package they land in its own group, which no schema has if it is one of overlays.
    """
    as_group = r"ConfigKeyError raised while composing config:\s+Key '\2' not in"
    return re.match(rf"In '((\w+)/.+)': (?:{as_group}|Could not override '[^']+@\2\.)", text)
