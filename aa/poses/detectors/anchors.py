"""Boxes out of a detector with fixed anchors (SSD, arXiv 1512.02325; BlazeFace, 1907.05047)."""

from dataclasses import dataclass

import numpy as np

MIN_SCORE = 0.5
MOST_OVERLAP = 0.3  # of two boxes that are two things
LARGEST_LOGIT = 100.0


@dataclass(frozen=True)
class Found:
    """What a detector found, in parts of its picture: 0..1 from the corner.

    Attributes:
        box: left, top, right, bottom; float [4].
        keypoints: x, y; float [K, 2].
        score: 0..1.
    """

    box: np.ndarray
    keypoints: np.ndarray
    score: float


def make_anchors(size: int, layers: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Centres of anchors in parts of a picture of size x size pixels, float [A, 2].

    Args:
        layers: pairs of a stride in pixels and a number of anchors in each of its cells.
    """
    centres = []
    for stride, each in layers:
        middles = (np.arange(size // stride) + 0.5) / (size // stride)
        x, y = np.meshgrid(middles, middles)
        centres.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), each, axis=0))
    return np.concatenate(centres)


def decode(
    values: np.ndarray, logits: np.ndarray, anchors: np.ndarray, *, size: int
) -> list[Found]:
    """Everything that a detector found well enough, the surest first.

    Args:
        values: centre, width and height of each anchor's box and its keypoints, in pixels; centre
            and keypoints from the anchor. float [A, 4 + 2 * K].
        logits: of the scores, float [A, 1].
        anchors: see `make_anchors`.
        size: of the picture, in pixels.
    """
    scores = sigmoid(logits[:, 0])
    good = np.flatnonzero(scores >= MIN_SCORE)
    points = values[good].reshape(len(good), values.shape[1] // 2, 2) / size
    centre, extent, keypoints = points[:, 0], points[:, 1], points[:, 2:]
    centre, keypoints = centre + anchors[good], keypoints + anchors[good, None]
    boxes = np.concatenate([centre - extent / 2, centre + extent / 2], axis=1)
    return merge(boxes, keypoints, scores[good])


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits."""
    return 1 / (1 + np.exp(-np.clip(logits.astype("float64"), -LARGEST_LOGIT, LARGEST_LOGIT)))


def merge(boxes: np.ndarray, keypoints: np.ndarray, scores: np.ndarray) -> list[Found]:
    """One thing for each heap of boxes: their mean, weighted by score (BlazeFace, section 3.4).

    Args:
        boxes: left, top, right, bottom; float [N, 4].
        keypoints: float [N, K, 2].
        scores: float [N].
    """
    found = []
    left = np.argsort(-scores, kind="stable")
    while len(left):
        same = overlap(boxes[left[0]], boxes[left]) > MOST_OVERLAP
        same[0] = True  # also where it has no area
        heap, weights = left[same], scores[left[same]] / scores[left[same]].sum()
        box, points = weights @ boxes[heap], np.tensordot(weights, keypoints[heap], axes=1)
        found.append(Found(box, points, float(scores[left[0]])))
        left = left[~same]
    return found


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of a box [4] with each of boxes [N, 4]: float [N]."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    either = np.prod(box[2:] - box[:2]) + area - both
    return both / np.maximum(either, 1e-12)
