"""A puppet's looks, its motion and where its joints are: pure functions of whole-number seeds."""

from dataclasses import dataclass

import numpy as np

from aa.poses.skeleton import JOINTS

ACCESSORIES = ("none", "hat")
GROUND = 0.95  # the lower ankle's height in the frame, 0 top, 1 bottom


@dataclass(frozen=True)
class Character:
    """Colours are RGB 0..255; lengths are fractions of the person's height."""

    skin: tuple
    hair: tuple
    shirt: tuple
    accent: tuple  # the second colour of the shirt's pattern
    trousers: tuple
    shoes: tuple
    wall: tuple
    floor: tuple
    pattern: str  # "plain", "stripes", "band" or "badge"
    hair_style: str  # "short", "long" or "bun"
    long_sleeves: bool
    head: float  # radius
    shoulders: float  # half the distance between them
    hips: float  # half the distance between them
    torso: float
    arm: float  # shoulder to elbow, as elbow to wrist
    leg: float  # hip to knee, as knee to ankle
    girth: float  # 1 is average
    accessory: str = "none"  # of ACCESSORIES; no seed gives one


@dataclass(frozen=True)
class Motion:
    """Each value over time is centre + reach * a weighted sum of sines, so it keeps its limits."""

    centres: dict
    reaches: dict
    rates: dict  # [3] in Hz
    phases: dict  # [3] in radians
    weights: dict  # [3], summing to 1

    def at(self, name: str, t: float) -> float:
        """The value of `name` (an angle in radians, or `sway` in person heights) at t seconds."""
        waves = np.sin(2 * np.pi * self.rates[name] * t + self.phases[name])
        return self.centres[name] + self.reaches[name] * float(waves @ self.weights[name])


# name: (lowest, highest) value a motion may reach.
LIMITS = {
    "sway": (-0.06, 0.06),
    "turn": (-0.85, 0.85),  # about the vertical; positive: towards image right
    "lean": (-0.14, 0.14),
    "nod": (-0.25, 0.25),
    "right_shoulder": (0.15, 2.6),  # away from hanging down
    "left_shoulder": (0.15, 2.6),
    "right_elbow": (-0.9, 1.5),
    "left_elbow": (-0.9, 1.5),
    "right_hip": (0.02, 0.5),
    "left_hip": (0.02, 0.5),
    "right_knee": (0.0, 0.55),
    "left_knee": (0.0, 0.55),
}


def draw_character(seed: int) -> Character:
    """The character of a seed, a whole number >= 0: the same one every time."""
    rng = np.random.default_rng([seed, 0])
    shirt, trousers, shoes = (_bright(rng) for _ in range(3))
    skin_tone, hair_tone, wall_tone = rng.random(3)
    return Character(
        skin=_mix((92, 58, 40), (250, 214, 186), skin_tone),
        hair=_mix((28, 20, 16), (205, 150, 70), hair_tone**2),
        shirt=shirt,
        accent=(*shirt[1:], shirt[0]),  # another hue of the same strength
        trousers=_mix(trousers, (30, 34, 60), 0.55),
        shoes=_mix(shoes, (240, 240, 240), 0.2),
        wall=_mix(_bright(rng), (225, 225, 220), 0.45 + 0.4 * wall_tone),
        floor=_mix(_bright(rng), (120, 110, 100), 0.6),
        pattern=str(rng.choice(["plain", "stripes", "band", "badge"])),
        hair_style=str(rng.choice(["short", "long", "bun"])),
        long_sleeves=bool(rng.random() < 0.5),
        head=rng.uniform(0.082, 0.1),
        shoulders=rng.uniform(0.1, 0.125),
        hips=rng.uniform(0.06, 0.075),
        torso=rng.uniform(0.27, 0.31),
        arm=rng.uniform(0.155, 0.18),
        leg=rng.uniform(0.2, 0.235),
        girth=rng.uniform(0.88, 1.2),
    )


def draw_motion(seed: int) -> Motion:
    """The motion of a seed, a whole number >= 0: the same one every time."""
    rng = np.random.default_rng([seed, 1])
    parts = ({}, {}, {}, {}, {})
    for name, (lowest, highest) in LIMITS.items():
        half = (highest - lowest) / 2
        reach = half * rng.uniform(0.45, 1.0)
        weights = rng.uniform(0.2, 1.0, 3)
        values = (
            (lowest + highest) / 2 + (half - reach) * rng.uniform(-1, 1),
            reach,
            rng.uniform(0.15, 0.9, 3),
            rng.uniform(0, 2 * np.pi, 3),
            weights / weights.sum(),
        )
        for part, value in zip(parts, values, strict=True):
            part[name] = value
    return Motion(*parts)


def keypoints(
    character: Character, motion: Motion, t: float, *, height: int, width: int
) -> np.ndarray:
    """The joints at t seconds in pixels (x, y), float64 [18, 2], in the order of JOINTS.

    Whole numbers are pixel centres: (point + 0.5) / size is the same place at every size.
    """
    joints = place_joints(character, motion, t, height=height, width=width)
    return np.stack([joints[name] for name in JOINTS])


def place_joints(
    character: Character, motion: Motion, t: float, *, height: int, width: int
) -> dict[str, np.ndarray]:
    """Name -> (x, y) in pixels at t seconds, for JOINTS, the `head`'s middle and its `crown`.

    The person is about 0.8 of the frame's height tall and stands on the ground; raised hands fit.
    """
    joints = _joints(character, motion, t)
    lowest = max(joints["right_ankle"][1], joints["left_ankle"][1])
    origin = np.array([0.5 * width, GROUND * height]) - 0.5
    unit = person_height(height=height, width=width)
    return {name: origin + (point - (0, lowest)) * unit for name, point in joints.items()}


def person_height(*, height: int, width: int) -> float:
    """Height in pixels of a person of average build who stands in a frame."""
    return min(0.8 * height, 0.95 * width)


def _joints(character: Character, motion: Motion, t: float) -> dict[str, np.ndarray]:
    """Joint name -> (x, y) in person heights, y down, the hips around (sway, 0)."""
    now = {name: motion.at(name, t) for name in LIMITS}
    across = np.array([np.cos(now["turn"]), 0])  # a turned body looks narrower
    pelvis = np.array([now["sway"], 0.0])
    up = np.array([np.sin(now["lean"]), -np.cos(now["lean"])])
    neck = pelvis + character.torso * up
    joints = {"neck": neck}
    for side, sign in (("right", -1), ("left", 1)):
        shoulder = neck + sign * character.shoulders * across + (0, 0.025)
        angle = now[f"{side}_shoulder"]
        elbow = shoulder + character.arm * _direction(angle, sign)
        wrist = elbow + character.arm * _direction(angle + now[f"{side}_elbow"], sign)
        hip = pelvis + sign * character.hips * across
        knee = hip + character.leg * _direction(now[f"{side}_hip"], sign)
        ankle = knee + character.leg * _direction(now[f"{side}_hip"] - now[f"{side}_knee"], sign)
        names = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        values = (shoulder, elbow, wrist, hip, knee, ankle)
        joints.update({f"{side}_{n}": v for n, v in zip(names, values, strict=True)})
    return joints | _face(character, now, neck)


def _face(character: Character, now: dict[str, float], neck: np.ndarray) -> dict[str, np.ndarray]:
    """Head, crown, nose, eyes and ears of a ball that turns with the body and nods sideways."""
    tilt = now["lean"] + now["nod"]
    up, right = np.array([np.sin(tilt), -np.cos(tilt)]), np.array([np.cos(tilt), np.sin(tilt)])
    centre = neck + 1.3 * character.head * up
    face = {"head": centre, "crown": centre + character.head * up}
    for name, (longitude, height) in {
        "nose": (0, -0.1),
        "right_eye": (-0.42, 0.2),
        "left_eye": (0.42, 0.2),
        "right_ear": (-1.5, 0.05),
        "left_ear": (1.5, 0.05),
    }.items():
        aside = 0.92 * np.sin(longitude + 0.8 * now["turn"])
        face[name] = centre + character.head * (aside * right + height * up)
    return face


def _direction(angle: float, sign: int) -> np.ndarray:
    return np.array([sign * np.sin(angle), np.cos(angle)])


def _bright(rng: np.random.Generator) -> tuple[int, ...]:
    """A saturated colour: one channel high, one low, one anywhere."""
    channels = [rng.integers(190, 245), 40, rng.integers(40, 230)]
    return tuple(int(channel) for channel in rng.permutation(channels))


def _mix(first: tuple[int, ...], second: tuple[int, ...], share: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
