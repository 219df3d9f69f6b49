"""One training step: ours against a straightforward one, each stage, in one run.

    python benchmarks/train_step.py

The UNets have 64, 128, 256, 256 channels; stage 1 takes 4 samples, stage 2 a clip of 8 frames, at
256x256 pixels (32x32 latents). Straightforward means: everything has gradients, the
cross-attention compares its one token with every query, and Paddle has its own settings but for
threads and MKL's. "kept" is ours with the frames encoded before (`data.latents`), "recompute" is
ours with the layers' activations dropped. What must not change, the loss, is compared too. Each
variant runs in a process of its own, for its peak memory; times are medians.
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
VARIANTS = ("plain", "ours", "kept", "recompute")
STAGES = {1: (4, 1), 2: (1, 8)}  # (samples, frames) of a step
SIZE = 256  # pixels to a side


def build(stage, **options):
    """The model of a stage, `AnimateAnyone` of these channels, from a fixed seed."""
    import paddle

    from aa.config.model import ImageEncoderConfig, ModelConfig, VaeConfig
    from aa.models.animate_anyone import AnimateAnyone

    paddle.seed(0)
    config = ModelConfig(
        block_out_channels=[64, 128, 256, 256],
        vae=VaeConfig(block_out_channels=[32, 64, 64, 64], layers_per_block=1),
        image_encoder=ImageEncoderConfig(
            hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4
        ),
    )
    return AnimateAnyone(config, motion_modules=stage == 2, **options)


def draw_batch(samples, frames, size):
    """A batch as `ClipDataset` gives it."""
    import numpy as np
    import paddle

    rng, side = np.random.default_rng(0), size // 8

    def normal(*shape):
        return paddle.to_tensor(rng.standard_normal((samples, *shape), np.float32))

    return {
        "pixel_values": normal(3, frames, size, size),
        "pose_pixels": normal(3, frames, size, size),
        "reference_pixels": normal(3, size, size),
        "clip_pixels": normal(3, 224, 224),
        "drop_reference": paddle.zeros([samples], dtype="bool"),
        "timesteps": paddle.to_tensor(rng.integers(0, 1000, (samples, 1)).repeat(frames, 1)),
        "noise": normal(4, frames, side, side),
        "posterior_noise": normal(4, frames, side, side),
        "reference_posterior_noise": normal(4, side, side),
    }


def make_plain(model):
    """The straightforward step: every parameter learns, cross-attention takes the long way."""
    from straightforward import attend

    from aa.models.attention import Condition, SpatialTransformerBlock, repeat_frames

    for parameter in model.parameters():
        parameter.stop_gradient = False

    def condition(block, image_embeds, reference=None):
        _, *shared = SpatialTransformerBlock.condition(block, image_embeds, reference)
        return Condition(image_embeds, *shared)

    def forward(block, x, condition, reference_mask=None):
        h = block.norm1(x)
        x = x + block.attn1(h, condition)
        token = repeat_frames(condition.image_token, x.shape[0])
        x = x + attend(block.attn2, block.norm2(x), token)
        return x + block.ff(block.norm3(x)), h

    for layer in model.sublayers():
        if isinstance(layer, SpatialTransformerBlock):
            layer.forward, layer.condition = forward.__get__(layer), condition.__get__(layer)


def keep_latents(model, batch):
    """The batch as `ClipDataset` gives it where frames are kept encoded."""
    import paddle

    pixels = batch.pop("pixel_values")
    samples, _, frames = pixels.shape[:3]
    with paddle.no_grad():
        moments = model.encode_moments(pixels.transpose([0, 2, 1, 3, 4]).flatten(0, 1))
        batch["reference_moments"] = model.encode_moments(batch.pop("reference_pixels"))
    moments = moments.reshape([samples, frames, *moments.shape[1:]])
    batch["moments"] = moments.transpose([0, 2, 1, 3, 4])


def measure(stage, variant):
    """Print loss, seconds a step (all after the first) and peak memory of one variant as JSON."""
    from aa.config.hardware import HardwareConfig
    from aa.machine import prepare_paddle

    if variant == "plain":
        os.environ.update(FLAGS_use_stride_kernel="1")  # as Paddle comes
    prepare_paddle(HardwareConfig(device="cpu"))
    import paddle
    import yaml

    from aa.models.running import recomputed
    from aa.training.trainable import set_trainable

    options = {"run_layer": recomputed} if variant == "recompute" else {}
    model, batch = build(stage, **options), draw_batch(*STAGES[stage], SIZE)
    model.train()
    if variant == "kept":
        keep_latents(model, batch)
    if variant == "plain":
        make_plain(model)
    else:
        with open(f"conf/stage/{stage}.yaml") as file:
            set_trainable(model, yaml.safe_load(file)["trainable"])
    trained = [p for p in model.parameters() if not p.stop_gradient]
    optimizer = paddle.optimizer.AdamW(1e-5, parameters=trained)
    losses, seconds = [], []
    for _ in range(STEPS + 1):
        start = time.perf_counter()
        loss = model(**batch)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(float(loss))
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"loss": losses[0], "seconds": seconds[1:], "peak": peak}))


def compare():
    """Run all variants one after the other and print the table."""
    for stage, (samples, frames) in STAGES.items():
        found = {}
        for variant in VARIANTS:
            command = [sys.executable, __file__, "--stage", str(stage), "--variant", variant]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found[variant] = json.loads(output.splitlines()[-1])
        print(f"stage {stage}, {samples} samples of {frames} frames, {os.cpu_count()} cores")
        for variant, values in found.items():
            step = statistics.median(values["seconds"])
            line = f"{step:.2f} s a step, peak {values['peak']:.2f} GB, loss {values['loss']:.6f}"
            print(f"  {variant:<6} {line}")
        times = {name: statistics.median(v["seconds"]) for name, v in found.items()}
        for name in VARIANTS[1:]:
            time_share = times[name] / times["plain"]
            memory_share = found[name]["peak"] / found["plain"]["peak"]
            print(f"  {name} / plain: time {time_share:.2f}, memory {memory_share:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stage", type=int, choices=STAGES)
    parser.add_argument("--variant", choices=VARIANTS)
    options = parser.parse_args()
    if options.variant:
        measure(options.stage, options.variant)
    else:
        compare()
