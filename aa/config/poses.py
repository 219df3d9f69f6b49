"""Schema of the group `poses`: how poses are taken from a raw video."""

from dataclasses import dataclass, field

from aa.config.checks import not_negative, one_of, wanted


@dataclass
class DwposeConfig:
    """Released ONNX files of DWPose or RTMW."""

    detector: str = "pretrained_weights/dwpose/yolox_l.onnx"  # finds people
    pose: str = "pretrained_weights/dwpose/dw-ll_ucoco_384.onnx"  # their 133 points


@dataclass
class PosesConfig:
    """Detection and cleaning; with `driving=` only."""

    detector: str = "auto"  # mediapipe, dwpose, or auto: dwpose where its files are
    dwpose: DwposeConfig = field(default_factory=DwposeConfig)
    person: str = "largest"  # who is followed: largest, left, right, or a number from 0
    flips: bool = True  # swap left and right back where a detector confused them
    jumps: bool = True  # take out points that leave their place and come back
    gaps: float = 0.3  # seconds; shorter gaps of a point are filled
    smooth: float = 0.5  # seconds that smoothing looks at, at most; 0: none
    hands: bool = True  # whether they are kept
    face: bool = True  # whether it is kept
    min_score: float = 0.3  # points seen less surely are not drawn
    cache_dir: str | None = None  # folder of poses as detected, for all runs; null: the run's own

    def __post_init__(self) -> None:
        one_of("poses", self, "detector", ("auto", "mediapipe", "dwpose"))
        not_negative("poses", self, "gaps", "smooth")
        wanted(
            self.person in ("largest", "left", "right") or self.person.isdecimal(),
            "poses.person must be largest, left, right or a number from 0 (in the order in which "
            f"people come, from the left), got {self.person}.",
        )
        wanted(
            0 <= self.min_score <= 1,
            f"poses.min_score must be between 0 and 1, got {self.min_score}.",
        )
