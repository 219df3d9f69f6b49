"""Poses of people in videos: detect, clean, align to a picture, draw, store."""

from aa.poses.clean import Cleaning, clean_poses
from aa.poses.detect import detect_people, detect_pose, detect_poses
from aa.poses.drawing import DrawnPoses, draw_poses
from aa.poses.poses import Poses

__all__ = [
    "Cleaning",
    "DrawnPoses",
    "Poses",
    "clean_poses",
    "detect_people",
    "detect_pose",
    "detect_poses",
    "draw_poses",
]
