"""Poses of people in videos: detect, clean, align to a picture, draw, store."""

from aa.poses.align import Alignment, align_poses, draw_overlay
from aa.poses.clean import Cleaning, clean_poses
from aa.poses.detect import detect_people, detect_pose, detect_poses
from aa.poses.drawing import DrawnPoses, draw_poses
from aa.poses.poses import Poses

__all__ = [
    "Alignment",
    "Cleaning",
    "DrawnPoses",
    "Poses",
    "align_poses",
    "clean_poses",
    "detect_people",
    "detect_pose",
    "detect_poses",
    "draw_overlay",
    "draw_poses",
]
