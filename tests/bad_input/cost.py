"""What it costs to read files: each in a process of its own, forked from one that has imported all.

python -m tests.bad_input.cost weights|picture|manifest|cases FILE ...
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.bad_input.case import ROOT

SECONDS, MEMORY = 2, 64 * 2**20  # bytes, beside four times the file's size


def costs(kind, paths):
    """[(seconds, bytes of memory, what a user reads or "")] of files of one kind."""
    command = [sys.executable, "-m", "tests.bad_input.cost", kind, *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def is_cheap(path, seconds, memory):
    """Whether reading a small file cost no more than it may."""
    return seconds < SECONDS and memory < MEMORY + 4 * os.path.getsize(path)


def _reader(kind):
    """The function that reads such files, with all that it imports."""
    if kind == "weights":
        import aa.weights.reading.safetensors  # noqa: F401
        from aa.weights.reading.states import read_state

        return read_state
    if kind == "picture":
        from PIL import Image

        from aa.data.pictures import read_image

        Image.init()
        return read_image
    if kind == "manifest":
        from aa.data.manifest import read_manifest

        return read_manifest
    from aa.inference.cases import read_cases

    return lambda path: read_cases(cases=path)


def _measure(read, path):
    """Print one line about one file, and end."""
    from aa.errors import UserError, one_line

    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
    before, start, line = _peak(), time.process_time(), ""
    try:
        read(path)
    except UserError as error:
        line = one_line(error)
    print(json.dumps([time.process_time() - start, _peak() - before, line]), flush=True)
    os._exit(0)


def _peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def main():
    """Measure the files of the command line."""
    kind, *paths = sys.argv[1:]
    read = _reader(kind)
    for path in paths:
        child = os.fork()
        if not child:
            _measure(read, path)
        assert os.waitpid(child, 0)[1] == 0, path


if __name__ == "__main__":
    main()
