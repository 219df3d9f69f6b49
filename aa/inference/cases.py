"""What to animate: one pair, or a cases file of pictures and pose videos."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from aa.errors import UserError


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

    Raises:
        UserError: the file or a picture or video in it is missing or has another form, or two
            cases would write the same file.
    """
    if not cases:
        found = [Case(Path(reference), Path(pose))]
    else:
        found = [
            Case(Path(image), Path(video))
            for image, videos in _read_yaml(Path(cases)).items()
            for video in ([videos] if isinstance(videos, str) else videos)
        ]
    missing = sorted({str(p) for c in found for p in (c.reference, c.pose) if not p.is_file()})
    if missing:
        raise UserError(f"no such file: {', '.join(missing[:5])}{' ...' if missing[5:] else ''}.")
    names = [c.name for c in found]
    double = sorted({n for n in names if names.count(n) > 1})
    if double:
        raise UserError(f"{cases}: two cases would both write {double[0]}; rename one file.")
    return found


def _read_yaml(path):
    if not path.is_file():
        raise UserError(f"{path}: no such cases file.")
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not yaml: {error}") from error
    wanted = "a mapping of pictures to lists of pose videos"
    if not isinstance(content, dict) or not content:
        raise UserError(f"{path}: wanted {wanted}.")
    for image, videos in content.items():
        listed = [videos] if isinstance(videos, str) else videos
        if not isinstance(listed, list) or not all(isinstance(v, str) for v in listed):
            raise UserError(f"{path}: wanted {wanted}; {image} has {videos!r}.")
    return content
