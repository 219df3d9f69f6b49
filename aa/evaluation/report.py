"""`report.html` of a run on generated figures: scores, pictures, curves, and how to repeat it."""

import html
from pathlib import Path

from PIL import Image

from aa.evaluation import pictures
from aa.evaluation.report_tables import tables
from aa.runs import write_json

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto;
        padding: 0 1rem 3rem; }}
h1 {{ font-size: 1.6rem; }} h2 {{ font-size: 1.2rem; margin-top: 2.2rem; }}
img, video {{ max-width: 100%; height: auto; background: #fff; }}
.wide {{ overflow-x: auto; }}
.beside {{ display: flex; flex-wrap: wrap; gap: .7rem; }}
.beside a {{ flex: 1 1 20rem; max-width: 50rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .25rem .5rem; text-align: right; border-bottom: 1px solid #8885; }}
td {{ white-space: nowrap; }}
th:first-child, td:first-child {{ text-align: left; white-space: normal; min-width: 7rem; }}
tr.ours td {{ font-weight: 600; }}
pre {{ overflow-x: auto; padding: .7rem; border: 1px solid #8885; border-radius: .3rem; }}
.note {{ font-size: .9rem; opacity: .8; }}
@media (max-width: 40rem) {{ table {{ font-size: .8rem; }} th, td {{ padding: .2rem .3rem; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{about}</p>
{body}
</body>
</html>
"""


def write_report(folder, outcome, *, title, losses, quality, baseline, command, values):
    """Write `report.html`, `scores.json` and the pictures in `report/` into a run folder.

    Args:
        folder: the run folder; the page refers to its files by relative paths alone.
        outcome: an `Outcome`.
        title: of the page.
        losses: {name of a stage: list of {"step", "loss", ...}}, the lines of metrics.jsonl.
        quality: list of {"minutes", "psnr", "psnr_figure"} of validation figures.
        baseline: {"psnr", "psnr_figure"} of copies of the reference of those figures.
        command: that repeats the run.
        values: {key: value} of the config, those that matter.

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
    page = folder / "report.html"
    body = "\n".join([*_results(outcome.scores, list(grids)), *_training(command, values)])
    text = PAGE.format(title=html.escape(title), about=_about(outcome.scores), body=body)
    page.write_text(text, encoding="utf-8")
    return page


def _about(scores):
    protocol = scores["protocol"]
    return (
        f"Tested on {protocol['num_pairs']} figures and {protocol['num_clips']} clips of the "
        f"{html.escape(protocol['split'])} split: characters and motions that training never saw, "
        f"{protocol['height']}x{protocol['width']} pixels. The truth is drawn, so it is exact. "
        "Numbers are means over figures &plusmn; half the width of the 95% interval."
    )


def _results(scores, grids):
    quality, poses, swaps, clips = tables(scores)
    return [
        "<h2>Quality of single frames</h2>",
        quality,
        _pictures(grids, "reference, pose, result and truth of held-out figures"),
        "<h2>Does it follow the pose?</h2>",
        poses,
        "<h2>Does it wear what the reference wears?</h2>",
        swaps,
        _pictures(["swaps.png"], "every pose, down, with every reference, across"),
        "<h2>Clips</h2>",
        clips,
        '<p><video src="report/clips.mp4" controls autoplay loop muted playsinline></video></p>',
        '<p class="note">reference, pose, result and truth of held-out figures; '
        '<a href="report/clips.mp4">the file</a></p>',
    ]


def _training(command, values):
    rows = "".join(
        f"<tr><td>{html.escape(str(key))}</td><td>{html.escape(str(value))}</td></tr>"
        for key, value in values.items()
    )
    return [
        "<h2>Training</h2>",
        _pictures(["quality.png"], "validation PSNR over time; dashed: the reference copied"),
        _pictures(["loss.png"], "loss by step"),
        "<h2>How to repeat it</h2>",
        f"<pre>{html.escape(command)}</pre>",
        f'<div class="wide"><table>{rows}</table></div>',
        '<p class="note">All numbers: <a href="scores.json">scores.json</a></p>',
    ]


def _pictures(names, text):
    text = html.escape(text)
    shown = "\n".join(
        f'<a href="report/{n}"><img src="report/{n}" alt="{text}"></a>' for n in names
    )
    return f'<div class="beside">\n{shown}\n</div>\n<p class="note">{text}</p>'
