"""The metrics that a user can name: what each computes, what it needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aa.config.evaluation import METRICS
from aa.errors import UserError
from aa.evaluation import metrics
from aa.evaluation.clips import SLICE
from aa.evaluation.learned import why_not

LEAST_SIDE = {"ssim": metrics.SSIM_WINDOW, "lpips": 31}  # pixels; AlexNet's layers need these


@dataclass(frozen=True)
class Metric:
    """`function` gives values of the frames of a slice; None for LPIPS and FVD, which need weights.

    `pairwise`: of neighbouring frames. `inside`: takes masks as well.
    """

    definition: str
    unit: str
    function: Callable | None = None
    pairwise: bool = False
    inside: bool = False


CATALOGUE = {
    "psnr": Metric(
        "PSNR in float, data range 1, at most 100; mean over frames",
        "dB",
        metrics.psnr_per_frame,
    ),
    "psnr_figure": Metric(
        "psnr over the pixels inside the masks",
        "dB",
        metrics.psnr_per_frame,
        inside=True,
    ),
    "ssim": Metric(
        "SSIM over RGB in float, data range 1, flat 7x7 windows; mean over frames",
        "",
        metrics.ssim_per_frame,
    ),
    "lpips": Metric("LPIPS on AlexNet; mean over frames", ""),
    "fvd": Metric(f"FVD on I3D logits; every {SLICE} frames in a row are a sample", ""),
    "temporal_error": Metric(
        "mean absolute difference of the changes from frame to frame, in 0..255",
        "",
        metrics.temporal_error_per_frame,
        pairwise=True,
    ),
    "temporal_error_figure": Metric(
        "temporal_error over pixels inside the mask of either frame",
        "",
        metrics.temporal_error_per_frame,
        pairwise=True,
        inside=True,
    ),
    "psnr_uint8_overflow": Metric(
        "PSNR with wrapping uint8 arithmetic, as DisCo's script: for published tables only",
        "dB",
        metrics.psnr_uint8_overflow_per_frame,
    ),
}


def choose(
    names: Sequence[str] | None,
    clips: Sequence[Mapping[str, Any]],
    *,
    masks: bool,
) -> tuple[list[str], dict[str, str]]:
    """The metrics to compute, and why others are left out.

    Args:
        names: those requested; None for all of `METRICS` that can be computed.
        clips: what `aa.evaluation.clips.describe` tells.
        masks: whether there are masks.

    Returns:
        list of names, and {name: reason} of what was not requested by name and cannot be.

    Raises:
        UserError: one that was requested cannot be computed.
    """
    reasons = {n: obstacle(n, clips, masks=masks) for n in (METRICS if names is None else names)}
    left_out = {name: reason for name, reason in reasons.items() if reason}
    if names is not None and left_out:
        name, reason = next(iter(left_out.items()))
        raise UserError(f"metrics: {name} cannot be computed: {reason}.")
    return [name for name in reasons if name not in left_out], left_out


def obstacle(name: str, clips: Sequence[Mapping[str, Any]], *, masks: bool) -> str | None:
    """Reason why a metric cannot be computed for all clips, or None."""
    if CATALOGUE[name].inside and not masks:
        return "needs masks=<folder of videos, white is the figure>"
    for clip in clips:
        if CATALOGUE[name].pairwise and clip["frames"] < 2:
            return f"{clip['clip']} has a single frame"
        least = LEAST_SIDE.get(name, 1)
        if min(clip["height"], clip["width"]) < least:
            return f"{clip['clip']} is smaller than {least}x{least} pixels"
    samples = sum(clip["frames"] // SLICE for clip in clips)
    if name == "fvd" and samples < 2:
        return f"needs 2 samples of {SLICE} frames in a row at the least, there are {samples}"
    return why_not(name) if name in ("lpips", "fvd") else None
