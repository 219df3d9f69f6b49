"""The data of whole configs: clips, the stream of training items, figures to test on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from aa.config.convert import to_dict
from aa.errors import UserError
from aa.processes import wait_for_others

if TYPE_CHECKING:
    from aa.config.primary import TrainConfig
    from aa.data.clips import ClipDataset, ValidationItems
    from aa.data.latents import LatentStore
    from aa.data.manifest import Clip
    from aa.models.animate_anyone import AnimateAnyone
    from aa.puppets.scenes import Protocol

log = logging.getLogger(__name__)

ITEMS_A_CLIP = 4  # for val/loss


def generate_clips(config: TrainConfig) -> Path:
    """The manifest of a config's generated clips, drawn now if they are not there yet."""
    from aa.puppets.clips import make_puppets

    data = config.data
    values = to_dict(data.generate)
    folder, scale = Path(values.pop("folder")), values.pop("scale")
    return make_puppets(
        folder,
        height=data.height * scale,
        width=data.width * scale,
        keypoints=any(stage.part_weight for stage in config.stages),
        **values,
    )


def build_clips(config: TrainConfig) -> tuple[list[Clip], list[tuple[Clip, str]]]:
    """The clips of a config that can be read, and the others with reasons."""
    from aa.data.folders import find_clips
    from aa.data.manifest import check_clips, read_manifest
    from aa.poses.parts import check_keypoints

    data = config.data
    if data.generate:
        clips = read_manifest(generate_clips(config))
    elif data.folder:
        clips = find_clips(data.folder)
    else:
        clips = read_manifest(cast(str, data.manifest), allow_outside=data.allow_outside)
    frames = max(2, *(stage.num_frames for stage in config.stages))
    if any(stage.part_weight for stage in config.stages):
        check_keypoints(clips)
    good, bad = check_clips(clips, min_frames=frames, skip_bad=data.skip_bad)
    for clip, reason in bad:
        log.warning("left out %s: %s", clip.video, reason)
    log.info("%d clips, %d left out", len(good), len(bad))
    return good, bad


def hold_out_clips(config: TrainConfig, clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """The clips to train on and those to validate on, of a config's clips."""
    from aa.data.held_out import hold_out

    data = config.data
    if data.generate:
        root = Path(data.generate.folder).resolve()
    else:
        root = data.folder or Path(cast(str, data.manifest)).resolve().parent.parent
    return hold_out(clips, config.validation.num_clips, root=root)


def check_metrics(config: TrainConfig, held_out: Sequence[Clip]) -> None:
    """Check that the metrics requested for validation can be computed of these clips.

    Raises:
        UserError: names the first metric that cannot, and why.
    """
    from aa.data.video import VideoReader
    from aa.evaluation.catalogue import obstacle

    options, names, clips = config.inference, config.validation.animated, []
    for clip in held_out if names else ():
        frames = min(cast(int, options.num_frames), VideoReader(clip.video).num_frames)
        size = {"height": options.height, "width": options.width}
        clips.append({"clip": f"{clip.video}, as animated,", "frames": frames, **size})
    for name in names:
        reason = obstacle(name, clips, masks=False)
        if reason:
            raise UserError(
                f"validation.metrics: {name} cannot be computed: {reason}. Otherwise leave it out."
            )


def build_latents(config: TrainConfig, model: AnimateAnyone, clips: Sequence[Clip]) -> LatentStore:
    """A store with the frames of all clips, encoded now where they are not there yet.

    Of several processes each encodes its share and waits for the others.
    """
    import paddle
    from paddle import distributed

    from aa.data.latents import LatentStore, weights_hash

    data = config.data
    vae = weights_hash(model.vae)
    store = LatentStore(cast(str, data.latents), vae=vae, size=(data.height, data.width))
    with paddle.no_grad():
        store.encode(
            clips[distributed.get_rank() :: distributed.get_world_size()],
            lambda pixels: model.encode_moments(paddle.to_tensor(pixels)).numpy(),
            skip_bad=data.skip_bad,
        )
    wait_for_others()
    log.info("latents in %s", store.folder)
    return store


def build_dataset(
    config: TrainConfig,
    clips: Sequence[Clip],
    *,
    num_processes: int = 1,
    latents: LatentStore | None = None,
) -> ClipDataset:
    """The data set of a config, as long as the whole training."""
    stage = config.stage
    per_step = stage.per_device_batch_size * stage.gradient_accumulation_steps * num_processes
    return _dataset(
        config,
        clips,
        seed=config.seed,
        num_samples=stage.max_steps * per_step,
        uncond_ratio=stage.uncond_ratio,
        cache_bytes=int(config.data.cache_gb * 2**30),
        skip_bad=config.data.skip_bad,
        latents=latents,
    )


def build_validation_items(
    config: TrainConfig, clips: Sequence[Clip], *, latents: LatentStore | None = None
) -> ValidationItems:
    """The items of clips that are held out."""
    from aa.data.clips import ValidationItems

    log.info("held out of training: %s", ", ".join(str(clip.video) for clip in clips))
    return ValidationItems(
        _dataset(
            config,
            clips,
            seed=config.validation.seed,
            num_samples=ITEMS_A_CLIP * len(clips),
            uncond_ratio=0.0,
            cache_bytes=0,
            skip_bad=False,  # a clip is omitted from the mean, none takes its place
            latents=latents,
        )
    )


def _dataset(
    config: TrainConfig,
    clips: Sequence[Clip],
    *,
    seed: int,
    num_samples: int,
    uncond_ratio: float,
    cache_bytes: int,
    skip_bad: bool,
    latents: LatentStore | None,
) -> ClipDataset:
    from aa.data.clips import ClipDataset
    from aa.poses.parts import PartMasks

    stage, data = config.stage, config.data
    size, stride = (data.height, data.width), config.model.vae.stride
    return ClipDataset(
        clips,
        size=size,
        fit=data.fit,
        crop_scale=tuple(data.crop_scale),
        num_frames=stage.num_frames,
        in_order=stage.motion_modules,
        frame_stride=data.frame_stride,
        sample_margin=data.sample_margin,
        seed=seed,
        num_samples=num_samples,
        latent_channels=config.model.vae.latent_channels,
        latent_stride=stride,
        num_train_timesteps=config.model.noise_schedule.num_train_timesteps,
        noise_offset=stage.noise_offset,
        uncond_ratio=uncond_ratio,
        guidance_scales=stage.guidance_scales,
        stream_window=stage.stream,
        clip_size=config.model.image_encoder.image_size,
        skip_bad=skip_bad,
        cache_bytes=cache_bytes,
        latents=latents,
        part_masks=PartMasks(size, stride) if stage.part_weight else None,
        reference_pose=stage.reference_pose,
    )


def build_protocol(config: TrainConfig, split: str) -> Protocol:
    """The protocol of a config with a test; `split` is "validation" or "test"."""
    from aa.puppets.scenes import Protocol

    data, test = config.data, config.test
    assert data.generate is not None and test is not None
    return Protocol(
        seed=data.generate.seed,
        height=data.height,
        width=data.width,
        scale=data.generate.scale,
        fps=data.generate.fps,
        num_frames=data.generate.num_frames,
        num_train_clips=data.generate.num_clips,
        split=split,
        num_pairs=test.num_pairs if split == "test" else test.validation_pairs,
        num_clips=test.num_clips,
        clip_frames=test.clip_frames,
        figure=data.generate.figure,
        accessory=data.generate.accessory,
    )
