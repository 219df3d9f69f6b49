"""A whole data set from raw videos, in one process."""

import json

import numpy as np
import pytest

from aa.data.folders import pair_clips
from aa.data.manifest import check_clips, read_manifest
from aa.data.video import VideoReader
from aa.errors import UserError
from aa.poses import Poses, draw_poses
from tests.prepare.videos import by_source, puppet, save


def test_a_person_who_moves_is_kept_with_its_poses_frame_by_frame(make, tmp_path):
    frames, points = puppet(1, 24)
    save(tmp_path / "raw/one.mp4", frames, points)
    target = make(tmp_path / "raw")
    assert by_source(target) == {"one.mp4": ["kept"]}
    (clip,), _ = pair_clips(target)
    video, pose = VideoReader(clip.video), VideoReader(clip.pose)
    assert (video.num_frames, pose.num_frames, video.fps, pose.fps) == (24, 24, 24.0, 24.0)
    assert np.abs(video.read(range(24)) - frames.astype(float)).mean() < 8
    poses = Poses.load(target / "keypoints" / f"{clip.video.stem}.npz")
    assert np.abs(pose.read([5])[0] - draw_poses(poses)[5].astype(float)).mean() < 3
    assert np.abs(poses.points[:, :18] - points[:, :18, :2]).max() < 8
