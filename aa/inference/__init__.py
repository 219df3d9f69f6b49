"""From one picture and poses to a video."""

from aa.inference.pipeline import Pose2VideoPipeline

__all__ = ["Pose2VideoPipeline"]
