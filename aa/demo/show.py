"""The demo: a first video by the weights of the example, both stages of training, one page.

Every part is a command that can be typed; each is shown before it starts.
"""

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from aa.data.video import VideoReader
from aa.demo.example import EXAMPLE, POSE, REFERENCE, TRUTH
from aa.demo.page import CLIP, FIRST, LEARNED, write_page
from aa.errors import UserError
from aa.puppets.pictures import write_grids
from aa.runs.layout import SUMMARY
from aa.runs.reading import read_json


@dataclass(frozen=True)
class Part:
    """A command of the demo, and how long it took."""

    title: str
    words: list[str]
    seconds: float = 0.0

    @property
    def line(self) -> str:
        """The command as it is typed."""
        return shlex.join(["python", *self.words])


def run_demo(folder: Path, *, setup_seconds: float) -> int:
    """Run the parts one after the other; the page is there after the first, and whole at the end.

    Args:
        folder: a new one.
        setup_seconds: that it took until now.

    Returns:
        the exit code: that of the first part which ends with another one than 0.

    Raises:
        UserError: the folder exists, or the working directory is no checkout.
    """
    if not EXAMPLE.is_dir():
        raise UserError(f"{EXAMPLE}: not here; the demo runs in the folder of a checkout.")
    if folder.exists():
        raise UserError(f"{folder}: exists already; give a new folder.")
    folder.mkdir(parents=True)
    done = [Part("setting up: the packages of requirements.lock", [], setup_seconds)]
    for part in _parts(folder):
        print(f"\n{part.title}\n$ {part.line}", flush=True)
        start = time.monotonic()
        code = subprocess.run([sys.executable, *part.words]).returncode
        if code:
            print(f"\nthe demo ends here: exit code {code}", file=sys.stderr)
            return code
        done.append(Part(part.title, part.words, time.monotonic() - start))
        if not (folder / FIRST / CLIP).exists():
            _show_first(folder / FIRST)
        page = write_page(folder, done, example=EXAMPLE)
        print(f"\nOpen {page}", flush=True)
    return 0


def _parts(folder):
    example = [f"weights={EXAMPLE}", f"reference={EXAMPLE / REFERENCE}", f"pose={EXAMPLE / POSE}"]
    animate = ["runners/infer.py", "inference=puppets", *example, f"hydra.run.dir={folder / FIRST}"]
    train = ["runners/train.py", "+experiment=puppets_demo", f"hydra.run.dir={folder / LEARNED}"]
    return [
        Part("A first video, by weights that came with the code", animate),
        Part("Both stages of training, from nothing, for about two minutes", train),
    ]


def _show_first(run):
    """Put the video, its picture, its poses and the truth beside each other."""
    (made,) = read_json(run / SUMMARY)["videos"]
    videos = [VideoReader(path) for path in (EXAMPLE / POSE, made["video"], EXAMPLE / TRUTH)]
    frames = [video.read(range(video.num_frames)) for video in videos]
    picture = np.asarray(Image.open(EXAMPLE / REFERENCE).convert("RGB"))
    row = [np.repeat(picture[None], len(frames[0]), axis=0), *frames]
    write_grids(run / CLIP, [row], fps=videos[0].fps)
