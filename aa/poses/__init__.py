"""Poses of people in videos: detect, clean, align to a picture, draw, store."""

from aa.poses.drawing import DrawnPoses, draw_poses
from aa.poses.poses import Poses

__all__ = ["DrawnPoses", "Poses", "draw_poses"]
