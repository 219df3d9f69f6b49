"""How much each swept key says about the metric, by the ranks of the finished jobs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from aa.reports.jobs import Job
from aa.reports.results import Sweep
from aa.runs.jobs import spelled

LEAST = 4  # jobs, of which fewer say nothing


@dataclass(frozen=True)
class Importance:
    """The share of a key in the order of the jobs.

    Attributes:
        key: swept.
        share: of the variance of the metric's ranks that the key's values explain, 0 to 1. Of
            numbers the square of Spearman's correlation, of words that of the correlation ratio.
        correlation: Spearman's, -1 to 1; None of words.
        jobs: that were counted.
    """

    key: str
    share: float
    correlation: float | None
    jobs: int


def importances(sweep: Sweep) -> list[Importance]:
    """The `Importance` of each swept key that has several values, the most important first.

    Empty where fewer than `LEAST` jobs have finished. Keys that change together have the same.
    """
    jobs = [job for job in sweep.ranked if job.done]
    found = [
        _importance(key, [job for job in jobs if key in job.swept], sweep) for key in sweep.keys
    ]
    return sorted((one for one in found if one), key=lambda one: one.share, reverse=True)


def _importance(key: str, jobs: Sequence[Job], sweep: Sweep) -> Importance | None:
    values = [job.swept[key] for job in jobs]
    if len(jobs) < LEAST or len({spelled(value) for value in values}) < 2:
        return None
    ranks = rankdata([job.value(sweep.metric) for job in jobs])
    if not np.ptp(ranks):  # all jobs came to the same
        return Importance(key, 0.0, None, len(jobs))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        correlation = float(np.corrcoef(rankdata(values), ranks)[0, 1])
        return Importance(key, correlation**2, correlation, len(jobs))
    words = np.array([spelled(value) for value in values])
    means = np.array([ranks[words == word].mean() for word in words])
    return Importance(key, float(means.var() / ranks.var()), None, len(jobs))
