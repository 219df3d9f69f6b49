"""Records of a run folder, and the config that they make with today's conf/."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from aa.cli.recorded_overrides import Recorded, refuse_options
from aa.cli.recorded_values import check_name, leads_out
from aa.config.convert import typed, without_hydra
from aa.config.explain import explain
from aa.config.overrides import key_of
from aa.config.texts import literal, plain
from aa.errors import UserError, one_line
from aa.processes import runner_command
from aa.runs.differences import ABOUT_HOSTS, ABSENT, OTHER_RUNS, changed_leaves, without_runs
from aa.runs.kinds import HydraFile, Overrides
from aa.runs.layout import HYDRA, SNAPSHOT
from aa.runs.links import check_own
from aa.runs.reading import read_yaml_record
from aa.runs.snapshots import read_snapshot

FILES = (f"{HYDRA}/overrides.yaml", f"{HYDRA}/hydra.yaml")
RUNNERS = ("train.py", "infer.py", "evaluate.py", "prepare.py")
OPTIONS = ("config_path", "config_name", "config_dir")
NAMED = 5  # unknown keys in an error
# Errors of Hydra and OmegaConf where no config can be made; the last where groups do not merge.
UNMADE = (HydraException, OmegaConfBaseException, ValueError, RecursionError, AssertionError)
WHAT_FOR = {"rerun": "repeat", "resume": "go on with"}


def given_folder(arguments: Iterable[str], key: str) -> Path | None:
    """The folder of the last `key=<folder>` among the arguments, or None."""
    values = [a.partition("=")[2] for a in arguments if re.match(rf"\+{{0,2}}{key}=", a)]
    return None if not values or values[-1] in ("", "null") else Path(plain(values[-1]))


def split_options(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Options with their values, and overrides, of arguments in this order."""
    count = len(get_args_parser().parse_known_args(arguments)[0].overrides)
    return arguments[: len(arguments) - count], arguments[len(arguments) - count :]


class RecordedRun:
    """The overrides and the snapshot of a run.

    Args:
        folder: the run folder.
        key: what it was given for, "rerun" or "resume"; errors open with it.
        runner: the runner's path.

    Raises:
        UserError: the folder is not that of a run of this runner, or holds what no run leaves.
    """

    def __init__(self, folder: Path, *, key: str, runner: str | Path) -> None:
        self.folder, self.runner, self.asked = folder, Path(runner), f"{key}={folder}"
        try:
            self.snapshot, self._overrides = self._read(key)
        except UserError as error:
            raise UserError(f"{self.asked}: {error}") from error

    def _read(self, key: str) -> tuple[dict[str, Any], list[str]]:
        missing = [name for name in FILES if not (self.folder / name).exists()]
        if missing:
            raise UserError(
                f"no run to {WHAT_FOR[key]}: there is no {self.folder / missing[0]}. Give the "
                "folder of a run, as it was printed when it started."
            )
        check_own(self.folder)
        snapshot = cast(dict[str, Any], read_snapshot(self.folder))
        if "config" not in snapshot or len(snapshot.get("command", ())) < 2:
            raise UserError(
                f"{self.folder / SNAPSHOT}: says no config or no command, which every run leaves. "
                "Restore it."
            )
        runner = Path(snapshot["command"][1]).name
        if Path(runner).stem != self.runner.stem:
            known = runner in RUNNERS
            again = f"{runner_command(Path(runner).stem)} {self.asked}" if known else "no runner's"
            raise UserError(f"is a run of {one_line(runner)}: {again}")
        task, hydra = FILES
        recorded = read_yaml_record(self.folder, hydra, HydraFile).get("hydra", {})
        of_hydra = recorded.get("overrides", {}).get("hydra", [])
        return snapshot, [*of_hydra, *read_yaml_record(self.folder, task, Overrides)]

    def overrides(
        self, schema: type, words: list[str], given: list[str], *, forget: tuple = OTHER_RUNS
    ) -> list[str]:
        """Those that it was started with, but for its folder and the keys to `forget`.

        Args:
            schema: dataclass of the primary config.
            words, given: options and overrides of this command.
            forget: keys, also of groups.

        Raises:
            UserError: they ask for more than values and names of ours, see `Recorded`.
        """
        dropped = re.compile(rf"\+{{0,2}}({'|'.join(forget)})(\.\w+)?=")
        kept = [o for o in self._overrides if not dropped.match(o)]
        homes = config_homes(given_options(words), self.runner)
        config = self.snapshot["config"]
        try:
            self._check_options(words)
            if "name" not in map(key_of, given):
                check_name(config.get("name"))
            return Recorded(schema, homes, given).of_run(kept, config)
        except UserError as error:
            raise UserError(f"{self.asked}: {error}") from error

    def _check_options(self, words: list[str]) -> None:
        """Refuse where the run had other configs, which may hold anything, unless they are given.

        Its --config-dir is not taken from the folder.
        """
        refuse_options(
            self.snapshot["command"][2:],
            given_options(words),
            home=self.snapshot.get("working_directory", ""),
            asked=self.asked,
        )

    def keep(self, composed: dict[str, Any]) -> tuple[list[str], list[str]]:
        """Overrides for the values that conf/ has changed since, and a line about each.

        Args:
            composed: what the run's options and overrides make today, see `compose`.

        Raises:
            UserError: the run's config has keys or groups that there are no more.
        """
        then = without_runs(self.snapshot["config"])
        leaves = list(changed_leaves(without_runs(composed), then))
        self._refuse_gone(leaves)
        kept, lines = [], []
        for key, now, before in leaves:
            if key in (*ABOUT_HOSTS, "hardware.nodes"):  # as this start has them
                continue
            if leads_out(key, before):
                continue
            if before is ABSENT:
                lines.append(f"conf differs: {key} is new since that run; {literal(now)} is used")
                continue
            kept.append(f"{key}={literal(before)}")
            lines.append(
                f"conf differs: {key} composes to {literal(now)} now; the run's {literal(before)} "
                "is used"
            )
        return kept, lines

    @staticmethod
    def _refuse_gone(leaves: list[tuple[str, Any, Any]]) -> None:
        gone = [f"{key}={literal(before)}" for key, now, before in leaves if now is ABSENT]
        if gone:
            more = f" and {len(gone) - NAMED} more" if gone[NAMED:] else ""
            raise UserError(
                f"its config has keys that are no more: {', '.join(gone[:NAMED])}{more}."
            )
        nulls = [key for key, now, before in leaves if now is None and isinstance(before, dict)]
        if nulls:  # OmegaConf cannot merge a group into null
            raise UserError(f"{nulls[0]} was a group of keys and composes to null now.")

    def its_code(self) -> str:
        """Advice where today's code cannot make the run's config."""
        git = self.snapshot.get("git")
        commit = f", commit {one_line(git['commit'][:12])}" if git else ""
        return f"Use the code of that run{commit}."


def given_options(words: list[str]) -> dict[str, str]:
    """--config-path, --config-name and --config-dir among arguments, the last as a full path."""
    found = vars(get_args_parser().parse_known_args(words)[0])
    found = {key: found[key] for key in OPTIONS if found[key]}
    if "config_dir" in found:
        found["config_dir"] = os.path.abspath(found["config_dir"])
    return found


def config_homes(options: Mapping[str, str], runner: str | Path) -> list[Path]:
    """The folders that configs are composed from: one that the options name before our own."""
    runner = Path(runner).resolve()
    own = os.path.normpath(runner.parent / options.get("config_path", "../conf"))
    return [Path(home) for home in (options.get("config_dir"), own) if home]


def option_words(options: Mapping[str, str]) -> list[str]:
    """Options as arguments: {"config_dir": "mine"} is ["--config-dir=mine"]."""
    return [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]


def compose(
    options: Mapping[str, str], overrides: list[str], schema: type, runner: str | Path
) -> dict[str, Any]:
    """The config that options and overrides make, resolved, as plain values.

    Raises:
        UserError: they make none.
    """
    with composed(options, overrides, schema, runner) as config:
        return cast(
            dict[str, Any],
            OmegaConf.to_container(typed(without_hydra(config), schema), resolve=True),
        )


@contextmanager
def composed(
    options: Mapping[str, str],
    overrides: list[str],
    schema: type,
    runner: str | Path,
    *,
    mode: RunMode = RunMode.RUN,
) -> Iterator[DictConfig]:
    """The config that options and overrides make, with Hydra's own part, while it can be resolved.

    Raises:
        UserError: they make none, or what is requested of it cannot be resolved.
    """
    runner = Path(runner)
    *others, conf = config_homes(options, runner)
    path = create_config_search_path(str(conf))
    for home in others:
        path.prepend("command-line", f"file://{home}")
    try:
        hydra = Hydra.create_main_hydra2(task_name=runner.stem, config_search_path=path)
        config = hydra.compose_config(
            config_name=options.get("config_name", runner.stem),
            overrides=overrides,
            run_mode=mode,
            from_shell=False,
            with_log_configuration=False,
        )
        HydraConfig.instance().set_config(config)  # the run's name requests its choices
        yield config
    except UserError:
        raise
    except UNMADE as error:
        raise UserError(explain(error, schema)) from error
    finally:
        GlobalHydra.instance().clear()
        HydraConfig.instance().cfg = None
