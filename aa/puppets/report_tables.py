"""The tables of `report.html` from the scores of a test on generated figures."""

from typing import Any

from aa.reports.pages import NOTHING, Html, note, table

QUALITY = {
    "psnr": ("PSNR, dB", 2),
    "ssim": ("SSIM", 3),
    "psnr_figure": ("PSNR in the figure, dB", 2),
}
# Names of lines; a line of another name is called by it.
NAMES = {
    "generated": "this model",
    "copy": "copy of the reference",
    "background": "background of the reference",
    "mean_frame": "mean training frame",
    "nearest_frame": "nearest training frame",
    "frozen": "the reference, frozen",
}
FLICKER = {
    "temporal_error": ("temporal error", 2),
    "temporal_error_figure": ("in the figure", 2),
    "temporal_error_room": ("where the figure never is", 2),
}
PARTS = {
    "error": ("error", 1),
    "colour_error": ("of the mean colour", 1),
    "error_other": ("to the other figure's", 1),
    "error_truth": ("of the truth", 1),
}


def tables(scores: dict[str, Any]) -> tuple[Html, Html, Html, Html]:
    """HTML of the tables of pairs, poses, swaps and clips, in this order."""
    return (
        _pairs(scores["pairs"]),
        _poses(scores["poses"]),
        _swaps(scores["swaps"]),
        _clips(scores["clips"]),
    )


def number(value: dict[str, Any], digits: int) -> Html:
    """A score as HTML: its mean and half the width of its interval."""
    if value["mean"] is None:
        return NOTHING
    interval, mean = value["interval_95"], f"{value['mean']:.{digits}f}"
    if interval is None:
        return Html("{}").format(mean)
    return Html("{} &plusmn; {}").format(mean, f"{(interval[1] - interval[0]) / 2:.{digits}f}")


def _pairs(pairs: dict[str, Any]) -> Html:
    rows = {"generated": pairs["generated"], **pairs["baselines"]}
    gains = []
    for key, (title, digits) in QUALITY.items():
        gain = pairs["gain"][key]
        text = number(gain, digits), NAMES[gain["over"]]
        gains.append(Html("{}: {} (the {})").format(title, *text))
    about = Html("More than the best baseline of each score, figure by figure: {}.")
    return _score_table(rows, QUALITY) + note(about.format(Html("; ").join(gains)))


def _clips(clips: dict[str, Any]) -> Html:
    return _score_table(clips, QUALITY | FLICKER) + note(
        Html(
            "Temporal error: mean difference between the changes from frame to frame and the true "
            "ones, 0 to 255; less is better. What is frozen has the truth's motion as its error."
        )
    )


def _poses(poses: dict[str, Any]) -> Html:
    rows = [
        ("Nearer to the asked pose's truth than to another moment's, dB", "psnr_gain", 2),
        ("the same inside the two figures, dB", "psnr_gain_figure", 2),
        ("Overlap with the true silhouette (IoU)", "iou", 3),
        ("the truth's own, found in the same way", "iou_truth", 3),
        ("overlap with another moment's silhouette", "iou_wrong", 3),
        ("Head, hands and feet are off by, pixels", "pose_error", 2),
        ("another moment's are off by, pixels", "pose_error_wrong", 2),
    ]
    return table(
        ["", ""], [(text, [number(poses[key], digits)], False) for text, key, digits in rows]
    )


def _swaps(swaps: dict[str, Any]) -> Html:
    rows = []
    for part, found in swaps["parts"].items():
        cells = [number(found[key], digits) for key, (_, digits) in PARTS.items()]
        share, count = found["nearer"]["mean"], found["nearer"]["count"]
        nearer = NOTHING if share is None else f"{100 * share:.0f}% of {count}"
        rows.append((part, [*cells, nearer], False))
    titles = ["part", *(title for title, _ in PARTS.values()), "nearer to the reference's"]
    about = Html(
        "Each pose with another figure's reference. Error: mean difference from the reference's "
        "colour inside the part's true place, 0 to 255; less is better. accent: the shirt's "
        "pattern. PSNR to the truth of the swap: {} dB; to the figure whose pose it is: {} dB."
    )
    scores = (number(swaps[key], 2) for key in ("psnr_given", "psnr_other"))
    return table(titles, rows) + note(about.format(*scores))


def _score_table(rows: dict[str, Any], columns: dict[str, tuple[str, int]]) -> Html:
    """{name: {key: score}} as a table; `columns` {key: (title, digits)}."""
    lines = [
        (
            NAMES.get(name, name),
            [number(scores[k], d) for k, (_, d) in columns.items()],
            name == "generated",
        )
        for name, scores in rows.items()
    ]
    return table(["", *(title for title, _ in columns.values())], lines)
