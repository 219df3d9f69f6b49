"""A process that looks into one file of somebody's and ends: `python -m aa.app.examine`.

It is given a file and where a checked copy goes, "" for none, and prints a line of JSON: what the
file is, or what is wrong with it. It has limits of its own, so that whatever a file does to a
decoder, it does it to nobody else.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from aa.errors import UserError, one_line
from aa.processes import HOME

SECONDS, MEMORY, WRITTEN, FILES = 30, 3 * 2**30, 2**31, 64
LONGEST = 60  # seconds by the clock
TWO = threading.BoundedSemaphore(2)  # files that are looked into at once
ENDINGS = {b"ftyp": ".mp4", b"\x1a\x45\xdf\xa3": ".mkv", b"RIFF": ".avi", b"PK\x03\x04": ".npz"}


def examine(path: Path, target: str = "") -> dict[str, Any]:
    """What a file is, found out by a process of its own.

    Args:
        path: the file.
        target: where a checked copy goes, without an ending; "" for none.

    Returns:
        `kind` (picture, video or poses), `ending` of the copy, `width`, `height`, `frames`, `fps`,
        `sound`, and `drawn`: whether a video seems to be one of drawn poses.

    Raises:
        UserError: it is none of these, or more than the limits let through.
    """
    try:
        with TWO:
            ended = subprocess.run(
                [sys.executable, "-m", "aa.app.examine", str(path.absolute()), target],
                env={**_environment(), "PYTHONPATH": _paths()},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LONGEST,
            )
        found = json.loads(ended.stdout.decode() or "{}")
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise UserError("this file takes too long to look into.") from error
    if ended.returncode or "kind" not in found:
        what = found.get("error", "it takes more time or memory than a file of its kind may")
        raise UserError(f"this file cannot be used: {what}")
    return found


def main() -> None:
    _limit()
    path, target = Path(sys.argv[1]), sys.argv[2]
    try:
        found = _look(path, target)
    except UserError as error:
        said = one_line(error).replace(str(path), path.name)
        print(json.dumps({"error": said.removeprefix(f"{path.name}: ")}))
        sys.exit(2)
    print(json.dumps(found))


def _look(path: Path, target: str) -> dict[str, Any]:
    from aa.data.picture_files import is_picture  # deferred: limits come first

    with open(path, "rb") as file:
        start = file.read(12)
    if is_picture(start):
        return _picture(path, target)
    ending = ENDINGS.get(start[4:8] if start[4:8] == b"ftyp" else start[:4], "")
    if ending == ".npz":
        return _poses(path, target)
    if not ending:
        raise UserError("it is no picture, no video and no file of poses.")
    return _video(path, target, ending)


def _picture(path: Path, target: str) -> dict[str, Any]:
    from aa.data.pictures import flatten, load_image

    image = load_image(path)
    if target:
        kept = image if image.mode in ("RGB", "RGBA", "L", "LA", "P") else flatten(image)
        kept.save(f"{target}.png")
    return {"kind": "picture", "ending": ".png", "width": image.width, "height": image.height}


def _video(path: Path, target: str, ending: str) -> dict[str, Any]:
    from aa.data.poses import is_mostly_black
    from aa.data.sound import has_sound
    from aa.data.video import VideoReader

    reader = VideoReader(path)
    reader.check_ends()
    found = {
        "kind": "video",
        "ending": ending,
        "width": reader.width,
        "height": reader.height,
        "frames": reader.num_frames,
        "fps": round(reader.fps, 3),
        "sound": has_sound(path),
        "drawn": is_mostly_black(reader.read([0])[0]),
    }
    if target:
        shutil.copyfile(path, f"{target}{ending}")
    return found


def _poses(path: Path, target: str) -> dict[str, Any]:
    from aa.poses.poses import Poses

    poses = Poses.load(path)
    if target:
        poses.save(f"{target}.npz")
    return {
        "kind": "poses",
        "ending": ".npz",
        "width": poses.width,
        "height": poses.height,
        "frames": len(poses),
        "fps": round(poses.fps, 3),
    }


def _limit() -> None:
    """Restrict this process; what it starts has the same limits."""
    limits = {
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_FSIZE: WRITTEN,
        resource.RLIMIT_NOFILE: FILES,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))


def _environment() -> dict[str, str]:
    """As little as Python needs; libraries start no threads, whose stacks would count."""
    names = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {**kept, **dict.fromkeys(threads, "1")}


def _paths() -> str:
    return os.pathsep.join(filter(None, (str(HOME.parent), os.environ.get("PYTHONPATH"))))


if __name__ == "__main__":
    main()
