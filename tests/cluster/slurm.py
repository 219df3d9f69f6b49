"""A Slurm cluster of two hosts, as small as it can be: no accounting, no cgroups, quick to plan."""

import contextlib
import functools
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.cluster import namespaces
from tests.cluster.hosts import NAMES, Hosts

PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "scontrol", "scancel", "squeue")
ENDED = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE")
OWN = ("slurmd", "slurmctld", "slurmstepd")  # the last tells Slurm that a job has ended

# cred_expire is also how long a requeued job waits. Two CPUs each, whatever the machine has.
CONFIG = """\
ClusterName=small
SlurmctldHost={name_a}({address_a})
AuthType=auth/munge
AuthInfo=cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/{proctrack}
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
JobRequeue=1
KillWait=30
OverTimeLimit=0
ReturnToService=2
NodeName={name_a} NodeAddr={address_a} CPUs=2
NodeName={name_b} NodeAddr={address_b} CPUs=2
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE
"""


@functools.cache
def unavailable() -> str | None:
    """The reason why no cluster can be made here, or None."""
    if reason := namespaces.unavailable(*PROGRAMS):
        return reason
    return None if Path("/etc/slurm").is_dir() else "Slurm's settings are not read from /etc/slurm"


class Cluster(Hosts):
    """Two hosts with Slurm: its controller runs on `a`, and jobs on both, two CPUs each."""

    def __init__(self, folder: Path, *, proctrack: str = "pgid", debian: bool = False) -> None:
        """Start it. `proctrack` is how Slurm knows a job's processes: `pgid` or `linuxproc`."""
        super().__init__(folder, debian=debian)
        try:
            self._write_config(proctrack)
            self._start_daemons()
            wait_for(self.idle, "both nodes to be idle", 30)
            self._keep_running()
        except BaseException:
            self.stop()
            raise

    def idle(self) -> bool:
        """Whether no job is running or waiting, and both nodes take one."""
        states = self.run("a", "sinfo", "--noheader", "--Node", "--format=%T").stdout.split()
        return states == ["idle", "idle"] and not self.run("a", "squeue", "--noheader").stdout

    def submit(
        self,
        script: str,
        *options: str,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> str:
        """Submit the lines of a shell script with sbatch's options; its job id.

        What it prints goes to `<job id>.out` in the cluster's folder, unless an option says else.
        """
        file = self.folder / f"job_{time.monotonic_ns()}.sh"
        file.write_text("#!/bin/sh\n" + script)
        command = ["sbatch", "--parsable", f"--output={self.folder}/%j.out", *options, str(file)]
        result = self.run("a", *command, cwd=cwd, env=env)
        if result.returncode:
            raise RuntimeError(f"sbatch failed: {result.stderr}")
        return result.stdout.strip()

    def job(self, job: str) -> dict[str, str]:
        """What `scontrol show job` says of a job: JobState, Restarts, ExitCode, NodeList, ..."""
        said = self.run("a", "scontrol", "--oneliner", "show", "job", job).stdout
        return dict(field.split("=", 1) for field in said.split() if "=" in field)

    def wait(self, job: str, *states: str, timeout: float = 60) -> dict[str, str]:
        """Wait until a job is in one of these states, else has ended; what `job` then says."""
        wanted = states or ENDED
        what = f"job {job} to be {' or '.join(wanted)}"
        wait_for(lambda: self.job(job)["JobState"] in {*wanted, *ENDED}, what, timeout)
        found = self.job(job)
        if found["JobState"] not in wanted:
            raise RuntimeError(f"waited for {what}, but it is {found['JobState']}")
        return found

    def time_out(self, job: str) -> None:
        """Let a job reach its time limit now; Slurm looks every 30 seconds, and ends it.

        RUNNING is not enough to wait for before: no srun can start a step from now on.
        """
        self._do("a", "scontrol", "update", f"JobId={job}", "EndTime=now")

    def clear(self) -> None:
        """Also cancel all jobs, and let none of them use its KillWait."""
        self.mend()
        wait_for(self._cancel_all, "both nodes to be idle", 60)
        super().clear()

    def _cancel_all(self) -> bool:
        if self.idle():
            return True
        self.run("a", "scancel", "--user=root")
        for process in [p for host in NAMES for p in self.processes(host)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.name() not in OWN:
                    process.kill()
        return False

    def _write_config(self, proctrack: str) -> None:
        values = {"folder": self.folder, "proctrack": proctrack}
        for host in NAMES:
            values |= {f"name_{host}": self.name(host), f"address_{host}": self.address(host)}
        (self.folder / "etc").mkdir()
        (self.folder / "etc" / "slurm.conf").write_text(CONFIG.format(**values))
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)

    def _start_daemons(self) -> None:
        for host in NAMES:
            self._do(host, "mount", "--bind", str(self.folder / "etc"), "/etc/slurm")
            if sacct := shutil.which("sacct", path=namespaces.PATH):
                self._do(host, "mount", "--bind", str(Path(__file__).with_name("sacct.py")), sacct)
            self._do(host, "mkdir", "/run/munge")
            files = {"key": "munge.key", "log": f"{host}/munged.log", "seed": f"{host}/munged.seed"}
            options = [f"--{kind}-file={self.folder / name}" for kind, name in files.items()]
            self._do(host, "munged", "--force", *options)
        self._do("a", "slurmctld", "-c", "-L", str(self.folder / "slurmctld.log"))
        for host in NAMES:
            log = str(self.folder / host / "slurmd.log")
            self._do(host, "slurmd", "-N", self.name(host), "-L", log)

    def _do(self, host: str, *command: str) -> None:
        """Run a command that must succeed."""
        result = self.run(host, *command)
        if result.returncode:
            raise RuntimeError(f"{' '.join(command)} on {host}: {result.stderr or result.stdout}")


def wait_for(condition: Callable[[], object], what: str, timeout: float) -> None:
    """Wait until a condition holds; after `timeout` seconds it is an error that says `what`."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout} s for {what}")
        time.sleep(0.1)
