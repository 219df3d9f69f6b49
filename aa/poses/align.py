"""Poses of one person on another's body and in its place: a driver's on that of a picture.

Bones are compared in frames of like views, so that foreshortening cancels; joints are placed anew
from the root outwards; feet stand on the picture's ground. `benchmarks/alignment.py` measures it on
figures whose truth is known.
"""

from dataclasses import replace
from math import exp, log
from typing import Literal

import numpy as np

from aa.errors import UserError
from aa.poses.alignment.beliefs import Ratio, believe, whole_scale
from aa.poses.alignment.bones import HEAD_NAME, HIPS, Joints
from aa.poses.alignment.coverage import coverage
from aa.poses.alignment.face import weaken_expression
from aa.poses.alignment.fit import MOST_OUTSIDE, fitting_scale, outside_share, shrink
from aa.poses.alignment.move import HANDS, anchor_of, move
from aa.poses.alignment.overlay import draw_overlay
from aa.poses.alignment.ratios import measure_bones, proven_bones
from aa.poses.alignment.rebuild import find_root
from aa.poses.alignment.report import Alignment, describe
from aa.poses.alignment.zoom import camera_zoom, without_zoom
from aa.poses.poses import Poses
from aa.poses.skeleton import BODY, FACE, LEFT_ANKLE, NECK, NOSE, RIGHT_SHOULDER

__all__ = ["Alignment", "Ratio", "align_poses", "draw_overlay"]
LIMBS = slice(RIGHT_SHOULDER, LEFT_ANKLE + 1)  # the joints that are neither head nor neck


def align_poses(
    driving: Poses,
    reference: Poses,
    *,
    mode: Literal["none", "scale", "limbs"] = "limbs",
    face: Literal["reference", "driver", "none"] = "reference",
    face_strength: float = 1.0,
    unseen: Literal["keep", "drop"] = "keep",
    camera: Literal["keep", "lock"] = "keep",
    fit: Literal["warn", "shrink"] = "warn",
) -> tuple[Poses, Alignment]:
    """Return the driver's poses on the reference's body, in the picture's frame, and a report.

    Args:
        driving: F frames of the person who moves, cleaned.
        reference: one frame, of the picture.
        mode: limbs: every bone as long as the reference's. scale: the whole scaled and placed.
            none: the video's frame fitted into the picture, middle on middle.
        face: as large as the reference's head wants it, or scaled as the whole body is (driver),
            or left out (none).
        face_strength: how much of the driver's expression is kept, 0..1.
        unseen: limbs that the picture does not show: kept, or dropped.
        camera: keep: the person grows where the camera zooms in. lock: it stays as large as it is
            in the first frame.
        fit: of a body that leaves the picture: warn, or shrink it until it stays inside.

    Raises:
        UserError: one of them shows nobody.
    """
    _check(driving, reference)
    driving = weaken_expression(driving, face_strength)
    if mode != "none" and camera == "lock":
        driving = without_zoom(driving, camera_zoom(Joints.of(driving), driving.fps))
    ratios, scale = _find_ratios(driving, reference, mode=mode, face=face)
    values = {name: ratio.value for name, ratio in ratios.items()} | {"whole": scale}
    moved = move(driving, reference, values) if ratios else _into_frame(driving, reference)
    moved = _without(moved, reference, face=face == "none", unseen=unseen == "drop")
    return _fitted(driving, reference, moved, (mode, ratios, scale), shrinks=fit == "shrink")


def _check(driving: Poses, reference: Poses) -> None:
    for poses, name in ((reference, "the picture"), (driving, "the driving video")):
        if not len(poses) or not Joints.of(poses).seen[:, [HIPS, NECK, NOSE]].any():
            raise UserError(
                f"{name} shows nobody: neither hips nor neck nor nose was seen. "
                "Choose another one, or one in which the person is larger."
            )
    if find_root(Joints.of(driving), Joints.of(reference[:1])) is None:
        raise UserError(
            "the picture and the driving video share no hips, neck or nose that were seen. "
            "Choose a picture and a video that show the same part of a body."
        )


def _find_ratios(
    driving: Poses, reference: Poses, *, mode: str, face: str
) -> tuple[dict[str, Ratio], float]:
    """The ratios of all bones by name, none without alignment; and that of the whole."""
    if mode == "none":
        return {}, _frame_scale(driving, reference)
    zoom = camera_zoom(Joints.of(driving), driving.fps)
    measured = measure_bones(driving, reference, zoom)
    whole = whole_scale(measured)
    if whole is None:  # they share no bone: the frames are all that is left
        whole = log(_frame_scale(driving, reference))
    as_whole = Ratio(exp(whole), 0, "whole")
    if mode == "scale":
        return dict.fromkeys(measured, as_whole), exp(whole)
    ratios = believe(measured, whole, proven_bones(driving))
    return (ratios | {HEAD_NAME: as_whole} if face == "driver" else ratios), exp(whole)


def _without(poses: Poses, reference: Poses, *, face: bool, unseen: bool) -> Poses:
    """Leave out the face, or limbs that the reference does not show, with their hands."""
    scores = poses.scores.copy()
    if face:
        scores[:, FACE] = 0
    if unseen:
        hidden = ~reference.seen[0]
        scores[:, LIMBS] *= ~hidden[LIMBS]
        for hand, wrist, _ in HANDS:
            scores[:, hand] *= not hidden[wrist]
    return poses.with_points(poses.points, scores)


def _fitted(
    driving: Poses,
    reference: Poses,
    moved: Poses,
    found: tuple[str, dict[str, Ratio], float],
    *,
    shrinks: bool,
) -> tuple[Poses, Alignment]:
    """The poses, inside the picture if they are to shrink, and the report."""
    mode, ratios, scale = found
    frames, picture = Joints.of(driving), Joints.of(reference[:1])
    counted, anchor = reference.seen[0, BODY], anchor_of(picture)
    outside = outside_share(moved, counted)
    fits = fitting_scale(moved, counted, anchor)
    shown = {"driving": coverage(driving), "reference": coverage(reference[:1])}
    warnings = describe(frames, picture, ratios, shown, outside, fits)
    if shrinks and outside > MOST_OUTSIDE:
        moved = shrink(moved, fits, anchor)
    return moved, Alignment(mode, scale, ratios, shown, outside, fits, warnings)


def _frame_scale(driving: Poses, reference: Poses) -> float:
    return min(reference.height / driving.height, reference.width / driving.width)


def _into_frame(driving: Poses, reference: Poses) -> Poses:
    """The driver's frame fitted into the picture's: one scale for x and y, middle on middle."""
    old, new = (np.array([poses.width, poses.height]) for poses in (driving, reference))
    scale = _frame_scale(driving, reference)
    points = (new - 1) / 2 + scale * (driving.points - (old - 1) / 2)
    return replace(driving.with_points(points), height=reference.height, width=reference.width)
