"""What `inference.weights=int8` saves and what it costs, with the engine openvino on a CPU.

Animates held-out figures in held-out motions, 24 frames of 64x64 each, in both precisions and
with both kinds of weights: PSNR to the truth, to the video of float32 with weights in float, and
to that of its own precision with weights in float; mean and half a 95% interval over figures, and
the median of the ratios of seconds. All variants of a figure run one after the other.

    python benchmarks/eight_bits.py examples/puppet

`--size` measures a guided step of the denoiser of `benchmarks/inference.py`, with random weights,
in place of that, each variant in a process of its own, by turns: seconds, seconds of a processor
and memory of the engine alone. All weights lie in one array, which an engine does not see, so that
those of SD1.5's size (large) need little memory beside it.

    python benchmarks/eight_bits.py --size medium --frames 2 --latents 32
"""

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from aa.config.hardware import HardwareConfig
from aa.config.sampling import SamplingOptions
from aa.evaluation.metrics import mean_and_interval, psnr
from aa.machine import prepare_paddle

PRECISIONS, WEIGHTS = ("float32", "bfloat16"), ("float", "int8")
VARIANTS = [(precision, weights) for precision in PRECISIONS for weights in WEIGHTS]


def score_figures(options: argparse.Namespace) -> None:
    """Print scores and seconds of all figures of the weights."""
    from deep_cache import FPS, FRAMES, LATER, PROTOCOL, animate

    from aa.inference import Pose2VideoPipeline

    pipelines = {
        (precision, weights): Pose2VideoPipeline.from_pretrained(
            options.weights,
            engine="openvino",
            precision=precision,
            num_threads=options.threads,
            weights=weights,
        )
        for precision, weights in VARIANTS
    }
    protocol = replace(PROTOCOL, num_pairs=options.figures)
    times = (LATER + np.arange(FRAMES)) / FPS
    sampling = SamplingOptions(num_inference_steps=options.steps, guidance_scale=1.0)
    found = {variant: [] for variant in VARIANTS}
    for pipeline in pipelines.values():  # what is compiled is compiled here
        animate(pipeline, protocol.scene(0), times, replace(sampling, num_inference_steps=1))
    for number in range(protocol.num_pairs):
        scene, videos = protocol.scene(number), {}
        truth = scene.frames(times)
        for variant, pipeline in pipelines.items():
            start = time.perf_counter()
            videos[variant] = animate(pipeline, scene, times, sampling)
            seconds = time.perf_counter() - start
            compared = truth, videos[VARIANTS[0]], videos[variant[0], "float"]
            found[variant].append((*(psnr(videos[variant], x) for x in compared), seconds))
    show_figures(found)


def show_figures(found: dict[tuple[str, str], list[tuple[float, ...]]]) -> None:
    """A line for every variant: scores, and its loss and speed against float, figure by figure."""
    first = np.array(found[VARIANTS[0]])
    for (precision, weights), rows in found.items():
        values, plain = np.array(rows), np.array(found[precision, "float"])
        true, less = (
            "{:.2f} ± {:.2f}".format(*mean_and_interval(x))
            for x in (values[:, 0], first[:, 0] - values[:, 0])
        )
        print(
            f"{precision}, {weights}: PSNR {true} dB, {less} dB less than float32, "
            f"{values[:, 1].mean():.1f} dB to its video, {values[:, 2].mean():.1f} dB to "
            f"{precision} in float, {statistics.median(values[:, 3]):.2f} s a video, "
            f"{statistics.median(plain[:, 3] / values[:, 3]):.2f} times",
            flush=True,
        )


def time_steps(options: argparse.Namespace) -> None:
    """Print seconds and memory of every variant; processes of one after those of the other."""
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "denoiser"
        run(options, "--export", str(graph))
        rows = {variant: [] for variant in VARIANTS}
        for _ in range(options.turns):
            for precision, weights in rows:
                variant = "--precision", precision, "--kind", weights
                rows[precision, weights].append(json.loads(run(options, *variant, str(graph))))
        expected = np.load(f"{graph}.float32.float.npy")
        for (precision, weights), measured in rows.items():
            medians = {k: statistics.median(row[k] for row in measured) for k in measured[0]}
            prediction = np.load(f"{graph}.{precision}.{weights}.npy")
            off = np.linalg.norm(prediction - expected) / np.linalg.norm(expected)
            print(
                f"{options.size}, {options.frames} frames, {precision}, {weights}: "
                f"{medians['seconds']:.2f} s a step, {medians['processor']:.2f} s of a processor, "
                f"loaded in {medians['load']:.0f} s, {medians['memory']:.2f} GiB, relative error "
                f"{off:.1e}",
                flush=True,
            )


def run(options: argparse.Namespace, *more: str) -> str:
    """The last line that a process of its own prints, for the same size."""
    names = ("size", "frames", "latents", "repeats", "threads")
    same = [x for name in names for x in (f"--{name}", str(getattr(options, name)))]
    command = [sys.executable, __file__, *same, *more]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return output.strip().split("\n")[-1]


def input_shapes(model, frames: int, side: int) -> list[tuple[int, ...]]:
    """Shapes of a guided step's latents, time step, pose features and conditions."""
    from aa.models import parts

    channels = model.config.block_out_channels[0]
    shapes = parts.condition_shapes(model, side, side)
    both = [(2, *shape[1:]) if i % 3 == 0 else shape for i, shape in enumerate(shapes)]
    return [(1, 4, frames, side, side), (1,), (1, channels, frames, side, side), *both]


def export(size: str, frames: int, side: int, path: str) -> None:
    """Write the graph of a denoiser, made of shapes alone, and the shapes of its inputs."""
    from inference import SIZES

    from aa.config.model import ModelConfig
    from aa.inference.compiled.graphs import export_graph
    from aa.models import parts
    from aa.models.shape_only import shape_only_model

    config = ModelConfig(block_out_channels=SIZES[size][0])
    model = shape_only_model(config, motion_modules=True).eval()
    shapes = input_shapes(model, frames, side)
    specs = [parts.spec(*s, dtype="int64" if s == (1,) else "float32") for s in shapes]
    Path(path).write_bytes(export_graph(model, parts.denoise, specs))
    Path(f"{path}.json").write_text(json.dumps(shapes))


def random_weights(graph: bytes, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of a graph: views of one array of random numbers, each from a place of its own."""
    import onnx
    from onnx import TensorProto

    tensors = onnx.ModelProto.FromString(graph).graph.initializer
    shapes = {t.name: tuple(t.dims) for t in tensors if t.data_location == TensorProto.EXTERNAL}
    numbers = rng.standard_normal(max(map(math.prod, shapes.values())) + 16 * len(shapes), "f4")
    numbers *= 0.02
    weights = {}
    for number, (name, shape) in enumerate(shapes.items()):
        first = 16 * number
        weights[name] = numbers[first : first + math.prod(shape)].reshape(shape)
        if len(shape) == 1 and "norm" in name:
            weights[name] = np.full(shape, float(name.endswith("weight")), np.float32)
    return weights


def measure(options: argparse.Namespace) -> None:
    """Print seconds of a step and GiB of the engine with the graph, and keep the prediction."""
    from aa.inference.compiled.engines import make_engine

    graph, rng = Path(options.weights).read_bytes(), np.random.default_rng(0)
    engine = make_engine(
        "openvino",
        precision=options.precision,
        num_threads=options.threads,
        weights=options.kind,
    )
    weights, before = random_weights(graph, rng), memory()
    start = time.perf_counter()
    network = engine.load(graph, weights)
    load = time.perf_counter() - start
    shapes = json.loads(Path(f"{options.weights}.json").read_text())
    inputs = [rng.standard_normal(shape, "f4") * 0.5 for shape in shapes]
    inputs[1] = np.array([401])
    prediction = network(inputs)[0]
    seconds, processor = [], []
    for _ in range(options.repeats):
        start, busy = time.perf_counter(), time.process_time()
        network(inputs)
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - busy)
    np.save(f"{options.weights}.{options.precision}.{options.kind}.npy", prediction)
    found = {"load": load, "memory": memory() - before}
    found |= {"seconds": statistics.median(seconds), "processor": statistics.median(processor)}
    print(json.dumps(found))


def memory() -> float:
    """The most GiB that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", nargs="?", help="a folder of weights or a run folder")
    parser.add_argument("--figures", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", help="small, medium or large")
    parser.add_argument("--frames", type=int, default=8, help="of a step, with --size")
    parser.add_argument("--latents", type=int, default=32, help="their side, with --size")
    parser.add_argument("--repeats", type=int, default=3, help="steps in a process, with --size")
    parser.add_argument("--turns", type=int, default=2, help="processes of each, with --size")
    parser.add_argument("--export", help=argparse.SUPPRESS)
    parser.add_argument("--precision", help=argparse.SUPPRESS)
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    options = parser.parse_args()
    prepare_paddle(HardwareConfig(device="cpu", num_threads=options.threads))
    if options.export:
        export(options.size, options.frames, options.latents, options.export)
    elif options.kind:
        measure(options)
    elif options.size:
        time_steps(options)
    else:
        score_figures(options)
