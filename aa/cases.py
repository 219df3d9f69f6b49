"""What to animate: one pair, or a cases file of pictures and pose videos. Imports no paddle."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from aa.errors import UserError

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
            if not Path(path).is_file():
                raise UserError(f"{key}={path}: no such file.")
        return [Case(Path(reference), Path(pose))]
    home = Path(cases).parent
    found = [
        Case(_locate(image, home), _locate(video, home))
        for image, videos in _read_yaml(Path(cases)).items()
        for video in videos
    ]
    missing = sorted({str(p) for c in found for p in (c.reference, c.pose) if not p.is_file()})
    if missing:
        more = " ..." if missing[5:] else ""
        raise UserError(f"cases={cases}: no such file: {', '.join(missing[:5])}{more}.")
    names = [c.name for c in found]
    double = sorted({n for n in names if names.count(n) > 1})
    if double:
        raise UserError(f"cases={cases}: two cases would both write {double[0]}; rename one file.")
    return found


def _locate(name, home):
    """The path as it is, or beside the cases file if it is only there."""
    path = Path(name)
    return home / path if not path.exists() and (home / path).exists() else path


def _read_yaml(path):
    """{picture: [pose video, ...]}; a single video may stand without brackets."""
    if not path.is_file():
        raise UserError(f"cases={path}: no such file; wanted {FORM}.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"cases={path}: not yaml ({error}).") from error
    if not isinstance(content, dict) or not content:
        raise UserError(f"cases={path}: wanted {FORM}.")
    content = {i: [v] if isinstance(v, str) else v for i, v in content.items()}
    for image, videos in content.items():
        whole = isinstance(image, str) and isinstance(videos, list) and videos
        if not whole or not all(isinstance(v, str) for v in videos):
            raise UserError(f"cases={path}: wanted {FORM}; {image} has {videos!r}.")
    return content
