"""Cheap checks of a video file that decode nothing: is it there, whole, and a video at all?"""

import os
import re

from aa.errors import ClipError
from aa.files import missing

MOST_PIXELS = 2**25  # of a frame: 7680 x 4320 and a little more
# FFmpeg also reads playlists and scripts, which name other files and addresses for it to open.
OPTIONS = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi",
    "protocol_whitelist": "file",
    "codec_whitelist": "none",  # the headers are enough; a frame would take 0.1 s and any memory
}


def check_container(path):
    """ClipError unless `path` looks like a whole video file. Reads its headers, decodes nothing."""
    if not os.path.isfile(path):
        raise ClipError(f"{path}: {missing(path, 'video')}. Check the path.")
    if path.stat().st_size == 0:
        raise ClipError(f"{path}: is empty (0 bytes). Copy or encode it again.")
    try:
        with path.open("rb") as file:
            is_mp4 = file.read(8)[4:] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")
            if is_mp4:
                _check_boxes(path, file)
    except OSError as error:
        raise ClipError(
            f"{path}: cannot be read ({error.strerror}). Mend that or copy it."
        ) from error
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
    """ClipError if FFmpeg finds no possible video in the file; decord would print, or try it."""
    import av
    from av.error import FFmpegError

    wanted = "Wanted: an mp4, mov, mkv, webm or avi file."
    try:
        with av.open(address(path), options=OPTIONS) as container:
            streams = [
                (s.codec_context and (s.width, s.height), s.frames) for s in container.streams.video
            ]
    except (FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise ClipError(f"{path}: is not a video ({reason}). {wanted}") from error
    if not streams:
        raise ClipError(f"{path}: holds no video stream. {wanted}")
    size, frames = streams[0]
    if size is None:
        raise ClipError(f"{path}: is coded in a way that is not known here. Re-encode it.")
    if size[0] * size[1] > MOST_PIXELS:
        raise ClipError(
            f"{path}: has frames of {size[0]}x{size[1]}, at most {MOST_PIXELS} pixels are read. "
            "Scale it down or replace the file."
        )
    if frames > path.stat().st_size:
        raise ClipError(
            f"{path}: speaks of {frames} frames and has {path.stat().st_size} bytes. "
            "Re-encode or replace the file."
        )


def address(path):
    """A path as FFmpeg takes it for one: it would look for a protocol 12 in 12:30:00.mp4."""
    return f"file:{path}"


def first_line(error):
    """First line of an error, without decord's clock and source position."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ", "", lines[0]).strip().rstrip(".")
