"""Paddle's loader of batches, and what became of the processes that read for it."""

import atexit
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import active_children
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, NoReturn

from paddle.io import DataLoader
from paddle.io.multiprocess_utils import _cleanup_mmap

from aa.processes import FORWARDED, WARNING, end_with_parent, undisturbed

SHARED_MEMORY = "/dev/shm"  # the place of batches on their way
ENDS_WITHIN = 2.0  # seconds that a process takes to end, and its files to be missed before it has


class ClipLoader(DataLoader):
    """Knows the processes that read clips: Paddle does not say why one of them has ended.

    They end when the one that trains does, which alone is asked to stop: whoever asks all processes
    at once, as a terminal and most schedulers do, shall not take the next batch away from it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        trains = os.getpid()
        super().__init__(*arguments, **options, worker_init_fn=lambda _: _serve(trains))
        self._readers: list[BaseProcess] = []

    def __iter__(self) -> Iterator[Any]:
        before = set(active_children())
        with undisturbed():  # a signal waits until `_serve` knows what to do
            batches = super().__iter__()
        if not self._readers:
            atexit.register(self._dismiss)  # before multiprocessing waits for them
        self._readers = [process for process in active_children() if process not in before]
        return batches

    def _dismiss(self) -> None:
        for process in self._readers:
            if process.pid and process.is_alive():
                os.kill(process.pid, signal.SIGUSR1)

    def trouble(self) -> str | None:
        """The reason why the first process that reads ended that should not have, and what to do.

        One that has failed may still be on its way to its end: that is waited for.
        """
        until = time.monotonic() + ENDS_WITHIN
        with _ends_unheard():
            while self._readers and time.monotonic() < until:
                wait([process.sentinel for process in self._readers], timeout=0.1)
                code = next((p.exitcode for p in self._readers if p.exitcode), None)
                if code is not None:
                    return _explain(code, len(self._readers))
                if all(p.exitcode == 0 for p in self._readers):
                    break
        return None


@contextmanager
def _ends_unheard() -> Iterator[None]:
    """Context in which the end of a process interrupts nothing: Paddle raises at its signal."""
    before = signal.SIG_DFL
    while (handler := signal.getsignal(signal.SIGCHLD)) is not signal.SIG_DFL:
        before = handler
        with suppress(SystemError):  # of an end that came just before
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


def _serve(trains: int) -> None:
    """In a process that reads for another one: end with it, and stop for nobody else.

    Paddle's own wait for the next order of one that was killed, give its memory never back, and
    die of any SIGTERM.
    """
    others = {*FORWARDED, WARNING} - {signal.SIGTERM}
    for number in others:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
    threading.Thread(target=_hear_only, args=(trains,), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, others)
    end_with_parent(signal.SIGUSR1)
    if os.getppid() != trains:  # it has ended already
        _leave()


def _hear_only(trains: int) -> None:
    """Wait for the end of a process, or for its SIGTERM: so multiprocessing ends who still reads.

    A SIGTERM of others may have swallowed that one, so `ClipLoader` says it by SIGUSR1 too.
    """
    while True:
        came = signal.sigwaitinfo([signal.SIGTERM, signal.SIGUSR1])
        if came.si_signo == signal.SIGUSR1 or came.si_pid == trains:
            _leave()


def _leave() -> NoReturn:
    """End, and give shared memory back."""
    _cleanup_mmap()
    os._exit(0)


def _explain(code: int, readers: int) -> str:
    fewer = f"fewer of them than {readers} or none" if readers > 1 else "none"
    advice = f"Use {fewer}: data.num_workers=0"
    if code == -signal.SIGBUS:
        room = os.statvfs(SHARED_MEMORY)
        return (
            f"{SHARED_MEMORY}, with {room.f_blocks * room.f_frsize / 2**20:.1f} MiB in all, has no "
            "room for what the processes that read clips hand over. Make it larger (docker run "
            f"--shm-size=8g). {advice}."
        )
    if code == -signal.SIGKILL:
        return (
            "a process that reads clips was killed (SIGKILL), as the system does when memory runs "
            f"out. {advice}; or a smaller data.cache_gb, batch or picture."
        )
    name = signal.Signals(-code).name if code < 0 else f"code {code}"
    return f"a process that reads clips has ended by itself ({name}). {advice}."
