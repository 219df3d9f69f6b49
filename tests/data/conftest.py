"""Tiny videos, made once or by hand: frame i of a clip is told by its brightness."""

import av
import numpy as np
import pytest

from aa.data.manifest import read_manifest
from aa.data.video import VideoWriter
from aa.puppets.clips import make_puppets


def flat_frames(num_frames, *, height=16, width=16, step=5):
    """uint8 [F, H, W, 3]; frame i is a plain grey of brightness i * step."""
    grey = np.arange(num_frames, dtype=np.uint8) * step
    return np.broadcast_to(grey[:, None, None, None], (num_frames, height, width, 3)).copy()


def noisy_frames(num_frames, *, height=64, width=64):
    """uint8 [F, H, W, 3] that do not compress, so that a file has bytes to lose."""
    return np.random.default_rng(0).integers(0, 256, (num_frames, height, width, 3), np.uint8)


def write_video(path, frames, *, fps=8):
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, fps=fps, height=frames.shape[1], width=frames.shape[2], crf=8) as writer:
        writer.write(frames)
    return path


def cut_short(path, *, share):
    """Keep only the first `share` of a file's bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def write_video_without_frames(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        container.start_encoding()
    return path


@pytest.fixture(scope="session")
def puppets(tmp_path_factory):
    """The manifest of three puppet clips of 12 frames at 64x64."""
    folder = tmp_path_factory.mktemp("data") / "puppets"
    return make_puppets(
        folder, num_clips=3, num_frames=12, height=64, width=64, fps=8, seed=7, progress=False
    )


@pytest.fixture(scope="session")
def puppet_clips(puppets):
    return read_manifest(puppets)
