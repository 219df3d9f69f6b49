"""What is decided about a video or a clip, and why: a reason, what was measured, and the limit."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Reason:
    """Why something is kept or dropped.

    Attributes:
        title: for tables and counts.
        words: a sentence with {measured} and {limit}.
        key: that sets the limit; "" where none does.
    """

    title: str
    words: str
    key: str = ""


REASONS = {
    "kept": Reason("kept", "passes every limit"),
    "unreadable": Reason("unreadable", "{detail}"),
    "failed": Reason("failed", "{detail}; it is tried again the next time"),
    "too_small": Reason(
        "picture too small",
        "its shorter side has {measured:.0f} pixels, at least {limit:.0f} are expected",
        "keep.min_side",
    ),
    "too_large": Reason(
        "picture too large",
        "its picture has {measured:.0f} pixels, at most {limit:.0f} are taken",
        "keep.max_pixels",
    ),
    "too_short": Reason(
        "too short",
        "{measured:.0f} frames, at least {limit:.0f} are expected",
        "keep.min_frames",
    ),
    "dark": Reason(
        "dark",
        "mean brightness {measured:.1f} of 255, at least {limit:g} is expected",
        "keep.min_brightness",
    ),
    "static": Reason(
        "static",
        "changes by {measured:.2f} of 255 in a quarter of a second, at least {limit:g} is expected",
        "keep.min_motion",
    ),
    "no_person": Reason(
        "nobody there",
        "no person has {limit:.0f} joints or more in any frame",
        "keep.min_joints",
    ),
    "briefly_seen": Reason(
        "person seen too briefly",
        "the person is there in {measured:.0f} frames, at least {limit:.0f} are expected",
        "keep.min_frames",
    ),
    "rarely_seen": Reason(
        "person not seen throughout",
        "the person is seen in {measured:.0%} of the frames, at least {limit:.0%} are expected",
        "keep.min_seen",
    ),
    "small_person": Reason(
        "person too small",
        "the person has {measured:.0%} of the picture's height, at least {limit:.0%} are expected",
        "keep.min_height",
    ),
    "unsure": Reason(
        "person not seen surely",
        "joints have a mean score of {measured:.2f}, at least {limit:g} is expected",
        "keep.min_score",
    ),
    "crossing": Reason(
        "people in each other's way",
        "somebody of similar size covers {measured:.0%} of the person's box, at most {limit:.0%} "
        "may be",
        "keep.max_overlap",
    ),
    "blurred": Reason(
        "blurred",
        "the person has a sharpness of {measured:.1f}, at least {limit:g} is expected",
        "keep.min_sharpness",
    ),
    "repeats": Reason(
        "repeats another clip",
        "moves as {detail} does: similarity {measured:.2f}, at most {limit:g} is allowed",
        "keep.max_similarity",
    ),
}


@dataclass(frozen=True)
class Verdict:
    """A decision: `reason` is one of `REASONS`."""

    reason: str
    measured: float | None = None
    limit: float | None = None
    detail: str = ""

    @property
    def words(self) -> str:
        """The reason in words."""
        return REASONS[self.reason].words.format(**asdict(self))

    def as_dict(self) -> dict[str, Any]:
        """The verdict as plain values, numbers with four digits behind the point."""
        values = {key: _rounded(value) for key, value in asdict(self).items()}
        return {**values, "words": self.words, "key": REASONS[self.reason].key or None}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Verdict":
        """Read what `as_dict` has made."""
        return cls(*(values[key] for key in ("reason", "measured", "limit", "detail")))


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def first_below(*checks: tuple[str, float, float]) -> Verdict | None:
    """The verdict of the first of (reason, measured, limit) that is below its limit, or None."""
    for reason, measured, limit in checks:
        if measured < limit:
            return Verdict(reason, float(measured), float(limit))
    return None
