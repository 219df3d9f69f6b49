"""Video files before anything is decoded: are they there, whole, and videos at all? And opened."""

import os
import re
from pathlib import Path
from typing import BinaryIO, cast

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from aa.data.mp4_boxes import check_boxes
from aa.errors import ClipError
from aa.files import missing

MOST_PIXELS = 2**25  # of a frame: 7680 x 4320 and a little more
# Bytes of memory that a pixel takes while frames are decoded; and what frames may take, for a video
# of any size and for each byte of its file: nothing is as plain as large frames in a small file.
BYTES_A_PIXEL, MOST_MEMORY, MOST_FOR_A_BYTE = 12, 64_000_000, 256
# FFmpeg also reads playlists and scripts, which name other files and addresses for it to open.
DECODING = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi",
    "protocol_whitelist": "file",
}
# The headers are enough; a frame would take 0.1 s and any memory.
OPTIONS = {**DECODING, "codec_whitelist": "none"}


def check_container(path: Path) -> None:
    """ClipError unless `path` looks like a whole video file. Reads its headers, decodes nothing."""
    if not os.path.isfile(path):
        raise ClipError(f"{path}: {missing(path, 'video')}. Check the path.")
    if path.stat().st_size == 0:
        raise ClipError(f"{path}: is empty (0 bytes). Copy or encode it again.")
    try:
        with path.open("rb") as file:
            is_mp4 = file.read(8)[4:] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")
            if is_mp4:
                check_boxes(path, file)
            else:
                _check_end(path, file)
    except OSError as error:
        raise ClipError(
            f"{path}: cannot be read ({error.strerror}). Mend that or copy it."
        ) from error
    _probe(path)


def _check_end(path: Path, file: BinaryIO) -> None:
    """The one box that a Matroska or AVI file consists of must end inside the file.

    FFmpeg reads one that is cut short as a shorter video, without a word.
    """
    file.seek(0)
    head = file.read(64)
    if head[:4] == b"RIFF":
        size = int.from_bytes(head[4:8], "little")
        end = 8 + size if 0 < size < 2**32 - 1 else 0
    else:
        end = _end_of_segment(head)
    file_size = path.stat().st_size
    if end > file_size:
        raise ClipError(
            f"{path}: is cut short: {file_size} bytes, its header speaks of {end}. "
            "Copy or encode it again."
        )


def _end_of_segment(head: bytes) -> int:
    """The end of the segment of a Matroska file; 0 where it does not say so, or is none."""
    if head[:4] != b"\x1a\x45\xdf\xa3":
        return 0
    size, start = _ebml_size(head, 4)
    place = start + size  # behind the header
    if head[place : place + 4] != b"\x18\x53\x80\x67":
        return 0
    size, start = _ebml_size(head, place + 4)
    return start + size if size else 0


def _ebml_size(head: bytes, place: int) -> tuple[int, int]:
    """The size written at a place, and where it ends; 0 where all of its bits say "not known"."""
    first = head[place] if place < len(head) else 0
    length = 9 - first.bit_length()  # the bytes of the number: zeros before its first one
    value = int.from_bytes(head[place : place + length], "big") & (1 << 7 * length) - 1
    return (0 if value == (1 << 7 * length) - 1 else value), place + length


def _probe(path: Path) -> None:
    """ClipError if FFmpeg finds no possible video in the file."""
    wanted = "Wanted: an mp4, mov, mkv, webm or avi file."
    try:
        with av.open(address(path), options=OPTIONS) as container:
            stream = _shown_stream(container)
            size = stream and stream.codec_context and (stream.width, stream.height)
            frames = stream.frames if stream else 0
    except (FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise ClipError(f"{path}: is not a video ({reason}). {wanted}") from error
    if stream is None:
        raise ClipError(f"{path}: holds no video stream. {wanted}")
    if size is None:
        raise ClipError(f"{path}: is coded in a way that is not known here. Re-encode it.")
    if size[0] * size[1] > MOST_PIXELS:
        raise ClipError(
            f"{path}: has frames of {size[0]}x{size[1]}, at most {MOST_PIXELS} pixels are read. "
            "Scale it down or replace the file."
        )
    file_size = path.stat().st_size
    if size[0] * size[1] * BYTES_A_PIXEL > MOST_MEMORY + MOST_FOR_A_BYTE * file_size:
        raise ClipError(
            f"{path}: says that its frames are {size[0]}x{size[1]}, in {file_size} bytes. "
            "Scale it down or replace the file."
        )
    if frames > file_size:
        raise ClipError(
            f"{path}: speaks of {frames} frames and has {file_size} bytes. "
            "Re-encode or replace the file."
        )


def open_video(path: str | Path) -> tuple[InputContainer, VideoStream]:
    """Open a video file, which `check_container` has let pass, to read and decode it.

    Returns:
        the file, and the stream that FFmpeg finds best: no cover image.

    Raises:
        ClipError: it holds no video that can be read.
    """
    try:
        container = av.open(address(path), options=DECODING)
        stream = _shown_stream(container)
        if stream:
            return container, stream
        reason = "it has no video stream"
    except (FFmpegError, OSError, ValueError) as error:
        reason = first_line(error)
    raise ClipError(f"{path}: holds no readable video ({reason}). Re-encode or replace the file.")


def _shown_stream(container) -> VideoStream | None:
    return cast(VideoStream | None, container.streams.best("video"))


def set_strict(stream: VideoStream, strict: bool) -> None:
    """Choose, before a stream is decoded, whether damage is an error or painted over."""
    context = stream.codec_context
    context.options = {"max_pixels": str(MOST_PIXELS)} | (
        {"err_detect": "explode"} if strict else {}
    )
    context.thread_count = 1  # the loader's processes are the threads


def address(path: str | Path) -> str:
    """A path as FFmpeg takes it for one: it would look for a protocol 12 in 12:30:00.mp4."""
    return f"file:{path}"


def first_line(error: object) -> str:
    """First line of an error, without FFmpeg's number and the path, which are reported already."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = re.sub(r"\[Errno -?\d+\] ", "", lines[0])
    return re.sub(r": '[^']*'$|; last error log: .*", "", line).strip().rstrip(".")
