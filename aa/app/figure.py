"""The puppet that follows a skeleton: a process that keeps its model, asked over a pipe."""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from aa.app.worker import environment
from aa.demo.example import EXAMPLE
from aa.errors import UserError
from aa.poses.skeleton import JOINTS

SIZE = 64  # pixels of its pictures
STEPS = (1, 2, 4)
IDLE = 180.0  # seconds without a question after which the process goes: 0.8 GB
WAIT = 60.0  # seconds for an answer; the first one compiles


class Figure:
    """Asks the process that animates the example, starting it when it is first needed.

    Args:
        weights: the example's folder.
    """

    def __init__(self, weights: Path = EXAMPLE) -> None:
        self.weights = weights
        self._alone = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None

    @property
    def there(self) -> bool:
        """Return whether the example is here: a wheel carries none."""
        return (self.weights / "config.json").is_file()

    def animate(self, points: Any, steps: Any) -> dict[str, Any]:
        """The puppet in a pose.

        Args:
            points: 18 joints (x, y) in 0..1 of the picture, in the order of `JOINTS`.
            steps: of denoising, one of `STEPS`.

        Returns:
            `png` in base64, and `ms` that it took.

        Raises:
            UserError: that is no pose, or there is no example.
        """
        if not self.there:
            raise UserError(f"{self.weights} is not here: a checkout has it.")
        if type(steps) is not int or steps not in STEPS or not _is_pose(points):
            raise UserError("a pose of 18 points and 1, 2 or 4 steps are expected.")
        with self._alone:
            return self._ask({"points": points, "steps": steps})

    def end(self) -> None:
        """Let the process end."""
        with self._alone:
            self._stop()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        if self._timer:
            self._timer.cancel()
        if self._process is None or self._process.poll() is not None:
            self._process = _start(self.weights)
        watch = threading.Timer(WAIT, self._process.kill)
        watch.start()
        try:
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        except (OSError, ValueError) as error:
            self._stop()
            raise UserError("the figure does not answer; try again.") from error
        finally:
            watch.cancel()
        self._timer = threading.Timer(IDLE, self.end)
        self._timer.daemon = True
        self._timer.start()
        return answer

    def _stop(self) -> None:
        if self._process is None:
            return
        with suppress(OSError):
            assert self._process.stdin
            self._process.stdin.close()  # it ends with its questions
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None


def _start(weights: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "aa.app.figure_process", str(weights)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _is_pose(points: Any) -> bool:
    def is_place(value: Any) -> bool:
        return type(value) in (int, float) and -1 <= value <= 2  # so no nan

    def is_point(point: Any) -> bool:
        return isinstance(point, Sequence) and len(point) == 2 and all(map(is_place, point))

    return isinstance(points, list) and len(points) == len(JOINTS) and all(map(is_point, points))
