"""Pairs of generated figures whose alignment has a known result: see `alignment.py`."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.signal import savgol_filter

from aa.poses import Poses
from aa.poses.skeleton import (
    BODY,
    LEFT_ANKLE,
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NECK,
    NUM_POINTS,
    RIGHT_ANKLE,
    RIGHT_ELBOW,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)
from aa.puppets.figure import draw_character, draw_motion, keypoints

FRAMES, FPS = 72, 24.0
ANKLES, HIPS = [RIGHT_ANKLE, LEFT_ANKLE], [RIGHT_HIP, LEFT_HIP]
LIMBS = (
    (RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST),
    (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST),
    (RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE),
    (LEFT_HIP, LEFT_KNEE, LEFT_ANKLE),
)
KNEES = [RIGHT_KNEE, LEFT_KNEE]
ENDS = {"half-body reference": 0.36, "chest reference": 0.56}  # body heights below the picture
CASES = {
    "same view": "the reference is a moment of the driver's motion",
    "another pose": "the reference is a moment of another motion, as in all cases below",
    "seated reference": "its thighs point at the camera: 0.15 to 0.45 of their length",
    "half-body reference": "the picture ends between hips and knees",
    "chest reference": "the picture ends above the hips",
    "foreshortened first frame": "arms and thighs at 0.4 of their length, whole after 6 frames",
    "hidden arm": "elbow and wrist of one side are not seen in the reference",
    "child and adult": "either is the other's reference; 0.6 of the size, other proportions",
    "noise of 5 %": "of the torso's length (1.5 % of body height), on all points of both sides",
    "noise, smoothed": "the same, then the driver smoothed as cleaning does (Savitzky-Golay 7, 2)",
    "towards the camera": "limbs of both sides swing out of the picture's plane, up to 60 degrees",
    "camera zoom": "the driver grows by 1.5 times within the clip",
}


@dataclass(frozen=True)
class Pair:
    """A driver, a reference and the truth: the reference's figure in the driver's motion."""

    driving: Poses
    reference: Poses
    truth: np.ndarray  # [F, 18, 2] in pixels of the reference's picture
    tall: float  # height in pixels of the reference's figure when it stands
    driver_tall: float  # and of the driver's, before any zoom
    still: Poses  # the driver without zoom and noise


def draw_pair(case: str, number: int) -> Pair:
    """The pair of a case and number: the same one every time."""
    rng = np.random.default_rng([number, list(CASES).index(case)])
    seed = int(rng.integers(1_000_000))
    mine, theirs = draw_character(seed), draw_character(seed + 1)
    size = size_theirs = 1.0
    if case == "child and adult":
        if number % 2:
            mine, size = child(mine), 0.6
        else:
            theirs, size_theirs = child(theirs), 0.6
    motion = draw_motion(seed)
    other = motion if case == "same view" else draw_motion(seed + 1)
    times = np.arange(FRAMES) / FPS
    moment = times[rng.integers(FRAMES)] if case == "same view" else 0.0
    truth, driving = figure(mine, motion, times), figure(theirs, motion, times)
    reference = figure(mine, other, [moment])
    truth, driving, reference = change(case, rng, truth, driving, reference)
    return place(
        case, rng, truth * size, driving * size_theirs, reference * size, (size, size_theirs)
    )


def place(case, rng, truth, driving, reference, sizes):
    """The figures (in body heights, ground at 0) in frames of their own, seen by a camera."""
    height, width, tall, origin = draw_frame(case, rng)
    reference, truth = (points * tall + origin for points in (reference, truth))
    # The result is to begin where the reference is; where its feet are out, in height too.
    root = HIPS if case != "chest reference" else [NECK]
    offset = reference[0, root].mean(axis=0) - truth[0, root].mean(axis=0)
    truth = truth + offset * ((1, 1) if case in ENDS else (1, 0))
    other = int(rng.choice([480, 720, 960]))
    other_tall, other_width = rng.uniform(0.5, 0.8) * other, int(0.75 * other)
    start = np.array([rng.uniform(0.4, 0.6) * other_width, 0.93 * other])
    driving = driving * other_tall + start
    still = as_poses(driving, other, other_width)
    talls = tall * sizes[0], other_tall * sizes[1]
    if case == "camera zoom":
        zoom = np.linspace(1, 1.5, FRAMES)[:, None, None]
        middle = np.array([other_width - 1, other - 1]) / 2
        driving = middle + (driving - middle) * zoom
        # The place where the body stands moves as the driver's, in the scale of the bodies.
        truth = (truth - origin) * zoom + origin
        truth = truth + (zoom - 1) * (start - middle) * talls[0] / talls[1]
    if case.startswith("noise"):
        reference = reference + rng.normal(0, 0.015 * tall, reference.shape)
        driving = driving + rng.normal(0, 0.015 * other_tall, driving.shape)
    if case == "noise, smoothed":
        driving = savgol_filter(driving, 7, 2, axis=0)
    picture = as_poses(reference, height, width)
    picture = picture.with_points(picture.points, picture.scores * shown(case, rng, picture))
    return Pair(as_poses(driving, other, other_width), picture, truth, *talls, still)


def draw_frame(case, rng):
    """Height and width of the picture, a grown body's height and where it stands, in pixels."""
    height, width = (int(side) for side in rng.choice([(768, 512), (512, 512), (640, 640)]))
    tall, ground = rng.uniform(0.6, 0.85) * min(height, 1.2 * width), 0.95 * height
    if case in ENDS:
        tall *= 1.6
        ground = height + ENDS[case] * tall
    return height, width, tall, np.array([rng.uniform(0.4, 0.6) * width, ground])


def shown(case, rng, picture):
    """Which points the picture shows, bool [1, 128]."""
    shown_ = np.ones_like(picture.scores, bool)
    if case in ENDS:
        shown_ = picture.points[..., 1] < picture.height
    if case == "hidden arm":
        shown_[:, list(LIMBS[int(rng.integers(2))][1:])] = False
    return shown_


def change(case, rng, truth, driving, reference):
    """Foreshortening, in body heights: equal for truth and driver."""
    if case == "seated reference":
        factors = rng.uniform(0.15, 0.45, 2)
        knees = {joint: factor for joint, factor in zip(KNEES, factors, strict=True)}
        reference = foreshortened(reference, knees)
    if case == "foreshortened first frame":
        ramp = np.interp(np.arange(FRAMES), (0, 6), (0.4, 1))[:, None]
        joints = {joint: ramp for limb in LIMBS[:2] for joint in limb[1:]}
        joints |= {joint: ramp for joint in KNEES}
        truth, driving = (foreshortened(points, joints) for points in (truth, driving))
    if case == "towards the camera":
        seconds = np.arange(FRAMES) / FPS
        joints, still = {}, {}
        for limb in LIMBS:
            most = np.radians(60 if limb in LIMBS[:2] else 30)
            for joint in limb[1:]:
                rate, phase = rng.uniform(0.2, 0.8), rng.uniform(0, 2 * np.pi)
                swing = most * rng.uniform(0.3, 1) * np.sin(2 * np.pi * rate * seconds + phase)
                joints[joint] = np.cos(swing)[:, None]
                still[joint] = np.cos(most * rng.uniform(-1, 1))
        truth, driving = (foreshortened(points, joints) for points in (truth, driving))
        reference = foreshortened(reference, still)
    return truth, driving, reference


def child(character):
    """The proportions of a child of some six years, in heights of its own."""
    changes = {
        "head": 1.35,
        "shoulders": 0.95,
        "hips": 0.95,
        "torso": 0.97,
        "arm": 0.92,
        "leg": 0.86,
    }
    return replace(character, **{k: v * getattr(character, k) for k, v in changes.items()})


def figure(character, motion, times):
    """Joints [F, 18, 2] in body heights: x about the middle of the frame, y about the ground."""
    points = [keypoints(character, motion, t, height=1000, width=1000) for t in times]
    return (np.stack(points) - (499.5, 949.5)) / 800


def foreshortened(points, factors):
    """Bones that end in given joints shortened by a factor each; the lower foot on the ground."""
    new = points.copy()
    for limb in LIMBS:
        for start, end in pairwise(limb):
            new[:, end] = new[:, start] + factors.get(end, 1.0) * (
                points[:, end] - points[:, start]
            )
    new[..., 1] -= new[:, ANKLES, 1].max(axis=1, keepdims=True)
    return new


def as_poses(body, height, width):
    """Poses of bodies [F, 18, 2], all seen."""
    points = np.zeros((len(body), NUM_POINTS, 2), np.float32)
    scores = np.zeros(points.shape[:2], np.float32)
    points[:, BODY], scores[:, BODY] = body, 1.0
    return Poses(points, scores, height, width, FPS)
