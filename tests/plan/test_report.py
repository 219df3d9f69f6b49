"""The search for the most that fits, on needs that are known."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from aa.plan.plan import Plan


@dataclass
class Proportional:
    """Needs as many bytes as a setting has frames."""

    asked: list

    def count(self, frames):
        self.asked.append(frames)
        return SimpleNamespace(total=frames)


@pytest.mark.parametrize("memory", [0, 1, 5, 24, 31, 32, 100])
@pytest.mark.parametrize("start", [1, 24, 32])
def test_the_most_frames_that_fit_are_found(memory, start):
    plan = Plan.__new__(Plan)
    plan.counter, plan.memory = Proportional([]), memory
    assert plan._most(lambda n: n, start=start, end=32) == min(memory, 32)
    assert len(plan.counter.asked) <= 10
