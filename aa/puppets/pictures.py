"""Images of a test on generated figures: grids, a video and curves. Frames are [H, W, 3]."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aa.data.writers import VideoWriter
from aa.puppets.evaluation import Outcome

ENLARGED = 3  # times, each pixel a square, so that small results are seen as they are
GAP = 6  # pixels between images of a grid
TITLE = 26  # pixels of a line of titles
PAPER, INK = (255, 255, 255), (30, 30, 30)
COLUMNS = ("reference", "pose", "result", "truth")
COLOURS = {"psnr": "#1f6fb2", "psnr_figure": "#c4501b"}


def pair_grids(outcome: Outcome, *, count: int = 12, rows: int = 6) -> list[np.ndarray]:
    """reference | pose | result | truth of the first pairs: list of grids, uint8 [H, W, 3]."""
    pairs = outcome.pairs
    four = (pairs.references, pairs.poses, outcome.generated_pairs, pairs.truths)
    shown = [[as_uint8(kind[i]) for kind in four] for i in range(min(count, len(pairs.truths)))]
    return [grid(shown[i : i + rows], titles=COLUMNS) for i in range(0, len(shown), rows)]


def cross_grid(outcome: Outcome) -> np.ndarray:
    """The first references across, the first poses down, each with each, as uint8 [H, W, 3]."""
    count = len(outcome.crossed)
    corner = np.full_like(outcome.pairs.poses[0], 255)
    rows = [[corner, *outcome.pairs.references[:count]]]
    for pose, results in zip(outcome.pairs.poses, outcome.crossed, strict=False):
        rows.append([pose, *(as_uint8(result) for result in results)])
    return grid(rows, titles=("pose", *["reference"] * count))


def write_clips(path: str | Path, outcome: Outcome, *, fps: float, count: int = 4) -> None:
    """An mp4 of reference | pose | result | truth, the first clips one below the other."""
    clips = outcome.clips
    references = np.repeat(clips.references[:, None], clips.poses.shape[1], axis=1)
    four = (references, clips.poses, outcome.generated_clips, clips.truths)
    write_grids(
        path, [[kind[i] for kind in four] for i in range(min(count, len(clips.poses)))], fps=fps
    )


def write_grids(path: str | Path, rows: Sequence[Sequence[np.ndarray]], *, fps: float) -> None:
    """An mp4 of reference | pose | result | truth, a row of videos [F, H, W, 3] for each figure."""
    moments = range(len(rows[0][0]))
    frames = [
        grid([[as_uint8(video[t]) for video in row] for row in rows], titles=COLUMNS)
        for t in moments
    ]
    height, width = (side - side % 2 for side in frames[0].shape[:2])  # H.264 wants even sides
    with VideoWriter(path, fps=fps, height=height, width=width) as writer:
        writer.write(np.stack(frames)[:, :height, :width])


def grid(rows: Sequence[Sequence[np.ndarray]], *, titles: Sequence[str]) -> np.ndarray:
    """Rows of uint8 [H, W, 3] of one size, enlarged, with a title over each column."""
    height, width = (side * ENLARGED for side in rows[0][0].shape[:2])
    across, down = width + GAP, height + GAP
    size = (len(titles) * across + GAP, TITLE + len(rows) * down)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        place = (GAP + column * across + width // 2, TITLE // 2)
        draw.text(place, title, INK, ImageFont.load_default(_font_size(width, titles)), anchor="mm")
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            enlarged = Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (GAP + column * across, TITLE + row * down))
    return np.asarray(sheet)


def as_uint8(frame: np.ndarray) -> np.ndarray:
    """A frame, uint8 or float in 0..1, as uint8."""
    return frame if frame.dtype == np.uint8 else np.round(255 * frame).astype(np.uint8)


def plot_losses(path: str | Path, losses: dict[str, list[dict[str, Any]]]) -> None:
    """Draw the loss by step as png, a panel for each of {title: list of {"step", "loss", ...}}."""
    figure, panels = _figure(len(losses))
    for panel, (title, rows) in zip(panels, losses.items(), strict=True):
        known = [(row["step"], row["loss"]) for row in rows if row.get("loss") is not None]
        panel.plot(*zip(*known, strict=True), color="#1f6fb2", linewidth=1)
        panel.set(title=title, xlabel="step", ylabel="loss", yscale="log")
    figure.savefig(path)


def plot_quality(
    path: str | Path, points: list[dict[str, Any]], baseline: dict[str, float]
) -> None:
    """Draw validation quality over time as png.

    Args:
        points: {"minutes", "psnr", "psnr_figure"}.
        baseline: {"psnr", "psnr_figure"} of copies of the reference, a dashed line each.
    """
    figure, (panel,) = _figure(1)
    minutes = [point["minutes"] for point in points]
    for key, label in (("psnr", "whole frame"), ("psnr_figure", "figure")):
        panel.plot(minutes, [p[key] for p in points], "o-", ms=3, color=COLOURS[key], label=label)
        panel.axhline(baseline[key], ls="--", lw=1, color=COLOURS[key], label=f"{label}, copy")
    panel.set(title="validation", xlabel="minutes of training", ylabel="PSNR, dB")
    panel.legend(fontsize=8)
    figure.savefig(path)


def _figure(panels):
    """A figure and its panels side by side, without pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * panels, 3.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for panel in axes:
        panel.grid(alpha=0.3)
    return figure, axes


def _font_size(width: int, titles: Sequence[str]) -> int:
    """As large as the longest title allows, 16 at most; a letter is about 0.6 of it wide."""
    return max(6, min(16, int(width / (0.6 * max(len(title) for title in titles)))))
