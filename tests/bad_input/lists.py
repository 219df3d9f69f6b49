"""Lists of files: manifests of clips to train on, folders of clips, cases to animate."""

import json
import os
from pathlib import Path

from aa.data.folders import find_clips
from aa.data.manifest import read_manifest
from aa.inference.cases import read_cases
from tests.bad_input.case import bad

MANIFESTS, CASES = "Manifests and folders of clips", "Cases files"
CLIP = {"video_path": "video/a.mp4", "kps_path": "video_dwpose/a.mp4"}
BOTH = ("video/a.mp4", "video_dwpose/a.mp4")


def make_set():
    """A data set `set/` of one clip, with its like beside it; the files are empty."""
    for home in ("set", "other"):
        for name in BOTH:
            Path(home, name).parent.mkdir(parents=True)
            Path(home, name).touch()
    Path("set/meta_data").mkdir()


def _manifest(name, content, prepare_more=lambda: None):
    @bad(MANIFESTS, f"a manifest {name}")
    def prepare():
        make_set()
        prepare_more()
        text = content() if callable(content) else content
        text = text if isinstance(text, str) else json.dumps(text)
        Path("set/meta_data/clips.json").write_bytes(text.encode("utf-8", "surrogatepass"))
        return lambda: read_manifest("set/meta_data/clips.json")


def replace_by_link():
    Path("set/video/a.mp4").unlink()
    os.symlink(Path("other/video/a.mp4").absolute(), "set/video/a.mp4")


_manifest("that is no JSON", '[{"video_path": "a.mp4", "kps_path" "b.mp4"}]')
_manifest("that nests 100000 lists", "[" * 100_000)
_manifest("of a million empty lists", f"[{'[], ' * 10**6}[]]")
_manifest("with an item of a million empty lists", f'[{{"video_path": [{"[], " * 10**6}[]]}}]')
_manifest("that is no list", {"clips": [CLIP]})
_manifest("that is an empty list", [])
_manifest("with an item that is a word", [CLIP, "video/b.mp4"])
_manifest("with an item without poses", [{"video_path": "video/a.mp4"}])
_manifest("with a number for a path", [{**CLIP, "kps_path": 7}])
_manifest("that names a file that is not there", [{**CLIP, "video_path": "video/b.mp4"}])
_manifest("that names a folder", [{**CLIP, "video_path": "video"}])
_manifest("with a path of 300 letters", [{**CLIP, "video_path": "a" * 300}])
_manifest("with a zero byte in a path", [{**CLIP, "video_path": "video/a.mp4\0.png"}])
_manifest("with half a character in a path", '[{"video_path": "\\ud800", "kps_path": "b"}]')
_manifest("with orders to the terminal in a path", [{**CLIP, "video_path": "\x1b[2J\rall is well"}])
_manifest("with a path that leads out by ..", [{**CLIP, "video_path": "../other/video/a.mp4"}])
_manifest(
    "with a path that leads out by .. and is not there", [{**CLIP, "kps_path": "../../b.mp4"}]
)
_manifest("with a link that leads out", [CLIP], replace_by_link)


@bad(MANIFESTS, "a manifest that is a folder")
def manifest_is_folder():
    make_set()
    return lambda: read_manifest("set/meta_data")


@bad(MANIFESTS, "a manifest that is not there")
def no_manifest():
    return lambda: read_manifest("clips.json")


@bad(MANIFESTS, "a manifest that never ends")
def endless():
    return lambda: read_manifest("/dev/zero")


@bad(MANIFESTS, "a video without its pose video")
def no_partner():
    make_set()
    Path("set/video_dwpose/a.mp4").unlink()
    return lambda: find_clips("set")


@bad(MANIFESTS, "a video with two pose videos")
def two_partners():
    make_set()
    Path("set/video/a.mp4").rename("set/video/a.mkv")
    Path("set/video_dwpose/a.mov").touch()
    return lambda: find_clips("set")


@bad(MANIFESTS, "a folder of hidden files alone")
def hidden_files():
    make_set()
    for name in BOTH:
        Path("set", name).rename(Path("set", name).with_name("._a.mp4"))
    return lambda: find_clips("set")


@bad(MANIFESTS, "a folder without video/")
def no_folders():
    return lambda: find_clips("set")


def _cases(name, content):
    @bad(CASES, f"a cases file {name}")
    def prepare():
        for file in ("ann.png", "walk.mp4"):
            Path(file).touch()
        Path("cases.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
        return lambda: read_cases(cases="cases.yaml")


def bomb(first, next_one):
    """Lines of which each holds the one before nine times."""
    lines = [f"a0: &a0 {first}"]
    for level in range(1, 12):
        lines.append(f"a{level}: &a{level} " + next_one(", ".join([f"*a{level - 1}"] * 9)))
    return "\n".join(lines)


_cases("that is no yaml", "ann.png: [walk.mp4")
_cases("that is no UTF-8", b"\xff\xfe\x00")
_cases("that is a list", "[ann.png, walk.mp4]")
_cases("that is empty", "")
_cases("with a picture without videos", "ann.png:")
_cases("with two own poses of a picture", "ann.png: [reference_pose=a, reference_pose=b, walk.mp4]")
_cases("with a picture's own pose alone", "ann.png: [reference_pose=ann_pose.png]")
_cases("with a number for a video", "ann.png: [1]")
_cases("with a mapping for the videos", "ann.png: {walk.mp4: 2}")
_cases("with the same picture twice", "ann.png: [walk.mp4]\nann.png: [walk.mp4]")
_cases("with the same video twice", "ann.png: [walk.mp4, walk.mp4]")
_cases("that asks for os.system", "ann.png: [!!python/object/apply:os.system ['touch made']]")
_cases("with a bomb of aliases", bomb("[walk.mp4]", lambda inner: f"[{inner}]"))
_cases("with a bomb of merges", bomb("{b: c}", lambda inner: f"{{<<: [{inner}]}}"))
_cases("with a date that does not exist", "ann.png: [2001-99-99]")
_cases("that nests 1000 lists", "ann.png: " + "[" * 1000)
_cases("that nests 400000 lists", "ann.png: " + "[" * 400_000)
_cases("with 30000 tags", "".join(f"%TAG !{n}! x\n" for n in range(30_000)) + "---\nann.png: a")
_cases("with a zero byte in a path", 'ann.png: ["~\\0"]')
_cases("with the same video 100 times", f"ann.png: [{', '.join(['walk.mp4'] * 100)}]")
_cases("of 600 kB", "ann.png: [walk.mp4]\n" + "#" * 600_000)
_cases("of 10001 cases", f"ann.png: [{', '.join(['walk.mp4'] * 10_001)}]")
_cases("that names a video that is not there", "ann.png: [run.mp4]")
_cases("that names a video of 300 letters", f"ann.png: [{'a' * 300}]")


@bad(CASES, "a folder as cases file")
def cases_folder():
    Path("cases.yaml").mkdir()
    return lambda: read_cases(cases="cases.yaml")


@bad(CASES, "a folder as picture of a character")
def picture_folder():
    Path("ann.png").mkdir()
    return lambda: read_cases(reference="ann.png", pose="walk.mp4")
