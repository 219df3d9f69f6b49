"""The view of a clip that an item has: frames, poses and reference, in the form a model takes."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from aa.data.cache import ClipCache
from aa.data.manifest import Clip
from aa.data.transforms import (
    apply,
    clip_norm,
    draw_crop,
    place,
    rescale,
    squash,
    to_signed,
    to_unit,
)
from aa.data.video import VideoReader, open_pair
from aa.errors import ClipError, UserError

if TYPE_CHECKING:
    from aa.data.latents import LatentStore

OPEN_CLIPS = 8  # how many clips a process keeps open


class ClipReader:
    """Reads images of clips at one size; survives pickling and forking.

    Args:
        size: (height, width) in pixels.
        fit: "pad" or "crop", see `place`.
        crop_scale: of "crop": sides are the largest possible times this (lowest, highest).
        clip_size: pixels to a side of the image for CLIP.
        cache_bytes: memory for clips that stay decoded and fitted; "pad" only.
        latents: store that has the clips' frames encoded, or None; "pad" only.
        reference_pose: whether the pose of the reference is read too.
    """

    def __init__(
        self,
        *,
        size: Sequence[int],
        fit: str,
        crop_scale: Sequence[float],
        clip_size: int,
        cache_bytes: int = 0,
        latents: "LatentStore | None" = None,
        reference_pose: bool = False,
    ) -> None:
        place(size, size, fit=fit)  # refuses an unknown fit before any file is opened
        if fit != "pad" and (cache_bytes or latents):
            raise UserError('only clips with fit "pad" can be kept: "crop" cuts anew every time.')
        if cache_bytes and latents:
            raise UserError("clips are kept decoded or encoded, not both: use cache_bytes=0.")
        self.size, self.fit, self.crop_scale, self.clip_size = size, fit, crop_scale, clip_size
        self.latents, self._cache = latents, ClipCache(cache_bytes)
        self.reference_pose = reference_pose
        self._open = OrderedDict()  # Clip -> (video reader, pose reader), latest last

    def __getstate__(self):
        return {**self.__dict__, "_open": OrderedDict()}

    def num_frames(self, clip: Clip, *, at_least: int) -> int:
        """The number of frames of a clip. Raises ClipError where it cannot be used."""
        video, pose = self._readers(clip)
        if video.num_frames != pose.num_frames:
            raise ClipError(
                f"{clip.video}: has {video.num_frames} frames, its pose video {pose.num_frames}. "
                "Extract the poses again."
            )
        if video.num_frames < at_least:
            raise ClipError(f"{clip.video}: has {video.num_frames} frames, {at_least} are needed.")
        return video.num_frames

    def read(
        self, clip: Clip, targets: Sequence[int], reference: int, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """The arrays of `ClipDataset` that show something, of the frames with these numbers.

        Args:
            targets, reference: numbers of the frames to learn, and of another.
            rng: draws the box of fit "crop".
        """
        posed = [*targets, reference] if self.reference_pose else targets
        if self.latents is not None:
            return self._read_encoded(self.latents, clip, targets, posed, reference)
        if self._cache.max_bytes:
            frames, poses, squashed = self._read_kept(clip, targets, posed, reference)
        else:
            frames, poses, squashed = self._fit(clip, [*targets, reference], posed, rng)
            squashed = squashed[-1]
        pixels = to_signed(frames)  # [3, F+1, H, W]
        return {
            "pixel_values": np.ascontiguousarray(pixels[:, :-1]),
            **self._posed(poses, len(targets)),
            "reference_pixels": np.ascontiguousarray(pixels[:, -1]),
            "clip_pixels": clip_norm(squashed),
        }

    def _posed(self, poses: np.ndarray, count: int) -> dict[str, np.ndarray]:
        """The poses of `count` frames, and that of the reference if it stands behind them."""
        pixels = {"pose_pixels": to_unit(poses[:count])}
        if self.reference_pose:
            pixels["reference_pose_pixels"] = to_unit(poses[count:])[:, 0]
        return pixels

    def _read_kept(self, clip, targets, posed, reference):
        everything = range(self._readers(clip)[0].num_frames)
        arrays = self._cache.get(clip, lambda: self._fit(clip, everything, everything))
        numbers = ([*targets, reference], posed, reference)
        return (array[i] for array, i in zip(arrays, numbers, strict=True))

    def _read_encoded(
        self,
        latents: "LatentStore",
        clip: Clip,
        targets: Sequence[int],
        posed: Sequence[int],
        reference: int,
    ) -> dict[str, np.ndarray]:
        moments = latents.read(clip, [*targets, reference])  # [2C, F+1, h, w]
        video, pose = self._readers(clip)
        picture, poses = video.read([reference])[0], pose.read(posed)
        frame_size = picture.shape[:2]
        over = rescale(place(frame_size, self.size, fit=self.fit), frame_size, poses.shape[1:3])
        return {
            "moments": np.ascontiguousarray(moments[:, :-1]),
            **self._posed(apply(poses, over), len(targets)),
            "reference_moments": np.ascontiguousarray(moments[:, -1]),
            "clip_pixels": clip_norm(squash(Image.fromarray(picture), self.clip_size)),
        }

    def _fit(
        self,
        clip: Clip,
        frame_numbers: Sequence[int],
        pose_numbers: Sequence[int],
        rng: np.random.Generator | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Frames and poses at the right size, and the frames squashed for CLIP, all uint8."""
        video, pose = self._readers(clip)
        box = rng and draw_crop(rng, (video.height, video.width), self.size, scale=self.crop_scale)
        frames, poses = video.read(frame_numbers), pose.read(pose_numbers)
        frame_size, pose_size = frames.shape[1:3], poses.shape[1:3]
        placement = place(frame_size, self.size, fit=self.fit, box=box)
        squashed = np.stack([squash(Image.fromarray(f), self.clip_size) for f in frames])
        return (
            apply(frames, placement),
            apply(poses, rescale(placement, frame_size, pose_size)),
            squashed,
        )

    def _readers(self, clip: Clip) -> tuple[VideoReader, VideoReader]:
        """The readers of a clip, kept open while it is among the last OPEN_CLIPS used."""
        if clip not in self._open:
            self._open[clip] = open_pair(clip.video, clip.pose)
            if len(self._open) > OPEN_CLIPS:
                self._open.popitem(last=False)
        self._open.move_to_end(clip)
        return self._open[clip]
