"""From a checked `InferConfig` to an inference run."""

from pathlib import Path
from typing import TYPE_CHECKING

from aa.config.primary import InferConfig

if TYPE_CHECKING:
    from aa.inference.run import InferenceRun


def build_inference(config: InferConfig, folder: str | Path) -> "InferenceRun":
    """The inference run of a checked config.

    Raises:
        UserError: a case or the weights cannot be read.
    """
    from aa.inference import Pose2VideoPipeline
    from aa.inference.cases import cases_of
    from aa.inference.run import InferenceRun

    cases = cases_of(config)

    def load_pipeline():
        return Pose2VideoPipeline.from_pretrained(
            config.weights,
            engine=config.inference.engine,
            precision=config.precision,
            device=config.inference.device,
            cache_dir=config.inference.cache_dir,
            num_threads=config.hardware.num_threads or None,
        )

    return InferenceRun(config, Path(folder), cases, load_pipeline)
