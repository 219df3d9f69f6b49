"""Arguments as Hydra expects them."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, cast

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hydra.errors import HydraException
from omegaconf import OmegaConf

from aa.config.groups import WITH_OPTIONS
from aa.config.texts import as_typed
from aa.errors import UserError

CHOSEN = tuple(key.replace(".", "/") for key in WITH_OPTIONS)
GROUPS = (*CHOSEN, "experiment")
# A group is also what has a slash, and what is put into another place: stage@next_stage.
GROUP = re.compile(rf"(\+{{0,2}})({'|'.join(GROUPS)}|[\w/]+/\w+|[\w/]+@[\w.]+)=")
# Keys that say where and how Hydra runs a job: this process sets them anew.
OURS = re.compile(
    r"\+*hydra(\.(mode|run\.dir|sweep\..*|output_subdir|job\.num)"
    r"|[./](launcher|sweeper)(\.[^=]*)?)="
)


def normalise_overrides(arguments: Iterable[str]) -> list[str]:
    """Rewrite arguments so that Hydra reads what was meant.

    Numbers name a group's options (`stage=1, 2`), a group that is chosen may have a plus, and a
    text is as it was typed, see `as_typed`. Arguments that are normal already stay as they are.

    Raises:
        UserError: a list of numbers, which Hydra would merge.
    """
    return [_normalise(argument) for argument in arguments]


def _normalise(argument: str) -> str:
    match = GROUP.match(argument)
    if not match:
        return as_typed(argument)
    try:
        parsed = OverridesParser.create().parse_override(argument)
        values = list(parsed.sweep_iterator()) if parsed.is_sweep_override() else [parsed.value()]
    except HydraException:  # Hydra will say so, or it is a sweep without an end
        return argument
    values = [v.text if isinstance(v, QuotedString) else v for v in values]
    group = match[2]
    key = group if group in CHOSEN else argument[: match.end() - 1]
    if any(isinstance(v, list) and not all(isinstance(i, str) for i in v) for v in values):
        raise UserError(f"{argument}: choose one; `-m {group}=a,b` runs one after the other.")
    if any(isinstance(v, dict) for v in values):
        raise UserError(f"{argument}: choose one of the group's options: {group}=<its name>.")
    if names := [name for v in values for name in re.findall(r"\$\{(.*?)\}", str(v))]:
        _check_names(argument, group, names)
    if all(isinstance(v, str | list) for v in values):
        return f"{key}={argument[match.end() :]}"
    return f"{key}=" + ",".join("'null'" if v is None else f"'{v}'" for v in values)


def as_given(overrides: Any) -> dict[str, list[str]]:
    """Hydra's record of a job's overrides (a DictConfig), {"hydra", "task"}, each as it was given.

    Read one by one, a ${...} in them would be resolved, and one that is a text become alive.
    """
    return cast(dict, OmegaConf.to_container(overrides, resolve=False))


def _check_names(argument: str, group: str, names: Iterable[str]) -> None:
    """Hydra knows no keys yet, only which options were chosen, where it chooses an option."""
    others = [name for name in CHOSEN if name != group]
    if any(name not in others and "/" not in name for name in names):
        raise UserError(
            f"{argument}: choose one of the group's options, {group}=<its name>; ${{...}} can only "
            f"be the option of another group: {', '.join(others)}."
        )


def check_arguments(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Put options first and overrides after them, as Hydra's parser expects it.

    Returns:
        the arguments, and whether they start a run (and do not only ask something).

    Raises:
        UserError: an option that does not exist.
    """
    options, rest = get_args_parser().parse_known_args(arguments)
    wrong = [word for word in rest if word.startswith("-")]
    if wrong:
        raise UserError(f"{wrong[0]}: no such option; keys are set as key=value, see --help.")
    overrides = [*options.overrides, *rest]
    asks = (options.help, options.hydra_help, options.cfg, options.info, options.shell_completion)
    return [a for a in arguments if a not in overrides] + overrides, not any(asks)


def key_of(override: str) -> str:
    """The key of an override, without what stands before it: "data" of "+data=puppets"."""
    return override.partition("=")[0].lstrip("+~")


def assignment(override: str) -> tuple[str, str]:
    """(key, value) of an override, without a plus and quotes."""
    key, _, value = override.lstrip("+").partition("=")
    return key, value.strip("'\"")
