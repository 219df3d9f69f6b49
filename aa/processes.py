"""This process among others: its place in a group, signals that are passed on, ends."""

import atexit
import ctypes
import functools
import itertools
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:

    class Devices(Protocol):
        """The `HardwareConfig`, as much of it as is read here."""

        devices: int
        nodes: int


HOME = Path(__file__).parent
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WARNING = signal.SIGUSR2  # by which schedulers announce an end; no process of ours dies of it
PR_SET_PDEATHSIG = 1  # of linux/prctl.h
LOOK_EVERY = 0.2  # seconds at most between looks at those that are waited for

_barriers = itertools.count()  # of this process; all of a group come to the same ones


def runner_command(runner: str | Path) -> str:
    """Return the words that start a runner here: `python runners/train.py`, or `aa train`.

    The latter where only the wheel is installed: there is no folder `runners` to name.

    Args:
        runner: its name, as "train", or its path, which is kept where it is a checkout's.
    """
    path, is_name = Path(runner), not Path(runner).suffix
    in_wheel = not (HOME.parent / "runners").is_dir()
    if in_wheel and (is_name or os.path.abspath(path.parent) == str(HOME / "runners")):
        return f"aa {path.stem}"
    return shlex.join(["python", f"runners/{runner}.py" if is_name else str(path)])


def runner_file(name: str) -> Path:
    """The file of a runner: in the wheel beside the rooms, in a checkout beside `aa`."""
    homes = (HOME / "runners", HOME.parent / "runners")
    return next(home for home in homes if home.is_dir()) / f"{name}.py"


def is_rank() -> bool:
    """Return whether this process is one of a launched group."""
    return int(os.environ.get("PADDLE_TRAINERS_NUM", "1")) > 1


def is_main_process(node_rank: int = 0) -> bool:
    """Return whether this process is the only one, or the first of a launched group.

    Args:
        node_rank: of the host, for a command that starts a group: those of later hosts are not.
    """
    return os.environ.get("PADDLE_TRAINER_ID", "0") == "0" and (is_rank() or node_rank == 0)


def is_first_of_host() -> bool:
    """Return whether this process is the only one of its group on this host, or the first there."""
    return os.environ.get("PADDLE_LOCAL_RANK", "0") == "0"


def is_run_command(node_rank: int = 0) -> bool:
    """Return whether this process is what the user started, on the first host."""
    return is_main_process(node_rank) and not is_rank()


def wants_group(hardware: "Devices") -> bool:
    """Return whether this process shall start a group and train nothing itself."""
    return hardware.devices * hardware.nodes > 1 and not is_rank()


def wait_for_others() -> None:
    """Return when every process of the group has come here, however long that takes.

    The group's own barrier is no place to wait for a long validation: gloo gives up after 30 s,
    NCCL after half an hour.
    """
    if not is_rank():
        return
    import paddle

    store = paddle.base.core.create_or_get_global_tcp_store()
    key, size = f"aa/barrier/{next(_barriers)}", paddle.distributed.get_world_size()

    def add(key, number):
        with undisturbed():  # a signal amid its words with the store is an error to Paddle
            return store.add(key, number)

    def wait_for(count, key):
        pause = 0.002
        while add(key, 0) < count:
            time.sleep(pause)
            pause = min(2 * pause, LOOK_EVERY)

    add(key, 1)
    wait_for(size, key)
    if is_main_process():  # it keeps the store: it must not end while others still ask
        wait_for(size - 1, f"{key}/left")
    else:
        add(f"{key}/left", 1)


def end_with_parent(number: int = signal.SIGTERM) -> None:
    """Let this process, just started, get a signal when the one that started it ends (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def start(
    command: Sequence[str | Path], environment: Mapping[str, str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a process that stops with this one, in a separate session: see `_obey`.

    Args:
        command: the words.
        environment: of the process.
        output: open for all that it prints.
    """
    with undisturbed():
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=functools.partial(_obey, os.getpid()),
        )


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals wait while this lasts."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, (*FORWARDED, WARNING))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _obey(parent: int) -> None:
    """Let this process, just started, stop with its parent and ignore `WARNING`."""
    end_with_parent()
    if os.getppid() != parent:  # it has ended already
        os._exit(1)
    signal.signal(WARNING, signal.SIG_IGN)
    for number in FORWARDED:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*FORWARDED, WARNING))


class Shown:
    """Context in which `show` prints what has been added to a file.

    Args:
        wanted: whether to print anything.
        start: bytes of it that are older.
    """

    def __init__(self, path: Path, *, wanted: bool = True, start: int = 0) -> None:
        self.file, self.wanted = open(path, "rb"), wanted  # noqa: SIM115 closed by __exit__
        self.file.seek(start)
        self.ends_line = True

    def __enter__(self) -> "Shown":
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()
        if self.wanted and not self.ends_line:  # a bar stood there
            with suppress(OSError):
                print(flush=True)

    def show(self) -> None:
        """Print what is new, unless nobody listens."""
        if not self.wanted:
            return
        try:
            text = self.file.read().decode(errors="replace")
            self.ends_line = text.endswith("\n") if text else self.ends_line
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError:  # `... | head`, or the terminal is closed
            self.wanted = False


def leave(code: int) -> None:
    """End this process of a group, whose work is done, with an exit code.

    The libraries' own teardown is left out: in Paddle 3.3 it sometimes aborts the first process,
    with everything written, and the run would count as failed.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
