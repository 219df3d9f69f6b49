"""Cases to animate: one pair, or a cases file of images and what moves them."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from aa.config.checks import shard_of
from aa.data.case_names import DRIVING, REFERENCE_POSE, distinct_names
from aa.data.manifest import is_path
from aa.errors import UserError, reason
from aa.files import missing, read_text

MOST_BYTES, MOST_CASES = 500_000, 10_000
TEXTS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "timestamp")}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a hundred times faster, where there is one
RESOLVER = yaml.resolver.Resolver()
FORM = "a mapping of pictures to lists of pose videos, like `ann.png: [walk.mp4, turn.mp4]`"


@dataclass(frozen=True)
class Case:
    """One video to make; `name` is that of its file, without ending, and no other case has it.

    `pose` is a video or picture of poses, an .npz of them, or, with `driving`, of a person;
    `reference_pose` the pose of the reference in the first three forms, if it is given.
    """

    reference: Path
    pose: Path
    name: str
    driving: bool = False
    reference_pose: Path | None = None

    @property
    def files(self) -> list[Path]:
        """All that it is made of."""
        return [self.reference, self.pose, *([self.reference_pose] if self.reference_pose else [])]


def read_cases(
    *,
    reference: str | None = None,
    pose: str | None = None,
    driving: str | None = None,
    reference_pose: str | None = None,
    cases: str | None = None,
    shard: str | None = None,
) -> list[Case]:
    """Cases of one pair or of a yaml file that maps an image to a list of pose videos.

    Relative paths in the yaml file are looked for in the working directory, then beside that file.

    Args:
        reference: the image of a pair.
        pose, driving: the other of the pair, see `Case`.
        reference_pose: the pose of the image, see `Case`.
        cases: the yaml file, in which "driving=" stands before the name of a raw video, and
            "reference_pose=" before that of the image's own pose, once among its videos.
        shard: "3/10" gives the 3rd, the 13th, ... case of the file; their names are as without.

    Raises:
        UserError: a file of the pair is missing; or the yaml file has another form, a case twice,
            or no case whose files are all there.
    """
    if not cases:
        moves = pose or driving
        assert reference and moves  # or the config would have been refused
        named = {"reference": reference, "pose": pose, "driving": driving}
        for key, path in {**named, "reference_pose": reference_pose}.items():
            if path and not os.path.isfile(path):
                raise UserError(f"{key}={path}: {missing(path, 'file')}. Check the path.")
        (name,) = distinct_names([(reference, moves)])
        own = Path(reference_pose) if reference_pose else None
        return [Case(Path(reference), Path(moves), name, driving=not pose, reference_pose=own)]
    listed, own_poses = _reference_poses(cases, _read_yaml(Path(cases)))
    pairs = [(image, v) for image, videos in listed.items() for v in videos]
    home = Path(cases).parent
    raw = [video.startswith(DRIVING) for _, video in pairs]
    files = [
        (_locate(image, home), _locate(video.removeprefix(DRIVING), home)) for image, video in pairs
    ]
    _refuse_doubles(cases, files, raw)
    names = distinct_names(pairs)
    own = [_locate(own_poses[i], home) if i in own_poses else None for i, _ in pairs]
    columns = zip(files, names, raw, own, strict=True)
    found = [Case(*pair, name, drives, pose) for pair, name, drives, pose in columns]
    if shard:
        number, count = shard_of(shard)
        found = found[number - 1 :: count]
    _refuse_if_all_gone(cases, found)
    return found


def _reference_poses(
    name: str, listed: dict[str, list[str]]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The list without the images' own poses, and these by image."""
    videos, poses = {}, {}
    for image, entries in listed.items():
        own = [entry for entry in entries if entry.startswith(REFERENCE_POSE)]
        videos[image] = [entry for entry in entries if entry not in own]
        if len(own) > 1 or not videos[image]:
            found = f"{len(own)} entries {REFERENCE_POSE}" if len(own) > 1 else "no pose videos"
            raise UserError(
                f"cases={name}: {image} has {found}; wanted its pose videos, and at most one "
                f"{REFERENCE_POSE}<its own pose> among them."
            )
        if own:
            poses[image] = own[0].removeprefix(REFERENCE_POSE)
    return videos, poses


def _refuse_doubles(name: str, files: list[tuple[Path, Path]], raw: list[bool]) -> None:
    """Refuse the same image in the same poses, the same video: a line of the file is a mistake."""
    seen = set()
    for (reference, pose), drives in zip(files, raw, strict=True):
        pair = os.path.abspath(reference), os.path.abspath(pose), drives
        if pair in seen:
            raise UserError(f"cases={name}: {reference} with {pose} is there twice; leave one out.")
        seen.add(pair)


def _refuse_if_all_gone(name: str, cases: list[Case]) -> None:
    """Refuse if no case has its files: missing ones leave the other cases to be made, if any."""
    gone = [{str(path) for path in case.files if not os.path.isfile(path)} for case in cases]
    if gone and all(gone):
        listed = sorted(set.union(*gone))
        more = " ..." if len(listed) > 5 else ""
        raise UserError(
            f"cases={name}: no such file: {', '.join(listed[:5])}{more}. Check the paths."
        )


def _locate(name: str, home: Path) -> Path:
    """The path as it is, or beside the cases file if it is only there; ~ is the home folder."""
    path = Path(os.path.expanduser(name))
    beside = home / path
    return beside if not os.path.exists(path) and os.path.exists(beside) else path


def _read_yaml(path: Path) -> dict[str, list[str]]:
    """{image: [pose video, ...]}; a single video may stand without brackets.

    Nothing is built but this: a few aliases, merges or nested lists could grow without end.
    """
    name = f"cases={path}"
    text = read_text(path, most=MOST_BYTES, advice=f"Wanted: {FORM}.", name=name)
    if re.search("^%TAG", text, re.MULTILINE):  # each is compared with all before it
        raise UserError(f"{name}: names tags of its own, which no list of files needs.")
    try:
        return _Cases(yaml.parse(text, Loader=LOADER), name).read()
    except UserError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{name}: not yaml ({reason(error)}). Wanted: {FORM}.") from error


class _Cases:
    """Reader of a cases file, from one event of its parser to the next."""

    def __init__(self, events: Iterator[Any], name: str) -> None:
        self.events, self.name = events, name
        self.named, self.count = {}, 0  # what aliases stand for, number of cases

    def read(self) -> dict[str, list[str]]:
        """The mapping of the file."""
        for event in self.events:
            if not isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
                break
        content = self._mapping() if isinstance(event, yaml.MappingStartEvent) else {}
        if not content:
            raise UserError(f"{self.name}: wanted {FORM}.")
        if not isinstance([next(self.events), next(self.events)][1], yaml.StreamEndEvent):
            raise UserError(f"{self.name}: holds several documents; make several files.")
        return content

    def _mapping(self) -> dict[str, Any]:
        content = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            picture = self._text(event)
            if not isinstance(picture, str):
                raise self._other_form(event)
            value = next(self.events)
            is_list = isinstance(value, yaml.SequenceStartEvent)
            videos = self._list(value) if is_list else self._text(value)
            videos = videos if isinstance(videos, list) else [videos]
            if not videos or None in videos:
                raise self._other_form(value)
            if picture in content:
                raise UserError(f"{self.name}: {picture} is there twice; put its videos together.")
            content[picture] = videos
            self._count(len(videos))
        return content

    def _other_form(self, event: Any) -> UserError:
        line = event.start_mark.line + 1
        return UserError(f"{self.name}, line {line}: another form; wanted {FORM}.")

    def _list(self, start):
        """The texts of a list, which end with the first that is none."""
        texts = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            text = self._text(event)
            texts.append(text if isinstance(text, str) else None)
            if texts[-1] is None or len(texts) > MOST_CASES:
                break
        return self._remember(start.anchor, texts)

    def _text(self, event):
        """A scalar, or what an alias stands for; None for anything that is no text."""
        if isinstance(event, yaml.AliasEvent):
            return self.named.get(event.anchor)
        return self._remember(event.anchor, event.value if _is_text(event) else None)

    def _remember(self, anchor, value):
        if anchor:
            self.named[anchor] = value
        return value

    def _count(self, more: int) -> None:
        self.count += more
        if self.count > MOST_CASES:
            raise UserError(f"{self.name}: more than {MOST_CASES} cases; make several files.")


def _is_text(event: Any) -> bool:
    """Return whether an event stands for its own text: yaml takes 2024_06 or no for other things.

    Null and what a tag would make of it are none.
    """
    if not isinstance(event, yaml.ScalarEvent) or not is_path(event.value):
        return False
    if event.tag in (None, "!"):
        return RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit) in TEXTS
    return event.tag in TEXTS
