"""Groups of processes: who starts them, what they are told, how they end."""

import subprocess
import sys
from pathlib import Path

import pytest

from aa.cli.hosts import Hosts
from aa.cli.launch import check_shared_folder, rank_environment, rank_overrides
from aa.cli.reasons import HOST, OWN, PEER, USER, Reason, reason_of
from aa.config.hardware import HardwareConfig
from aa.errors import UserError
from aa.processes import wants_group

ROOT = Path(__file__).parents[2]
GLOO = "/paddle/third_party/gloo/gloo/transport/tcp"


@pytest.fixture
def as_rank(monkeypatch):
    """This process as the second of a launched group."""
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "2")
    monkeypatch.setenv("PADDLE_TRAINER_ID", "1")


def test_only_the_first_command_starts_a_group(as_rank, monkeypatch):
    assert not wants_group(HardwareConfig(device="cpu", devices=2))
    monkeypatch.delenv("PADDLE_TRAINERS_NUM")
    assert wants_group(HardwareConfig(device="cpu", devices=2))
    assert not wants_group(HardwareConfig(device="cpu", devices=1))


def test_ranks_started_by_hand_must_share_a_run_folder(as_rank):
    check_shared_folder(["stage=1", "hydra.run.dir=here"], "2 processes")
    with pytest.raises(UserError, match=r"2 processes need one run folder: add hydra.run.dir="):
        check_shared_folder(["stage=1"], "2 processes")


def test_ranks_repeat_the_job_in_its_folder(composed):
    composed("stage='1'", "seed=7", "hydra.run.dir=old", "hydra.job.name=x")
    assert rank_overrides("out/it's,1") == [
        "hydra.job.name=x",
        "stage='1'",
        "seed=7",
        "hydra.run.dir='out/it\\'s,1'",
        "hydra.output_subdir=null",
    ]


@pytest.fixture
def reason(tmp_path):
    """Function (what process 1 printed, its exit code) -> the `Reason`."""

    def build(said, code):
        (tmp_path / "workerlog.1").write_text(said)
        return reason_of(1, code, tmp_path / "workerlog.1", since=0.0)

    return build


def test_what_a_user_can_mend_is_said_as_it_is(reason):
    found = reason("step 1\nerror: clip 3 is short.\n", 2)
    assert (found.kind, found.line) == (USER, "clip 3 is short.")


def test_of_a_mistake_in_the_program_the_last_error_is_said(reason):
    found = reason("Traceback ...\nMemoryError: 3 GB\nbye\n", 1)
    assert (found.kind, found.line) == (OWN, "process 1: MemoryError: 3 GB")


@pytest.mark.parametrize(
    ("code", "said"),
    [(-9, "(SIGKILL): killed, or out of memory"), (-6, "(SIGABRT)"), (1, "(code 1)")],
)
def test_of_a_process_that_says_nothing_the_signal_is_named(reason, code, said):
    assert reason("step 1\n", code).line == f"process 1 ended without a word {said}"


def test_of_an_abort_the_error_before_it_is_said(reason):
    summary = "FatalError: `Process abort signal` is detected by the operating system.\n"
    assert (
        reason(f"RuntimeError: no room\n{summary}", -6).line == "process 1: RuntimeError: no room"
    )


def test_a_lost_store_is_no_reason_of_its_own(reason):
    said = "ValueError: (InvalidArgument) TCP receive error. Details: Connection reset by peer.\n"
    assert reason(said, 1).kind == PEER


def test_what_the_others_of_a_group_know_is_said_last():
    gone = f"RuntimeError: [{GLOO}/pair.cc:584] TIMEOUT self_rank = 1 pair_rank = 0 peer_str = "
    first = [Reason(PEER, 0.0, gone), Reason(HOST, 0.1, "node 1 has gone")]
    assert min(first).line == "node 1 has gone"
    assert min([*first, Reason(OWN, 0.2, "process 0 ended")]).line == "process 0 ended"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "pair.cc:584] TIMEOUT self_rank = 1 pair_rank = 0 peer_str = [10.0.0.1]:29619",
            "process 1 lost process 0 at 10.0.0.1: ",
        ),
        (
            "unbound_buffer.cc:80] TIMEOUT self_rank = none pair_rank = -1 peer_str = none",
            "process 1 waited for the others in vain (gloo waits 30 s): ",
        ),
    ],
)
def test_of_a_lost_process_gloos_own_line_and_its_place_are_said(reason, said, line):
    found = reason(f"RuntimeError: [{GLOO}/{said}\n", 1)
    assert (found.kind, found.line) == (PEER, f"{line}RuntimeError: [{GLOO}/{said}")


def test_a_process_is_told_its_place_as_paddles_launcher_would():
    hardware = HardwareConfig(
        device="gpu", devices=2, nodes=2, node_rank=1, master="a:1", precision="bfloat16"
    )
    hosts = Hosts(store="10.0.0.1:500", addresses=["10.0.0.1", "10.0.0.2"])
    told = rank_environment(hardware, hosts, local=1)
    assert told["PADDLE_TRAINER_ID"] == "3"
    assert told["PADDLE_TRAINERS_NUM"] == "4"
    assert told["PADDLE_MASTER"] == "10.0.0.1:500"
    assert told["PADDLE_CURRENT_ENDPOINT"] == "10.0.0.2:502"
    assert told["FLAGS_selected_gpus"] == "1"


def test_a_rank_that_leaves_is_spared_the_teardown_of_the_libraries():
    script = """
import atexit, ctypes
from aa.processes import leave
libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.abort, None, None)
atexit.register(print, "tidied up")
leave(3)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (3, "tidied up\n")
