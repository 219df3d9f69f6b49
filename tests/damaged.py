"""A data folder with a clip that does not decode in its middle, which its ends do not tell."""

from pathlib import Path

import av
import numpy as np


def write_intra(path: Path, frames: np.ndarray) -> Path:
    """Write frames that each decode by themselves, uint8 [F, H, W, 3]."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4, options={"g": "1", "crf": "8"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def damage_middle(path: Path) -> None:
    """Overwrite what lies between two and four fifths of the frames' bytes."""
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat")
    start, end = start + 4, start - 4 + int.from_bytes(data[start - 4 : start], "big")
    fifth = (end - start) // 5
    data[start + 2 * fifth : start + 4 * fifth] = bytes(2 * fifth)
    path.write_bytes(data)


def damaged_clips(folder: Path) -> Path:
    """A new folder of the clips a and b, 80 noisy frames of 64x64; a's from 32 to 63 are damaged.

    Decoders read ahead: what is damaged must lie well behind the first frame.
    """
    frames = np.random.default_rng(0).integers(0, 256, [80, 64, 64, 3], np.uint8)
    for kind in ("video", "video_dwpose"):
        for name in ("a", "b"):
            write_intra(folder / kind / f"{name}.mp4", frames)
    damage_middle(folder / "video" / "a.mp4")
    return folder
