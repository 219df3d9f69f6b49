"""Two hosts on one machine: Linux namespaces joined by a cable, above the same files."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import psutil

from tests.cluster.namespaces import FIRST_PROCESS, NEW_HOST, PATH, children_in, enter

ADDRESSES = {"a": "192.168.77.1", "b": "192.168.77.2"}
NAMES = {"a": "node1", "b": "node2"}  # Slurm writes both as node[1-2]


class Hosts:
    """Two hosts, `a` and `b`, with their own names, addresses, processes and shared memory.

    They see this machine's files, each other, and nothing else. Names, addresses and ports are
    theirs alone: any number of such pairs can be up at once. They start when made and end with
    `stop`, or with this process, whichever way that ends.
    """

    def __init__(self, folder: Path, *, debian: bool = False) -> None:
        """Start them; `folder` keeps their files.

        With `debian`, each host's own name means 127.0.1.1 to itself, as Debian's installer has
        it, and its address only to the other.
        """
        self.folder = folder
        self._first: dict[str, subprocess.Popen[str]] = {}
        self._init: dict[str, int] = {}
        self._lasting: set[int] = set()
        self._started: list[subprocess.Popen[str]] = []
        try:
            for host in NAMES:
                self._start_host(host, debian=debian)
            self._join()
            self._keep_running()
        except BaseException:
            self.stop()
            raise

    def name(self, host: str) -> str:
        """The host's name, also as the other one knows it."""
        return NAMES[host]

    def address(self, host: str) -> str:
        """The host's address on the cable."""
        return ADDRESSES[host]

    def run(
        self,
        host: str,
        *command: str,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a host to its end; after `timeout` seconds it is an error."""
        process = self.start(host, *command, cwd=cwd, env=env)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            output = (error.stdout or b"") + (error.stderr or b"")
            said = output.decode(errors="replace")
            message = f"{' '.join(command)} on {host} took more than {timeout} s. It said:\n{said}"
            raise TimeoutError(message) from None
        finally:
            self._end(process)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def start(
        self,
        host: str,
        *command: str,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        output: Path | None = None,
    ) -> subprocess.Popen[str]:
        """Start a command on a host; `output` takes all that it prints, else it is piped.

        `env` is added to our environment without its SLURM_ variables. The command leads a
        process group and session of its own. The process id that Popen knows is ours, to send
        signals to: on the host it has another one.
        """
        base = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_"))}
        inside = [*enter(self._init[host]), "env", f"--chdir={cwd or Path.cwd()}"]
        with contextlib.ExitStack() as stack:
            pipe = subprocess.PIPE if output is None else stack.enter_context(output.open("a"))
            stack.enter_context(children_in(self._init[host]))
            process = subprocess.Popen(
                [*inside, *command],
                env={**base, "PATH": PATH, **(env or {})},
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe if output is None else subprocess.STDOUT,
                text=True,
            )
        self._started.append(process)
        return process

    def processes(self, host: str) -> list[psutil.Process]:
        """What runs on a host, except what belongs to it; with the process ids that we see."""
        namespace, found = os.readlink(f"/proc/{self._init[host]}/ns/pid"), []
        for number in set(psutil.pids()) - self._lasting:
            with contextlib.suppress(OSError, psutil.NoSuchProcess):
                if os.readlink(f"/proc/{number}/ns/pid") == namespace:
                    found.append(psutil.Process(number))
        return found

    def cut(self) -> None:
        """Take the cable out: `b` has no network any more, and `a` hears nothing from it."""
        self._ip("b", "link", "set", "eth0", "down")

    def mend(self) -> None:
        """Put the cable back in."""
        self._ip("b", "link", "set", "eth0", "up")

    def clear(self) -> None:
        """End what tests have started and mend the cable, for the next test."""
        for process in list(self._started):
            self._end(process)
        for process in [p for host in NAMES for p in self.processes(host)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.mend()

    def stop(self) -> None:
        """End the hosts and all that runs on them. Again does nothing."""
        for first in self._first.values():
            # Not by closing its standard input: a process forked meanwhile may have it open too.
            first.kill()  # its child is killed with it, and all else on the host
            first.wait()
            for pipe in (first.stdin, first.stdout):
                if pipe is not None:
                    pipe.close()
        for process in list(self._started):
            self._end(process)
        self._first.clear()

    def _start_host(self, host: str, *, debian: bool) -> None:
        own = self.folder / host
        own.mkdir(parents=True)
        lines = ["127.0.0.1 localhost"]
        for other in NAMES:
            address = "127.0.1.1" if debian and other == host else self.address(other)
            lines.append(f"{address} {self.name(other)}")
        (own / "hosts").write_text("\n".join(lines) + "\n")
        self._first[host] = first = subprocess.Popen(
            [*NEW_HOST, FIRST_PROCESS, "sh", str(own / "hosts"), self.name(host)],
            env={"PATH": PATH},
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert first.stdout is not None
        said = first.stdout.readline().strip()
        if said != "up":
            raise RuntimeError(f"host {host} did not start: {said}")
        (child,) = psutil.Process(first.pid).children()
        self._init[host] = child.pid

    def _join(self) -> None:
        ends = [f"netns {self._init[host]}" for host in NAMES]
        cable = f"link add eth0 {ends[0]} type veth peer name eth0 {ends[1]}"
        _check(subprocess.run(["ip", *cable.split()], env={"PATH": PATH}, capture_output=True))
        for host in NAMES:
            self._ip(host, "address", "add", f"{self.address(host)}/24", "dev", "eth0")
            self._ip(host, "link", "set", "eth0", "up")

    def _keep_running(self) -> None:
        """What runs now belongs to the hosts."""
        self._lasting.update(p.pid for host in NAMES for p in self.processes(host))

    def _ip(self, host: str, *arguments: str) -> None:
        _check(self.run(host, "ip", *arguments, timeout=10))

    def _end(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        self._started.remove(process)


def _check(result: subprocess.CompletedProcess) -> None:
    if result.returncode:
        raise RuntimeError(f"{result.args} failed: {result.stderr}")
