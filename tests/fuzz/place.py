"""The folders of a worker: a sandbox to read in, and beside it what nobody may touch."""

import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

from tests.fuzz.kind import BESIDE, SECRET

CANARY = {"precious.txt": "do not touch\n", "more/precious.json": "{}\n"}
EVIL = "# @package _global_\nhydra: {callbacks: {evil: {_target_: os.system, command: ls}}}\n"
# Where a group's name with ../, an absolute one or a search path may lead.
EVIL_FILES = ("evil.yaml", "conf/train.yaml", "conf/stage/evil.yaml", "conf/experiment/evil.yaml")
MOST_SCANNED = 2**22  # bytes of a file that is looked through for the secret
CLOCK = 20_000_000  # nanoseconds by which the times of files may be early


class Place:
    """The folders of one worker.

    Args:
        home: a new folder to make them in.
    """

    def __init__(self, home):
        self.home = Path(home).resolve()
        self.sandbox = self.home / "sandbox"
        self.sandbox.mkdir(parents=True)
        (self.home / "home").mkdir()
        self._write_beside()

    def enter(self):
        """Make this the world of the process: its working, temporary and home folder."""
        os.chdir(self.sandbox)
        tempfile.tempdir = str(self.sandbox)
        os.environ.update(TMPDIR=str(self.sandbox), HOME=str(self.home / "home"), SECRET=SECRET)

    def fill(self, files):
        """Leave these files in the sandbox and no others; None is one that is missing."""
        self.empty()
        folders = {""}
        for name, content in files.items():
            if content is not None:
                folder = os.path.dirname(name)
                if folder not in folders:
                    os.makedirs(f"{self.sandbox}/{folder}", exist_ok=True)
                    folders.add(folder)
                with open(f"{self.sandbox}/{name}", "wb") as file:
                    file.write(content.replace(BESIDE.encode(), os.fsencode(self.home)))
        self._filled = time.time_ns() - CLOCK

    def empty(self):
        """Remove everything from the sandbox."""
        for entry in os.scandir(self.sandbox):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)

    def damage(self):
        """What has changed beside the sandbox, in words, or None; it is put right again."""
        after = self._beside()
        names = sorted({*after, *self._before})
        changed = [n for n in names if after.get(n) != self._before.get(n)]
        for name in changed:
            path = self.home / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if changed:
            self._write_beside()
        return f"changed beside the sandbox: {', '.join(changed)}" if changed else None

    def leak(self):
        """The name of a file in the sandbox, written since it was filled, that holds the secret."""
        for folder, _, names in os.walk(self.sandbox):
            for name in names:
                path = os.path.join(folder, name)
                status = os.lstat(path)
                is_new = status.st_mtime_ns >= self._filled and stat.S_ISREG(status.st_mode)
                if is_new and status.st_size <= MOST_SCANNED:
                    with open(path, "rb") as file:
                        if SECRET.encode() in file.read():
                            return os.path.relpath(path, self.sandbox)
        return None

    def _write_beside(self):
        files = {f"canary/{name}": text for name, text in CANARY.items()}
        files |= {f"evil/{name}": EVIL for name in EVIL_FILES}
        for name, text in files.items():
            _write(self.home / name, text.encode())
        self._before = self._beside()

    def _beside(self):
        """{name: what tells a version of it from others} of all but the sandbox."""
        found, waiting = {}, [str(self.home)]
        while waiting:
            for entry in os.scandir(waiting.pop()):
                if entry.path == str(self.sandbox):
                    continue
                name = entry.path.removeprefix(f"{self.home}/")
                if entry.is_dir(follow_symlinks=False):
                    found[name] = None
                    waiting.append(entry.path)
                else:
                    status = entry.stat(follow_symlinks=False)
                    found[name] = status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode
        return found


def _write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
