"""A host as Linux knows it: namespaces, their first process, and the way in."""

import contextlib
import ctypes
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
PROGRAMS = ("ip", "mount", "nsenter", "unshare")
NAMESPACES = ("--net", "--uts", "--ipc", "--mount")
NEW_HOST = ("unshare", *NAMESPACES, "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c")

# The first process of a host, and its last: when its standard input is closed, by us or because
# we have died, it ends, and the kernel ends with it whatever else runs there. It inherits the
# orphans of all others; ignoring SIGCHLD leaves none of them behind as a zombie.
FIRST_PROCESS = """
mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /run || exit 1
mount --bind "$1" /etc/hosts || exit 1
echo "$2" > /proc/sys/kernel/hostname && ip link set lo up || exit 1
echo up
exec env --ignore-signal=CHLD cat
"""
TRIAL = "ip link add eth0 type veth peer name eth1 && mount -t tmpfs tmpfs /dev/shm"


@functools.cache
def unavailable(*programs: str) -> str | None:
    """The reason why no hosts can be made here, or None. They also need these programs."""
    if sys.platform != "linux":
        return "hosts are made of Linux's namespaces"
    if os.geteuid() != 0:
        return "only root can make hosts"
    missing = [name for name in (*PROGRAMS, *programs) if not shutil.which(name, path=PATH)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    command, environment = [*NEW_HOST, TRIAL], {"PATH": PATH}
    trial = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    if trial.returncode:
        return f"no host can be made: {(trial.stderr.splitlines() or ['no reason given'])[-1]}"
    return None


def enter(first_process: int) -> list[str]:
    """The beginning of a command that is to run in all namespaces but that of processes."""
    return ["nsenter", f"--target={first_process}", *NAMESPACES, "--"]


@contextlib.contextmanager
def children_in(first_process: int) -> Iterator[None]:
    """What this thread starts meanwhile is a process of the host with this first process.

    It is our own child, and signals reach it: `nsenter --pid` would stand between.
    """
    setns = ctypes.CDLL(None, use_errno=True).setns  # os.setns comes with Python 3.12
    with open(f"/proc/{first_process}/ns/pid") as theirs, open("/proc/self/ns/pid") as ours:
        if setns(theirs.fileno(), 0):
            raise OSError(ctypes.get_errno(), f"process {first_process} of a host has gone")
        try:
            yield
        finally:
            setns(ours.fileno(), 0)
