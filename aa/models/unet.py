"""The UNet of Stable Diffusion 1.5, once as reference network and once as denoiser."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import paddle
import paddle.nn.functional as F
from einops import rearrange
from paddle import nn

from aa.models.attention import Condition, SpatialTransformer, repeat_frames
from aa.models.blocks import Downsample, Parts, ResnetBlock, UNetSizes, Upsample
from aa.models.embeddings import GuidanceEmbedding, TimestepEmbedding, timestep_embedding
from aa.models.layers import Conv2D, GroupNorm
from aa.models.levels import build_middle, build_way_down, build_way_up
from aa.models.motion import MotionModule
from aa.models.running import RunLayer, directly


def _transformer(channels: int, sizes: UNetSizes) -> SpatialTransformer:
    return SpatialTransformer(
        channels, sizes.heads, sizes.context_channels, norm_groups=sizes.norm_groups
    )


def _motion_module(channels: int, sizes: UNetSizes) -> MotionModule:
    return MotionModule(
        channels, sizes.motion_heads, sizes.max_frames, norm_groups=sizes.norm_groups
    )


def _head(channels: int, latent_channels: int, sizes: UNetSizes) -> dict[str, nn.Layer]:
    return {
        "conv_norm_out": GroupNorm(sizes.norm_groups, channels, epsilon=1e-5),
        "conv_out": Conv2D(channels, latent_channels, 3, padding=1),
    }


SD15 = Parts(
    stem=partial(Conv2D, kernel_size=3, padding=1),
    resnet=ResnetBlock,
    attention=_transformer,
    motion=_motion_module,
    down=Downsample,
    up=Upsample,
    head=_head,
    stacked=True,
    trimmed=False,
)


class UNet(nn.Layer):
    """One class for both networks: with `head` it denoises, without it gives reference features.

    In SD1.5 all levels but the lowest have attention. The reference features are the outputs
    of the first LayerNorm of every spatial transformer block, in the order of execution.

    Args:
        block_out_channels: channels of the levels, high to low resolution.
        layers_per_block: resnets per level on the way down; one more on the way up.
        attention_heads: heads of every spatial attention.
        cross_attention_dim: width of the image embedding.
        attention_levels: levels with attention, 0 the highest; None: all but the lowest.
        up_attention_levels: those on the way up, None: the same.
        norm_num_groups: groups of every GroupNorm.
        latent_channels: channels of the latents.
        motion_heads: heads of the motion modules; 0 builds none.
        max_frames: the most frames one call can have.
        head: whether the output layers exist.
        guidance: whether it has an embedding of the scale of guidance.
        pose: whether its reference features are given the pose of their image.
        run_layer: runs a layer in training, given it and its arguments: `directly`, `recomputed`.

    Attributes:
        deep_channels: channels of the deep features, see `predict_with_deep`.
    """

    parts = SD15

    def __init__(
        self,
        *,
        block_out_channels: Sequence[int],
        layers_per_block: int,
        attention_heads: int,
        cross_attention_dim: int,
        attention_levels: Sequence[int] | None = None,
        up_attention_levels: Sequence[int] | None = None,
        norm_num_groups: int = 32,
        latent_channels: int = 4,
        motion_heads: int = 0,
        max_frames: int = 32,
        head: bool = True,
        guidance: bool = False,
        pose: bool = False,
        run_layer: RunLayer = directly,
    ) -> None:
        super().__init__()
        channels, self.layers = list(block_out_channels), layers_per_block
        sizes = UNetSizes(
            heads=attention_heads,
            context_channels=cross_attention_dim,
            time_channels=channels[0] * 4,
            norm_groups=norm_num_groups,
            motion_heads=motion_heads,
            max_frames=max_frames,
        )
        self.run_layer = run_layer
        self.max_frames = max_frames if motion_heads else None
        self.deep_channels = channels[:2][-1] if self.parts.stacked else channels[0]
        down = range(len(channels) - 1) if attention_levels is None else attention_levels
        up = down if up_attention_levels is None else up_attention_levels
        self.time_embedding = TimestepEmbedding(channels[0], sizes.time_channels)
        self.conv_in = self.parts.stem(latent_channels, channels[0])
        self.down_blocks = nn.LayerList(
            build_way_down(self.parts, channels, self.layers, sizes, down)
        )
        self.up_blocks = nn.LayerList()  # here, for the order of the parameters
        self.mid_block = build_middle(self.parts, channels[-1], sizes)
        last = 0 if head or not self.parts.trimmed else min(up, default=len(channels))
        self.up_blocks.extend(build_way_up(self.parts, channels, self.layers, sizes, up, last=last))
        if head:
            layers = self.parts.head(channels[0], latent_channels, sizes)
            for name, layer in layers.items():
                self.add_sublayer(name, layer)
        self.guidance_embedding = GuidanceEmbedding(sizes.time_channels) if guidance else None
        # Zero at the start, so that it changes nothing.
        self.pose_proj = Conv2D(channels[0], channels[0], 1, zero=True) if pose else None

    def forward(
        self,
        latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        conditions: Sequence[Condition],
        *,
        pose_features: paddle.Tensor | None = None,
        reference_mask: paddle.Tensor | None = None,
        guidance_scale: paddle.Tensor | None = None,
    ) -> paddle.Tensor:
        """Predict from noisy latents.

        Args:
            latents: [B, 4, F, h, w], or [1, 4, F, h, w] where samples differ in conditions only.
            timesteps: integers [B], one for all frames of a sample, or [B, F]; [1] or [1, F] where
                the latents are one.
            conditions: what `conditions` gave, once for all steps and frames.
            pose_features: [B, C, F, h, w], added after `conv_in`.
            reference_mask: bool [B], False where a sample goes without; None: all keep theirs.
            guidance_scale: [B], of a network with an embedding of it; None: 1, no guidance.

        Returns:
            the prediction [B, 4, F, h, w].

        Raises:
            ValueError: there are more frames than the motion modules have positions for, or the
                conditions are of another number of samples.
        """
        frames, batch = latents.shape[2], conditions[0].image_token.shape[0]
        x, time = self._enter(latents, timesteps, batch, pose_features, guidance_scale)
        x, _, _ = self._levels(x, time, conditions, reference_mask, frames)
        return rearrange(self._output(x), "(b f) c h w -> b c f h w", f=frames)

    def predict_with_deep(
        self,
        latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        conditions: Sequence[Condition],
        *,
        pose_features: paddle.Tensor | None = None,
        guidance_scale: paddle.Tensor | None = None,
        deep: paddle.Tensor | None = None,
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Predict as `forward` does, and return the deep features too (arXiv 2312.00858).

        These are what comes up from below the highest level. They change little from step to step:
        given those of an earlier one, only the highest level runs, on the way down and up.

        Args:
            conditions: with `deep`, the `outer_conditions` alone.
            deep: deep features of the same frames [B*F, C, h, w]; None: all levels run.

        Returns:
            the prediction [B, 4, F, h, w] and the deep features that it was made of.
        """
        frames = latents.shape[2]
        batch = deep.shape[0] // frames if deep is not None else conditions[0].image_token.shape[0]
        x, time = self._enter(latents, timesteps, batch, pose_features, guidance_scale)
        x, _, deep = self._levels(x, time, conditions, None, frames, deep=deep, keep_deep=True)
        prediction = rearrange(self._output(x), "(b f) c h w -> b c f h w", f=frames)
        return prediction, cast("paddle.Tensor", deep)

    def outer_conditions(self, conditions: Sequence[Condition]) -> list[Condition]:
        """Those of `conditions` that the highest level needs, on the way down and up."""
        down, up = (
            len(level.attentions) if level.has_attention else 0
            for level in (self.down_blocks[0], self.up_blocks[-1])
        )
        return [*conditions[:down], *conditions[len(conditions) - up :]]

    def conditions(
        self,
        image_embeds: paddle.Tensor,
        reference: Sequence[paddle.Tensor | None] | None = None,
    ) -> list[Condition]:
        """Return what the attention blocks see of a character, one `Condition` each.

        Args:
            image_embeds: [B, 1, D]; zeros for the unconditional half of guidance.
            reference: what `reference_features` of the other network returned, or None.

        Raises:
            ValueError: the reference features are not one per attention block.
        """
        blocks = self._attentions()
        if reference is None:
            reference = [None] * len(blocks)
        if len(reference) != len(blocks):
            raise ValueError(
                f"{len(reference)} reference features for {len(blocks)} attention blocks: "
                "both networks must have the same shape."
            )
        return [b.condition(image_embeds, r) for b, r in zip(blocks, reference, strict=True)]

    def reference_features(
        self,
        latents: paddle.Tensor,
        image_embeds: paddle.Tensor,
        pose_features: paddle.Tensor | None = None,
    ) -> list[paddle.Tensor]:
        """Features of clean reference latents.

        The network stops at the last tensor it passes on.

        Args:
            latents: [B, 4, h, w].
            image_embeds: [B, 1, D].
            pose_features: of the image's own pose [B, C, h, w], projected and added after
                `conv_in`; None: it is not told.

        Returns:
            one tensor per attention block, in the order of execution, for the other network's
            `conditions`; [B, L, C] in SD1.5.
        """
        # The reference image is clean, so its time is always 0.
        time = self._time(paddle.zeros([latents.shape[0]], dtype="int64"))
        conditions = [block.condition(image_embeds) for block in self._attentions()[:-1]]
        x = self.conv_in(latents)
        if self.pose_proj is not None and pose_features is not None:
            x = x + self.pose_proj(pose_features)
        _, features, _ = self._levels(x, time, conditions, stop_at_last=True)
        return features

    @property
    def num_layers(self) -> int:
        """Layers on the way down and up, and the middle one."""
        return 1 + sum(len(level.resnets) for level in (*self.down_blocks, *self.up_blocks))

    def _attentions(self) -> list[Any]:
        """The spatial attention blocks in the order of execution, 16 in SD1.5."""
        levels = [*self.down_blocks, self.mid_block, *self.up_blocks]
        return [block for level in levels if level.has_attention for block in level.attentions]

    def _time(
        self, timesteps: paddle.Tensor, guidance_scale: paddle.Tensor | None = None
    ) -> paddle.Tensor:
        sinusoids = timestep_embedding(timesteps, self.conv_in.weight.shape[0])
        embedding = self.time_embedding(sinusoids.astype(self.conv_in.weight.dtype))
        if self.guidance_embedding is not None and guidance_scale is not None:
            own = self.guidance_embedding(guidance_scale.astype(embedding.dtype))
            embedding = embedding + repeat_frames(own, embedding.shape[0])
        # Every resnet starts from the activated embedding: activate it once.
        return F.swish(embedding)

    def _enter(
        self,
        latents: paddle.Tensor,
        timesteps: paddle.Tensor,
        batch: int,
        pose_features: paddle.Tensor | None,
        guidance_scale: paddle.Tensor | None,
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """What the first level is given of `forward`'s arguments [batch*F, C, h, w], and time."""
        frames = latents.shape[2]
        if latents.shape[0] not in (1, batch):
            raise ValueError(f"latents of {latents.shape[0]} samples, conditions of {batch}.")
        if self.max_frames is not None and frames > self.max_frames:
            raise ValueError(
                f"{frames} frames at once; the motion modules reach {self.max_frames}."
            )
        x = self.conv_in(rearrange(latents, "b c f h w -> (b f) c h w"))
        if pose_features is not None:
            x = x + rearrange(pose_features, "b c f h w -> (b f) c h w")
        if latents.shape[0] < batch:
            x = x.unsqueeze(0).expand([batch, *x.shape]).flatten(0, 1)
            timesteps = timesteps.expand([batch, *timesteps.shape[1:]])
        return x, self._time(timesteps.flatten(), guidance_scale)

    def _join(self, x: paddle.Tensor, skip: paddle.Tensor) -> paddle.Tensor:
        """Input of a layer on the way up."""
        return paddle.concat([x, skip], axis=1) if self.parts.stacked else x + skip

    def _output(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv_out(F.swish(self.conv_norm_out(x)))

    def _levels(
        self,
        x: paddle.Tensor,
        time: paddle.Tensor,
        conditions: Sequence[Condition],
        reference_mask: paddle.Tensor | None = None,
        frames: int = 1,
        *,
        stop_at_last: bool = False,
        keep_deep: bool = False,
        deep: paddle.Tensor | None = None,
    ) -> tuple[paddle.Tensor, list[Any], paddle.Tensor | None]:
        """Run the levels on x [B*F, C, h, w]: x, features, and the deep features, if kept.

        Given `deep`, what comes up from below the highest level, nothing below it runs.
        """
        features, last = [], len(self._attentions()) - 1
        whole, highest = deep is None, self.up_blocks[-1]

        def run(level, i, x):
            condition = conditions[len(features)] if level.has_attention else None
            args = (i, x, time, condition, reference_mask, frames)
            x, feature = (self.run_layer if self.training else directly)(level.run_layer, *args)
            if feature is not None:  # the denoiser's are read by nobody: only counted
                features.append(feature if stop_at_last else None)
            return x

        skips = [x] if self.parts.stacked else []
        for level in self.down_blocks if whole else [self.down_blocks[0]]:
            for i in range(len(level.resnets)):
                x = run(level, i, x)
                skips.append(x)
            if whole and level.has_resampler:
                x = level.downsamplers[0](x)
                if self.parts.stacked:
                    skips.append(x)
        x = run(self.mid_block, 0, x) if deep is None else deep
        for level in self.up_blocks if whole else [highest]:
            if keep_deep and level is highest:
                deep = x
            for i in range(len(level.resnets)):
                x = self._join(x, skips.pop())
                if stop_at_last and level.has_attention and len(features) == last:
                    x = level.resnets[i](x, time)
                    return x, [*features, level.attentions[i].reference_tokens(x)], None
                x = run(level, i, x)
            if level.has_resampler:
                x = level.upsamplers[0](x, skips[-1].shape[2:])
        return x, features, deep
