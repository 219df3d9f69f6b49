"""Entry that the runners share: arguments, run folders, one-line errors."""

import io
import os
import shlex
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from aa.cli.launch import check_shared_folder
from aa.cli.plan import run_plan, take_plan
from aa.cli.recorded import given_folder, given_options, option_words
from aa.cli.rerun import rerun_arguments
from aa.cli.resolvers import make_folder, register_resolvers, register_schemas
from aa.cli.resume_arguments import check_given_folder, resume_arguments
from aa.cli.sweeps import finish, is_sweep, sweeping
from aa.cli.task import FULL_ERROR, INTERRUPTED, RESUMABLE, USER_ERROR, Task
from aa.config.explain import explain
from aa.config.overrides import check_arguments, normalise_overrides
from aa.config.prepare import PrepareConfig
from aa.config.primary import InferConfig, TrainConfig
from aa.config.slurm import SLURM
from aa.errors import UserError
from aa.interrupts import unwinding
from aa.plain import plain_logging, printable
from aa.processes import is_rank, leave, runner_command
from aa.runs.resume import has_begun, has_checkpoint
from aa.sweeps.stopping import stopping
from aa.sweeps.watch import Watch


def run(main: Any) -> NoReturn:
    """Run a `hydra.main` function: what the user can fix is one line and exit code 2.

    With HYDRA_FULL_ERROR=1 in the environment the whole traceback is shown instead.

    Args:
        main: a `task` below `hydra.main`.
    """
    plain_logging()
    if isinstance(sys.stdout, io.TextIOWrapper):  # each line at once, also into a file or a pipe
        sys.stdout.reconfigure(line_buffering=True)
    job = main.__wrapped__
    schema = job.schema
    try:
        with unwinding() as job.signals:
            code = _run(main, schema)
    except KeyboardInterrupt as stop:
        _leave_interrupted(job, stop)
    except BrokenPipeError:  # `--help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = job.exit_code or int(bool(job.sweep))  # what came of a sweep was not heard
    except Exception as error:
        if stop := job.interruption(error):
            _leave_interrupted(job, stop)
        known = isinstance(error, UserError | HydraException | OmegaConfBaseException)
        if FULL_ERROR or (job.started and not known):
            raise
        print(f"error: {explain(error, schema)}", file=sys.stderr)
        sys.exit(USER_ERROR)
    if is_rank():
        leave(code)
    sys.exit(code)


def _run(main: Any, schema: type) -> int:
    """Do what the command line requests; return the exit code."""
    arguments, starts = check_arguments(sys.argv[1:])
    arguments = normalise_overrides(arguments)
    if starts and schema in (TrainConfig, InferConfig):
        plan, arguments = take_plan(arguments)
        if plan:
            register_schemas()
            fits = run_plan(plan, arguments, schema, runner=sys.argv[0])
            return 0 if fits else USER_ERROR
    if starts and is_sweep(arguments):
        code = _run_sweep(main, schema, arguments)
    else:
        _run_one(main, schema, arguments, starts)
        code = main.__wrapped__.exit_code
    sys.stdout.flush()
    return code


def _run_one(main: Any, schema: type, arguments: list[str], starts: bool) -> None:
    """Start one run or one of the processes that it is split over, or answer a question."""
    register_schemas()
    if not is_rank():  # a rank was given all overrides by the process that started it
        if given_folder(arguments, "rerun"):
            arguments = rerun_arguments(arguments, schema, runner=sys.argv[0])
        else:
            arguments = resume_arguments(arguments, schema, runner=sys.argv[0])
        if starts:
            check_given_folder(arguments, schema, runner=sys.argv[0], resumable=schema in RESUMABLE)
    else:
        check_shared_folder(arguments, f"{os.environ['PADDLE_TRAINERS_NUM']} processes")
    _run_hydra(main, normalise_overrides(arguments), make_folder if starts else str)


def _run_sweep(main: Any, schema: type, arguments: list[str]) -> int:
    """Run all jobs of a sweep, each in a separate process; return the exit code."""
    register_schemas()
    register_resolvers(make_folder)
    if given_folder(arguments, "rerun"):
        arguments = rerun_arguments(arguments, schema, runner=sys.argv[0])
    asked = sweeping(arguments, schema, runner=sys.argv[0], full_error=FULL_ERROR)
    with asked as (sweep, given):
        main.__wrapped__.sweep = sweep.folder
        try:
            with Watch(sweep.folder), stopping(sweep):
                _run_hydra(main, given, make_folder)
        except Exception:
            if sweep.sweeper != "optuna" or not sweep.asked():
                raise  # else it is lost without any result, and the jobs report why
        return finish(sweep)


def _run_hydra(main: Any, arguments: list[str], new_folder: Callable[[str], object]) -> None:
    sys.argv[1:] = arguments
    register_resolvers(new_folder)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise here what it would print itself
    main()


def _leave_interrupted(job: Task, stop: KeyboardInterrupt) -> NoReturn:
    """End after a signal: say so, and which command resumes where one does."""
    code = getattr(stop, "code", INTERRUPTED)
    if is_rank():  # saved, as all processes of the group have, or not; their command says the rest
        leave(code)
    try:
        print(f"interrupted{printable(how_to_go_on(job))}", file=sys.stderr)
        sys.stdout.flush()
    except OSError:  # the terminal is closed: that was the signal
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def how_to_go_on(job: Task) -> str:
    """The command that resumes what was stopped, or nothing where none does."""
    options = "".join(f" {shlex.quote(word)}" for word in option_words(given_options(sys.argv[1:])))
    if job.sweep:
        asked = shlex.quote(f"sweep.resume={job.sweep}") + options
        return f"; go on with it: {runner_command(sys.argv[0])} {asked}"
    if job.schema is PrepareConfig:
        return "; the same command goes on with the rest"
    if job.schema not in RESUMABLE or job.folder is None or not has_begun(job.folder):
        return ""
    asked = shlex.quote(f"resume={job.folder}") + options
    if job.schema is InferConfig:
        return f"; make the rest: {runner_command(sys.argv[0])} {asked}"
    where = " from its last checkpoint" if has_checkpoint(job.folder) else " from its start"
    every = {1: "", SLURM: " in a job on as many hosts"}
    hosts = every.get(job.nodes, " on every host, with its own hardware.node_rank")
    return f"; go on{where}{hosts}: {runner_command(sys.argv[0])} {asked}"
