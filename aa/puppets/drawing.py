"""Images of a puppet: the person, its parts, and the pose as DWPose draws it."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from aa.poses.skeleton import LIMBS, RAINBOW
from aa.puppets.canvas import Canvas
from aa.puppets.figure import GROUND, Character, Motion, person_height, place_joints

# Bands of the shirt's accent colour, as (start, end) from shoulders 0 to hips 1.
BANDS = {"plain": (), "stripes": ((0.0, 0.16), (0.36, 0.52), (0.72, 0.88)), "band": ((0.3, 0.7),)}
TURNED = 0.3  # radians; turned further, the far arm is behind the body
RIM = 0.008  # the dark rim of each part in person heights: an arm shows before its own shirt

# Told apart by number in `render_parts`: the room, what is seen of the person in a colour that
# is no part's own (rims, ears, eyes, nose, mouth, hair behind), and the parts in their own colours.
PARTS = ("room", "detail", "skin", "hair", "shirt", "accent", "trousers", "shoes")
HAT, HAT_BAND = (60, 190, 70), (250, 220, 40)
LABEL = 200  # part i is drawn in grey LABEL + i, which neither shading nor a face's colours come to


def render_pose(points: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Joints [18, 2] in pixels -> uint8 RGB [H, W, 3]: dimmed limbs and joint dots on black."""
    canvas = Canvas(height=height, width=width)
    radius = max(1.0, min(height, width) / 64)  # twice DWPose's, to be seen in small images
    for (first, second), colour in zip(LIMBS, RAINBOW, strict=False):
        middle, along = (points[first] + points[second]) / 2, (points[second] - points[first]) / 2
        canvas.ellipse(middle, along, radius, shade(colour, 0.6))
    for point, colour in zip(points, RAINBOW, strict=True):
        canvas.disc(point, radius, colour)
    return canvas.finish()


def render_frame(
    character: Character, motion: Motion, t: float, *, height: int, width: int
) -> np.ndarray:
    """The person at t seconds as uint8 RGB [H, W, 3], with soft edges."""
    canvas = Canvas(height=height, width=width)
    _draw_room(canvas, character)
    _draw_person(canvas, character, motion, t)
    return canvas.finish()


def render_room(character: Character, *, height: int, width: int) -> np.ndarray:
    """The character's room without the character as uint8 RGB [H, W, 3]."""
    canvas = Canvas(height=height, width=width)
    _draw_room(canvas, character)
    return canvas.finish()


def render_parts(
    character: Character, motion: Motion, t: float, *, height: int, width: int
) -> np.ndarray:
    """Index in PARTS of what is seen in the middle of each pixel at t seconds: uint8 [H, W]."""
    colours = {part: (LABEL + i,) * 3 for i, part in enumerate(PARTS)}
    labelled = replace(character, **{part: colours[part] for part in PARTS[2:]})
    canvas = Canvas(height=height, width=width)
    _draw_person(canvas, labelled, motion, t)
    seen = canvas.samples()[:, :, 0]
    own = (seen >= LABEL) & (seen < LABEL + len(PARTS))
    return np.where(own, seen - LABEL, seen > 0).astype(np.uint8)


def _draw_person(canvas: Canvas, character: Character, motion: Motion, t: float) -> None:
    """The parts from back to front."""
    size = {"height": canvas.height, "width": canvas.width}
    joints = place_joints(character, motion, t, **size)
    turn = motion.at("turn", t)
    person = Person(canvas, character, joints, unit=person_height(**size), turn=turn)
    far, near = ("left", "right") if turn > 0 else ("right", "left")
    arms_before = (near,) if abs(turn) > TURNED else (far, near)
    person.hair_behind()
    if far not in arms_before:
        person.arm(far)
    person.leg(far)
    person.leg(near)
    person.torso()
    person.head()
    if character.accessory == "hat":
        person.hat()
    for side in arms_before:
        person.arm(side)


class Person:
    """Draws a character in one pose, part by part. `unit` is a person's height in pixels."""

    def __init__(
        self,
        canvas: Canvas,
        character: Character,
        joints: dict[str, np.ndarray],
        *,
        unit: float,
        turn: float,
    ) -> None:
        self.canvas, self.look, self.joints = canvas, character, joints
        self.unit, self.turn = unit, turn
        self.up = joints["crown"] - joints["head"]  # as long as the head's radius, like `right`
        self.right = np.array([-self.up[1], self.up[0]])

    def arm(self, side: str) -> None:
        shoulder, elbow, wrist = self._points(side, "shoulder", "elbow", "wrist")
        sleeve = self.look.shirt if self.look.long_sleeves else self.look.skin
        self._parts(
            ([wrist, wrist + 0.2 * (wrist - elbow)], (0.021, 0.026), self.look.skin),
            ([elbow, wrist], (0.028, 0.02), sleeve),
            ([shoulder, elbow], (0.036, 0.029), self.look.shirt),
        )

    def leg(self, side: str) -> None:
        hip, knee, ankle = self._points(side, "hip", "knee", "ankle")
        outward = (-0.5 if side == "right" else 0.5) * np.cos(self.turn) + np.sin(self.turn)
        toe = ankle + np.array([0.055 * outward, 0.016]) * self.unit
        self._parts(
            ([hip, knee], (0.052, 0.04), self.look.trousers),
            ([knee, ankle], (0.04, 0.028), self.look.trousers),
        )
        self._parts(([ankle, toe], (0.031, 0.026), self.look.shoes))

    def torso(self) -> None:
        right = np.stack(self._points("right", "shoulder", "hip"))
        left = np.stack(self._points("left", "shoulder", "hip"))
        self._parts(([self.joints["neck"], self.joints["head"]], (0.03, 0.03), self.look.skin))
        self._parts(([right[1], left[1]], (0.05, 0.05), self.look.trousers))
        self._parts(([*right, *left], (0.036, 0.036, 0.036, 0.036), self.look.shirt))
        aside = np.array([0.034 * self.unit * self.look.girth, 0])
        for start, end in BANDS.get(self.look.pattern, ()):
            rows = np.array([start, end])[:, None]
            right_edge = right[0] + rows * (right[1] - right[0]) - aside
            left_edge = left[0] + rows * (left[1] - left[0]) + aside
            corners = np.concatenate([right_edge, left_edge[::-1]])
            self.canvas.polygon(corners, self.look.accent)
        if self.look.pattern == "badge":
            middle = 0.3 * (right[0] + left[0]) + 0.2 * (right[1] + left[1])
            middle[0] += 0.04 * np.sin(self.turn) * self.unit
            self.canvas.disc(middle, 0.045 * self.unit, self.look.accent)

    def hair_behind(self) -> None:
        """Draw the hair behind neck and shoulders: a fall of long hair, or a bun."""
        head, radius, hair = self.joints["head"], np.linalg.norm(self.up), self.look.hair
        if self.look.hair_style == "long":
            fall = head - 1.7 * self.up
            self.canvas.rounded([head, fall], (1.15 * radius, 1.1 * radius), shade(hair, 0.8))
        if self.look.hair_style == "bun":
            self.canvas.disc(head + 1.25 * self.up, 0.45 * radius, shade(hair, 0.8))

    def head(self) -> None:
        head, radius = self.joints["head"], np.linalg.norm(self.up)
        for ear in ("right_ear", "left_ear"):
            self.canvas.disc(self.joints[ear], 0.2 * radius, shade(self.look.skin, 0.85))
        self.canvas.disc(head, radius + RIM * self.unit, shade(self.look.skin, 0.72))
        self.canvas.disc(head, radius, self.look.skin)
        self._hair_above(head, radius)
        self._face(radius)

    def hat(self) -> None:
        """A top hat in two colours that no figure's clothes have."""
        radius = np.linalg.norm(self.up)
        brim = self.joints["head"] + 0.65 * self.up
        for low, high, colour in ((0, 1.9, HAT), (0.25, 0.75, HAT_BAND)):
            sides = 0.95 * self.right * np.array([[-1], [1], [1], [-1]])
            heights = self.up * np.array([[low], [low], [high], [high]])
            self.canvas.polygon(brim + sides + heights, colour)
        self.canvas.ellipse(brim, 1.5 * self.right, 0.22 * radius, shade(HAT, 0.8))

    def _hair_above(self, head: np.ndarray, radius: float | np.floating) -> None:
        """A cap over the top of the head; its edge swings to the back as the face turns away."""
        back = -np.sin(self.turn)
        angles = np.linspace(0.3 - 0.5 * max(back, 0), np.pi - 0.3 - 0.5 * min(back, 0), 20)
        rim = np.cos(angles)[:, None] * self.right + np.sin(angles)[:, None] * self.up
        self.canvas.polygon(head + 1.1 * rim, self.look.hair)

    def _face(self, radius: float | np.floating) -> None:
        nose, face_up, face_right = self.joints["nose"], self.up, self.right * np.cos(self.turn)
        for eye in (self.joints["right_eye"], self.joints["left_eye"]):
            glance = 0.05 * np.sin(self.turn) * self.right
            self.canvas.ellipse(eye, 0.2 * face_right, 0.17 * radius, (250, 250, 250))
            self.canvas.disc(eye + glance, 0.12 * radius, (35, 25, 25))
        self.canvas.disc(nose, 0.11 * radius, shade(self.look.skin, 0.75))
        mouth = nose - 0.4 * face_up
        self.canvas.ellipse(mouth, 0.3 * face_right, 0.1 * radius, (190, 60, 70))

    def _parts(self, *parts):
        """Rounded parts (points, radii, colour) of a limb over a darker rim round all of them."""
        for rim, share in ((RIM, 0.65), (0, 1.0)):
            for points, radii, colour in parts:
                radii = (np.array(radii) * self.look.girth + rim) * self.unit
                self.canvas.rounded(points, radii, shade(colour, share))

    def _points(self, side: str, *names: str) -> list[np.ndarray]:
        return [self.joints[f"{side}_{name}"] for name in names]


def shade(colour: tuple[int, ...], share: float) -> tuple[int, ...]:
    return tuple(int(channel * share) for channel in colour)


def _draw_room(canvas: Canvas, character: Character) -> None:
    canvas.pixels[:] = _room(canvas.pixels.shape, tuple(character.wall), tuple(character.floor))


@lru_cache(maxsize=2)  # it is the same in all frames of a clip
def _room(shape: tuple[int, ...], wall: tuple[int, ...], floor: tuple[int, ...]) -> np.ndarray:
    pixels = np.empty(shape, np.uint8)
    horizon = round((GROUND - 0.06) * shape[0])
    light = np.linspace(1.0, 0.86, shape[0])[:, None]  # darker towards the floor
    pixels[:] = (light * wall).astype(np.uint8)[:, None]  # [rows, 1, 3]
    pixels[horizon:] = floor
    return pixels
