"""One training step: ours against a straightforward one, each stage, in one run.

    python benchmarks/train_step.py

The UNets have 64, 128, 256, 256 channels; stage 1 takes 4 samples, stage 2 a clip of 8 frames, at
256x256 pixels (32x32 latents). Straightforward means: the pictures are encoded at every step,
everything has gradients, and the cross-attention compares its one token with every query. Ours
leaves all of that out; what must not change, the loss, is compared too. Each variant runs in a
process of its own, for its peak memory; times are medians.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

STEPS = 4  # and one before them that does not count
STAGES = {1: (4, 1), 2: (1, 8)}  # (samples, frames) of a step


def build(stage):
    """The model of a stage, `AnimateAnyone` of these channels, from a fixed seed."""
    import paddle

    from aa.config import ImageEncoderConfig, ModelConfig, VaeConfig
    from aa.models.animate_anyone import AnimateAnyone

    paddle.seed(0)
    config = ModelConfig(
        block_out_channels=[64, 128, 256, 256],
        vae=VaeConfig(block_out_channels=[32, 64, 64, 64], layers_per_block=1),
        image_encoder=ImageEncoderConfig(
            hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4
        ),
    )
    return AnimateAnyone(config, motion_modules=stage == 2)


def draw_batch(stage):
    """A batch as `ClipDataset` gives it."""
    import numpy as np
    import paddle

    samples, frames = STAGES[stage]
    rng = np.random.default_rng(0)

    def normal(*shape):
        return paddle.to_tensor(rng.standard_normal((samples, *shape), np.float32))

    return {
        "pixel_values": normal(3, frames, 256, 256),
        "pose_pixels": normal(3, frames, 256, 256),
        "reference_pixels": normal(3, 256, 256),
        "clip_pixels": normal(3, 224, 224),
        "drop_reference": paddle.zeros([samples], dtype="bool"),
        "timesteps": paddle.to_tensor(rng.integers(0, 1000, (samples, 1)).repeat(frames, 1)),
        "noise": normal(4, frames, 32, 32),
        "posterior_noise": normal(4, frames, 32, 32),
        "reference_posterior_noise": normal(4, 32, 32),
    }
