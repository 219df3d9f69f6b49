"""How much memory and time a call takes, and what it prints."""

import ctypes
import gc
import os
import resource
import sys
import time

MOST_SECONDS = 2.0
MOST_EXTRA, TIMES_SIZE = 64 * 2**20, 4  # bytes beyond the worker's own, and per byte of the input
STOP = 3 * 2**30  # bytes of address space beyond the worker's: the machine survives
MOST_FILE = 2**28  # bytes that a worker may write into one file
_STATUS = "/proc/self/status"
_trim = ctypes.CDLL(None).malloc_trim


class Meter:
    """Seconds (of all threads) and bytes (at the peak, beyond those before) of a `with` block."""

    def __enter__(self):
        _trim(0)  # what was freed before counts as free
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the peak is what there is now
        self._before = _kilobytes()["VmRSS"]
        self._start = time.process_time()
        return self

    def __exit__(self, *_):
        self.seconds = time.process_time() - self._start
        self.bytes = max(0, _kilobytes()["VmHWM"] - self._before) * 1024


class Output:
    """What a process prints, Python and libraries alike, from the start of each `take` on."""

    def __init__(self):
        self._file = os.memfd_create("output")
        for descriptor in (1, 2):
            os.dup2(self._file, descriptor)
        os.set_inheritable(self._file, False)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="surrogateescape", closefd=False)

    def take(self):
        """The bytes printed since the last call."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        size = os.lseek(self._file, 0, os.SEEK_END)
        content = os.pread(self._file, size, 0)
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        return content


def limit():
    """Bound what this process may take, so that a bomb fails in it and not in the machine."""
    pages = int(open("/proc/self/statm").read().split()[0])  # noqa: SIM115
    most = pages * resource.getpagesize() + STOP
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.collect()
    gc.freeze()


def _kilobytes():
    found = {}
    with open(_STATUS) as file:
        for line in file:
            if line.startswith(("VmRSS", "VmHWM")):
                found[line[:5]] = int(line.split()[1])
    return found
