"""Files of poses that hold something else, and pictures where a video is meant."""

import io
import zipfile
from pathlib import Path

import numpy as np

from aa.poses import Poses
from tests.bad_input.case import bad
from tests.poses.figures import standing

KIND = "Poses"


def changed(**arrays):
    """A file of poses with other arrays; None leaves one out."""
    path = Path("dance.npz")
    standing().save(path)
    with np.load(path) as old:
        content = {**old, **arrays}
    np.savez(path, **{k: v for k, v in content.items() if v is not None})


def bomb():
    """Zeros that take a gigabyte, in a megabyte."""
    content = io.BytesIO()
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 18, 18)}"
    content.write(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode())
    with (
        zipfile.ZipFile("dance.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("body.npy", "w", force_zip64=True) as file,
    ):
        file.write(content.getvalue())
        for _ in range(1000):
            file.write(bytes(10**6))


def _poses(name, prepare):
    @bad(KIND, name)
    def ready():
        prepare()
        return lambda: Poses.load("dance.npz")


_poses("no archive", lambda: Path("dance.npz").write_bytes(b"no zip"))
_poses("an archive of something else", lambda: np.savez("dance.npz", a=1))
_poses("of another version", lambda: changed(version=2))
_poses("a body of 17 points", lambda: changed(body=np.zeros((1, 17, 3))))
_poses("hands of other frames", lambda: changed(left_hand=np.zeros((2, 21, 3))))
_poses("no face", lambda: changed(face=None))
_poses("no numbers", lambda: changed(body=np.full((1, 18, 3), np.nan)))
_poses("scores of more than 1", lambda: changed(body=np.full((1, 18, 3), 2.0)))
_poses(
    "no frames",
    lambda: changed(
        **{
            k: np.zeros((0, n, 3))
            for k, n in (("body", 18), ("face", 68), ("left_hand", 21), ("right_hand", 21))
        }
    ),
)
_poses("a frame of no pixels", lambda: changed(size=np.array([0, 60])))
_poses("no rate", lambda: changed(fps=0.0))
_poses(
    "Python objects in place of numbers",
    lambda: np.savez("dance.npz", body=np.array([{}], dtype=object)),
)
_poses("zeros of a gigabyte in a megabyte", bomb)
