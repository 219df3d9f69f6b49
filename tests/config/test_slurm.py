"""`hardware.nodes=slurm`: what Slurm's variables make of it."""

import pytest

from aa.cli.recorded import compose as compose_values
from aa.cli.resolvers import register_schemas
from aa.config.primary import TrainConfig
from aa.config.slurm import first_host, hosts_of_job
from aa.errors import UserError
from tests.commands import one_line, run_light

# As a task of `srun -N2 --ntasks-per-node=1` sees them.
STEP = {
    "SLURM_JOB_ID": "7",
    "SLURM_JOB_NODELIST": "gpu[007-008]",
    "SLURM_NNODES": "2",
    "SLURM_NTASKS": "2",
    "SLURM_NODEID": "1",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_STEP_NODELIST": "gpu[007-008]",
    "SLURM_STEP_NUM_TASKS": "2",
}
JOB_ALONE = {key: STEP[key] for key in ("SLURM_JOB_NODELIST", "SLURM_NODEID", "SLURM_NNODES")}


@pytest.mark.parametrize(
    ("listed", "first"),
    [
        ("gpu1", "gpu1"),
        ("nodeb,nodea", "nodeb"),
        ("gpu[007-012,20],x-1", "gpu007"),
        ("r[1-2]n[05,07-09]-ib,x", "r1n05-ib"),
        ("a-[3],b", "a-3"),
    ],
)
def test_the_first_of_slurms_hosts_is_read_from_its_list(listed, first):
    assert first_host(listed) == first


def test_a_task_is_told_how_many_hosts_there_are_which_it_is_and_where_they_meet():
    assert hosts_of_job(STEP) == {"nodes": 2, "node_rank": 1, "master": "gpu007:20007"}
    assert hosts_of_job({**JOB_ALONE, "SLURM_JOB_ID": "7"}) == hosts_of_job(STEP)


def test_jobs_and_steps_on_one_host_meet_at_ports_of_their_own():
    others = [{"SLURM_JOB_ID": "8"}, {"SLURM_STEP_ID": "1"}, {"SLURM_JOB_ID": "12345678"}]
    masters = [hosts_of_job({**STEP, **other})["master"] for other in ({}, *others)]
    assert len(set(masters)) == 4
    assert all(20_000 <= int(master.partition(":")[2]) < 32_000 for master in masters)


def test_a_step_on_one_host_of_two_is_alone():
    one = {"SLURM_STEP_NUM_NODES": "1", "SLURM_STEP_NODELIST": "gpu007", "SLURM_NODEID": "0"}
    found = hosts_of_job({**STEP, **one, "SLURM_STEP_NUM_TASKS": "1"})
    assert found == {"nodes": 1, "node_rank": 0, "master": None}


def test_several_tasks_on_a_host_are_refused():
    with pytest.raises(UserError, match=r"16 tasks on 2 hosts, one a host .* --ntasks-per-node=1"):
        hosts_of_job({**STEP, "SLURM_STEP_NUM_TASKS": "16"})


def test_outside_of_a_job_it_is_one_line(tmp_path):
    command = ["stage=1", "hardware=cpu", "stage.init_from=null", "hardware.nodes=slurm"]
    outside = {key: "" for key in STEP}
    said = one_line(run_light(tmp_path, "train", *command, "hydra.run.dir=run", **outside))
    assert said.startswith("hardware.nodes=slurm: this is no task of a Slurm job (SLURM_NODELIST")


def test_a_config_has_the_jobs_values_in_its_place(monkeypatch):
    for key, value in STEP.items():
        monkeypatch.setenv(key, value)
    register_schemas()
    words = ["stage='1'", "hardware=cpu", "hardware.nodes=slurm"]
    hardware = compose_values({}, words, TrainConfig, "runners/train.py")["hardware"]
    assert (hardware["nodes"], hardware["node_rank"]) == (2, 1)
    assert hardware["master"] == "gpu007:20007"


@pytest.mark.parametrize("nodes", ["two", "0", "'2'", "true"])
def test_another_text_or_no_hosts_at_all_are_refused(nodes, compose):
    with pytest.raises(UserError, match=r"must be how many hosts run this, or slurm, got"):
        compose("train", ["stage=1", "hardware=cpu", f"hardware.nodes={nodes}"])
