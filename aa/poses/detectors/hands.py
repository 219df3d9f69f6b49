"""The hands of a body: found near its wrists, then followed (MediaPipe Hands, arXiv 2006.10214)."""

from dataclasses import dataclass

import numpy as np

from aa.poses.detectors.anchors import decode, make_anchors
from aa.poses.detectors.networks import open_network
from aa.poses.detectors.regions import Region, around, upright

ANCHORS = ((8, 2), (16, 6))  # strides in pixels, anchors a cell
PALM_MARGIN, PALM_SHIFT = 2.6, -0.5  # of a region about a palm: in its longer side, in its height
MARGIN, SHIFT = 2.0, -0.1  # of a region about a hand
ROUGH_MARGIN = 2.7  # of a region that the body's points guess, in diameters of the hand
MIN_PRESENCE = 0.5
MOST_APART = 1.0  # of the hand's wrist and the body's, in sizes of the hand
WRIST, INDEX_ROOT, MIDDLE_ROOT, RING_ROOT = 0, 5, 9, 13
STIFF = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]  # points that move little when fingers bend


@dataclass(frozen=True)
class Hand:
    """A hand in a frame: OpenPose's 21 points in pixels [21, 2] and how surely it is one, 0..1."""

    points: np.ndarray
    presence: float

    @property
    def size(self) -> float:
        """From the wrist to the root of the middle finger or along the palm's other side, whichever
        is longer, twice: about the length of the hand, in pixels."""
        roots = self.points[[INDEX_ROOT, MIDDLE_ROOT, RING_ROOT]]
        return 2 * float(np.hypot(*(roots - self.points[WRIST]).T).max())

    @property
    def region(self) -> Region:
        """Where it is to be looked for in the next frame."""
        between = (self.points[INDEX_ROOT] + self.points[RING_ROOT]) / 2
        angle = upright(self.points[WRIST], (between + self.points[MIDDLE_ROOT]) / 2)
        return around(self.points[STIFF], angle=angle, scale=MARGIN, down=SHIFT)


class Hands:
    """The two networks of hands; `num_threads` of the processor, by default all."""

    def __init__(self, num_threads: int | None = None) -> None:
        self._finder = open_network("find_palms", (0, 1), num_threads)
        self._anchors = make_anchors(self._finder.size, ANCHORS)
        self._network = open_network("hand", (0, 1), num_threads)

    def find(self, frame: np.ndarray, region: Region) -> list[Region]:
        """Regions of the hands within a region of a frame uint8 [H, W, 3], the surest first."""
        size = self._finder.size
        picture = region.crop(frame, size).astype("float32") / 255
        values, logits = self._finder(picture)
        found = decode(values, logits, self._anchors, size=size)
        return [_palm_region(region, thing.box, thing.keypoints) for thing in found]

    def look(self, frame: np.ndarray, region: Region) -> Hand:
        """The hand in a region of a frame uint8 [H, W, 3]."""
        size = self._network.size
        picture = region.crop(frame, size).astype("float32") / 255
        values, presence = self._network(picture)
        points = region.to_frame((values.reshape(-1, 3)[:, :2] + 0.5) / size)
        return Hand(points, float(presence[0]))


def rough_region(wrist: np.ndarray, little: np.ndarray, index: np.ndarray) -> Region:
    """The region of a hand guessed of the body's points: wrist, roots of two fingers, each [2]."""
    centre = (2 * index + little) / 3
    radius = float(np.hypot(*(centre - wrist)))
    return Region(centre, max(2 * ROUGH_MARGIN * radius, 1.0), upright(wrist, centre))


def belongs(hand: Hand, wrist: np.ndarray) -> bool:
    """Whether a hand is one, and that of an arm that ends at `wrist` [2]."""
    apart = float(np.hypot(*(hand.points[WRIST] - wrist)))
    return hand.presence >= MIN_PRESENCE and apart <= MOST_APART * hand.size


def are_one(first: Hand, second: Hand) -> bool:
    """Whether two hands are the same one, seen twice."""
    apart = float(np.hypot(*(first.points - second.points).T).mean())
    return apart < 0.3 * min(first.size, second.size)


def _palm_region(region: Region, box: np.ndarray, keypoints: np.ndarray) -> Region:
    """The region of a hand whose palm [4] and its keypoints [7, 2] are parts of a region."""
    corners = region.to_frame(box.reshape(2, 2))
    points = region.to_frame(keypoints)
    centre, height = corners.mean(axis=0), (box[3] - box[1]) * region.size
    side = max(box[3] - box[1], box[2] - box[0]) * region.size
    palm = Region(centre, max(PALM_MARGIN * side, 1.0), upright(points[0], points[2]))
    return palm.shifted(palm.axes @ np.array([0, PALM_SHIFT * height]))
