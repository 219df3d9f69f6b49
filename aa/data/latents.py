"""Frames encoded once and kept: the VAE's posterior of every frame of a clip, a file a clip."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from tqdm import tqdm

from aa.data.manifest import Clip
from aa.data.transforms import fit_frames, to_signed
from aa.data.video import VideoReader
from aa.errors import ClipError, UserError
from aa.files import check_space
from aa.runs.fingerprints import sha256
from aa.runs.sealing import SUFFIX, flush

if TYPE_CHECKING:
    from paddle import nn

log = logging.getLogger(__name__)

NAME = "moments"  # mean and standard deviation of the posterior
READING = 2  # of videos: what was encoded from frames that were read in another way is not used
PIXELS = 2**20  # of the frames that are encoded at a time


class LatentStore:
    """The posterior moments of clips whose frames are padded, never cut.

    A file's name is the SHA-256 of its video, the folder's tells the VAE and the image size: what
    has changed finds no file, and nothing wrong is read.

    Args:
        folder: home of this and other stores.
        vae: hash of the VAE's weights.
        size: (height, width) in pixels.
    """

    def __init__(self, folder: str | Path, *, vae: str, size: Sequence[int]) -> None:
        self.size = tuple(size)
        self.folder = Path(folder) / f"{size[0]}x{size[1]}_{vae[:16]}_{READING}"
        self._files = {}

    def encode(
        self,
        clips: Iterable[Clip],
        encode: Callable[[np.ndarray], np.ndarray],
        *,
        skip_bad: bool = False,
    ) -> None:
        """Encode the clips that are not there yet, and show how far it is.

        Args:
            clips: those to encode.
            encode: pixels [F, 3, H, W] in [-1, 1] -> moments [F, 2C, h, w], both float32.
            skip_bad: omit a clip that does not decode; `read` reports it.

        Raises:
            ClipError: a clip does not decode.
            UserError: the disk is full or cannot be written.
        """
        wanted = [clip for clip in dict.fromkeys(clips) if not self._is_there(clip)]
        self.folder.mkdir(parents=True, exist_ok=True)
        for clip in tqdm(wanted, desc="encoding", unit="clip", disable=not wanted):
            try:
                moments, file = self._encode(clip, encode), self._file(clip)
            except ClipError as error:
                if not skip_bad:
                    raise
                log.warning("not encoded: %s", error)
                continue
            self._write(file, moments)

    def _write(self, file: Path, moments: np.ndarray) -> None:
        check_space(self.folder, moments.nbytes)
        partial = self.folder / f".{file.name}.{os.getpid()}{SUFFIX}"
        try:
            save_file({NAME: moments}, partial)
            flush(partial)
            os.replace(partial, file)
        except (OSError, SafetensorError) as error:
            raise UserError(
                f"{self.folder}: latents cannot be written ({error}). Make room on the disk or "
                "choose another data.latents=<folder>; what is there is kept."
            ) from error
        finally:
            partial.unlink(missing_ok=True)

    def read(self, clip: Clip, frames: Iterable[int]) -> np.ndarray:
        """Moments float32 [2C, F, h, w] of the frames with these numbers.

        Raises:
            ClipError: the clip has not been encoded.
        """
        try:
            with safe_open(self._file(clip), framework="np") as file:
                kept = file.get_slice(NAME)
                return np.stack([kept[int(i)] for i in frames], axis=1)
        except (OSError, SafetensorError) as error:
            raise ClipError(
                f"{clip.video}: has no latents in {self.folder} ({error}); its frames do not all "
                "decode, or the folder has changed: re-encode the video or start again."
            ) from error

    def _encode(self, clip: Clip, encode: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        video = VideoReader(clip.video)
        at_once = max(1, PIXELS // (self.size[0] * self.size[1]))
        moments = []
        for start in range(0, video.num_frames, at_once):
            frames = video.read(range(start, min(start + at_once, video.num_frames)))
            pixels = to_signed(fit_frames(frames, self.size, fit="pad"))  # [3, F, H, W]
            moments.append(encode(np.ascontiguousarray(pixels.swapaxes(0, 1))))
        return np.concatenate(moments)

    def _is_there(self, clip: Clip) -> bool:
        try:
            with safe_open(self._file(clip), framework="np") as file:
                return NAME in file.keys()  # noqa: SIM118 a file is no dict
        except (ClipError, OSError, SafetensorError):  # a file that was cut short is made again
            return False

    def _file(self, clip: Clip) -> Path:
        if clip not in self._files:
            try:
                self._files[clip] = self.folder / f"{sha256(clip.video)}.safetensors"
            except OSError as error:
                raise ClipError(f"{clip.video}: cannot be read ({error.strerror}).") from error
        return self._files[clip]


def weights_hash(layer: "nn.Layer") -> str:
    """SHA-256 of names and values of a layer's weights."""
    digest = hashlib.sha256()
    for name, value in sorted(layer.state_dict().items()):
        digest.update(f"{name} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value.numpy()).data)
    return digest.hexdigest()
