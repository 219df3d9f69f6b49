"""What the runners share: arguments, run folders, one-line errors. Imports no paddle."""

import errno
import functools
import itertools
import logging
import os
import re
import sys
import traceback
from pathlib import Path

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from aa.arguments import check_arguments, normalise_overrides
from aa.config import EvaluateConfig, InferConfig, TrainConfig, to_config, typed
from aa.errors import Interrupted, UserError
from aa.inputs import check_files
from aa.launch import (
    GroupError,
    check_shared_folder,
    is_later_node,
    is_main_process,
    is_rank,
    leave,
    wants_group,
)
from aa.machine import check_device, prepare_paddle
from aa.messages import explain
from aa.plan.command import run_plan, take_plan
from aa.recorded import given_folder
from aa.rerun import rerun_arguments
from aa.resume_arguments import check_given_folder, resume_arguments
from aa.tree import print_tree

log = logging.getLogger(__name__)

USER_ERROR, INTERRUPTED = 2, 130
FULL_ERROR = os.environ.get("HYDRA_FULL_ERROR") == "1"  # the user's wish, before `run` sets it
STORAGE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)


def register_schemas(new_folder=str):
    """Make the dataclasses and resolvers known under the names that the primary configs use.

    Args:
        new_folder: function of the default run folder that returns the one to use.
    """
    store = ConfigStore.instance()
    store.store(name="train_schema", node=TrainConfig)
    store.store(name="infer_schema", node=InferConfig)
    store.store(name="evaluate_schema", node=EvaluateConfig)
    OmegaConf.register_new_resolver("chosen", chosen, replace=True)
    OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)
    OmegaConf.register_new_resolver("new_folder", new_folder, replace=True)


def chosen(group):
    """The option of a group; nothing where a run's own `.hydra/config.yaml` is composed."""
    return HydraConfig.get().runtime.choices.get(group, "")


def job_folder(overrides):
    """What sets this job of a sweep apart, as a folder name of at most 120 characters."""
    swept = [o for o in overrides if o not in sys.argv] or overrides
    plain = re.sub("['\"]", "", "_".join(swept)).replace("=", "-")  # a path without = or , can be
    return re.sub(r"[^\w.+-]+", "_", plain)[:120]  # given back as a value


@functools.cache  # asked for several times in a run
def make_folder(wanted):
    """Make the folder, or the first of wanted-2, wanted-3, ... that no other run has made."""
    for number in itertools.count(1):
        folder = Path(wanted if number == 1 else f"{wanted}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return str(folder)


def run(main, schema):
    """Run a `hydra.main` function: what the user can mend is one line and exit code 2.

    With HYDRA_FULL_ERROR=1 in the environment the whole traceback is shown instead.

    Args:
        main: a `task` below `hydra.main`.
        schema: dataclass of its config.
    """
    job = main.__wrapped__
    job.schema = schema
    try:
        arguments, starts = check_arguments(sys.argv[1:])
        if starts and schema in (TrainConfig, InferConfig):
            plan, arguments = take_plan(arguments)
            if plan:
                register_schemas()
                fits = run_plan(plan, arguments, schema, runner=sys.argv[0])
                sys.exit(0 if fits else USER_ERROR)
        if not is_rank():  # a rank was given all overrides by the process that started it
            register_schemas()
            if given_folder(arguments, "rerun"):
                arguments = rerun_arguments(arguments, schema, runner=sys.argv[0])
            else:
                arguments = resume_arguments(arguments, schema, runner=sys.argv[0])
            if starts and is_later_node(arguments):  # the first machine's command writes
                arguments.append("hydra.output_subdir=null")
            elif starts:
                check_given_folder(arguments, resumable=schema is TrainConfig)
        else:
            check_shared_folder(arguments, f"{os.environ['PADDLE_TRAINERS_NUM']} processes")
        sys.argv[1:] = normalise_overrides(arguments)
        register_schemas(make_folder if starts else str)
        os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise here what it would print itself
        main()
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        if is_rank() and isinstance(stop, Interrupted):
            leave(0)  # saved, as all processes of the group have; their command says the rest
        print(f"interrupted{_how_to_go_on(schema, job.folder)}", file=sys.stderr)
        sys.exit(getattr(stop, "code", INTERRUPTED))
    except BrokenPipeError:  # `--help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        known = isinstance(error, UserError | HydraException | OmegaConfBaseException)
        if FULL_ERROR or (job.started and not known):
            raise
        print(f"error: {explain(error, schema)}", file=sys.stderr)
        sys.exit(USER_ERROR)
    if is_rank():
        leave(job.exit_code)
    sys.exit(job.exit_code)


def _how_to_go_on(schema, folder):
    """The command that goes on with the training run of a folder, or nothing for others."""
    if schema is not TrainConfig or folder is None:
        return ""
    return f"; go on from its last checkpoint: python {sys.argv[0]} resume={folder}"


class Job:
    """What Hydra calls, once or for every job of a sweep; see `task`."""

    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function, self.started, self.exit_code = function, False, 0
        self.schema = None  # of its config
        self.folder = None  # of the last job

    def __call__(self, config):
        self.started, self.folder = True, HydraConfig.get().runtime.output_dir
        if not is_main_process():
            _remove_file_handlers()
        try:
            self.function(typed(config, self.schema))
        except Exception as error:
            users = isinstance(error, UserError | GroupError)
            if not users and getattr(error, "errno", None) not in STORAGE:
                _to_file(traceback.format_exc())
                raise
            self._fail(error, getattr(error, "code", USER_ERROR))

    def _fail(self, error, code):
        """One line, and on with the next job; the process ends with the first failure's code."""
        if FULL_ERROR:
            raise error
        hydra, line = HydraConfig.get(), explain(error, None)
        _to_file(line)
        job = f"job {hydra.job.num}: " if hydra.mode == RunMode.MULTIRUN else ""
        print(f"error: {job}{line}", file=sys.stderr)
        self.exit_code = self.exit_code or code


def task(function):
    """Decorator below `hydra.main`: what stops a job is in its log, and one line for the user."""
    return Job(function)


def _file_handlers():
    return [h for h in logging.getLogger().handlers if isinstance(h, logging.FileHandler)]


def _to_file(text):
    for handler in _file_handlers():
        handler.handle(log.makeRecord(log.name, logging.ERROR, "", 0, text, (), None))


def _remove_file_handlers():
    """The run's log is the first process's; the others' output is kept by the launcher."""
    for handler in _file_handlers():
        logging.getLogger().removeHandler(handler)


def begin(config):
    """Check a composed config and show it; one that is trained in a group is not shown here.

    Returns:
        the config as its dataclass, and the run folder.

    Raises:
        UserError: a value is missing or impossible, or the machine is not the one asked for.
    """
    checked = to_config(config)
    check_device(checked.hardware)
    check_files(checked)
    if not wants_group(checked.hardware):
        if is_main_process():
            print_tree(config)
        prepare_paddle(checked.hardware)
    return checked, _run_folder()


def begin_without_paddle(config):
    """As `begin`, for a task that needs no paddle, whose config has no `hardware`."""
    checked = to_config(config)
    check_files(checked)
    print_tree(config)
    return checked, _run_folder()


def _run_folder():
    return Path(HydraConfig.get().runtime.output_dir)
