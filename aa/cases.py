"""What to animate: one pair, or a cases file of pictures and pose videos. Imports no paddle."""

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from aa.case_names import distinct_names
from aa.config import InferConfig
from aa.errors import UserError, reason
from aa.files import missing, read_text
from aa.schemas.checks import shard_of

MOST_BYTES, MOST_CASES = 500_000, 10_000
TEXTS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "timestamp")}
FORM = "a mapping of pictures to lists of pose videos, like `ann.png: [walk.mp4, turn.mp4]`"


@dataclass(frozen=True)
class Case:
    """One video to make; `name` is that of its file, without ending, and no other case has it."""

    reference: Path
    pose: Path
    name: str


def read_cases(
    *,
    reference: str | None = None,
    pose: str | None = None,
    cases: str | None = None,
    shard: str | None = None,
) -> list[Case]:
    """Cases of one pair or of a yaml file that maps a picture to a list of pose videos.

    Relative paths in the yaml file are looked for in the working directory, then beside that file.

    Args:
        reference, pose: the pair.
        cases: the yaml file.
        shard: "3/10" gives the 3rd, the 13th, ... case of the file; their names are as without.

    Raises:
        UserError: a file of the pair is missing; or the yaml file has another form, a case twice,
            or no case whose files are all there.
    """
    if not cases:
        assert reference and pose  # or the config would have been refused
        for key, path in (("reference", reference), ("pose", pose)):
            if not os.path.isfile(path):
                raise UserError(f"{key}={path}: {missing(path, 'file')}. Check the path.")
        (name,) = distinct_names([(reference, pose)])
        return [Case(Path(reference), Path(pose), name)]
    pairs = [(image, v) for image, videos in _read_yaml(Path(cases)).items() for v in videos]
    home, found = Path(cases).parent, []
    for (image, video), name in zip(pairs, distinct_names(pairs), strict=True):
        found.append(Case(_locate(image, home), _locate(video, home), name))
    _refuse_doubles(cases, found)
    if shard:
        number, count = shard_of(shard)
        found = found[number - 1 :: count]
    _refuse_if_all_gone(cases, found)
    return found


def cases_of(config: InferConfig) -> list[Case]:
    """What a checked `InferConfig` asks for, see `read_cases`."""
    return read_cases(
        reference=config.reference,
        pose=config.pose,
        cases=config.cases,
        shard=config.cases_shard,
    )


def _refuse_doubles(name, cases):
    """The same picture in the same poses is the same video: one line of the file is a mistake."""
    seen = set()
    for case in cases:
        pair = os.path.abspath(case.reference), os.path.abspath(case.pose)
        if pair in seen:
            raise UserError(
                f"cases={name}: {case.reference} with {case.pose} is there twice; leave one out."
            )
        seen.add(pair)


def _refuse_if_all_gone(name, cases):
    """Files that are missing leave the other cases to be made, if there is any."""
    gone = [{str(p) for p in (c.reference, c.pose) if not os.path.isfile(p)} for c in cases]
    if gone and all(gone):
        listed = sorted(set.union(*gone))
        more = " ..." if len(listed) > 5 else ""
        raise UserError(
            f"cases={name}: no such file: {', '.join(listed[:5])}{more}. Check the paths."
        )


def _locate(name, home):
    """The path as it is, or beside the cases file if it is only there; ~ is the home folder."""
    path = Path(os.path.expanduser(name))
    beside = home / path
    return beside if not os.path.exists(path) and os.path.exists(beside) else path


def _read_yaml(path):
    """{picture: [pose video, ...]}; a single video may stand without brackets.

    The file is parsed and nothing in it is built: a few aliases or merges could grow without end.
    """
    name = f"cases={path}"
    text = read_text(path, most=MOST_BYTES, advice=f"Wanted: {FORM}.", name=name)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{name}: not yaml ({reason(error)}). Wanted: {FORM}.") from error
    if not isinstance(root, yaml.MappingNode) or not root.value:
        raise UserError(f"{name}: wanted {FORM}.")
    content, count = {}, 0
    for key, value in root.value:
        videos = value.value if isinstance(value, yaml.SequenceNode) else [value]
        if not videos or not all(map(_is_text, (key, *videos))):
            line = value.start_mark.line + 1
            raise UserError(f"{name}, line {line}: another form; wanted {FORM}.")
        if key.value in content:
            raise UserError(f"{name}: {key.value} is there twice; put its videos together.")
        content[key.value] = [video.value for video in videos]
        count += len(videos)
        if count > MOST_CASES:
            raise UserError(f"{name}: more than {MOST_CASES} cases; make several files.")
    return content


def _is_text(node):
    """Whether a node stands for its own text: yaml takes 2024_06, 12:30:00 or no for other things.

    Null and what a tag would make of it are none.
    """
    return isinstance(node, yaml.ScalarNode) and node.tag in TEXTS
