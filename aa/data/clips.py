"""The training items: an endless, reproducible stream of clips, each with all its random draws."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aa.data.clip_reader import ClipReader
from aa.data.manifest import Clip
from aa.data.sampling import (
    draw_frames,
    draw_noise,
    draw_stream_frames,
    draw_timesteps,
    permutation,
    spread_timesteps,
    stream,
)
from aa.errors import ClipError, UserError

if TYPE_CHECKING:
    from aa.config.stream import StreamWindow
    from aa.data.latents import LatentStore

    # (clip, numbers of its frames) -> masks [1, F, h, w]
    PartMasks = Callable[[Clip, Sequence[int]], np.ndarray]

logger = logging.getLogger(__name__)


def _check(clips: Sequence[Clip], size: Sequence[int], stride: int) -> None:
    if not clips:
        raise UserError("the data set has no clips.")
    if any(side % stride for side in size):
        raise UserError(f"height and width must be multiples of {stride}, got {list(size)}.")


class ClipDataset:
    """`num_samples` items of an endless stream over `clips`; a map-style dataset for any loader.

    Item k belongs to epoch k // len(clips) and takes the clip at place k % len(clips) of that
    epoch's permutation. Every random choice of item k comes from (seed, epoch, place) alone, so
    workers, processes, batch sizes and restarts change nothing; each kind of choice has a
    separate stream, so that a change of geometry leaves the noise as it was and vice versa.
    With skip_bad an item whose clip cannot be read takes the next of the permutation that can:
    every item tries anew, so that what was read before it changes nothing either.

    An item is a dict of arrays (F frames, H W pixels, h w latents = pixels / latent_stride):
        pixel_values               float32 [3, F, H, W] in [-1, 1], the frames to learn
        pose_pixels                float32 [3, F, H, W] in [0, 1], their poses
        reference_pixels           float32 [3, H, W] in [-1, 1], another frame of the clip
        clip_pixels                float32 [3, clip_size, clip_size], that whole frame for CLIP
        drop_reference             bool [], True with probability uncond_ratio
        timesteps                  int64 [F], 0 .. num_train_timesteps - 1, one for a whole run, or
                                   those of `stream_window`
        noise                      float32 [latent_channels, F, h, w], standard normal plus
                                   noise_offset times one standard normal per channel
        posterior_noise            float32 [latent_channels, F, h, w], standard normal
        reference_posterior_noise  float32 [latent_channels, h, w], standard normal

    With `guidance_scales` an item has one more:
        guidance_scale             float32 [], evenly drawn between them

    With `part_masks` an item has one more:
        part_mask                  float32 [1, F, h, w] in [0, 1], the share of face and hands

    With `reference_pose` an item has one more:
        reference_pose_pixels      float32 [3, H, W] in [0, 1], the pose of the reference

    With `latents`, frames to learn and reference come as the VAE's posterior (see `encode_moments`)
    in place of pixel_values and reference_pixels:
        moments                    float32 [2 * latent_channels, F, h, w]
        reference_moments          float32 [2 * latent_channels, h, w]
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        size: Sequence[int],  # (height, width) in pixels, multiples of latent_stride
        fit: str,  # "pad": whole frames on black; "crop": cut to the aspect ratio of size
        # crop: sides are the largest possible times this (lowest, highest)
        crop_scale: Sequence[float] = (1.0, 1.0),
        num_frames: int,  # frames to learn of one item
        in_order: bool,  # runs of frames, as in stage 2; False: single frames, as in stage 1
        frame_stride: int,  # every how many frames a run takes one; less where a clip is too short
        sample_margin: int,  # single frames: least distance of the reference, where the clip allows
        seed: int,
        num_samples: int,
        latent_channels: int = 4,
        latent_stride: int = 8,  # pixels to a side of a latent
        num_train_timesteps: int = 1000,
        noise_offset: float = 0.05,
        uncond_ratio: float = 0.1,
        guidance_scales: Sequence[float] | None = None,  # (lowest, highest), drawn evenly
        stream_window: "StreamWindow | None" = None,  # that an item shows: anchor, then a run
        clip_size: int = 224,
        skip_bad: bool = False,  # a clip that fails is replaced by the next of the permutation
        cache_bytes: int = 0,  # memory for clips that stay decoded and fitted; fit "pad" only
        latents: "LatentStore | None" = None,  # of the clips; fit "pad" only
        part_masks: "PartMasks | None" = None,  # face and hands; fit "pad" only
        reference_pose: bool = False,
    ) -> None:
        _check(clips, size, latent_stride)
        if stream_window and stream_window.frames != num_frames:
            raise ValueError(f"{num_frames} frames for a window of {stream_window.frames}.")
        self.clips, self.size = list(clips), tuple(size)
        self.num_frames, self.in_order, self.frame_stride = num_frames, in_order, frame_stride
        self.sample_margin, self.seed, self.num_samples = sample_margin, seed, num_samples
        self.latent_channels, self.latent_stride = latent_channels, latent_stride
        self.num_train_timesteps, self.noise_offset = num_train_timesteps, noise_offset
        self.uncond_ratio, self.skip_bad = uncond_ratio, skip_bad
        self.guidance_scales, self.part_masks = guidance_scales, part_masks
        self.stream_window = stream_window
        self.bad_clips = {}  # Clip -> reason, as this process met them: a record, no choice uses it
        self._reader = ClipReader(
            size=self.size,
            fit=fit,
            crop_scale=crop_scale,
            clip_size=clip_size,
            cache_bytes=cache_bytes,
            latents=latents,
            reference_pose=reference_pose,
        )

    def __len__(self) -> int:
        return self.num_samples

    def __getitem__(self, k: int) -> dict[str, np.ndarray]:
        """Item k, 0 <= k < len(self). Raises ClipError for a clip that cannot be read."""
        if not 0 <= k < self.num_samples:
            raise IndexError(f"item {k} asked for, the data set has 0..{self.num_samples - 1}")
        key = self._key(k)
        return {**self._read_some_clip(key), **self._draw(key)}

    def clip(self, k: int) -> Clip:
        """The clip that item k takes, unless it cannot be read."""
        seed, epoch, start = self._key(k)
        return self.clips[permutation(seed, epoch, len(self.clips))[start]]

    def _key(self, k: int) -> tuple[int, int, int]:
        return (self.seed, *divmod(int(k), len(self.clips)))  # seed, epoch, place

    def _draw(self, key: tuple[int, int, int]) -> dict[str, np.ndarray]:
        """The random arrays of an item; they depend on the sizes, never on what the clip shows."""
        frame = tuple(side // self.latent_stride for side in self.size)
        video = (self.latent_channels, self.num_frames, *frame)
        reference = (self.latent_channels, *frame)
        timesteps = draw_timesteps(
            stream(key, "timestep"),
            self.num_train_timesteps,
            num_frames=self.num_frames,
            in_order=self.in_order,
            stream_window=self.stream_window,
        )
        guidance = {}
        if self.guidance_scales:
            least, most = self.guidance_scales
            scale = stream(key, "guidance").uniform(least, most)
            guidance["guidance_scale"] = np.array(scale, np.float32)
        return {
            **guidance,
            "drop_reference": np.array(stream(key, "drop").random() < self.uncond_ratio),
            "timesteps": timesteps,
            "noise": draw_noise(key, video, offset=self.noise_offset),
            "posterior_noise": stream(key, "posterior").standard_normal(video, np.float32),
            "reference_posterior_noise": stream(key, "reference_posterior").standard_normal(
                reference, np.float32
            ),
        }

    def _read_some_clip(self, key: tuple[int, int, int]) -> dict[str, np.ndarray]:
        """The images of an item, from its own clip or, with skip_bad, the next good one."""
        seed, epoch, start = key
        order = permutation(seed, epoch, len(self.clips))
        reasons = {}  # of the clips tried: the list may have one more than once
        for clip in (self.clips[i] for i in np.roll(order, -start)):
            if clip in reasons:
                continue
            try:
                return self._read_clip(clip, key)
            except ClipError as error:
                if not self.skip_bad:
                    raise
                reasons[clip] = str(error)
                self._record(clip, error)
        reason = next(iter(reasons.values()))
        raise UserError(f"none of the {len(self.clips)} clips can be read; the first: {reason}")

    def _record(self, clip: Clip, error: ClipError) -> None:
        if clip not in self.bad_clips:
            self.bad_clips[clip] = str(error)
            logger.warning("clip %d left out: %s", len(self.bad_clips), error)

    def _read_clip(self, clip: Clip, key: tuple[int, int, int]) -> dict[str, np.ndarray]:
        length = self._reader.num_frames(clip, at_least=self.num_frames)
        targets, reference = self._draw_frames(stream(key, "frames"), length)
        parts = {"part_mask": self.part_masks(clip, targets)} if self.part_masks else {}
        return parts | self._reader.read(clip, targets, reference, stream(key, "crop"))

    def _draw_frames(self, rng: np.random.Generator, length: int) -> tuple[list[int], int]:
        """Numbers of the frames to learn, and of the reference, in a clip of `length` frames."""
        stride = self.frame_stride
        if self.stream_window:
            return draw_stream_frames(rng, length, self.stream_window, frame_stride=stride)
        return draw_frames(
            rng,
            length,
            num_frames=self.num_frames,
            in_order=self.in_order,
            frame_stride=stride,
            sample_margin=self.sample_margin,
        )


class ValidationItems:
    """The items of a `ClipDataset`, with timesteps that are spread evenly instead of drawn.

    Those of a stream all have the timesteps of its window.
    No clip takes the place of another: the data set has `skip_bad=False`.
    """

    def __init__(self, dataset: ClipDataset) -> None:
        self.dataset, self.clips = dataset, dataset.clips

    def __len__(self) -> int:
        return len(self.dataset)

    def clip(self, k: int) -> Clip:
        """The clip of item k."""
        return self.dataset.clip(k)

    def __getitem__(self, k: int) -> dict[str, np.ndarray]:
        """Item k, 0 <= k < len(self). Raises ClipError for a clip that cannot be read."""
        dataset = self.dataset
        if dataset.stream_window:
            timesteps = np.array(dataset.stream_window.timesteps(dataset.num_train_timesteps))
            return {**dataset[k], "timesteps": timesteps}
        timesteps = spread_timesteps(
            k,
            len(dataset),
            num_frames=dataset.num_frames,
            in_order=dataset.in_order,
            num_train_timesteps=dataset.num_train_timesteps,
        )
        return {**dataset[k], "timesteps": timesteps}
