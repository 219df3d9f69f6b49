"""Where the time of a guided step goes, straightforward, eager and compiled, and the floor.

    python benchmarks/inference_profile.py [--size small]

Both halves of guidance, 8 frames. The floor is the multiplications and additions of our way over
the rate of a large product, measured in the same process by the same library.
"""

import argparse
import cProfile
import math
import pstats
import time
from collections import Counter

import numpy as np
import onnx
from inference import FRAMES, SCALE, SIZES, build, draw_inputs

SIDE = 2048  # of the product that gives the rate of the compiled engine


def table(title, seconds, by_kind, floor):
    """Print the kinds of operation that take longest."""
    times = (
        f"{seconds:.2f} s, its products alone {floor:.2f} s at least: {seconds / floor:.1f} times"
    )
    print(f"{title}: {times}")
    for kind, share in by_kind.most_common(8):
        print(f"  {kind:<42}{share:8.3f} s {share / seconds:5.0%}")


def profile_paddle(call):
    """Seconds of a second call, and by operation of Paddle's."""
    call()
    start = time.perf_counter()
    call()
    seconds, profile = time.perf_counter() - start, cProfile.Profile()
    profile.runcall(call)
    by_kind = Counter()
    for (_, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():
        if name.startswith("<built-in method paddle") or name.startswith("<method"):
            by_kind[name.strip("<>").split(".")[-1].split("'")[-2 if "'" in name else -1]] += own
    return seconds, by_kind


def profile_openvino(network, inputs, hint):
    """Seconds of the fastest call, by operation of OpenVINO's, and its rate of a large product."""
    from aa.models.openvino_core import core, openvino

    ov = openvino.opset15
    settings = {"INFERENCE_PRECISION_HINT": hint}
    request = core().compile_model(network, "CPU", {**settings, "PERF_COUNT": True})
    request = request.create_infer_request()
    seconds = math.inf
    for _ in range(4):
        start = time.perf_counter()
        request.infer(inputs)
        took = time.perf_counter() - start
        if took < seconds:
            seconds, nodes = took, request.profiling_info
    by_kind = Counter()
    for node in nodes:
        by_kind[f"{node.node_type} ({node.exec_type})"] += node.real_time.total_seconds()
    square = np.ones((SIDE, SIDE), np.float32)
    x = ov.parameter(square.shape, np.float32)
    product = openvino.Model([ov.matmul(x, ov.constant(square), False, False)], [x])
    product = core().compile_model(product, "CPU", settings).create_infer_request()
    best = []
    for _ in range(6):
        start = time.perf_counter()
        product.infer([square])
        best.append(time.perf_counter() - start)
    return seconds, by_kind, 2 * SIDE**3 / min(best)


def operations(model, tensors):
    """Multiplications and additions of the denoiser on these inputs of its exported part."""
    from aa.inference.compiled.model import part_specs
    from aa.models import parts
    from aa.plan.graph import trace
    from aa.plan.rules import multiplications

    graph = trace(lambda *tensors: parts.denoise(model, *tensors), part_specs(tensors))
    return 2 * sum(multiplications(operation) for operation in graph.operations)


def main(size):
    """Print all tables."""
    from aa.config.hardware import HardwareConfig
    from aa.machine import prepare_paddle

    hardware = HardwareConfig(device="cpu")
    prepare_paddle(hardware)
    import paddle
    from straightforward import guided_prediction, make_straightforward

    from aa.inference.compiled.graphs import export_graph, shared_weights
    from aa.inference.compiled.model import part_specs
    from aa.inference.compiled.openvino_engine import HINTS, read_network
    from aa.models import parts
    from aa.models.attention import guidance_pair
    from aa.plan.rates import measured_rates

    channels, height, width = SIZES[size]
    with paddle.no_grad():
        model = build(channels)
        latents, timesteps, embeds, reference, pose = draw_inputs(model, FRAMES, height, width)
        features = model.reference_features(reference, embeds)
        halves = model.conditions(embeds, reference), model.conditions(paddle.zeros_like(embeds))
        tensors = [latents, timesteps, pose, *parts.flat(guidance_pair(*halves))]
        count = operations(model, tensors)
        floor = count / measured_rates(hardware).flops
        print(f"{size}, a guided step of {FRAMES} frames: {count / 1e9:.0f} GFLOP")
        graph = export_graph(model, parts.denoise, part_specs(tensors))
        network = read_network(onnx.ModelProto.FromString(graph), shared_weights(model))
        inputs = dict(enumerate(tensor.numpy() for tensor in tensors))
        for precision, hint in HINTS.items():
            seconds, by_kind, rate = profile_openvino(network, inputs, hint)
            table(f"compiled {precision}", seconds, by_kind, count / rate)
        eager = profile_paddle(
            lambda: model.denoise_pair(latents, timesteps, *halves, pose_features=pose)
        )
        table("eager", *eager, floor)
        make_straightforward(model)
        paddle.set_flags({"FLAGS_use_stride_kernel": True})  # as Paddle comes
        arguments = latents, timesteps, embeds, features, pose, SCALE
        plain = profile_paddle(lambda: guided_prediction(model, *arguments))
        table("straightforward", *plain, floor)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="small")
    main(parser.parse_args().size)
