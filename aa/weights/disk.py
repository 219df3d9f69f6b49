"""Room on a disk."""

import shutil
from pathlib import Path

from aa.errors import UserError


def check_space(folder, needed):
    """Whether `needed` bytes fit on the disk of a folder, which need not exist yet.

    Raises:
        UserError: they do not.
    """
    home = next(p for p in (Path(folder), *Path(folder).absolute().parents) if p.exists())
    free = shutil.disk_usage(home).free
    if free < needed:
        raise UserError(
            f"{folder}: {needed / 1e9:.1f} GB to write, {free / 1e9:.1f} GB free on this disk. "
            "Make room or choose another folder."
        )
