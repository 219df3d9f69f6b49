"""A guided denoising step: straightforward, eager and compiled, at three sizes, in one run.

    python benchmarks/inference.py [--sizes small medium large] [--repeats 5]

All denoise 8 frames; the smallest network then more. The straightforward way is in
`straightforward.py`; it has the same weights, threads and MKL settings, else Paddle's own. Each
variant runs in a process of its own, for its peak memory; times are medians after one step that
does not count (of the large network Paddle's only one). Compiling is not counted and shown beside.
The largest difference to the straightforward prediction says that it is the same step. Writes
outputs/benchmarks/inference.json and inference.png.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FRAMES, SCALE = 8, 3.5
MORE_FRAMES = (4, 16, 24)
# channels of the levels, height and width of the latents
SIZES = {
    "small": ([64, 128, 256, 256], 32, 32),
    "medium": ([160, 320, 640, 640], 32, 64),
    "large": ([320, 640, 1280, 1280], 32, 64),
}
VARIANTS = ("straightforward", "eager", "compiled float32", "compiled bfloat16")
OUT = Path("outputs/benchmarks")


def build(channels):
    """A model of these channels with random weights, none of them zero."""
    import paddle

    from aa.config.model import ImageEncoderConfig, ModelConfig, VaeConfig
    from aa.models.animate_anyone import AnimateAnyone

    paddle.seed(0)
    config = ModelConfig(
        block_out_channels=channels,
        vae=VaeConfig(block_out_channels=[32, 32, 32, 32], layers_per_block=1),
        image_encoder=ImageEncoderConfig(
            hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4
        ),
    )
    model = AnimateAnyone(config).eval()
    for parameter in model.denoising_unet.parameters():
        if len(parameter.shape) > 1 and not bool(parameter.any()):  # zero at the start of training
            parameter.set_value(paddle.randn(parameter.shape) * 0.02)
    return model


def draw_inputs(model, frames, height, width):
    """Latents, timesteps, image embedding, reference latents and pose features of a window."""
    import paddle

    paddle.seed(1)
    channels = model.config.block_out_channels[0]
    return (
        paddle.randn([1, 4, frames, height, width]),
        paddle.to_tensor([401]),
        paddle.randn([1, 1, model.config.cross_attention_dim]),
        paddle.randn([1, 4, height, width]),
        paddle.randn([1, channels, frames, height, width]) * 0.3,
    )


def make_step(variant, model, inputs, cache):
    """Function that takes one guided step."""
    import paddle
    from straightforward import guided_prediction, make_straightforward

    from aa.inference.compiled.engines import make_engine
    from aa.inference.compiled.graph_cache import GraphCache
    from aa.inference.compiled.model import CompiledModel

    latents, timesteps, image_embeds, reference, pose = inputs
    if variant == "straightforward":
        features = model.reference_features(reference, image_embeds)
        make_straightforward(model)
        return lambda: guided_prediction(
            model, latents, timesteps, image_embeds, features, pose, SCALE
        )
    character = model.conditions(image_embeds, reference)
    nobody = model.conditions(paddle.zeros_like(image_embeds))
    if variant.startswith("compiled"):
        engine = make_engine("compiled", precision=variant.split()[1])
        model = CompiledModel(model, GraphCache(cache), engine)

    def step():
        conditional, unconditional = model.denoise_pair(
            latents, timesteps, character, nobody, pose_features=pose
        )
        return unconditional + SCALE * (conditional - unconditional)

    return step


def measure(size, variant, frames, repeats, folder):
    """Print seconds a step and peak memory of one variant as JSON; keep its prediction."""
    from aa.config.hardware import HardwareConfig
    from aa.machine import prepare_paddle

    if variant == "straightforward":
        os.environ.update(FLAGS_use_stride_kernel="1")  # as Paddle comes
    prepare_paddle(HardwareConfig(device="cpu"))
    import numpy as np
    import paddle

    channels, height, width = SIZES[size]
    with paddle.no_grad():
        model = build(channels)
        inputs = draw_inputs(model, frames, height, width)
        step = make_step(variant, model, inputs, Path(folder) / "graphs")
        start = time.perf_counter()
        prediction = step().numpy()
        first = time.perf_counter() - start
        # Minutes long, a first step is like the others; of a compiled one most is compiling.
        seconds = [first] if size == "large" and not variant.startswith("compiled") else []
        for _ in range(0 if seconds else repeats):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
    np.save(Path(folder) / f"{size} {variant}.npy", prediction)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": seconds, "first": first, "peak": peak}))


def run(size, variant, frames, repeats, folder):
    """`measure` in a process of its own."""
    options = ["--frames", str(frames), "--repeats", str(repeats), "--folder", folder]
    command = [sys.executable, __file__, "--sizes", size, "--variant", variant, *options]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def compare(sizes, repeats):
    """All variants at all sizes, then more frames at the smallest: tables, json and a picture."""
    import numpy as np

    found = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            expected = None
            for variant in VARIANTS:
                row = {"size": size, "variant": variant, "frames": FRAMES}
                row |= run(size, variant, FRAMES, repeats, folder)
                prediction = np.load(Path(folder) / f"{size} {variant}.npy")
                expected = prediction if expected is None else expected
                row["difference"] = float(abs(prediction - expected).max())
                row["mean"] = float(abs(expected).mean())
                found.append(row)
                show(row, next(r for r in found if r["size"] == size))
        for frames in MORE_FRAMES:
            for variant in VARIANTS[1:]:
                row = {"size": sizes[0], "variant": variant, "frames": frames}
                found.append(row | run(sizes[0], variant, frames, 2, folder))
                seconds = statistics.median(found[-1]["seconds"])
                print(f"{sizes[0]:<7}{variant:<18}{seconds:7.2f} s a step of {frames} frames")
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "inference.json").write_text(json.dumps({"machine": machine(), "runs": found}, indent=1))
    plot(found, sizes, OUT / "inference.png")
    print(f"{machine()}\nwritten: {OUT / 'inference.json'}, {OUT / 'inference.png'}")


def plot(found, sizes, path):
    """Seconds of a step against the number of frames, and against the size of the network."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, variant in enumerate(VARIANTS):
        rows = [r for r in found if r["variant"] == variant]
        by_frames = sorted(
            ((r["frames"], r) for r in rows if r["size"] == sizes[0]), key=lambda pair: pair[0]
        )
        median = {id(r): statistics.median(r["seconds"]) for r in rows}
        x = [frames for frames, _ in by_frames]
        left.plot(x, [median[id(r)] for _, r in by_frames], "o-", color=f"C{number}")
        by_size = [next(r for r in rows if r["size"] == size) for size in sizes]
        seconds = [median[id(r)] for r in by_size]
        right.plot(sizes, seconds, "o-", color=f"C{number}", label=variant)
    left.set(xlabel=f"frames, {sizes[0]} network", ylabel="seconds of a guided step")
    right.set(xlabel=f"network, {FRAMES} frames", yscale="log")
    left.set(ylim=(0, None), xticks=sorted({r["frames"] for r in found}))
    right.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def show(row, plain):
    """One line of the table: against the straightforward row of the same size."""
    step, before = (statistics.median(r["seconds"]) for r in (row, plain))
    print(
        f"{row['size']:<7}{row['variant']:<18}{step:7.2f} s a step  "
        f"{row['frames'] / step:6.2f} frames/s  {before / step:6.2f} times"
        f"  {row['peak']:6.2f} GB {row['peak'] / plain['peak']:4.0%}"
        f"  first {row['first']:6.1f} s  difference {row['difference']:.1e} of {row['mean']:.2f}",
        flush=True,
    )


def machine():
    """The processor and its cores."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return f"{name}, {os.cpu_count()} cores"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--frames", type=int, default=FRAMES, help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.variant:
        (size,) = options.sizes
        measure(size, options.variant, options.frames, options.repeats, options.folder)
    else:
        compare(options.sizes, options.repeats)
