"""The training items: an endless, reproducible stream of clips, each with all its random draws."""

import logging
from collections import OrderedDict

import numpy as np
from PIL import Image

from aa.data.cache import ClipCache
from aa.data.sampling import draw_frames, draw_noise, permutation, stream
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
from aa.data.video import VideoReader
from aa.errors import ClipError, UserError

logger = logging.getLogger(__name__)

OPEN_CLIPS = 8  # how many clips a process keeps open


class ClipDataset:
    """`num_samples` items of an endless stream over `clips`; a map-style dataset for any loader.

    Item k belongs to epoch k // len(clips) and takes the clip at place k % len(clips) of that
    epoch's permutation. Every random choice of item k comes from (seed, epoch, place) alone, so
    workers, processes, batch sizes and restarts change nothing; each kind of choice has a stream
    of its own, so that a change of geometry leaves the noise as it was and the other way round.
    With skip_bad an item whose clip cannot be read takes the next of the permutation that can:
    every item tries anew, so that what was read before it changes nothing either.

    An item is a dict of arrays (F frames, H W pixels, h w latents = pixels / latent_stride):
        pixel_values               float32 [3, F, H, W] in [-1, 1], the frames to learn
        pose_pixels                float32 [3, F, H, W] in [0, 1], their poses
        reference_pixels           float32 [3, H, W] in [-1, 1], another frame of the clip
        clip_pixels                float32 [3, clip_size, clip_size], that whole frame for CLIP
        drop_reference             bool [], True with probability uncond_ratio
        timesteps                  int64 [F], 0 .. num_train_timesteps - 1, one for a whole run
        noise                      float32 [latent_channels, F, h, w], standard normal plus
                                   noise_offset times one standard normal per channel
        posterior_noise            float32 [latent_channels, F, h, w], standard normal
        reference_posterior_noise  float32 [latent_channels, h, w], standard normal
    """

    def __init__(
        self,
        clips,
        *,
        size,  # (height, width) in pixels, multiples of latent_stride
        fit,  # "pad": whole frames on black; "crop": cut to the aspect ratio of size
        crop_scale=(1.0, 1.0),  # crop: sides are the largest possible times this (lowest, highest)
        num_frames,  # frames to learn of one item
        in_order,  # runs of frames, as in stage 2; False: single frames, as in stage 1
        frame_stride,  # every how many frames a run takes one; less where a clip is too short
        sample_margin,  # single frames: least distance of the reference, where the clip allows
        seed,
        num_samples,
        latent_channels=4,
        latent_stride=8,  # pixels to a side of a latent
        num_train_timesteps=1000,
        noise_offset=0.05,
        uncond_ratio=0.1,
        clip_size=224,
        skip_bad=False,  # a clip that fails is replaced by the next of the permutation
        cache_bytes=0,  # memory for clips that stay decoded and fitted; fit "pad" only
    ):
        if not clips:
            raise UserError("the data set has no clips.")
        if any(side % latent_stride for side in size):
            raise UserError(
                f"height and width must be multiples of {latent_stride}, got {list(size)}."
            )
        if cache_bytes and fit != "pad":
            raise UserError('only clips with fit "pad" can be kept: "crop" cuts anew every time.')
        place(size, size, fit=fit)  # refuses an unknown fit before any file is opened
        self.clips, self.size, self.fit, self.crop_scale = list(clips), tuple(size), fit, crop_scale
        self.num_frames, self.in_order, self.frame_stride = num_frames, in_order, frame_stride
        self.sample_margin, self.seed, self.num_samples = sample_margin, seed, num_samples
        self.latent_channels, self.latent_stride = latent_channels, latent_stride
        self.num_train_timesteps, self.noise_offset = num_train_timesteps, noise_offset
        self.uncond_ratio, self.clip_size, self.skip_bad = uncond_ratio, clip_size, skip_bad
        self.bad_clips = {}  # Clip -> reason, as this process met them: a record, no choice uses it
        self._cache = ClipCache(cache_bytes)
        self._open = OrderedDict()  # Clip -> (video reader, pose reader), latest last

    def __getstate__(self):
        return {**self.__dict__, "_open": OrderedDict()}

    def __len__(self):
        return self.num_samples

    def __getitem__(self, k):
        """Item k, 0 <= k < len(self). Raises ClipError for a clip that cannot be read."""
        if not 0 <= k < self.num_samples:
            raise IndexError(f"item {k} asked for, the data set has 0..{self.num_samples - 1}")
        key = self._key(k)
        return {**self._read_some_clip(key), **self._draw(key)}

    def clip(self, k):
        """The clip that item k takes, unless it cannot be read."""
        seed, epoch, start = self._key(k)
        return self.clips[permutation(seed, epoch, len(self.clips))[start]]

    def _key(self, k):
        return (self.seed, *divmod(int(k), len(self.clips)))  # seed, epoch, place

    def _draw(self, key):
        """The random arrays of an item; they depend on the sizes, never on what the clip shows."""
        frame = tuple(side // self.latent_stride for side in self.size)
        video = (self.latent_channels, self.num_frames, *frame)
        reference = (self.latent_channels, *frame)
        draws = 1 if self.in_order else self.num_frames
        timesteps = stream(key, "timestep").integers(self.num_train_timesteps, size=draws)
        return {
            "drop_reference": np.array(stream(key, "drop").random() < self.uncond_ratio),
            "timesteps": np.broadcast_to(timesteps, [self.num_frames]).astype(np.int64),
            "noise": draw_noise(key, video, offset=self.noise_offset),
            "posterior_noise": stream(key, "posterior").standard_normal(video, np.float32),
            "reference_posterior_noise": stream(key, "reference_posterior").standard_normal(
                reference, np.float32
            ),
        }

    def _read_some_clip(self, key):
        """The pictures of an item, from its own clip or, with skip_bad, the next good one."""
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

    def _record(self, clip, error):
        if clip not in self.bad_clips:
            self.bad_clips[clip] = str(error)
            logger.warning("clip %d left out: %s", len(self.bad_clips), error)

    def _read_clip(self, clip, key):
        video, pose = self._readers(clip)
        if video.num_frames != pose.num_frames:
            raise ClipError(
                f"{clip.video}: has {video.num_frames} frames, its pose video {pose.num_frames}. "
                "Extract the poses again."
            )
        if video.num_frames < self.num_frames:
            raise ClipError(
                f"{clip.video}: has {video.num_frames} frames, {self.num_frames} are needed."
            )
        targets, reference = draw_frames(
            stream(key, "frames"),
            video.num_frames,
            num_frames=self.num_frames,
            in_order=self.in_order,
            frame_stride=self.frame_stride,
            sample_margin=self.sample_margin,
        )
        if self._cache.max_bytes:
            everything = range(video.num_frames)
            arrays = self._cache.get(clip, lambda: self._fit(video, pose, everything, everything))
            frames, poses, squashed = (
                a[i]
                for a, i in zip(arrays, ([*targets, reference], targets, reference), strict=True)
            )
        else:
            box = draw_crop(
                stream(key, "crop"), (video.height, video.width), self.size, scale=self.crop_scale
            )
            frames, poses, squashed = self._fit(video, pose, [*targets, reference], targets, box)
            squashed = squashed[-1]
        pixels = to_signed(frames)  # [3, F+1, H, W]
        return {
            "pixel_values": np.ascontiguousarray(pixels[:, :-1]),
            "pose_pixels": to_unit(poses),
            "reference_pixels": np.ascontiguousarray(pixels[:, -1]),
            "clip_pixels": clip_norm(squashed),
        }

    def _fit(self, video, pose, frame_numbers, pose_numbers, box=None):
        """Frames and poses at the data set's size, and the frames squashed for CLIP, all uint8."""
        frames, poses = video.read(frame_numbers), pose.read(pose_numbers)
        frame_size, pose_size = frames.shape[1:3], poses.shape[1:3]
        placement = place(frame_size, self.size, fit=self.fit, box=box)
        squashed = np.stack([squash(Image.fromarray(f), self.clip_size) for f in frames])
        return (
            apply(frames, placement),
            apply(poses, rescale(placement, frame_size, pose_size)),
            squashed,
        )

    def _readers(self, clip):
        """The readers of a clip, kept open while it is among the last OPEN_CLIPS used."""
        if clip not in self._open:
            self._open[clip] = VideoReader(clip.video), VideoReader(clip.pose)
            if len(self._open) > OPEN_CLIPS:
                self._open.popitem(last=False)
        self._open.move_to_end(clip)
        return self._open[clip]
