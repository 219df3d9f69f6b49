"""Files that a user hands in: endings of videos, small texts read with a limit. No paddle."""

import os

from aa.errors import UserError

VIDEO_ENDINGS = (".mp4", ".mov", ".mkv", ".webm", ".avi")


def read_text(path, *, most, advice, name=None):
    """The text of a file of at most `most` bytes.

    Args:
        path: the file.
        most: bytes; a text that is parsed takes many times its size in memory.
        advice: a sentence that says what is wanted and what to do.
        name: of the file in messages, its path by default.

    Raises:
        UserError: no such file, no file, too long, unreadable or not UTF-8.
    """
    name = name or path
    if not os.path.isfile(path):  # what is no plain file may be endless, or wait for ever
        raise UserError(f"{name}: {missing(path, 'file')}. {advice}")
    try:
        with open(path, "rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            size = os.path.getsize(path)
            raise UserError(f"{name}: has {size} bytes, at most {most} are read. {advice}")
        return content.decode("utf-8-sig")  # Windows puts a byte order mark in front
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(f"{name}: cannot be read as a text ({reason}). {advice}") from error


def missing(path, kind):
    """What is wrong with a path where a file or a folder is wanted and not found."""
    if os.path.isdir(path):
        return f"that is a folder, no {kind}"
    return f"that is no {kind}" if os.path.exists(path) else f"no such {kind}"
