"""A body in a frame: found, then followed (BlazePose, arXiv 2006.10204)."""

from dataclasses import dataclass

import numpy as np

from aa.poses.detectors import topology
from aa.poses.detectors.anchors import decode, make_anchors, sigmoid
from aa.poses.detectors.networks import open_network
from aa.poses.detectors.regions import Region, upright, whole

ANCHORS = ((8, 2), (16, 2), (32, 6))  # strides in pixels, anchors a cell
MARGIN = 1.25  # a region's side, in diameters of the circle about the body
KERNEL = 7  # cells of the heat map about a point that refine it
MIN_HEAT = 0.5
# In cells: its authors take a cell's number for its place; and as all points of the network, which
# counts pixels at their centres, it is moved by half a pixel, an eighth of a cell.
TO_MIDDLE = 0.125


@dataclass(frozen=True)
class Body:
    """A body in a frame.

    Attributes:
        points, scores: MediaPipe's 33 in pixels of the frame [33, 2], and how surely seen [33].
        presence: how surely there is a body, 0..1.
        region: where it is to be looked for in the next frame.
    """

    points: np.ndarray
    scores: np.ndarray
    presence: float
    region: Region


class Bodies:
    """The two networks of bodies; `num_threads` of the processor, by default all."""

    def __init__(self, num_threads: int | None = None) -> None:
        self._finder = open_network("find_bodies", (0, 1), num_threads)
        self._anchors = make_anchors(self._finder.size, ANCHORS)
        self._network = open_network("body", (0, 1, 3), num_threads)

    def find(self, frame: np.ndarray) -> list[Region]:
        """Regions of all bodies in a frame uint8 [H, W, 3], the surest first."""
        region, size = whole(frame), self._finder.size
        picture = region.crop(frame, size).astype("float32") / 127.5 - 1
        values, logits = self._finder(picture)
        found = decode(values, logits, self._anchors, size=size)
        return [body_region(region.to_frame(thing.keypoints)) for thing in found]

    def look(self, frame: np.ndarray, region: Region) -> Body:
        """The body in a region of a frame uint8 [H, W, 3]."""
        size = self._network.size
        picture = region.crop(frame, size).astype("float32") / 255
        values, presence, heat = self._network(picture)
        values = values.reshape(-1, 5)  # x, y, z, and logits: visible, within the frame
        points = region.to_frame(refined((values[:, :2] + 0.5) / size, heat))
        scores = sigmoid(values[: topology.NUM_BODY, 3:]).min(axis=1)
        following = body_region(points[[topology.CENTRE, topology.TURN]])
        return Body(points[: topology.NUM_BODY], scores, float(presence[0]), following)


def body_region(keypoints: np.ndarray) -> Region:
    """The region of a body of the middle of its hips and a point on the circle about it, above the
    head where it stands: float [2 or more, 2] in pixels."""
    centre, top = keypoints[0], keypoints[1]
    radius = float(np.hypot(*(top - centre)))
    return Region(centre, max(2 * MARGIN * radius, 1.0), upright(centre, top))


def refined(points: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Points moved to the middle of the heat about them, where it is hot enough.

    Args:
        points: in parts of the picture, float [N, 2].
        heat: logits, float [h, w, N].
    """
    height, width, _ = heat.shape
    points, reach = points.copy(), KERNEL // 2
    cells = (points * (width, height)).astype(int)
    for number, (x, y) in enumerate(cells):
        if not (0 <= x < width and 0 <= y < height):
            continue
        rows = np.arange(max(y - reach, 0), min(y + reach + 1, height))
        columns = np.arange(max(x - reach, 0), min(x + reach + 1, width))
        heap = sigmoid(heat[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, number])
        if heap.max() >= MIN_HEAT:
            middle = np.array([heap.sum(axis=0) @ columns, heap.sum(axis=1) @ rows]) / heap.sum()
            points[number] = (middle + TO_MIDDLE) / (width, height)
    return points
