"""The scores that matter of a test of generated figures, as lines of text."""

from typing import Any


def summary(scores: dict[str, Any]) -> str:
    """Lines of name, mean and half the width of its 95% interval; see `aa.puppets.evaluation`."""
    pairs, swaps, poses = scores["pairs"], scores["swaps"]["parts"], scores["poses"]
    lines = [_line("of single frames", "score", "over the best baseline")]
    for metric, found in pairs["generated"].items():
        lines.append(_line(metric, text(found, 3), text(pairs["gain"][metric], 3)))
    for part in ("shirt", "trousers"):
        errors = text(swaps[part]["error"]), f"its mean colour {text(swaps[part]['colour_error'])}"
        lines.append(_line(f"colour error of the {part}, 0..255", *errors))
        lines.append(_line(f"{part} nearer to the reference's", text(swaps[part]["nearer"], 3)))
    lines.append(_line("right pose over a wrong one, dB", text(poses["psnr_gain"])))
    lines.append(_line("silhouette IoU", text(poses["iou"], 3)))
    lines.append(_line("temporal error, 0..255", "whole frame", "inside the figure"))
    for name, row in scores["clips"].items():
        errors = text(row["temporal_error"]), text(row["temporal_error_figure"])
        lines.append(_line(f"  {name}", *errors, f"psnr {text(row['psnr'])}"))
    return "\n".join(lines)


def text(value: dict[str, Any], digits: int = 2) -> str:
    """A score as text; one without figures to count is a dash."""
    mean, interval = value["mean"], value["interval_95"]
    if mean is None:
        return "-"
    half = f" +/- {(interval[1] - interval[0]) / 2:.{digits}f}" if interval else ""
    return f"{mean:.{digits}f}{half}"


def _line(name: str, *values: str) -> str:
    return f"{name:<40}" + "  ".join(f"{value:<20}" for value in values).rstrip()
