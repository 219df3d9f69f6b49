"""What `gpu.py` checks and times on a GPU, some 16 MB.

    python benchmarks/gpu_prepare.py <folder>
    python benchmarks/gpu_prepare.py <folder> --device cpu    # for a machine without one

Graphs without weights in the forms for CUDA, of the published model at three sizes and of a small
one; and the carried puppet, with its weights in float16 and the video that Paddle makes of it.
For a CPU all are plain ONNX, and the small model stands for the published one.
"""

import argparse
import json
from pathlib import Path

import numpy as np

SIZES = {  # frames, width, height
    "cuda": [(16, 256, 512), (24, 512, 784), (24, 600, 784)],
    "cpu": [(5, 64, 64), (5, 64, 96)],
}
FRAMES = {"cuda": 120, "cpu": 9}  # of the animation
STEPS = {"cuda": 20, "cpu": 2}
SMALL = (4, 128, 192)  # frames, width, height
PUPPET = {"width": 64, "height": 64, "context_frames": 16}
PUPPET_STEPS = 4
HALVES = ("float32", "float16")
EXAMPLE = Path(__file__).parents[1] / "examples" / "puppet"


def prepare(folder: Path, device: str) -> None:
    """Write graphs without weights, the puppet's weights in float16, and what Paddle computes."""
    from aa.config.model import ImageEncoderConfig, ModelConfig
    from aa.models.shape_only import shape_only_model

    folder.mkdir(parents=True)
    encoder = ImageEncoderConfig(num_hidden_layers=2)
    reduced = ModelConfig(block_out_channels=[320, 640], layers_per_block=1, image_encoder=encoder)
    small = shape_only_model(reduced, motion_modules=True).eval()
    timed, precision = small, "float32"
    if device == "cuda":
        timed, precision = shape_only_model(ModelConfig(), motion_modules=True).eval(), "float16"
    names = [f"{frames}x{width}x{height}" for frames, width, height in SIZES[device]]
    for name, size in zip(names, SIZES[device], strict=True):
        only = ("denoise",) if name != names[-1] else None
        write_graphs(folder / name, timed, size, device, precision, only)
    write_graphs(folder / "small" / "plain", small, SMALL, "cpu", "float32", on=device)
    if device == "cuda":
        for precision in HALVES:
            forms = folder / "small" / f"cuda-{precision}"
            write_graphs(forms, small, SMALL, "cuda", precision)
    prepare_puppet(folder / "puppet", device)
    (folder / "prepared.json").write_text(json.dumps({"device": device, "sizes": names}))


def write_graphs(folder, model, size, form, precision, only=None, *, on=None):
    """The parts of a model as ONNX without weights, and what they take and hold.

    In the form for a device, run `on` it or another one.
    """
    from aa.export.animation import Animation
    from aa.export.folder import described, part_graph
    from aa.export.parts import exported_parts
    from aa.export.steps import ddim_steps

    on = on or form
    (frames, width, height), steps = size, STEPS[on]
    animation = Animation(
        height=height, width=width, frames=frames, overlap=0, steps=steps, guidance_scale=3.5
    )
    folder.mkdir(parents=True)
    plan = {"parts": {}, "weights": {}, "steps": ddim_steps(model.config, steps)}
    plan["frames"] = FRAMES[on]
    for name, part in exported_parts(model, animation).items():
        if only is None or name in only:
            graph = part_graph(model, part, device=form, precision=precision)
            (folder / f"{name}.onnx").write_bytes(graph.SerializeToString())
            plan["parts"][name] = described(part, precision) | providers(on)
            plan["weights"][name] = held_weights(graph)
    (folder / "plan.json").write_text(json.dumps(plan))


def providers(device):
    """Those that a part asks for before the CPU."""
    from aa.export.folder import PROVIDERS

    return {"providers": PROVIDERS["cuda"] if device == "cuda" else []}


def held_weights(graph):
    """Type and shape of each weight of a graph, by name."""
    from onnx import TensorProto

    return {
        tensor.name: [HALVES[tensor.data_type == TensorProto.FLOAT16], *tensor.dims]
        for tensor in graph.graph.initializer
        if tensor.data_location == TensorProto.EXTERNAL
    }


def prepare_puppet(folder, device):
    """The carried puppet: its graphs, weights in float16, its poses, and what Paddle draws."""
    from aa.export.animation import Animation
    from aa.export.folder import described, part_graph
    from aa.export.parts import exported_parts
    from aa.export.steps import ddim_steps
    from aa.inference import Pose2VideoPipeline

    pipeline = Pose2VideoPipeline.from_pretrained(EXAMPLE)
    model = pipeline.model
    animation = Animation(
        height=PUPPET["height"],
        width=PUPPET["width"],
        frames=PUPPET["context_frames"],
        overlap=0,
        steps=PUPPET_STEPS,
        guidance_scale=1.0,
    )
    plan = {"parts": {}, "weights": {}, "steps": ddim_steps(model.config, PUPPET_STEPS)}
    for precision in HALVES if device == "cuda" else HALVES[:1]:
        plan["weights"][precision] = {}
        (folder / precision).mkdir(parents=True)
        for name, part in exported_parts(model, animation).items():
            graph = part_graph(model, part, device=device, precision=precision)
            (folder / precision / f"{name}.onnx").write_bytes(graph.SerializeToString())
            plan["weights"][precision][name] = held_weights(graph)
            plan["parts"][name] = described(part, precision) | providers(device)
    (folder / "plan.json").write_text(json.dumps(plan))
    write_case(folder, pipeline, plan["parts"]["denoise"]["inputs"]["latents"][1:])


def write_case(folder, pipeline, shape):
    """Picture, poses, noise, weights in float16, and the videos of both kinds of weights."""
    import paddle
    from PIL import Image

    from aa.data.poses import PoseVideo
    from aa.inference.compiled.graphs import shared_weights
    from aa.inference.sampling import start_latents

    model, image = pipeline.model, Image.open(EXAMPLE / "reference.png").convert("RGB")
    poses = PoseVideo(EXAMPLE / "pose.mp4", PUPPET["context_frames"])
    options = {"guidance_scale": 1.0, "num_inference_steps": PUPPET_STEPS, "seed": 42, **PUPPET}
    weights = {name: array.copy() for name, array in shared_weights(model).items()}
    videos = {"exact": pipeline(image, poses, **options).videos}
    for name, parameter in model.named_parameters():
        parameter.set_value(paddle.to_tensor(weights[name].astype(np.float16).astype(np.float32)))
    videos["rounded"] = pipeline(image, poses, **options).videos
    halves = {k: w.astype(np.float16) if "pe" not in k else w for k, w in weights.items()}
    np.savez_compressed(
        folder / "case.npz",
        reference=np.asarray(image),
        poses=np.stack(poses[:]),
        latents=start_latents(None, shape, 42, "independent").numpy(),
        **videos,
    )
    np.savez_compressed(folder / "weights.npz", **halves)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", choices=SIZES, default="cuda")
    options = parser.parse_args()
    prepare(options.folder, options.device)
