"""Tiny videos of grey frames: what is measured on them can be worked out by hand."""

import numpy as np
import pytest

from aa.data.video import VideoWriter


@pytest.fixture
def write(tmp_path):
    """Function (path below tmp_path, brightness of each frame, size) -> the written video."""

    def run(name, levels, *, height=16, width=16):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = np.array(levels, np.uint8)[:, None, None, None]
        with VideoWriter(path, fps=8, height=height, width=width, crf=4) as writer:
            writer.write(np.broadcast_to(grey, (len(levels), height, width, 3)))
        return path

    return run
