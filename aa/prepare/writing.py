"""The files of a clip are written: its keypoints, its pose video and its video, frame by frame."""

from pathlib import Path

from aa.data.writers import VideoWriter
from aa.poses import Poses, draw_poses
from aa.prepare.jobs import WriteJob, reader_of
from aa.prepare.layout import Target
from aa.prepare.views import ClipView, batches


def write_clip(job: WriteJob) -> str:
    """Write a clip and return its name. Each file is whole or not there; the video comes last.

    Sizes are made even by leaving out the last row or column: H.264 halves the colour planes.
    """
    target = Target(job.target)
    poses = Poses.load(target.record(job.clip, "npz"))
    view = ClipView(reader_of(job.path), job.start, job.stop)
    height, width = view.height // 2 * 2, view.width // 2 * 2
    poses = cropped(poses, height, width)
    keypoints, pose, video = target.files(job.clip)
    keypoints.parent.mkdir(parents=True, exist_ok=True)
    poses.save(keypoints)
    with _writer(job, video, view) as video_file, _writer(job, pose, view) as pose_file:
        for start, frames in batches(view):
            video_file.write(frames[:, :height, :width])
            pose_file.write(draw_poses(poses[start : start + len(frames)]))
    return job.clip


def _writer(job: WriteJob, path: Path, view: ClipView) -> VideoWriter:
    height, width = view.height // 2 * 2, view.width // 2 * 2
    return VideoWriter(path, fps=view.fps, height=height, width=width, crf=job.crf, repeatable=True)


def cropped(poses: Poses, height: int, width: int) -> Poses:
    """The poses in a picture that has lost rows below or columns on the right."""
    return Poses(poses.points, poses.scores, height, width, poses.fps)
