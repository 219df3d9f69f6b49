"""Sweeps on Slurm: submitit puts the jobs into the queue, `aa.sweeps.slurm` waits for them.

hydra-submitit-launcher's own launcher waits for results that cancelled and killed jobs never write,
asks the accounting data base for them, and raises at the first.
"""

import shlex
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra_plugins.hydra_submitit_launcher import submitit_launcher
from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf, SlurmQueueConf
from omegaconf import DictConfig, open_dict

from aa.errors import Interrupted, UserError, one_line
from aa.interrupts import handling, wishes
from aa.processes import WARNING
from aa.runs.metrics import job_metrics
from aa.sweeps.limits import EVER, TimeLimit
from aa.sweeps.queue import queue_again, read_queue
from aa.sweeps.slurm import SlurmJobs
from aa.sweeps.sweep import Sweep

GROUP, NAME = "hydra/launcher", "submitit_slurm"
# A signal that comes while a job's Python starts waits until the job can hear it, in `__call__`.
BLOCK = (
    "import os, signal, sys; "
    "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR2]); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
OF_EXECUTOR = ("submitit_folder", "max_num_timeout")  # the other keys are of sbatch


@dataclass
class SlurmConfig(SlurmQueueConf):
    """All keys of hydra-submitit-launcher; a job is queued again until it is done."""

    _target_: str = f"{__name__}.SlurmLauncher"
    max_num_timeout: int = EVER


def choose() -> None:
    """Let `hydra/launcher=submitit_slurm` be this launcher, in the place of the one it is made of.

    For after Hydra has looked for plugins, which is when that one makes itself known.
    """
    Plugins.instance().register(SlurmLauncher)  # it finds none of an editable installation
    ConfigStore.instance().store(group=GROUP, name=NAME, node=SlurmConfig, provider="aa")


class SlurmLauncher(submitit_launcher.SlurmLauncher):
    """Launcher of jobs that Slurm runs: that one of them is lost ends nothing."""

    def __call__(self, *args: Any, **kwargs: Any) -> JobReturn:
        """Run a job, in its own process; a signal that comes before it has begun is not lost.

        Raises:
            SystemExit: a signal stopped it.
        """
        try:
            with handling((signal.SIGTERM, WARNING), lambda number, frame: wishes.hear(number)):
                signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, WARNING))
                return super().__call__(*args, **kwargs)
        except Interrupted as stop:
            if WARNING in wishes.came:
                self._queue_again()
            raise SystemExit(stop.code) from None

    def _queue_again(self) -> None:
        """Put this job into the queue again, whose step is saved; nothing more is heard.

        submitit would do so at once, and have the job killed while it saves. One that Slurm ends
        already may have been cancelled meanwhile: the command that waits for it sees to it.
        """
        import submitit

        for number in (signal.SIGTERM, WARNING):  # which Slurm may send to `scontrol` too
            signal.signal(number, signal.SIG_IGN)
        number = submitit.JobEnvironment().job_id
        found = (read_queue() or {}).get(number)
        if found is None or found.state == "RUNNING":
            queue_again(number)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Queue the jobs that have anything to do, wait for all, and return their numbers.

        Raises:
            UserError: Slurm takes no jobs here.
        """
        setup_globals()
        assert self.config is not None
        if not (shutil.which("sbatch") and shutil.which("srun")):
            raise UserError(
                "hydra/launcher=submitit_slurm: no sbatch here; start the sweep on a host of a "
                "Slurm cluster, or try it with hydra/launcher=submitit_local."
            )
        sweep = Sweep.read(self.config.hydra.sweep.dir)
        names, calls = [], {}
        for number, overrides in enumerate(job_overrides, initial_job_idx):
            names.append(self._claim(sweep, overrides, number))
            state = Singleton.get_state()
            calls[names[-1]] = (list(overrides), "hydra.sweep.dir", number, f"job {number}", state)
        SlurmJobs(
            sweep,
            names,
            submit=lambda wanted: self._submit([calls[name] for name in wanted]),
            retries=self.config.sweep.retries,
            limit=TimeLimit.of(self.params),
            log=self._log,
        ).wait()
        return [self._result(sweep, *job) for job in zip(names, job_overrides, strict=True)]

    def _claim(self, sweep: Sweep, overrides: Sequence[str], number: int) -> str:
        """Make the folder of a job; return its name."""
        assert self.hydra_context is not None
        loader = self.hydra_context.config_loader
        config = loader.load_sweep_config(cast(DictConfig, self.config), list(overrides))
        with open_dict(config):
            config.hydra.job.id, config.hydra.job.num = f"job {number}", number
        HydraConfig.instance().set_config(config)
        name = config.hydra.sweep.subdir
        sweep.note(name, asked=sweep.started)
        return name

    def _submit(self, calls: list[tuple[Any, ...]]) -> list[str]:
        """Put jobs into the queue, one array of them; return their ids."""
        import submitit  # deferred, as in the plugin: Hydra starts faster
        from submitit.core.utils import FailedJobError

        common = {field.name for field in fields(BaseQueueConf)}
        given = {key: value for key, value in self.params.items() if key not in OF_EXECUTOR}
        try:
            executor = submitit.AutoExecutor(
                self.params["submitit_folder"],
                cluster="slurm",
                slurm_max_num_timeout=self.params["max_num_timeout"],
                slurm_python=shlex.join([sys.executable, "-ISc", BLOCK]),
            )
            executor.update_parameters(
                **{k if k in common else f"slurm_{k}": value for k, value in given.items()}
            )
            jobs = executor.map_array(self, *zip(*calls, strict=True))
        except (FailedJobError, RuntimeError, OSError) as error:
            raise UserError(
                f"Slurm does not take the jobs: {one_line(error)} Change what it names among the "
                "keys hydra.launcher.*, as hydra.launcher.partition=<one that sinfo shows>."
            ) from error
        return [job.job_id for job in jobs]

    def _log(self, number: str) -> Path:
        """The file into which the job's own process writes its errors, its run's output aside."""
        from submitit.core.utils import JobPaths

        paths = JobPaths(self.params["submitit_folder"], job_id=number, task_id=0)
        return paths.stdout if self.params["stderr_to_stdout"] else paths.stderr

    def _result(self, sweep: Any, name: str, overrides: Sequence[str]) -> JobReturn:
        found = job_metrics(Path(sweep.folder) / name).get(sweep.metric)
        result = JobReturn(overrides=list(overrides), status=JobStatus.COMPLETED)
        result.return_value = found and found.value
        return result
