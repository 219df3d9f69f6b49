"""What `inference.cache=deep` saves and what it costs.

Animates held-out figures in held-out motions, 24 frames of 64x64 each, at every number of steps and
every `inference.cache_every`: PSNR to the truth and to the video without the cache, mean and half a
95% interval over figures, and the median seconds of a video. All variants of a figure run one after
the other, so that a machine with other work too slows all of them alike.

    python benchmarks/deep_cache.py examples/puppet --engine openvino

`--size` measures the seconds of a guided step of a network of `benchmarks/inference.py` in place of
that: whole, whole with its deep features returned, and from deep features; random weights.

    python benchmarks/deep_cache.py --size medium --engine openvino
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace

import numpy as np
from PIL import Image

from aa.config.hardware import HardwareConfig
from aa.config.sampling import SamplingOptions
from aa.evaluation.metrics import mean_and_interval, psnr
from aa.machine import prepare_paddle
from aa.puppets.scenes import Protocol

FRAMES, FPS, LATER = 24, 24, 8  # frames of a video and a second; where it begins in its motion
PROTOCOL = Protocol(
    seed=1,
    height=64,
    width=64,
    scale=2,
    fps=FPS,
    num_frames=40,
    num_train_clips=1600,
    split="test",
    num_pairs=16,
)


def main() -> None:
    parser = argparse.ArgumentParser(description="What inference.cache=deep saves and costs.")
    parser.add_argument("weights", nargs="?", help="a folder of weights or a run folder")
    parser.add_argument("--engine", default="eager")
    parser.add_argument("--steps", type=int, nargs="+", default=[20, 8])
    parser.add_argument("--every", type=int, nargs="+", default=[2, 3, 5])
    parser.add_argument("--figures", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", help="small, medium or large")
    parser.add_argument("--frames", type=int, default=8, help="of a step, with --size")
    parser.add_argument("--repeats", type=int, default=3, help="steps of each kind, with --size")
    options = parser.parse_args()
    prepare_paddle(HardwareConfig(device="cpu", num_threads=options.threads))
    if options.size:
        time_step(options.size, options.engine, options.threads, options.repeats, options.frames)
    else:
        score_figures(options)


def score_figures(options: argparse.Namespace) -> None:
    """Print scores and seconds of all figures of the weights."""
    from aa.inference import Pose2VideoPipeline

    pipeline = Pose2VideoPipeline.from_pretrained(
        options.weights, engine=options.engine, num_threads=options.threads
    )
    protocol = replace(PROTOCOL, num_pairs=options.figures)
    times = (LATER + np.arange(FRAMES)) / FPS
    for steps in options.steps:
        base = SamplingOptions(num_inference_steps=steps, guidance_scale=1.0)
        variants = {1: base} | {
            n: replace(base, cache="deep", cache_every=n) for n in options.every
        }
        found: dict[int, list[tuple[float, float, float]]] = {n: [] for n in variants}
        for variant in variants.values():  # what is compiled is compiled here
            animate(pipeline, protocol.scene(0), times, replace(variant, num_inference_steps=2))
        for number in range(protocol.num_pairs):
            scene, first = protocol.scene(number), None
            truth = scene.frames(times)
            for n, variant in variants.items():
                start = time.perf_counter()
                video = animate(pipeline, scene, times, variant)
                seconds = time.perf_counter() - start
                first = video if first is None else first
                found[n].append((psnr(video, truth), psnr(video, first), seconds))
        show(f"{options.engine}, {steps} steps", found)


def animate(pipeline, scene, times, options) -> np.ndarray:
    """Frames float32 [F, H, W, 3] in 0..1 of a scene's figure in its motion."""
    reference, poses = Image.fromarray(scene.frames([0])[0]), list(scene.poses(times))
    own = Image.fromarray(scene.poses([0])[0]) if pipeline.model.has_reference_pose else None
    given = {"width": 64, "height": 64, "reference_pose": own}
    frames = pipeline.frames(reference, poses, options=options, **given)
    return np.concatenate(list(frames))


def show(name: str, found: dict[int, list[tuple[float, float, float]]]) -> None:
    """A line for every N: its scores, and its loss and speed against no cache, figure by figure."""
    first = np.array(found[1])
    for n, rows in found.items():
        values = np.array(rows)
        true, less = (
            "{:.2f} ± {:.2f}".format(*mean_and_interval(x))
            for x in (values[:, 0], first[:, 0] - values[:, 0])
        )
        faster = statistics.median(first[:, 2] / values[:, 2])
        print(
            f"{name}, N={n}: PSNR {true} dB, {less} dB less than N=1, {values[:, 1].mean():.2f} dB "
            f"to its video, {statistics.median(values[:, 2]):.2f} s a video, {faster:.2f} times",
            flush=True,
        )


def time_step(size: str, engine: str, threads: int, repeats: int, frames: int) -> None:
    """Print the seconds of a step of each kind, and what steps cost with the cache."""
    import paddle
    from inference import SCALE, SIZES, build, draw_inputs

    from aa.inference.compiled.engines import make_engine
    from aa.inference.compiled.graph_cache import GraphCache
    from aa.inference.compiled.model import CompiledModel

    channels, height, width = SIZES[size]
    with paddle.no_grad(), tempfile.TemporaryDirectory() as folder:
        model = build(channels)
        latents, t, image_embeds, reference, pose = draw_inputs(model, frames, height, width)
        both = model.conditions(image_embeds, reference), model.conditions(0 * image_embeds)
        if engine != "eager":
            made = make_engine(engine, num_threads=threads)
            model = CompiledModel(model, GraphCache(folder), made)
        _, deep = model.denoise_cached(latents, t, both, pose_features=pose)
        kinds = {
            "whole": lambda: model.denoise_pair(latents, t, *both, pose_features=pose),
            "whole, kept": lambda: model.denoise_cached(latents, t, both, pose_features=pose),
            "from deep": lambda: model.denoise_cached(
                latents, t, both, pose_features=pose, deep=deep
            ),
        }
        if size == "large":  # three networks of this size have no room in 24 GB
            del kinds["whole"]
        seconds = {kind: [] for kind in kinds}
        for repeat in range(repeats + 1):
            for kind, step in kinds.items():
                start = time.perf_counter()
                step()
                if repeat:  # what comes first compiles
                    seconds[kind].append(time.perf_counter() - start)
    median = {kind: statistics.median(times) for kind, times in seconds.items()}
    kept = deep.size * 4 / 2**20
    print(f"{size}, {engine}, {frames} frames, guidance {SCALE}: {kept:.0f} MiB of deep features")
    print(", ".join(f"{kind} {s:.2f} s" for kind, s in median.items()))
    for n in (2, 3, 5):
        mean = (median["whole, kept"] + (n - 1) * median["from deep"]) / n
        print(f"N={n}: {median.get('whole', median['whole, kept']) / mean:.2f} times")


if __name__ == "__main__":
    main()
