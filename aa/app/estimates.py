"""Time and memory of an animation before it starts: from earlier runs here, and from the plan."""

import re
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from aa.app.commands import words
from aa.app.media import results_of
from aa.app.wishes import Wish
from aa.app.worker import environment
from aa.errors import UserError
from aa.runs.jobs import short
from aa.runs.listing import Run
from aa.runs.outcomes import DONE, read_outcome

LOOKED_AT, ENOUGH = 100, 20  # runs of which so many of the same weights are taken
PLAN_WITHIN = 120.0  # seconds
MOST_PLANS = 200  # that are kept
OF_NO_MEMORY = ("inference.seed=", "poses.person=")  # overrides that change no plan
TOGETHER = re.compile(r"together\s*│\s*([\d.]+)")


@dataclass(frozen=True)
class Estimate:
    """Seconds that an animation will take, and how many earlier runs say so."""

    seconds: float | None
    runs: int


def estimate(wish: Wish, size: tuple[int, int, int], runs: Sequence[Run]) -> Estimate:
    """The time of a wish at the speed of this machine's earlier runs of the same weights.

    Args:
        size: (frames, height, width) of the result.
        runs: all there are, the newest first.
    """
    frames, height, width = size
    steps, calls = wish.steps
    found = []
    for run in [run for run in runs if run.kind == "infer"][:LOOKED_AT]:
        if len(found) < ENOUGH and run.state == DONE and _weights(run) == wish.weights:
            found += _speeds(run)
    if not found:
        return Estimate(None, 0)
    rate = median(speed for speed, _ in found)
    before = median(seconds for _, seconds in found)
    return Estimate(before + rate * frames * height * width * steps * calls, len(found))


def _weights(run: Run) -> str:
    return short(run.home / str(run.config.get("weights", "")))


def _speeds(run: Run) -> list[tuple[float, float]]:
    """[(seconds for a pixel of a frame in a network call, seconds beside)] of a run."""
    steps = run.config.get("inference.num_inference_steps")
    guidance = run.config.get("inference.guidance_scale")
    results, outcome = results_of(run.folder), read_outcome(run.folder)
    if type(steps) is not int or not isinstance(guidance, int | float) or not outcome:
        return []
    work = sum(result.pixels for result in results) * steps * (1 + (guidance > 1))
    seconds = sum(result.seconds for result in results)
    return [(seconds / work, max(0.0, outcome["seconds"] - seconds))] if work else []


class Plans:
    """Asks `plan=true` what a command needs, one command at a time; answers are kept."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], dict] = {}
        self._newest: dict[str, object] = {}  # question of each form
        self._alone = threading.Lock()

    def plan(self, arguments: Sequence[str], form: str = "") -> dict:
        """{"gib": memory together, "fits": whether it is there, "said": in words}.

        Args:
            arguments: of the command.
            form: that asks; of its questions that wait only the last one is answered.

        Raises:
            UserError: the command makes no plan, or none in time, or the form has asked again.
        """
        key = tuple(word for word in arguments if not word.startswith(OF_NO_MEMORY))
        if len(self._newest) >= MOST_PLANS:
            self._newest.clear()
        self._newest[form] = question = object()
        with self._alone:
            if key not in self._known:
                if self._newest.get(form, question) is not question:
                    raise UserError("the form has changed since.")
                if len(self._known) >= MOST_PLANS:
                    self._known.clear()
                self._known[key] = _ask([*arguments, "plan=true"])
            return self._known[key]


def _ask(arguments: Sequence[str]) -> dict:
    try:
        ended = subprocess.run(
            words("infer", arguments),
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PLAN_WITHIN,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError("the plan takes longer than two minutes.") from error
    found = TOGETHER.search(ended.stdout)
    if not found:
        lines = (ended.stderr or ended.stdout).strip().splitlines()
        raise UserError((lines or ["no plan"])[-1].removeprefix("error: "))
    said = ended.stdout.strip().splitlines()[-1]
    return {"gib": float(found[1]), "fits": ended.returncode == 0, "said": said}
