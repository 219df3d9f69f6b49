"""What to animate: one pair, or a cases file of pictures and pose videos. Imports no paddle."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

from aa.errors import UserError, reason
from aa.files import missing, read_text

MOST_BYTES, MOST_CASES = 500_000, 10_000
TEXTS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "timestamp")}
FORM = "a mapping of pictures to lists of pose videos, like `ann.png: [walk.mp4, turn.mp4]`"


@dataclass(frozen=True)
class Case:
    """One video to make."""

    reference: Path
    pose: Path

    @property
    def name(self):
        """File name of the result, without ending."""
        return f"{self.reference.stem}_{self.pose.stem}"


def read_cases(*, reference=None, pose=None, cases=None):
    """Cases of one pair or of a yaml file that maps a picture to a list of pose videos.

    Relative paths in the yaml file are looked for in the working directory, then beside that file.

    Raises:
        UserError: the file or a picture or video in it is missing or has another form, or two
            cases would write the same file.
    """
    if not cases:
        for key, path in (("reference", reference), ("pose", pose)):
            if not os.path.isfile(path):
                raise UserError(f"{key}={path}: {missing(path, 'file')}. Check the path.")
        return [Case(Path(reference), Path(pose))]
    home = Path(cases).parent
    found = [
        Case(_locate(image, home), _locate(video, home))
        for image, videos in _read_yaml(Path(cases)).items()
        for video in videos
    ]
    gone = {str(p) for c in found for p in (c.reference, c.pose) if not os.path.isfile(p)}
    if gone:
        more = " ..." if len(gone) > 5 else ""
        raise UserError(
            f"cases={cases}: no such file: {', '.join(sorted(gone)[:5])}{more}. Check the paths."
        )
    names = Counter(c.name for c in found)
    double = sorted(name for name in names if names[name] > 1)
    if double:
        raise UserError(f"cases={cases}: two cases would both write {double[0]}; rename one file.")
    return found


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
