"""What an alignment has done, and what a user should know of it."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from aa.poses.alignment.beliefs import Ratio
from aa.poses.alignment.bones import BONES, THIGHS, Bone, Joints
from aa.poses.alignment.coverage import COVERAGES, SHOWN
from aa.poses.alignment.fit import MOST_OUTSIDE
from aa.poses.alignment.views import WITHIN, angle_differences

BENT = 50.0  # degrees between thigh and torso of somebody who sits, seen from the side
SELDOM = 0.1  # of the frames


@dataclass(frozen=True)
class Alignment:
    """How poses were aligned to a picture.

    Attributes:
        mode: as requested.
        scale: pixels of the picture per pixel of the video, of the whole body.
        ratios: those of the bones, in the same unit, by name.
        coverage: how much of the body each side shows: `driving` and `reference`.
        outside: share of the joints that the picture shows and that leave it in some frame.
        fits: the largest further scale, at most 1, at which nearly none leave it.
        warnings: sentences.
    """

    mode: str
    scale: float
    ratios: dict[str, Ratio]
    coverage: dict[str, str]
    outside: float
    fits: float
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def describe(
    driving: Joints,
    reference: Joints,
    ratios: dict[str, Ratio],
    coverage: dict[str, str],
    outside: float,
    fits: float,
) -> list[str]:
    """Sentences on what may look wrong, the gravest first."""
    return [
        *_on_sitting(driving, reference, ratios),
        *_on_coverage(**coverage),
        *(sentence for name, ratio in ratios.items() if (sentence := _on_bone(name, ratio))),
        *_on_fit(outside, fits),
    ]


def _on_sitting(driving: Joints, reference: Joints, ratios: dict[str, Ratio]) -> list[str]:
    doubts = {ratios[name].doubt for name in THIGHS if name in ratios}
    bones = [BONES[name] for name in THIGHS]
    picture_sits = "short" in doubts or all(_bent(reference, b)[0] for b in bones)
    frames_sit = "long" in doubts or all(_bent(driving, b).mean() > 1 - SELDOM for b in bones)
    if picture_sits and not frames_sit and _seldom(driving, reference, bones, doubts):
        return ["the reference sits, the driver stands: choose another picture or frame."]
    if frames_sit and not picture_sits:
        return ["the driver sits, the reference stands: choose another picture or video."]
    return []


def _seldom(driving: Joints, reference: Joints, bones: list[Bone], doubts: set[str]) -> bool:
    """Whether the driver's thighs seldom look as the picture's do."""
    if "short" in doubts:
        return True
    near = [angle_differences(driving, reference, bone) <= WITHIN for bone in bones]
    return float(np.mean(near)) < SELDOM


def _bent(joints: Joints, thigh: Bone) -> np.ndarray:
    """In which frames a thigh stands off from the torso's line, bool [F]."""
    difference = joints.angles(thigh) - joints.angles(BONES["torso"])
    return np.abs((difference + 360) % 360 - 180) > BENT


def _on_coverage(driving: str, reference: str) -> list[str]:
    shows = f"driver shows {SHOWN[driving]}, picture shows {SHOWN[reference]}"
    order = [*COVERAGES, "none"]
    if order.index(driving) < order.index(reference):
        return [
            f"{shows}: what the picture does not show is scaled as the whole; "
            "give a picture that shows as much as the video, or one of more of the body."
        ]
    if order.index(driving) > order.index(reference):
        return [
            f"{shows}: what the video does not show is not moved and nothing is invented; "
            "give a video that shows as much as the picture."
        ]
    return []


_DOUBTS = {
    "view": "no frame of its direction",
    "short": "foreshortened in the picture",
    "long": "foreshortened in the video",
}


def _on_bone(name: str, ratio: Ratio) -> str | None:
    if ratio.doubt == "hidden" and ratio.how == "twin":
        return f"{name}: hidden; the twin's ratio used."
    if ratio.doubt not in _DOUBTS or ratio.how == "measured":
        return None
    used = {
        "twin": "the twin's ratio used",
        "neighbour": "the ratio of the limb's other bone used",
        "any view": "frames of other directions used",
        "whole": "the ratio of the whole used",
    }[ratio.how]
    return f"{name}: {_DOUBTS[ratio.doubt]}; {used}."


def _on_fit(outside: float, fits: float) -> list[str]:
    if outside <= MOST_OUTSIDE:
        return []
    return [
        f"{100 * outside:.0f} % of the joints leave the picture; "
        f"scaled by {fits:.2f} they would stay in it (fit=shrink)."
    ]
