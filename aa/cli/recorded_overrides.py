"""Choice of the recorded overrides of a run or a sweep: values and names of ours are taken.

Hydra builds what `hydra.*` of a config names, and OmegaConf asks the environment, or makes a
folder, for what `${...}` says. A folder may be anybody's: nothing recorded in it may say either.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    Override,
    OverrideType,
)
from hydra.errors import HydraException

from aa.cli.recorded_values import (
    INTERPOLATION,
    WRITTEN,
    check_name,
    check_range,
    is_group_of,
    is_option,
    is_setting,
    leads_out,
    names_of,
    resolved,
    shown,
    values_of,
)
from aa.config.keys import known_keys, no_such_key
from aa.config.overrides import OURS, key_of
from aa.config.texts import plain
from aa.errors import UserError, one_line
from aa.runs.differences import ABOUT_HOSTS

CONFIG_OPTIONS = {f"--config-{name}": f"config_{name}" for name in ("path", "name", "dir")}
CONFIG_OPTIONS |= {"-cp": "config_path", "-cn": "config_name", "-cd": "config_dir"}
LONGEST, BRACKETS = 10_000, 50  # of all overrides, of one: the parser takes seconds for more
MOST_OVERRIDES = 500
LONGEST_KEY = 200  # characters; file systems refuse names of more than 255
# Of Hydra's own part, and changes nothing of a result: this command has its own.
NOT_DECISIVE = re.compile(
    r"\+*hydra(\.(verbose|job\.(name|chdir))=.*"
    r"|/(job|hydra)_logging=(default|disabled|none|run|stdout))",
    re.DOTALL,
)
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
# Keys of Hydra's own part that a sweep may have recorded: numbers, names, what a queue is told.
PLACES = {("stage", "next_stage")}  # groups whose option may be put into another place
GROUPS_OF_SWEEPS = ("hydra/launcher", "hydra/sweeper", "hydra/sweeper/sampler")
OF_LAUNCHERS = (
    *("n_jobs", "timeout_min", "cpus_per_task", "gpus_per_node", "gpus_per_task", "tasks_per_node"),
    *("nodes", "mem_gb", "mem_per_gpu", "mem_per_cpu", "name", "partition", "qos", "comment"),
    *("constraint", "exclude", "gres", "account", "array_parallelism", "max_num_timeout"),
    *("signal_delay_s", "stderr_to_stdout"),
)
OF_SWEEPERS = (
    *("n_trials", "n_jobs", "direction", "max_failure_rate", "max_batch_size", "study_name"),
    *("sampler.seed", "sampler.n_startup_trials"),
)
OF_SWEEPS = {f"hydra.launcher.{key}" for key in OF_LAUNCHERS}
OF_SWEEPS |= {f"hydra.sweeper.{key}" for key in OF_SWEEPERS}
PARAMS = "hydra.sweeper.params."
ALERTS = "alerts"  # start a program, or tell somebody: of each command anew
NOT_TOLD = "{}: not taken from the folder, for it may be anybody's. Give it again if yours."


class Recorded:
    """Chooses among the overrides that a folder has recorded.

    Args:
        schema: dataclass of the primary config.
        homes: folders of configs: ours, and one that the command line gives.
        given: overrides of the command line; what is refused may be given there again.
    """

    def __init__(self, schema: type, homes: Iterable[Path], given: Iterable[str]) -> None:
        self.known, self.homes = set(known_keys(schema)), list(homes)
        self.given = {key_of(override) for override in given}

    def of_run(self, recorded: Sequence[str], config: Mapping[str, Any]) -> list[str]:
        """The overrides to take of a run.

        Args:
            recorded: all that it was started with.
            config: its own, resolved, as its snapshot has it: where a value was an interpolation,
                what came of it is taken.

        Raises:
            UserError: names the first that is neither a value nor a name of ours.
        """

        def take(text: str) -> str:
            override = self._parsed(text)
            is_option = self._check(text, override)
            alive = INTERPOLATION.search(text) and not is_option
            return resolved(text, override, config) if alive else text

        return self._taken([text for text in recorded if not OURS.match(text)], take)

    def of_sweep(self, recorded: Sequence[str]) -> list[str]:
        """The overrides to take of a sweep, some of Hydra's launchers and sweepers among them.

        Raises:
            UserError: as `of_run`; or a value asks for more than another value of the config.
        """

        def take(text: str) -> str:
            override = self._parsed(text)
            if self._is_of_sweeps(override) or not self._check(text, override):
                self._check_interpolations(text)
            return text

        return self._taken(recorded, take)

    def _taken(self, recorded: Sequence[str], take: Callable[[str], str]) -> list[str]:
        if len(recorded) > MOST_OVERRIDES or sum(map(len, recorded)) > LONGEST:
            raise UserError(f"{len(recorded)} recorded overrides are more than anybody types.")
        chosen = []
        for text in recorded:
            if NOT_DECISIVE.fullmatch(text) or self._is_of_the_start(text):
                continue
            try:
                chosen.append(take(text))
            except UserError:
                if key_of(text) not in self.given:  # else the one that is given counts
                    raise
        return chosen

    def _is_of_the_start(self, text: str) -> bool:
        """Return whether an override is omitted: every start has its own hosts and places to write.

        The place where hosts meet is taken by who says which of them this is.
        """
        key = key_of(text)
        if key.split(".")[0] == ALERTS:
            if not any(given.split(".")[0] == ALERTS for given in self.given):
                print(NOT_TOLD.format(one_line(key)), file=sys.stderr)
            return True
        if key == "hardware.master" and "hardware.node_rank" in self.given:
            return False
        if key in WRITTEN and key not in self.given:
            value = plain(text.partition("=")[2])
            return bool(INTERPOLATION.search(text)) or leads_out(key, value)
        return key in ABOUT_HOSTS

    def _parsed(self, text: str) -> Override:
        if sum(map(QUOTED.sub("", text).count, "[{(")) > BRACKETS:
            raise UserError(f"recorded override {shown(text)}: is longer than any that is typed.")
        try:
            override = OverridesParser.create().parse_override(text)
            check_range(override)
            if len(override.key_or_group) > LONGEST_KEY:  # Hydra looks for a file of that name
                raise ValueError("a key that is too long")
            return override
        except (HydraException, ValueError, RecursionError) as error:
            raise UserError(
                f"recorded override {shown(text)}: cannot be read as key=value; give it again, "
                "or start a new run."
            ) from error

    def _check(self, text: str, override: Override) -> bool:
        """Refuse what is neither a key of the schema nor an option of one of our groups.

        Returns:
            whether it is an option.
        """
        key = override.key_or_group
        elsewhere = override.package is not None and (key, override.package) not in PLACES
        if key.startswith("hydra") or elsewhere:
            raise UserError(
                f"recorded override {shown(text)}: refused, for it could start other programs. "
                "Nothing was run. If it is yours, give it again on the command line."
            )
        if key == "name" and not INTERPOLATION.search(text):
            for name in names_of(override):
                check_name(name)
        if not self._is_group(key):
            for group in (value for value in values_of(override) if isinstance(value, dict)):
                places = {f"{key}.{name}": value for name, value in group.items()}
                if any(leads_out(*place) for place in places.items()):
                    raise UserError(f"recorded override {shown(text)}: give its keys yourself.")
            table = key.rpartition(".")[0]  # whose keys are in no schema
            if not {key, table} & self.known:
                raise UserError(f"recorded override {shown(text)}: {no_such_key(key, self.known)}")
            return False
        for name in [] if override.type is OverrideType.DEL else names_of(override):
            other = re.fullmatch(r"\$\{([\w/]+)\}", str(name))  # the option of another group
            if not (is_option(name) or (other and self._is_group(other[1]))):
                raise UserError(
                    f"recorded override {shown(text)}: {shown(str(name))} is no option of {key}."
                )
        return True

    def _is_group(self, key: str) -> bool:
        return any(is_group_of(home, key) for home in self.homes)

    def _is_of_sweeps(self, override: Override) -> bool:
        key = override.key_or_group
        if override.package is not None or override.type is OverrideType.DEL:
            return False
        if key in GROUPS_OF_SWEEPS:
            return all(is_option(name) for name in names_of(override))
        if key in OF_SWEEPS:
            return all(map(is_setting, names_of(override)))
        told = {name for name in self.known if name.split(".")[0] == ALERTS}
        swept = self.known.difference(ABOUT_HOSTS, WRITTEN, told)
        return key.startswith(PARAMS) and key.removeprefix(PARAMS) in swept

    def _check_interpolations(self, text: str) -> None:
        """Refuse all but plain names of keys of ours: ${data.height}."""
        rest = text
        for key in self.known:
            rest = rest.replace("${" + key + "}", "")
        if INTERPOLATION.search(rest):
            raise UserError(
                f"recorded override {shown(text)}: refused, for it asks for more than a value of "
                "the config. If it is yours, give it again on the command line."
            )


def refuse_options(recorded: list[str], given: Mapping[str, str], *, home: str, asked: str) -> None:
    """Refuse recorded options that name configs, unless the same ones are given: these count.

    Args:
        recorded: words of a command.
        given: options of this command, see `given_options`.
        home: the working directory of that command.
        asked: what this command requests, as "rerun=<folder>".

    Raises:
        UserError: says how to give them.
    """
    said = []
    for place, word in enumerate(recorded):
        option, equals, value = word.partition("=")
        key = CONFIG_OPTIONS.get(option)
        if key is None or key in given:
            continue
        value = value if equals else "".join(recorded[place + 1 : place + 2])
        value = os.path.abspath(os.path.join(home, value)) if key == "config_dir" else value
        said.append(f"--{key.replace('_', '-')}={value}")
    if said:
        words = one_line(" ".join(said))
        raise UserError(
            f"was started with {words}, whose files could start other programs. If you trust them, "
            f"give it again: {asked} {words}"
        )
