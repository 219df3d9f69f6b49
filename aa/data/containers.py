"""Cheap checks of a video file that decode nothing: is it there, whole, and a video at all?"""

import re

from aa.errors import ClipError


def check_container(path):
    """ClipError unless `path` looks like a whole video file. Reads a few bytes, decodes nothing."""
    if not path.exists():
        raise ClipError(f"{path}: no such video. Check the path.")
    if not path.is_file():
        raise ClipError(f"{path}: is a folder, wanted a video file.")
    if path.stat().st_size == 0:
        raise ClipError(f"{path}: is empty (0 bytes). Copy or encode it again.")
    try:
        with path.open("rb") as file:
            is_mp4 = file.read(8)[4:] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")
            if is_mp4:
                _check_boxes(path, file)
    except OSError as error:
        raise ClipError(f"{path}: cannot be read ({error.strerror}).") from error
    if not is_mp4:
        _probe(path)


def _check_boxes(path, file):
    """Walk the top-level mp4 boxes: each must end inside the file, and `moov` (the index) be there.

    decord opens a file cut between two frames without a word, as a shorter video.
    """
    file_size, start, kinds = path.stat().st_size, 0, set()
    while start + 8 <= file_size:
        file.seek(start)
        header = file.read(16)
        box_size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if box_size == 1:  # a 64-bit size follows
            box_size = int.from_bytes(header[8:16], "big")
        elif box_size == 0:  # the box reaches to the end of the file
            box_size = file_size - start
        if box_size < 8 or not kind.isalnum():
            break  # padding after the last box
        if start + box_size > file_size:
            raise ClipError(
                f"{path}: is cut short: {file_size} bytes, its mp4 boxes need at least "
                f"{start + box_size}. Copy or encode it again."
            )
        kinds.add(kind)
        start += box_size
    if b"moov" not in kinds:
        raise ClipError(
            f"{path}: has no moov box (the index of an mp4), so its writing was not finished. "
            "Copy or encode it again."
        )


def _probe(path):
    """ClipError if FFmpeg finds no video in the file; decord would print about it as well."""
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path)) as container:
            found = bool(container.streams.video)
    except (FFmpegError, OSError) as error:
        raise ClipError(f"{path}: is not a video ({first_line(error)}).") from error
    if not found:
        raise ClipError(f"{path}: holds no video stream.")


def first_line(error):
    """First line of an error, without decord's clock and source position."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ", "", lines[0]).strip().rstrip(".")
