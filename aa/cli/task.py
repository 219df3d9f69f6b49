"""Task of a runner, as Hydra calls it: once, or for every job of a sweep."""

import errno
import functools
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from aa.cli.resolvers import register_resolvers
from aa.cli.start import Run, start
from aa.config.convert import node_rank_of, typed
from aa.config.explain import explain
from aa.config.primary import InferConfig, TrainConfig
from aa.errors import GroupError, Signalled, UserError, interruption
from aa.plain import plain_logging
from aa.processes import is_main_process, is_run_command
from aa.runs.lock import held, is_held
from aa.runs.outcomes import forget_outcome, write_outcome
from aa.runs.told import tell_end
from aa.sweeps.job import run_job

log = logging.getLogger(__name__)

RESUMABLE = (TrainConfig, InferConfig)  # whose runs can be resumed
CRASH, USER_ERROR, INTERRUPTED = 1, 2, 130  # exit codes
FULL_ERROR = os.environ.get("HYDRA_FULL_ERROR") == "1"  # the user's wish, before `run` sets it
STORAGE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)


class Task:
    """A runner's function below `hydra.main`; see `task`."""

    def __init__(self, function: Run, schema: type) -> None:
        functools.update_wrapper(self, function)
        self.function, self.started, self.exit_code = function, False, 0
        self.schema = schema  # of its config
        self.folder, self.sweep = None, None  # of the run, of the sweep
        self.signals = []  # that came
        self.nodes = 1  # hardware.nodes as it was requested

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore it in a launcher's process, which has its own logging and resolvers."""
        self.__dict__ |= state
        plain_logging()
        register_resolvers()

    def __call__(self, config: DictConfig) -> float | None:
        self.started, self.folder = True, HydraConfig.get().runtime.output_dir
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            return run_job(config, resumable=self.schema in RESUMABLE)
        rank = node_rank_of(config)
        if not is_main_process(rank):
            _remove_file_handlers()
        begun = time.monotonic()
        keeps = is_run_command(rank) and not is_held(self.folder)
        if keeps:
            forget_outcome(self.folder)
        line, whole = None, None
        try:
            # From the start: what nobody holds may be removed.
            with held(self.folder, node_rank=rank):
                whole = typed(config, self.schema)
                self.nodes = OmegaConf.select(config, "hardware.nodes") or 1
                start(self.function, whole, full_error=FULL_ERROR)
        except Exception as error:
            if stop := self.interruption(error):
                raise stop from None
            line, users = explain(error, None), _is_users(error)
            self.exit_code = getattr(error, "code", USER_ERROR) if users else CRASH
            _to_file(line, None if users else sys.exc_info())
            if FULL_ERROR or not users:
                raise
            print(f"error: {line}", file=sys.stderr)
        finally:
            stopped = isinstance(sys.exc_info()[1], KeyboardInterrupt)
            if keeps and not stopped:
                seconds = time.monotonic() - begun
                try:
                    self._keep_outcome(line, seconds)
                finally:
                    tell_end(whole, self.folder, error=line, seconds=seconds)

    def _keep_outcome(self, line: str | None, seconds: float) -> None:
        """Write how the run ended; on a full disk that is reported, unless something else was."""
        try:
            write_outcome(cast(str, self.folder), error=line, code=self.exit_code, seconds=seconds)
        except OSError as error:
            if line is None:
                raise UserError(explain(error, None)) from error

    def interruption(self, error: Exception) -> KeyboardInterrupt | None:
        """The interrupt that an error came of, or None; libraries do not always say so."""
        stop = interruption(error)
        if stop or isinstance(error, UserError):
            return stop
        return next(map(Signalled, self.signals), None)


def _is_users(error: Exception) -> bool:
    """Return whether the user can fix it; anything else is a mistake in the program."""
    return isinstance(error, UserError | GroupError) or getattr(error, "errno", None) in STORAGE


def task(schema: type) -> Callable[[Run], Task]:
    """Decorate below `hydra.main`: a function of a checked config and its run folder.

    What it needs is checked before, see `aa.cli.start`; what stops it is in the log of the run,
    and one line for the user.

    Args:
        schema: dataclass of the config.
    """
    return lambda function: Task(function, schema)


def _file_handlers() -> list[logging.FileHandler]:
    return [h for h in logging.getLogger().handlers if isinstance(h, logging.FileHandler)]


def _to_file(text: str, trace: Any) -> None:
    for handler in _file_handlers():
        handler.handle(log.makeRecord(log.name, logging.ERROR, "", 0, text, (), trace))


def _remove_file_handlers() -> None:
    """The run's log is the first process's; the others' output is kept by the launcher."""
    for handler in _file_handlers():
        logging.getLogger().removeHandler(handler)
