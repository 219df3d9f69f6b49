"""The training items: an endless, reproducible stream of clips, each with all its random draws."""

import logging
from collections import OrderedDict

import numpy as np
from PIL import Image

from aa.data.sampling import draw_frames, draw_noise, permutation, stream
from aa.data.transforms import apply, clip_pixels, draw_crop, place, rescale, to_signed, to_unit
from aa.data.video import VideoReader
from aa.errors import ClipError, UserError

logger = logging.getLogger(__name__)

LATENT_STRIDE = 8  # pixels to a side of a latent
OPEN_CLIPS = 8  # how many clips a process keeps open


class ClipDataset:
    """`num_samples` items of an endless stream over `clips`; a map-style dataset for any loader.

    Item k belongs to epoch k // len(clips) and takes the clip at place k % len(clips) of that
    epoch's permutation. Every random choice of item k comes from (seed, epoch, place) alone, so
    workers, processes, batch sizes and restarts change nothing; each kind of choice has a stream
    of its own, so that a change of geometry leaves the noise as it was and the other way round.

    An item is a dict of arrays (F frames, H W pixels, h w latents = pixels / LATENT_STRIDE):
        pixel_values               float32 [3, F, H, W] in [-1, 1], the frames to learn
        pose_pixels                float32 [3, F, H, W] in [0, 1], their poses
        reference_pixels           float32 [3, H, W] in [-1, 1], another frame of the clip
        clip_pixels                float32 [3, clip_size, clip_size], that whole frame for CLIP
        drop_reference             bool [], True with probability uncond_ratio
        timesteps                  int64 [], 0 .. num_train_timesteps - 1
        noise                      float32 [latent_channels, F, h, w], standard normal plus
                                   noise_offset times one standard normal per channel
        posterior_noise            float32 [latent_channels, F, h, w], standard normal
        reference_posterior_noise  float32 [latent_channels, h, w], standard normal
    """

    def __init__(
        self,
        clips,
        *,
        size,  # (height, width) in pixels, multiples of LATENT_STRIDE
        fit,  # "pad": whole frames on black; "crop": cut to the aspect ratio of size
        crop_scale=(1.0, 1.0),  # crop: sides are the largest possible times this (lowest, highest)
        num_frames,  # 1: single frames, as in stage 1; more: runs of frames, as in stage 2
        frame_stride,  # every how many frames a run takes one; less where a clip is too short
        sample_margin,  # single frames: least distance of the reference, where the clip allows
        seed,
        num_samples,
        latent_channels=4,
        num_train_timesteps=1000,
        noise_offset=0.05,
        uncond_ratio=0.1,
        clip_size=224,
        skip_bad=False,  # a clip that fails is replaced by the next of the permutation
    ):
        if not clips:
            raise UserError("the data set has no clips.")
        if any(side % LATENT_STRIDE for side in size):
            raise UserError(
                f"height and width must be multiples of {LATENT_STRIDE}, got {list(size)}."
            )
        place(size, size, fit=fit)  # refuses an unknown fit before any file is opened
        self.clips, self.size, self.fit, self.crop_scale = list(clips), tuple(size), fit, crop_scale
        self.num_frames, self.frame_stride = num_frames, frame_stride
        self.sample_margin, self.seed, self.num_samples = sample_margin, seed, num_samples
        self.latent_channels = latent_channels
        self.num_train_timesteps, self.noise_offset = num_train_timesteps, noise_offset
        self.uncond_ratio, self.clip_size, self.skip_bad = uncond_ratio, clip_size, skip_bad
        self.bad_clips = {}  # Clip -> reason, as this process met them
        self._open = OrderedDict()  # Clip -> (video reader, pose reader), latest last

    def __getstate__(self):
        return {**self.__dict__, "_open": OrderedDict()}

    def __len__(self):
        return self.num_samples

    def __getitem__(self, k):
        """Item k, 0 <= k < len(self). Raises ClipError for a clip that cannot be read."""
        if not 0 <= k < self.num_samples:
            raise IndexError(f"item {k} asked for, the data set has 0..{self.num_samples - 1}")
        key = (self.seed, *divmod(int(k), len(self.clips)))  # seed, epoch, place
        return {**self._read_some_clip(key), **self._draw(key)}

    def _draw(self, key):
        """The random arrays of an item; they depend on the sizes, never on what the clip shows."""
        frame = (self.size[0] // LATENT_STRIDE, self.size[1] // LATENT_STRIDE)
        video = (self.latent_channels, self.num_frames, *frame)
        reference = (self.latent_channels, *frame)
        timestep = stream(key, "timestep").integers(self.num_train_timesteps)
        return {
            "drop_reference": np.array(stream(key, "drop").random() < self.uncond_ratio),
            "timesteps": np.array(timestep, np.int64),
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
        for i in np.roll(order, -start):
            clip = self.clips[i]
            if clip in self.bad_clips:
                continue
            try:
                return self._read_clip(clip, key)
            except ClipError as error:
                if not self.skip_bad:
                    raise
                self.bad_clips[clip] = str(error)
                logger.warning("clip %d left out: %s", len(self.bad_clips), error)
        reason = next(iter(self.bad_clips.values()))
        raise UserError(f"none of the {len(self.clips)} clips can be read; the first: {reason}")

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
            frame_stride=self.frame_stride,
            sample_margin=self.sample_margin,
        )
        frames, poses = video.read([*targets, reference]), pose.read(targets)
        return self._fit(frames, poses, key)

    def _fit(self, frames, poses, key):
        """frames uint8 [F+1, H, W, 3], the reference last, and poses uint8 [F, H, W, 3]."""
        frame_size, pose_size = frames.shape[1:3], poses.shape[1:3]
        box = draw_crop(stream(key, "crop"), frame_size, self.size, scale=self.crop_scale)
        placement = place(frame_size, self.size, fit=self.fit, box=box)
        pixels = to_signed(apply(frames, placement))  # [3, F+1, h, w]
        return {
            "pixel_values": np.ascontiguousarray(pixels[:, :-1]),
            "pose_pixels": to_unit(apply(poses, rescale(placement, frame_size, pose_size))),
            "reference_pixels": np.ascontiguousarray(pixels[:, -1]),
            "clip_pixels": clip_pixels(Image.fromarray(frames[-1]), size=self.clip_size),
        }

    def _readers(self, clip):
        """The readers of a clip, kept open while it is among the last OPEN_CLIPS used."""
        if clip not in self._open:
            self._open[clip] = VideoReader(clip.video), VideoReader(clip.pose)
            if len(self._open) > OPEN_CLIPS:
                self._open.popitem(last=False)
        self._open.move_to_end(clip)
        return self._open[clip]
