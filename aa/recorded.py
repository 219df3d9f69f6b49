"""What a run folder has recorded, and the config that it makes with today's conf/. No paddle."""

import os
import re
from contextlib import contextmanager
from pathlib import Path

import yaml
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from aa.arguments import OURS
from aa.config import typed, without_hydra
from aa.differences import ABOUT_HOSTS, ABOUT_RUNS, ABSENT, changed_leaves, without_runs
from aa.errors import UserError
from aa.messages import explain
from aa.snapshots import read_snapshot
from aa.texts import plain, quoted

OPTIONS = ("config_path", "config_name", "config_dir")
NAMED = 5  # unknown keys in an error
WHAT_FOR = {"rerun": "repeat", "resume": "go on with"}


def given_folder(arguments, key):
    """The folder of the last `key=<folder>` among the arguments, or None."""
    values = [a.partition("=")[2] for a in arguments if re.match(rf"\+{{0,2}}{key}=", a)]
    return None if not values or values[-1] in ("", "null") else Path(plain(values[-1]))


def literal(value):
    """A plain value as an override writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return f"[{','.join(map(literal, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{literal(v)}" for key, v in value.items()) + "}"
    return repr(value)


def split_options(arguments):
    """Options with their values, and overrides, of arguments in this order."""
    count = len(get_args_parser().parse_known_args(arguments)[0].overrides)
    return arguments[: len(arguments) - count], arguments[len(arguments) - count :]


class RecordedRun:
    """The overrides, options and snapshot of a run.

    Args:
        folder: the run folder.
        key: what it was given for, "rerun" or "resume"; errors open with it.
        runner: the runner's path.

    Raises:
        UserError: the folder is not that of a run of this runner.
    """

    def __init__(self, folder, *, key, runner):
        self.folder, self.runner, self.asked = folder, Path(runner), f"{key}={folder}"
        files = [folder / ".hydra" / name for name in ("overrides.yaml", "hydra.yaml")]
        missing = [file for file in files if not file.is_file()]
        if missing:
            raise UserError(
                f"{self.asked}: no run to {WHAT_FOR[key]}: there is no {missing[0]}. Give the "
                "folder of a run, as it was printed when it started."
            )
        self.snapshot = read_snapshot(folder)
        started_by = Path(self.snapshot["command"][1])
        if started_by.stem != self.runner.stem:
            raise UserError(
                f"{self.asked}: is a run of {started_by.name}: python runners/{started_by.name} "
                f"{self.asked}"
            )
        try:
            task, hydra = (yaml.safe_load(file.read_text()) for file in files)
            self._overrides = [*hydra["hydra"]["overrides"]["hydra"], *task]
        except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
            raise UserError(
                f"{self.asked}: {files[0].parent} cannot be read ({type(error).__name__}); its "
                "files are not what the run wrote."
            ) from error

    def overrides(self, *, forget=ABOUT_RUNS):
        """Those that it was started with, but for its folder and the keys to `forget`."""
        dropped = re.compile(rf"\+{{0,2}}({'|'.join(forget)})(\.\w+)?=")
        return [o for o in self._overrides if not OURS.match(o) and not dropped.match(o)]

    def options(self, words):
        """Its --config-path, --config-name and --config-dir where `words` give no other."""
        here = self.snapshot.get("working_directory", "")
        before = given_options(self.snapshot["command"][2:], here)
        now = given_options(words)
        return {key: value for key, value in before.items() if key not in now}

    def keep(self, composed):
        """Overrides for what conf/ says differently now, and a line about each.

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
    def _refuse_gone(leaves):
        gone = [f"{key}={literal(before)}" for key, now, before in leaves if now is ABSENT]
        if gone:
            more = f" and {len(gone) - NAMED} more" if gone[NAMED:] else ""
            raise UserError(
                f"its config has keys that are no more: {', '.join(gone[:NAMED])}{more}."
            )
        nulls = [key for key, now, before in leaves if now is None and isinstance(before, dict)]
        if nulls:  # OmegaConf cannot merge a group into null
            raise UserError(f"{nulls[0]} was a group of keys and composes to null now.")

    def its_code(self):
        """What to do where today's code cannot make the run's config."""
        git = self.snapshot["git"]
        return f"Use the code of that run{', commit ' + git['commit'][:12] if git else ''}."


def given_options(words, working_directory=None):
    """--config-path, --config-name and --config-dir among arguments, the last as a full path."""
    found = vars(get_args_parser().parse_known_args(words)[0])
    found = {key: found[key] for key in OPTIONS if found[key]}
    if "config_dir" in found:
        home = working_directory or os.getcwd()
        found["config_dir"] = os.path.join(home, found["config_dir"])
    return found


def option_words(options):
    """Options as arguments: {"config_dir": "mine"} is ["--config-dir=mine"]."""
    return [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]


def compose(options, overrides, schema, runner):
    """The config that options and overrides make, resolved, as plain values.

    Raises:
        UserError: they make none.
    """
    with composed(options, overrides, schema, runner) as config:
        return OmegaConf.to_container(typed(without_hydra(config), schema), resolve=True)


@contextmanager
def composed(options, overrides, schema, runner, *, mode=RunMode.RUN):
    """The config that options and overrides make, with Hydra's own part, while it can be resolved.

    Raises:
        UserError: they make none, or what is asked of it cannot be resolved.
    """
    runner = Path(runner)
    conf = runner.resolve().parent / options.get("config_path", "../conf")
    path = create_config_search_path(os.path.normpath(conf))
    if "config_dir" in options:
        path.prepend("command-line", f"file://{options['config_dir']}")
    try:
        hydra = Hydra.create_main_hydra2(task_name=runner.stem, config_search_path=path)
        config = hydra.compose_config(
            config_name=options.get("config_name", runner.stem),
            overrides=overrides,
            run_mode=mode,
            from_shell=False,
            with_log_configuration=False,
        )
        HydraConfig.instance().set_config(config)  # the run's name asks for its choices
        yield config
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(explain(error, schema)) from error
    finally:
        GlobalHydra.instance().clear()
        HydraConfig.instance().cfg = None
