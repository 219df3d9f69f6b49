"""What a check finds wrong, or worth knowing, about a clip of a data set."""

from dataclasses import asdict, dataclass
from typing import Any

# Kinds and their titles. Faults make a training stop, leave the clip out or learn nonsense of it.
FAULTS = {
    "missing": "file missing",
    "outside": "outside of the data set",
    "alone": "no partner",
    "both_lists": "in train and validation",
    "left_out": "left out of training",
    "undecodable": "does not decode whole",
    "no_pose": "no pose at all",
    "keypoints": "keypoints do not fit",
    "failed": "could not be checked",
}
NOTES = {
    "few_poses": "few poses",
    "sizes": "sizes differ",
    "rates": "rates differ",
    "swapped": "video and poses look swapped",
    "repeats": "repeats another clip",
    "twice": "listed twice",
}


@dataclass(frozen=True)
class Finding:
    """A finding: `kind` is one of `FAULTS` or `NOTES`."""

    kind: str
    words: str
    measured: float | None = None
    limit: float | None = None

    @property
    def is_fault(self) -> bool:
        return self.kind in FAULTS

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain values."""
        return asdict(self)
