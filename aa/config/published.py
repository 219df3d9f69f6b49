"""Sizes that the recipe was published with: what is trained at unless other ones are given."""

from dataclasses import dataclass

from aa.config.checks import positive, size


@dataclass
class PublishedSize:
    """Pixels and frames of a training item. The defaults are those of the first stage."""

    height: int = 768  # pixels
    width: int = 768  # pixels
    num_frames: int = 1  # frames of a training item

    def __post_init__(self) -> None:
        size("published_size", self)
        positive("published_size", self, "num_frames")
