"""From a checked `EvaluateConfig` to the run that measures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aa.config.convert import to_dict

if TYPE_CHECKING:
    from aa.config.evaluation import EvaluateConfig
    from aa.evaluation.run import EvaluationRun


def build_evaluation(config: EvaluateConfig, folder: str | Path) -> EvaluationRun:
    """The run of a checked config: its pairs of videos, its metrics, its records.

    Raises:
        UserError: there are no such videos, or one has no partner.
    """
    from aa.evaluation.pairs import find_pairs
    from aa.evaluation.run import EvaluationRun

    return EvaluationRun(
        Path(folder),
        find_pairs(config.generated, config.truth, config.masks),
        metrics=config.metrics,
        fit=config.fit,
        config=to_dict(config),
    )
