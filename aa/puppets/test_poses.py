"""Is it the requested pose? Against another moment of the same motion."""

from typing import Any

import numpy as np

from aa.evaluation.metrics import psnr_per_frame
from aa.puppets.scenes import score
from aa.puppets.test_pairs import Pairs

FOUND = (
    32  # of 255: a pixel is the figure's if its channels differ so much from the room's on average
)
ENDS = (0, 4, 7, 10, 13)  # joints whose places are measured: nose, wrists, ankles
PATCH = 9 / 64  # side of the image round a joint that is looked for, in heights of the frame
REACH = 8 / 64  # distance it is looked for in each direction, in heights of the frame
PULL = 1e-3  # of patches that fit alike the nearest is taken


def score_poses(pairs: Pairs, generated: np.ndarray) -> dict[str, Any]:
    """Scores of `Pairs` by frames [N, H, W, 3], float in 0..1, as plain values.

    psnr_gain: dB by which frames are nearer to the true frame than to that of the wrong moment;
        psnr_gain_figure: over pixels inside either's figure.
    iou: of the silhouette found in the frame, and the true one. iou_wrong: and that of the wrong
        moment. iou_truth: of that found in the true frame, and the true one; it is the most that
        can be had, since soft edges and parts of the wall's colour are found wrongly there too.
    pose_error: pixels, see `joint_errors`; pose_error_wrong: of the wrong moment's true frame.
    """
    either = pairs.figures | pairs.wrong_figures
    right, wrong = (psnr_per_frame(generated, t) for t in (pairs.truths, pairs.wrong_truths))
    inside, outside = (
        psnr_per_frame(generated, t, either) for t in (pairs.truths, pairs.wrong_truths)
    )
    rooms = np.stack([scene.room() for scene in pairs.scenes])
    found = find_figures(generated, rooms)
    joints = np.stack(
        [s.joints(t)[list(ENDS)] for s, t in zip(pairs.scenes, pairs.times, strict=True)]
    )
    return {
        "psnr_gain": score(right - wrong),
        "psnr_gain_figure": score(inside - outside),
        "iou": score(overlaps(found, pairs.figures)),
        "iou_wrong": score(overlaps(found, pairs.wrong_figures)),
        "iou_truth": score(overlaps(find_figures(pairs.truths / 255, rooms), pairs.figures)),
        "pose_error": score(joint_errors(generated, pairs.truths, joints)),
        "pose_error_wrong": score(joint_errors(pairs.wrong_truths / 255, pairs.truths, joints)),
    }


def find_figures(frames: np.ndarray, rooms: np.ndarray) -> np.ndarray:
    """Frames [N, H, W, 3] in 0..1 and their empty rooms, uint8 -> bool [N, H, W]."""
    return np.abs(255 * frames - rooms).mean(axis=3) > FOUND


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """[N] intersection over union of bool [N, H, W]."""
    return (first & second).sum(axis=(1, 2)) / np.maximum((first | second).sum(axis=(1, 2)), 1)


def joint_errors(generated: np.ndarray, truths: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """[N] distances of head, hands and feet from their true places, in pixels; mean of them.

    Round each joint a square patch of the true frame is cut out and looked for in the generated
    frame, up to REACH away in each direction; where it fits best (least squares) the joint is.

    Args:
        generated: [N, H, W, 3] in 0..1.
        truths: uint8 [N, H, W, 3].
        joints: [N, J, 2] in pixels (x, y).
    """
    height = truths.shape[1]
    half, reach = max(1, round(PATCH * height / 2)), max(1, round(REACH * height))
    values = []
    for frame, truth, points in zip(generated, truths, joints, strict=True):
        distances = [_offset(255 * frame, truth, point, half, reach) for point in points]
        values.append(np.mean(distances))
    return np.array(values)


def _offset(
    frame: np.ndarray, truth: np.ndarray, point: np.ndarray, half: int, reach: int
) -> float:
    """Pixels by which the patch of `truth` round a point has moved in `frame`."""
    import cv2

    margin = half + reach
    # Beyond the frame its edge continues, so that a hand at the edge has a whole patch.
    around = [(margin, margin), (margin, margin), (0, 0)]
    wide, wide_truth = (np.pad(f, around, mode="edge").astype(np.float32) for f in (frame, truth))
    size = truth.shape[1], truth.shape[0]
    x, y = np.clip(np.round(point).astype(int), 0, np.array(size) - 1) + margin
    patch = wide_truth[y - half : y + half + 1, x - half : x + half + 1]
    area = wide[y - margin : y + margin + 1, x - margin : x + margin + 1]
    squares = cv2.matchTemplate(area, patch, cv2.TM_SQDIFF) / patch.size
    steps = np.arange(-reach, reach + 1)
    distances = np.hypot(*np.meshgrid(steps, steps))
    return distances.flat[np.argmin(squares + PULL * distances)]
