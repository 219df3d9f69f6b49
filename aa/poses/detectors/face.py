"""The face of a body, as a mesh (arXiv 1907.06724)."""

from dataclasses import dataclass

import numpy as np

from aa.poses.detectors import topology
from aa.poses.detectors.anchors import sigmoid
from aa.poses.detectors.networks import open_network
from aa.poses.detectors.regions import Region, around, level

MARGIN = 1.5  # of a region about a mesh
ROUGH_MARGIN = 2.6  # of a region that the body's points guess, in longer sides of eyes and mouth
MIN_PRESENCE = 0.5
MOST_APART = 0.4  # of the nose of the mesh and that of the body, in sizes of the face


@dataclass(frozen=True)
class Face:
    """A face in a frame: its mesh in pixels [468, 2] and how surely it is one, 0..1."""

    mesh: np.ndarray
    presence: float

    @property
    def points(self) -> np.ndarray:
        """dlib's 68 points [68, 2]."""
        return self.mesh[list(topology.FACE_FROM_MESH)]

    @property
    def region(self) -> Region:
        """Where it is to be looked for in the next frame."""
        angle = level(self.mesh[topology.MESH_RIGHT_EYE], self.mesh[topology.MESH_LEFT_EYE])
        return around(self.mesh, angle=angle, scale=MARGIN)


class Faces:
    """The network of faces; `num_threads` of the processor, by default all."""

    def __init__(self, num_threads: int | None = None) -> None:
        self._network = open_network("face", (0, 1), num_threads)

    def look(self, frame: np.ndarray, region: Region) -> Face:
        """The face in a region of a frame uint8 [H, W, 3]."""
        size = self._network.size
        picture = region.crop(frame, size).astype("float32") / 255
        values, flag = self._network(picture)
        mesh = region.to_frame((values.reshape(-1, 3)[:, :2] + 0.5) / size)
        return Face(mesh, float(sigmoid(flag.reshape(-1))[0]))


def rough_region(body: np.ndarray) -> Region:
    """The region of a face guessed of MediaPipe's points of its body [33, 2]."""
    right, left = body[topology.RIGHT_EYE_OUTER], body[topology.LEFT_EYE_OUTER]
    points = body[[topology.RIGHT_EYE_OUTER, topology.LEFT_EYE_OUTER,
                   topology.MOUTH_LEFT, topology.MOUTH_RIGHT]]  # fmt: skip
    return around(points, angle=level(right, left), scale=ROUGH_MARGIN)


def belongs(face: Face, nose: np.ndarray) -> bool:
    """Whether a face is one, and that of a body whose nose is there [2]."""
    apart = float(np.hypot(*(face.mesh[topology.MESH_NOSE] - nose)))
    size = float((face.mesh.max(axis=0) - face.mesh.min(axis=0)).max())
    return face.presence >= MIN_PRESENCE and apart <= MOST_APART * size
