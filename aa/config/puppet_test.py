"""Schema of the key `test`: the test that follows training on generated figures."""

from dataclasses import dataclass

from aa.config.checks import positive, wanted


@dataclass
class PuppetTestConfig:
    """Numbers of figures, in no training clip, that are animated and scored against the truth."""

    num_pairs: int = 64  # figures of single frames
    num_clips: int = 24  # figures of clips, others than those
    clip_frames: int = 16  # frames of every clip
    validation_pairs: int = 16  # figures of the validation split
    validation_steps: int = 250  # how often they are scored while training

    def __post_init__(self) -> None:
        positive("test", self, "num_pairs", "num_clips", "clip_frames")
        positive("test", self, "validation_pairs", "validation_steps")
        wanted(
            self.num_pairs > 1 and self.clip_frames > 1,
            "test.num_pairs and test.clip_frames must be 2 or more, got "
            f"{self.num_pairs} and {self.clip_frames}.",
        )
