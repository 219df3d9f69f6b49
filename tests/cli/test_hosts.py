"""How the commands of several hosts meet, agree and keep in touch: here threads on one host."""

import json
import logging
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from aa.cli import first_host, hosts, later_host
from aa.cli import line as lines
from aa.cli.line import call, free_port
from aa.cli.meeting import met
from aa.config.hardware import HardwareConfig
from aa.errors import UserError
from aa.runs.lock import COMMAND

ABOUT = {"config": {"stage.learning_rate": 1e-5, "seed": 42}, "code": {"aa/a.py": "f00"}}
OTHER = {"config": {"stage.learning_rate": 1e-3, "seed": 42}, "code": {"aa/a.py": "f01"}}


@pytest.fixture
def folder(tmp_path):
    """A run folder that its first host holds."""
    (tmp_path / COMMAND).write_text(json.dumps({"pid": 1, "host": "a", "since": 0}))
    return tmp_path


class Run:
    """Hosts of one run, each a thread that stays as long as `stay` says."""

    def __init__(self, folder, nodes=2, timeout=5.0):
        self.folder, self.nodes, self.timeout = folder, nodes, timeout
        self.port, self.stay, self.pool = free_port(), threading.Event(), ThreadPoolExecutor()

    def start(self, node, *, about=ABOUT, master=None, do=None, **options):
        hardware = HardwareConfig(
            device="cpu",
            **{"nodes": self.nodes, "start_timeout": self.timeout, **options},
            node_rank=node,
            master=master or f"127.0.0.1:{self.port}",
        )

        def run():
            with met(hardware, self.folder, about) as hosts:
                return do(hosts) if do else (self.stay.wait(20), hosts)[1]

        return self.pool.submit(run)


@pytest.fixture
def run(folder):
    found = Run(folder)
    yield found
    found.stay.set()
    found.pool.shutdown()


def call_when_open(port):
    """A connection to a port of this host, as soon as somebody listens there."""
    for _ in range(500):
        with suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port))
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens at {port}")


def refusal(future):
    with pytest.raises(UserError) as error:
        future.result(30)
    return str(error.value)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)], ids=["node 0 first", "node 0 last"])
def test_hosts_that_are_about_the_same_meet_in_whatever_order(run, order):
    run.nodes = 3
    started = {}
    for node in order:
        started[node] = run.start(node)
        time.sleep(0.3)
    run.stay.set()
    found = {node: future.result(20) for node, future in started.items()}
    assert {hosts.store.rpartition(":")[2] for hosts in found.values()} == {
        found[0].store.rpartition(":")[2]
    }
    assert found[1].addresses == found[0].addresses == ["127.0.0.1"] * 3
    assert found[1].interface() == "lo"


def test_what_differs_between_hosts_is_named_on_all_of_them(run):
    first, second = run.start(0), run.start(1, about=OTHER)
    name = socket.gethostname()
    for said in (refusal(first), refusal(second)):
        assert said == (
            f"node 1 ({name}) and node 0 ({name}) are not about to do the same: "
            "stage.learning_rate is 0.001 there, 1e-05 here; aa/a.py is another file. Give all "
            "hosts the same command, code and packages."
        )


def test_a_key_that_only_one_host_has_is_named_too(run):
    run.start(1, about={**ABOUT, "config": {"seed": 42}})
    assert "stage.learning_rate is not set there, 1e-05 here" in refusal(run.start(0))


def test_two_hosts_of_one_rank_are_said_as_that(run):
    run.nodes = 3
    run.start(0)
    both = [run.start(1), run.start(1)]
    for future in both:
        assert "two hosts call themselves node 1: " in refusal(future)


def test_one_that_comes_when_all_have_met_is_told_that_its_place_is_taken(run):
    def listen(hosts):
        while not run.stay.wait(0.05):
            list(hosts.listen())

    first, _ = run.start(0, do=listen), run.start(1)
    while first.running() and not run.stay.wait(1):
        assert "two hosts call themselves node 1: " in refusal(run.start(1))
        run.stay.set()


def test_a_second_node_0_is_said_as_that(run):
    run.nodes, run.timeout = 3, 3.0
    run.start(0)
    call_when_open(run.port).close()
    assert "two hosts call themselves node 0: " in refusal(run.start(0))


def test_hosts_that_were_told_another_number_of_hosts_do_not_start(run):
    run.start(0)
    assert "was told hardware.nodes=3, node 0" in refusal(run.start(1, nodes=3))


def test_a_host_that_sees_another_run_folder_is_sent_away_alone(run, tmp_path, monkeypatch):
    first = run.start(0)
    elsewhere = Run(tmp_path / "elsewhere")
    elsewhere.port = run.port
    monkeypatch.setattr(later_host, "FOREIGN_WITHIN", 1.0)
    said = refusal(elsewhere.start(1))
    assert "which must be one folder on a disk that all hosts see" in said
    second = run.start(1)
    run.stay.set()
    assert first.result(20)
    assert second.result(20)


@pytest.mark.parametrize(
    ("master", "why"),
    [("127.0.0.1:{}", "connection refused"), ("no.such.host.invalid:{}", "no host of this name")],
)
def test_who_waits_for_whom_is_said_every_so_often_and_in_the_end(
    run, caplog, monkeypatch, master, why
):
    monkeypatch.setattr(hosts, "FIRST_WORD", 0.1)
    run.timeout, master = 1.5, master.format(run.port)
    with caplog.at_level(logging.INFO):
        said = refusal(run.start(1, master=master))
    name = socket.gethostname()
    assert f"node 1 ({name}) waits for node 0 at {master}: {why}" in caplog.text
    assert said.startswith(f"node 1 ({name}) has waited 1.5 s (hardware.start_timeout) for node 0")
    assert why in said


def test_node_0_says_who_has_not_come(run):
    run.nodes, run.timeout = 3, 1.5
    run.start(1, start_timeout=3.0)
    assert f"at 127.0.0.1:{run.port} for node 2. See that" in refusal(run.start(0))


def test_a_master_that_is_another_host_is_said(run):
    run.timeout = 2.0
    said = refusal(run.start(0, master=f"192.0.2.1:{run.port}"))  # an address of nobody
    assert f"hardware.master=192.0.2.1:{run.port} leads nowhere" in said


def test_a_port_that_another_program_keeps_is_said_on_both_hosts(run, monkeypatch):
    monkeypatch.setattr(later_host, "ANSWERS_WITHIN", 0.5)
    with socket.socket() as other:
        other.bind(("", run.port))
        other.listen()
        run.timeout = 3.0
        first, second = run.start(0, start_timeout=1.5), run.start(1)
        assert f"for port {run.port} of its own, which is taken by another program" in refusal(
            first
        )
        assert "what answers there is no node 0 of a run" in refusal(second)


def test_what_one_host_says_comes_to_all_others(run):
    run.nodes = 3

    def say(hosts):
        hosts.tell(stop=15)
        run.stay.wait(20)

    def hear(hosts):
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for heard in hosts.listen():
                return heard
            time.sleep(0.02)

    first, _, third = run.start(0, do=hear), run.start(1, do=say), run.start(2, do=hear)
    (_, message), (who, relayed) = first.result(20), third.result(20)
    run.stay.set()
    assert message == {"stop": 15}
    assert (who, relayed["stop"]) == (f"node 1 ({socket.gethostname()})", 15)


@pytest.mark.parametrize(("says", "gone"), [("nothing", True), ("done", False)])
def test_a_host_that_ends_without_a_word_has_gone_and_one_that_is_done_has_not(run, says, gone):
    def end(hosts):
        if says == "done":
            hosts.tell(done=True)

    def watch(hosts):
        until = time.monotonic() + 2
        while time.monotonic() < until and not hosts.lost():
            list(hosts.listen())
            time.sleep(0.02)
        return hosts.lost()

    first, _ = run.start(0, do=watch), run.start(1, do=end)
    lost = first.result(20)
    assert bool(lost) == gone
    assert not gone or "has gone: its command has ended without a word" in lost


def test_a_host_that_falls_silent_has_gone_unless_this_one_was_stopped_meanwhile(monkeypatch):
    clock = [time.monotonic()]
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = call(server.getsockname())
        monkeypatch.setattr(lines.time, "monotonic", lambda: clock[0])
        for _ in range(40):  # looks, each a second later
            assert not line.is_silent()
            clock[0] += 0.7
            line.receive()
        clock[0] += 100  # the system had stopped this process
        line.receive()
        assert not line.is_silent()
        for _ in range(2):
            clock[0] += 1
            line.receive()
        assert line.is_silent()
        line.close()


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"GET / HTTP/1.0\r\n\r\n",
        b"[" * 200_000 + b"\n",
        b'{"aa": "hello"}\n',
        b"\xff\n",
        b"7\n",
    ],
    ids=["nothing", "http", "deep", "half", "bytes", "number"],
)
@pytest.mark.parametrize("hangs_up", [False, True])
def test_whoever_else_calls_node_0_disturbs_nobody(run, words, hangs_up):
    first = run.start(0)
    with call_when_open(run.port) as stranger:
        with suppress(OSError):
            stranger.sendall(words)
        if hangs_up:  # as scanners do
            linger = struct.pack("ii", 1, 0)
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            stranger.close()
        second = run.start(1)
        run.stay.set()
        assert first.result(20)
        assert second.result(20)


def test_a_host_that_calls_again_is_no_second_host(run, monkeypatch):
    monkeypatch.setattr(later_host, "ANSWERS_WITHIN", 0.3)
    opened = threading.Event()

    def slow(this, door):
        opened.wait(3)
        return ""

    monkeypatch.setattr(first_host, "_not_here", slow)
    first, second = run.start(0), run.start(1)
    time.sleep(2.5)  # node 1 has given up and called again
    opened.set()
    run.stay.set()
    assert first.result(20)
    assert second.result(20)
