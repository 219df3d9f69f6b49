"""Commands as a user types them, without the seconds that a new Python takes to import paddle."""

import contextlib
import functools
import io
import json
import logging
import os
import re
import resource
import runpy
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from aa.runs import snapshots

ROOT = Path(__file__).parents[1]

# Imports what the runners take from other packages, never aa, and forks for every command.
SERVER = """
import json, os, runpy, signal, sys
import hydra, numpy, psutil, rich.tree
from hydra.core.plugins import Plugins

Plugins.instance()
for line in sys.stdin:
    asked = json.loads(line)
    if child := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)
        continue
    signal.alarm(60)
    for number, name in enumerate((os.devnull, *asked["outputs"])):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    os.chdir(asked["folder"])
    os.environ.update(asked["environment"])
    sys.argv = asked["arguments"]
    runpy.run_path(sys.argv[0], run_name="__main__")
    sys.exit()
"""


def without_paddle():
    """A folder of packages in the place of those that must not be imported."""
    return _without_paddle().name


@functools.cache
def _without_paddle():
    folder = tempfile.TemporaryDirectory()
    for name in ("paddle", "paddlenlp", "ppdiffusers"):
        Path(folder.name, name).mkdir()
        Path(folder.name, name, "__init__.py").write_text("raise RuntimeError('too early')")
    return folder  # it ends with us


@functools.cache
def _server():
    paths = os.pathsep.join([without_paddle(), str(ROOT)])
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PADDLE_", "HYDRA_"))}
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    return subprocess.Popen(
        [sys.executable, "-c", SERVER],
        env={**kept, "PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": ""},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (hard, hard)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def run_light(folder, runner, *arguments, **environment):
    """A process of its own, in which importing paddle is an error: returncode, stdout, stderr."""
    server = _server()
    with tempfile.TemporaryDirectory() as home:
        outputs = [f"{home}/stdout", f"{home}/stderr"]
        asked = {"folder": str(folder), "outputs": outputs, "environment": environment}
        asked["arguments"] = [str(ROOT / "runners" / f"{runner}.py"), *arguments]
        print(json.dumps(asked), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        stdout, stderr = (Path(name).read_text() for name in outputs)
    return SimpleNamespace(returncode=code, stdout=stdout, stderr=stderr)


def run_here(folder, runner, *arguments):
    """The runner in this process, where paddle is imported already: returncode, stdout, stderr."""
    root, output, error = logging.getLogger(), io.StringIO(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(error),
        pytest.raises(SystemExit) as end,
    ):
        patch.chdir(folder)
        patch.setenv("HYDRA_FULL_ERROR", "0")
        patch.setattr(snapshots, "SOURCES", ("aa/cli/rerun.py",))  # others may be edited meanwhile
        patch.setattr(sys, "argv", [str(ROOT / "runners" / f"{runner}.py"), *arguments])
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        finally:
            for handler in set(root.handlers) - set(handlers):
                handler.close()
            root.handlers[:], root.level = handlers, level
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # the runner had listened
    result = {"stdout": output.getvalue(), "stderr": error.getvalue()}
    return SimpleNamespace(returncode=end.value.code, **result)


def logged(result):
    """What the log of a command says, without times and levels."""
    return re.findall(r"\]\[(?:INFO|WARNING)\] (.*)", result.stdout)


def one_line(result):
    """The line a user reads, after checking that there is nothing else to read."""
    assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
    assert "Traceback" not in result.stdout
    return result.stderr.removeprefix("error: ").strip()


def assert_identical(result, run, what):
    """The command repeated a run, and nothing differed."""
    assert result.returncode == 0, result.stderr
    said = logged(result)
    assert f"identical to {run}: {what}" in said
    assert not [line for line in said if line.startswith("differs")]
