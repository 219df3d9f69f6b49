"""The metrics that a user can name: what each computes, what it needs, which way is better."""

from collections.abc import Callable
from dataclasses import dataclass

from aa.errors import UserError
from aa.evaluation import metrics
from aa.evaluation.clips import SLICE
from aa.evaluation.learned import why_not
from aa.schemas.evaluation import METRICS

LEAST_SIDE = {"ssim": metrics.SSIM_WINDOW, "lpips": 31}  # pixels; AlexNet's layers need these


@dataclass(frozen=True)
class Metric:
    """`function` gives values of the frames of a slice; None for LPIPS and FVD, which need weights.

    `pairwise`: of neighbouring frames. `inside`: takes masks as well.
    """

    definition: str
    unit: str
    better: str
    function: Callable | None = None
    pairwise: bool = False
    inside: bool = False


CATALOGUE = {
    "psnr": Metric(
        "PSNR in float, data range 1, at most 100; mean over frames",
        "dB",
        "higher",
        metrics.psnr_per_frame,
    ),
    "psnr_figure": Metric(
        "psnr over the pixels inside the masks",
        "dB",
        "higher",
        metrics.psnr_per_frame,
        inside=True,
    ),
    "ssim": Metric(
        "SSIM over RGB in float, data range 1, flat 7x7 windows; mean over frames",
        "",
        "higher",
        metrics.ssim_per_frame,
    ),
    "lpips": Metric("LPIPS on AlexNet; mean over frames", "", "lower"),
    "fvd": Metric(f"FVD on I3D logits; every {SLICE} frames in a row are a sample", "", "lower"),
    "temporal_error": Metric(
        "mean absolute difference of the changes from frame to frame, in 0..255",
        "",
        "lower",
        metrics.temporal_error_per_frame,
        pairwise=True,
    ),
    "temporal_error_figure": Metric(
        "temporal_error over pixels inside the mask of either frame",
        "",
        "lower",
        metrics.temporal_error_per_frame,
        pairwise=True,
        inside=True,
    ),
    "psnr_uint8_overflow": Metric(
        "PSNR with wrapping uint8 arithmetic, as DisCo's script: for published tables only",
        "dB",
        "higher",
        metrics.psnr_uint8_overflow_per_frame,
    ),
}


def higher_is_better(name):
    """Whether more of a metric is better; less of "loss" is, which is not one of videos."""
    return name in CATALOGUE and CATALOGUE[name].better == "higher"


def choose(names, clips, *, masks):
    """The metrics to compute, and why others are left out.

    Args:
        names: those asked for; None for all of `METRICS` that can be computed.
        clips: what `aa.evaluation.clips.describe` tells.
        masks: whether there are masks.

    Returns:
        list of names, and {name: reason} of what was not asked for by name and cannot be.

    Raises:
        UserError: one that was asked for cannot be computed.
    """
    reasons = {n: obstacle(n, clips, masks=masks) for n in (METRICS if names is None else names)}
    left_out = {name: reason for name, reason in reasons.items() if reason}
    if names is not None and left_out:
        name, reason = next(iter(left_out.items()))
        raise UserError(f"metrics: {name} cannot be computed: {reason}.")
    return [name for name in reasons if name not in left_out], left_out


def obstacle(name, clips, *, masks):
    """Why a metric cannot be computed for all clips, or None."""
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
