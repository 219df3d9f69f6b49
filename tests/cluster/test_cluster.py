"""Two hosts and a small Slurm on one machine are what tests of real clusters need them to be."""

import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.cluster.namespaces import unavailable
from tests.cluster.slurm import wait_for
from tests.commands import ROOT

TWO_NODES = ["--nodes=2", "--ntasks-per-node=1"]
DEBIAN = pytest.mark.parametrize("hosts", [{"debian": True}], ids=["debian"], indirect=True)
BOTH = pytest.mark.parametrize(
    "cluster",
    [{"proctrack": "pgid"}, {"proctrack": "linuxproc"}],
    ids=["pgid", "linuxproc"],
    indirect=True,
)
# Says when it listens, waits for a caller and says what he sends.
LISTEN = """
import socket
server = socket.create_server(("", 7000))
print("listening", flush=True)
print(server.accept()[0].recv(99).decode())
"""
CALL = """
import socket, sys
socket.create_connection((sys.argv[1], 7000), timeout=2).sendall(socket.gethostname().encode())
"""


def resolve(hosts, on, name):
    return hosts.run(on, "getent", "ahostsv4", hosts.name(name)).stdout.split()[0]


def test_two_hosts_hear_each_other_by_name(hosts):
    listener = hosts.start("b", sys.executable, "-c", LISTEN)
    assert listener.stdout.readline() == "listening\n"
    called = hosts.run("a", sys.executable, "-c", CALL, hosts.name("b"))
    assert called.returncode == 0, called.stderr
    assert listener.communicate(timeout=10)[0] == f"{hosts.name('a')}\n"


def test_a_cut_cable_is_cut_until_it_is_mended(hosts):
    listener = hosts.start("b", sys.executable, "-c", LISTEN)
    assert listener.stdout.readline() == "listening\n"
    hosts.cut()
    assert "Error" in hosts.run("a", sys.executable, "-c", CALL, hosts.name("b")).stderr
    hosts.mend()
    assert hosts.run("a", sys.executable, "-c", CALL, hosts.name("b")).returncode == 0


def test_a_name_means_the_same_address_on_both_hosts(hosts):
    for name in "ab":
        assert resolve(hosts, "a", name) == resolve(hosts, "b", name) == hosts.address(name)


@DEBIAN
def test_a_debian_host_knows_itself_by_a_loopback_address(hosts):
    assert resolve(hosts, "a", "a") == resolve(hosts, "b", "b") == "127.0.1.1"
    assert resolve(hosts, "a", "b") == hosts.address("b")


def test_hosts_share_the_files_but_no_processes(hosts, tmp_path):
    sleeper = hosts.start("a", "sleep", "1000")
    assert [p.pid for p in hosts.processes("a")] == [sleeper.pid]
    assert not hosts.processes("b")
    sleeper.terminate()
    assert sleeper.wait(timeout=10) == -signal.SIGTERM
    hosts.run("a", "touch", "here", cwd=tmp_path)
    assert hosts.run("b", "ls", cwd=tmp_path).stdout == "here\n"


def test_a_command_that_takes_too_long_is_ended_and_quoted(hosts):
    with pytest.raises(TimeoutError, match=r"took more than 0\.5 s. It said:\nhello"):
        hosts.run("a", "sh", "-c", "echo hello; sleep 1000", timeout=0.5)
    wait_for(lambda: not hosts.processes("a"), "sleep to end", 10)


def test_what_a_test_leaves_running_is_ended_for_the_next(hosts):
    hosts.run("b", "setsid", "--fork", "sh", "-c", "exec sleep 1000 > /dev/null 2>&1")
    assert hosts.processes("b")
    hosts.clear()
    wait_for(lambda: not hosts.processes("b"), "sleep to end", 10)


def test_hosts_end_with_the_process_that_started_them(hosts, tmp_path):
    code = (
        "import sys; from pathlib import Path; from tests.cluster.hosts import Hosts\n"
        "made = Hosts(Path(sys.argv[1]))\n"
        "print(made.start('a', 'setsid', '--fork', 'sleep', '1234').wait(), flush=True)\n"
        "sys.stdin.read()"
    )
    command, pipe = [sys.executable, "-c", code, str(tmp_path / "hosts")], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as process:
        assert process.stdout.readline() == b"0\n"
        wait_for(sleeping, "the process of the host to begin", 10)
        process.kill()
    wait_for(lambda: not sleeping(), "the host's last process to end", 10)


def sleeping():
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "1234"]]


def test_the_reason_why_there_are_no_hosts_is_given(monkeypatch):
    ask = unavailable.__wrapped__
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert ask() == "only root can make hosts"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert re.fullmatch(r"not installed: .*no_such_program", ask("no_such_program"))


def test_root_may_lack_the_permission_to_make_hosts(hosts, monkeypatch):
    monkeypatch.setattr("tests.cluster.namespaces.TRIAL", "echo Not permitted >&2; false")
    assert unavailable.__wrapped__() == "no host can be made: Not permitted"


@BOTH
def test_srun_starts_a_task_on_each_node(cluster):
    result = cluster.run("a", "srun", *TWO_NODES, "sh", "-c", "echo $SLURM_PROCID $(hostname)")
    assert result.returncode == 0, result.stderr
    assert sorted(result.stdout.splitlines()) == ["0 node1", "1 node2"]


def test_a_job_says_how_it_ended(cluster):
    assert cluster.wait(cluster.submit("exit 3"))["ExitCode"] == "3:0"


def test_sacct_tells_what_became_of_jobs(cluster):
    first, tasks = cluster.submit("exit 0"), cluster.submit("exit 1", "--array=0-1")
    for job in (first, f"{tasks}_0", f"{tasks}_1"):
        cluster.wait(job)
    asked = ["--format=JobID,State,NodeList", "--parsable2", "-j", first, "-j", tasks]
    header, *jobs = cluster.run("b", "sacct", *asked).stdout.splitlines()
    assert header == "JobID|State|NodeList"
    assert {line.rsplit("|", 1)[0] for line in jobs} == {
        f"{first}|COMPLETED",
        f"{tasks}_0|FAILED",
        f"{tasks}_1|FAILED",
    }


def test_a_requeued_job_starts_again(cluster, tmp_path):
    script = "echo started with ${SLURM_RESTART_COUNT:-0}; [ $SLURM_RESTART_COUNT ] || sleep 1000"
    job = cluster.submit(script, f"--output={tmp_path}/log", "--open-mode=append")
    log = tmp_path / "log"
    wait_for(lambda: log.exists() and log.read_text(), "the job to start", 20)
    assert cluster.run("b", "scontrol", "requeue", job).returncode == 0
    assert cluster.wait(job, "COMPLETED")["Restarts"] == "1"
    assert log.read_text().splitlines()[-1] == "started with 1"


def test_a_job_left_running_is_ended_for_the_next_test(cluster):
    job = cluster.submit("trap : TERM; while :; do sleep 1; done", *TWO_NODES)
    cluster.wait(job, "RUNNING")
    cluster.run("a", "scontrol", "requeue", job)
    start = time.monotonic()
    cluster.clear()
    assert cluster.idle() and not cluster.processes("b")
    assert time.monotonic() - start < 15  # half of KillWait


@pytest.mark.slow
def test_the_end_of_its_time_ends_a_job(cluster, tmp_path):
    script, log = "srun sh -c 'echo started; exec sleep 1000'", tmp_path / "log"
    job = cluster.submit(script, *TWO_NODES, "--time=1", f"--output={log}")
    wait_for(lambda: log.exists() and log.read_text().count("started") == 2, "both tasks", 20)
    cluster.time_out(job)
    assert cluster.wait(job)["JobState"] == "TIMEOUT"
    assert "DUE TO TIME LIMIT" in log.read_text()
