"""Schema of `runners/prepare.py`."""

from dataclasses import dataclass, field

from aa.config.checks import not_negative, positive, wanted
from aa.config.sweep import SweepConfig

ENGINES = ("local", "ray")
DETECTORS = ("auto", "mediapipe", "dwpose")


@dataclass
class ScenesConfig:
    """Where a video is cut, see PySceneDetect's AdaptiveDetector."""

    threshold: float = 3.0  # a cut changes a picture this much more than its neighbours change
    min_change: float = 15.0  # and by so much, of 255

    def __post_init__(self) -> None:
        positive("scenes", self, "threshold", "min_change")


@dataclass
class KeepConfig:
    """Limits of a clip that is kept."""

    min_frames: int = 32  # shorter clips are dropped
    max_frames: int = 300  # a longer scene becomes several clips
    min_side: int = 256  # pixels of a picture's shorter side
    max_pixels: int = 8_900_000  # of a picture
    min_brightness: float = 16.0  # mean, of 255
    min_motion: float = 0.3  # mean change of a small picture in a quarter of a second, of 255
    min_joints: int = 8  # of the body's 18; with fewer a person is not there
    min_seen: float = 0.9  # share of frames with the person
    min_height: float = 0.3  # median height of the person, of the picture's
    min_score: float = 0.5  # mean score of the joints that are seen
    min_sharpness: float = 10.0  # variance of the Laplacian on the person at 256 pixels height
    similar_person: float = 0.6  # of the person's height: others from here on are in the way
    max_overlap: float = 0.1  # of the person's box with that of another
    max_similarity: float = 0.75  # correlation of motion: of more alike clips the largest is kept

    def __post_init__(self) -> None:
        positive("keep", self, "min_frames", "max_frames", "max_pixels", "min_joints")
        shares = ("min_seen", "min_height", "min_score", "max_overlap", "max_similarity")
        not_negative("keep", self, "min_side", "min_brightness", "min_motion", "min_sharpness")
        not_negative("keep", self, *shares, "similar_person")
        for key in shares:
            value = getattr(self, key)
            wanted(value <= 1, f"keep.{key} must be at most 1, got {value}.")
        wanted(self.min_joints <= 18, f"keep.min_joints must be at most 18, got {self.min_joints}.")
        wanted(
            self.max_frames >= 2 * self.min_frames,
            "keep.max_frames must be at least twice keep.min_frames, so that the parts of a long "
            f"scene are long enough; got {self.max_frames} and {self.min_frames}.",
        )


@dataclass
class PrepareConfig:
    """Raw videos that become a data set, or a data set that is checked."""

    source: str | None = None  # a folder of videos, or one
    target: str | None = None  # folder of the data set
    check: str | None = None  # a data set that exists: its folder, or its manifest
    detector: str = "auto"  # dwpose where its files are, else mediapipe
    scenes: ScenesConfig = field(default_factory=ScenesConfig)
    keep: KeepConfig = field(default_factory=KeepConfig)
    validation_share: float = 0.05  # of the source videos
    crf: int = 18  # quality of the clips, as of x264
    processes: int | None = None  # null: one a core
    engine: str = "local"  # or ray
    ray_address: str | None = None  # of a cluster; null starts Ray here
    rerun: str | None = None  # as in TrainConfig
    sweep: SweepConfig = field(default_factory=SweepConfig)
    name: str = "prepare"  # part of the run folder's name

    def __post_init__(self) -> None:
        given = [key for key in ("source", "target", "check") if getattr(self, key)]
        wanted(
            given in (["source", "target"], ["check"]),
            "give source=<folder of videos> target=<data set to be made>, or check=<data set>; "
            f"got {' and '.join(given) or 'none of them'}.",
        )
        self._one_of("engine", ENGINES)
        self._one_of("detector", DETECTORS)
        wanted(
            0 <= self.validation_share < 1,
            f"validation_share must lie in [0, 1), got {self.validation_share}.",
        )
        wanted(0 <= self.crf <= 51, f"crf must lie between 0 and 51, got {self.crf}.")
        wanted(
            self.processes is None or 1 <= self.processes <= 1024,
            f"processes must lie between 1 and 1024, or be null, got {self.processes}.",
        )
        wanted(
            self.engine == "ray" or self.ray_address is None,
            "ray_address goes with engine=ray; add it, or use ray_address=null.",
        )

    def _one_of(self, key: str, options: tuple[str, ...]) -> None:
        value = getattr(self, key)
        wanted(value in options, f"{key} must be one of {', '.join(options)}, got {value}.")
