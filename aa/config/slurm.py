"""`hardware.nodes=slurm`: what Slurm tells every task of a job about the hosts."""

import re
from collections.abc import Iterable, Mapping

from aa.errors import UserError

SLURM = "slurm"  # the value of hardware.nodes
FIRST_PORT, PORTS = 20_000, 12_000  # below those that Linux hands out by itself, from 32,768 on
# Each, of the step that srun started, else of the whole job.
COUNT = ("SLURM_STEP_NUM_NODES", "SLURM_NNODES", "SLURM_JOB_NUM_NODES")
TASKS = ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS")
LIST = ("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST")
JOB, NODE = ("SLURM_JOB_ID", "SLURM_JOBID"), ("SLURM_NODEID",)


def hosts_of_job(environment: Mapping[str, str]) -> dict[str, int | str | None]:
    """The keys nodes, node_rank and master of `hardware`, as a task of a Slurm job is told them.

    Every job has a separate port, so that two whose first hosts are one do not meet.

    Raises:
        UserError: this is no task of a Slurm job, or not the only one of its host.
    """

    def said(names: Iterable[str]) -> str | None:
        return next((environment[name] for name in names if environment.get(name)), None)

    listed, rank = said(LIST), said(NODE)
    if listed is None or rank is None:
        missing = (LIST if listed is None else NODE)[-1]
        raise UserError(
            f"hardware.nodes={SLURM}: this is no task of a Slurm job ({missing} is not set). Start "
            "it with srun in a job, or give the number of hosts, hardware.node_rank and "
            "hardware.master."
        )
    nodes = int(said(COUNT) or 1)
    tasks = int(said(TASKS) or nodes)
    if tasks > nodes:
        raise UserError(
            f"hardware.nodes={SLURM}: the job has {tasks} tasks on {nodes} host"
            f"{'s' * (nodes > 1)}, one a host is wanted, which starts hardware.devices processes "
            "itself: srun --ntasks-per-node=1."
        )
    job, step = int(said(JOB) or 0), environment.get("SLURM_STEP_ID", "")
    port = FIRST_PORT + (job + 997 * (int(step) if step.isdigit() else 0)) % PORTS
    master = f"{first_host(listed)}:{port}" if nodes > 1 else None
    return {"nodes": nodes, "node_rank": int(rank), "master": master}


def first_host(listed: str) -> str:
    """The first of a list of hosts as Slurm writes it: gpu[007-012,20],x-1 begins with gpu007."""
    first = re.match(r"(?:[^,\[]|\[[^\]]*\])+", listed)
    return re.sub(r"\[([^\],-]+)[^\]]*\]", r"\1", first[0]) if first else ""
