"""From one image and poses to a video."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aa.inference.pipeline import Pose2VideoPipeline

__all__ = ["Pose2VideoPipeline"]


def __getattr__(name: str) -> Any:
    """The pipeline when it is requested: lists of cases are read without paddle."""
    if name != "Pose2VideoPipeline":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from aa.inference.pipeline import Pose2VideoPipeline

    return Pose2VideoPipeline
