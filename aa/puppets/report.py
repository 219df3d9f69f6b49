"""`report.html` of a run on generated figures: scores, images, curves, and how to repeat it."""

from pathlib import Path
from typing import Any

from PIL import Image

from aa.files import write_json, write_text
from aa.puppets import pictures
from aa.puppets.evaluation import Outcome
from aa.puppets.report_tables import tables
from aa.reports.pages import Html, joined, lines, note, page

VIDEO = Html(
    '<p><video src="report/clips.mp4" controls autoplay loop muted playsinline></video></p>'
)


def write_report(
    folder: str | Path,
    outcome: Outcome,
    *,
    title: str,
    losses: dict[str, list[dict[str, Any]]],
    quality: list[dict[str, Any]],
    baseline: dict[str, float],
    command: str,
    values: dict[str, Any],
) -> Path:
    """Write `report.html`, `scores.json` and the images in `report/` into a run folder.

    Args:
        folder: the run folder; the page refers to its files by relative paths alone.
        title: of the page.
        losses: {name of a stage: list of {"step", "loss", ...}}, the lines of metrics.jsonl.
        quality: {"minutes", "psnr", "psnr_figure"} of validation figures.
        baseline: {"psnr", "psnr_figure"} of copies of the reference of those figures.
        command: that repeats the run.
        values: of the config, those that matter.

    Returns:
        the page's path.
    """
    folder = Path(folder)
    (folder / "report").mkdir(parents=True, exist_ok=True)
    fps = outcome.scores["protocol"]["fps"]
    grids = {f"pairs-{n}.png": sheet for n, sheet in enumerate(pictures.pair_grids(outcome), 1)}
    for name, sheet in {**grids, "swaps.png": pictures.cross_grid(outcome)}.items():
        Image.fromarray(sheet).save(folder / "report" / name)
    pictures.write_clips(folder / "report/clips.mp4", outcome, fps=fps)
    pictures.plot_losses(folder / "report/loss.png", losses)
    pictures.plot_quality(folder / "report/quality.png", quality, baseline)
    write_json(folder / "scores.json", outcome.scores)
    parts = [*_results(outcome.scores, list(grids)), *_training(command, values)]
    write_text(folder / "report.html", page(title, [_about(outcome.scores), *parts]))
    return folder / "report.html"


def _about(scores: dict[str, Any]) -> Html:
    protocol = scores["protocol"]
    return Html(
        "<p>Tested on {num_pairs} figures and {num_clips} clips of the {split} split: characters "
        "and motions that training never saw, {height}x{width} pixels. The truth is drawn, so it "
        "is exact. Numbers are means over figures &plusmn; half the width of the 95% interval.</p>"
    ).format_map(protocol)


def _results(scores: dict[str, Any], grids: list[str]) -> list[Html]:
    quality, poses, swaps, clips = tables(scores)
    return [
        Html("<h2>Quality of single frames</h2>"),
        quality,
        _pictures(grids, "reference, pose, result and truth of held-out figures"),
        Html("<h2>Does it follow the pose?</h2>"),
        poses,
        Html("<h2>Does it wear what the reference wears?</h2>"),
        swaps,
        _pictures(["swaps.png"], "every pose, down, with every reference, across"),
        Html("<h2>Clips</h2>"),
        clips,
        VIDEO,
        note(
            Html(
                "reference, pose, result and truth of held-out figures; "
                '<a href="report/clips.mp4">the file</a>'
            )
        ),
    ]


def _training(command: str, values: dict[str, Any]) -> list[Html]:
    line = Html("<tr><td>{}</td><td>{}</td></tr>")
    rows = joined(line.format(key, value) for key, value in values.items())
    return [
        Html("<h2>Training</h2>"),
        _pictures(["quality.png"], "validation PSNR over time; dashed: the reference copied"),
        _pictures(["loss.png"], "loss by step"),
        Html("<h2>How to repeat it</h2>"),
        Html("<pre>{}</pre>").format(command),
        Html('<div class="wide"><table>{}</table></div>').format(rows),
        note(Html('All numbers: <a href="scores.json">scores.json</a>')),
    ]


def _pictures(names: list[str], text: str) -> Html:
    link = Html('<a href="report/{0}"><img src="report/{0}" alt="{1}"></a>')
    shown = lines(link.format(name, text) for name in names)
    return Html('<div class="beside">\n{}\n</div>\n{}').format(shown, note(text))
