"""Images and videos of the jobs of a sweep, side by side in one page."""

import base64
import io
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from aa.data.pictures import read_image
from aa.data.video import VideoReader
from aa.errors import UserError
from aa.files import check_unlinked
from aa.reports.figures import name_of
from aa.reports.pages import Html, joined, note
from aa.reports.results import Sweep
from aa.runs.kinds import Summary
from aa.runs.layout import STAGES, SUMMARY
from aa.runs.tolerant import TolerantReader

MOST_JOBS, MOST_VIDEOS = 24, 4  # shown, and of each
MOST_BYTES, MOST_IN_ALL = 1_000_000, 20_000_000  # of videos that are put in whole
MOST_MOVING = 2000  # frames of a GIF that are looked through
MOST_FRAMES, MOST_WIDTH = 4, 640  # of those that are shown as frames; pixels
TYPES = {".mp4": "video/mp4", ".gif": "image/gif", ".png": "image/png", ".jpg": "image/jpeg"}


def gallery(sweep: Sweep) -> str:
    """The samples of all jobs at one step, and the videos of inference runs; "" if none has any."""
    step, files = samples(sweep)
    shown = [job for job in sweep.jobs if files.get(job.number)]
    if not shown:
        return ""
    store, cards = Store(), []
    for job in shown[:MOST_JOBS]:
        chosen = files[job.number][:MOST_VIDEOS]
        pictures = joined(_shown(store, file, job.folder) for file in chosen)
        value = job.value(sweep.metric)
        score = "" if value is None else Html("<br>{} {:.4g}").format(sweep.metric, value)
        card = Html("<figure>{}<figcaption>{}{}</figcaption></figure>\n")
        cards.append(card.format(pictures, name_of(job), score))
    about = [f"reference, pose, result and truth after {step}"] if step else []
    if len(shown) > MOST_JOBS:
        about.append(f"the first {MOST_JOBS} of {len(shown)} jobs of the table")
    return Html('<div class="samples">\n{}</div>\n{}').format(joined(cards), note("; ".join(about)))


def samples(sweep: Sweep) -> tuple[str | None, dict[int, list[Path]]]:
    """(step or None, {number of a job: list of files}): the last step that all finished jobs have.

    Where no step is common to all, the last of those that most have. Jobs that are not finished are
    shown if they have got there.
    """
    steps = {job.number: _steps(job.folder) for job in sweep.jobs}
    counted = [steps[j.number] for j in sweep.jobs if j.done and steps[j.number]]
    counted = counted or [found for found in steps.values() if found]
    if not counted:
        return None, {job.number: _results(job.folder) for job in sweep.jobs}
    numbers = Counter(step for found in counted for step in found)
    stage, step = max(numbers, key=lambda s: (numbers[s], s))
    name = f"{step} steps of {stage.replace('stage', 'stage ')}" if stage else f"{step} steps"
    return name, {n: found[stage, step] for n, found in steps.items() if (stage, step) in found}


class Store:
    """Puts files into a page, whole as long as they are small and there is room."""

    def __init__(self, *, room: int = MOST_IN_ALL) -> None:
        self.room = room  # bytes

    def embed(self, path: Path) -> Html:
        """HTML of an image or video, of a larger one some frames; says so if it is damaged."""
        try:
            return self._embed(path)
        except (OSError, UserError, ValueError) as error:
            return note(f"{path.name} cannot be shown: {error}")

    def _embed(self, path: Path) -> Html:
        is_folder, size = path.is_dir(), path.stat().st_size
        if not (is_folder or path.is_file()):  # it may be endless, or wait for ever
            raise ValueError("it is no file")
        if is_folder or path.suffix not in TYPES or size > min(MOST_BYTES, self.room):
            return _image(_strip(path), "image/jpeg")
        self.room -= size
        content, kind = path.read_bytes(), TYPES[path.suffix]
        if not kind.startswith("video"):
            return _image(content, kind)
        video = Html('<video src="{}" autoplay loop muted playsinline></video>')
        return video.format(_uri(content, kind))


def _shown(store: Store, path: Path, home: Path) -> Html:
    """HTML of a file of a run folder; not of what a link in it leads to, which may be anything."""
    try:
        check_unlinked(home, path)
    except UserError as error:
        return note(str(error))
    return store.embed(path)


def _steps(folder: Path) -> dict[tuple[str, int], list[Path]]:
    """{(stage, step): list of files} of a run's samples, of its last stage that has any."""
    for stage in (STAGES[1], STAGES[0], ""):
        found = {}
        for home in (folder / stage / "samples").glob("step-*"):
            number, files = home.name.removeprefix("step-"), sorted(home.glob("[!.]*"))
            if number.isdecimal() and files:
                found[stage, int(number)] = files
        if found:
            return found
    return {}


def _results(folder: Path) -> list[Path]:
    """The videos that an inference run says it has made."""
    summary = TolerantReader(folder).json(SUMMARY, Summary) or {}
    names = (Path(video["video"]).name for video in summary.get("videos", ()) if "video" in video)
    return [folder / name for name in names if name and (folder / name).exists()]


def _strip(path: Path) -> bytes:
    """JPEG of some frames of a video or of a folder of images, evenly spaced, in one image."""
    frames = _frames(path)
    if not frames:
        raise ValueError("it holds no frames")
    height, width = frames[0].shape[:2]
    whole = Image.fromarray(np.concatenate(frames, axis=0 if width >= 2 * height else 1))
    whole.thumbnail((MOST_WIDTH, 2 * MOST_WIDTH))
    file = io.BytesIO()
    whole.save(file, "jpeg", quality=85)
    return file.getvalue()


def _frames(path: Path) -> list[np.ndarray]:
    if path.is_dir():
        files = [file for file in sorted(path.glob("*.png")) if not file.is_symlink()]
        return [_picture(files[i]) for i in _evenly(len(files))]
    if path.suffix in (".png", ".jpg"):
        return [_picture(path)]
    if path.suffix == ".gif":
        first = _picture(path)  # refuses one that is far larger than its file
        frames = []
        with Image.open(path) as moving:
            for index in _evenly(min(getattr(moving, "n_frames", 1), MOST_MOVING)):
                moving.seek(index)
                frames.append(np.asarray(moving.convert("RGB")))
        return frames or [first]
    reader = VideoReader(path)
    return list(reader.read(_evenly(reader.num_frames)))


def _picture(path: Path) -> np.ndarray:
    """An image as uint8 RGB, not larger than it is shown."""
    picture = read_image(path)
    picture.thumbnail((MOST_WIDTH, MOST_WIDTH))
    return np.asarray(picture)


def _evenly(count: int) -> list[int]:
    return np.linspace(0, count - 1, min(count, MOST_FRAMES)).astype(int).tolist()


def _image(content: bytes, kind: str) -> Html:
    return Html('<img src="{}" alt="">').format(_uri(content, kind))


def _uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
