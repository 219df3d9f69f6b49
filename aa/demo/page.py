"""`demo.html`: what the demo made, how long each part took, and what to type next."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from aa.demo.example import SCORES
from aa.files import write_text
from aa.puppets.pictures import COLUMNS
from aa.reports.pages import Html, joined, note, page, table
from aa.reports.tables import duration
from aa.runs.layout import METRICS, STAGES
from aa.runs.lines import read_records
from aa.runs.reading import read_json

FIRST, LEARNED = "first", "learned"  # folders of the two runs
CLIP = f"{'_'.join(COLUMNS)}.mp4"  # in the first, of the four beside each other
TITLE = "Animate Anyone on PaddlePaddle: the demo"
STYLE = """
video.first { width: 100%; }
.steps { display: flex; flex-wrap: wrap; gap: .7rem; }
.steps figure { flex: 1 1 24rem; margin: 0; } .steps video { width: 100%; }
"""
VIDEO = Html('<video class="first" src="{}" autoplay loop muted playsinline></video>')
STEP = Html(
    '<figure><video src="{}" autoplay loop muted playsinline></video>'
    "<figcaption>{}</figcaption></figure>"
)
PICTURE = Html('<img src="{}/report/{}.png" alt="{}">')
NEXT = (
    ("the same for twenty minutes, and for two hours", "make learn"),
    ("", "python runners/train.py +experiment=puppets_long"),
    ("a person, by the released weights (10 GB)", "python -m aa.weights download"),
    ("", "python runners/infer.py reference=person.png pose=dance.mp4"),
    ("training on your own clips", "python runners/train.py data=folder data.folder=<folder>"),
    ("any of these, before it starts: does it fit?", "python runners/train.py ... plan=true"),
)


def write_page(folder: Path, parts: Sequence, *, example: Path) -> Path:
    """Write the page of what there is by now; it refers to files by relative paths alone.

    Args:
        folder: of the demo, with `first/` and, once it has learned, `learned/`.
        parts: the `Part`s that are done, in order.
        example: folder of the weights that came with the code.
    """
    learned = folder / LEARNED
    has_learned = (learned / "report.html").is_file()
    scores = read_json(example / SCORES)
    body = [
        *_first(f"{FIRST}/{CLIP}", scores),
        *(_learned(learned) if has_learned else [_waiting()]),
        Html("<h2>What took how long</h2>"),
        _times(parts, [learned / name for name in STAGES] if has_learned else []),
        Html("<h2>What to type next</h2>"),
        _next(),
    ]
    path = folder / "demo.html"
    write_text(path, page(TITLE, body, style=STYLE))
    return path


def _first(video, scores):
    pairs = scores["pairs"]
    ours, copied = pairs["generated"]["psnr"], pairs["baselines"]["copy"]["psnr"]
    about = Html(
        "<p>One picture and a video of poses went in, <b>result</b> came out: by weights that came "
        "with the code. Neither the figure nor its motion was in a training clip; the truth is "
        "drawn, so it is exact. On {} such figures the result has {} dB to the truth, the "
        "reference copied {} dB.</p>"
    )
    numbers = ours["count"], f"{ours['mean']:.1f}", f"{copied['mean']:.1f}"
    return [about.format(*numbers), VIDEO.format(video)]


def _waiting():
    return Html("<h2>Learned just now</h2><p>Training goes on; load this page again then.</p>")


def _learned(learned: Path):
    samples = sorted((learned / STAGES[0] / "samples").glob("step-*/*.mp4"))
    shown = (
        STEP.format(
            file.relative_to(learned.parent).as_posix(),
            f"step {int(file.parent.name.removeprefix('step-'))}",
        )
        for file in samples
    )
    return [
        Html("<h2>Learned just now, from nothing</h2>"),
        Html(
            "<p>Reference, pose, result and truth of one clip while stage 1 learned. Two minutes "
            "give rooms, places and first colours; the weights above had hours.</p>"
        ),
        Html('<div class="steps">{}</div>').format(joined(shown)),
        PICTURE.format(LEARNED, "quality", "validation by minutes of training"),
        PICTURE.format(LEARNED, "loss", "loss by step"),
        note("PSNR of held-out figures by minutes of training, and the loss of both stages."),
        PICTURE.format(LEARNED, "pairs-1", "held-out figures"),
        note(
            Html(
                "Held-out figures after both stages; all scores, clips and the config are in its "
                '<a href="{}/report.html">report</a>.'
            ).format(LEARNED)
        ),
    ]


def _times(parts: Sequence, stages: Iterable[Path]):
    rows = [(part.title, [duration(part.seconds)], False) for part in parts]
    for stage in stages:
        records = read_records(stage / METRICS)
        minutes = [r["training_minutes"] for r in records if "training_minutes" in r]
        rows.append((f"of that, steps of {stage.name}", [duration(60 * minutes[-1])], False))
    total = sum(part.seconds for part in parts)
    return table(["", "time"], [*rows, ("together", [duration(total)], True)])


def _next():
    said = (f"# {text}\n{command}" if text else command for text, command in NEXT)
    return Html("<pre>{}</pre>").format("\n".join(said)) + note(
        "Commands are meant in the project's folder with its environment: source .venv/bin/activate"
    )
