"""Checks and times of exports on a GPU; there neither Paddle nor this code is needed.

    python benchmarks/gpu.py prepare <folder>            # here, with Paddle: a few MB
    python gpu.py run <folder> [<result.json>]           # there: onnxruntime-gpu, numpy, torch

`run` takes about four minutes: every part of a small model of the published kind against plain ONNX
in float32, the carried puppet's animation against Paddle's, a step of the denoiser at three sizes,
and an animation of 120 frames of 600 x 784, with random weights made there. torch holds the tensors
that stay on the GPU, and brings CUDA's libraries.
"""

import contextlib
import gc
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

SIZES = [(16, 256, 512), (24, 512, 784), (24, 600, 784)]  # frames, width, height
FRAMES, STEPS, OVERLAP = 120, 20, 4  # of the animation
SMALL = (4, 128, 192)
PUPPET = {"width": 64, "height": 64, "context_frames": 16}
PUPPET_STEPS = 4
DEVICE = "cuda"
STARTED = time.perf_counter()


# ---- here: with Paddle --------------------------------------------------------------------------


def prepare(folder: Path) -> None:
    """Write graphs without weights, the puppet's weights in float16, and what Paddle computes."""
    from aa.config.model import ImageEncoderConfig, ModelConfig
    from aa.models.animate_anyone import shape_only_model

    folder.mkdir(parents=True)
    published = shape_only_model(ModelConfig(), motion_modules=True).eval()
    for frames, width, height in SIZES:
        only = ("denoise",) if (frames, width, height) != SIZES[-1] else None
        name = f"{frames}x{width}x{height}"
        write_graphs(folder / name, published, (frames, width, height), "cuda", "float16", only)
    encoder = ImageEncoderConfig(num_hidden_layers=2)
    reduced = ModelConfig(block_out_channels=[320, 640], layers_per_block=1, image_encoder=encoder)
    small = shape_only_model(reduced, motion_modules=True).eval()
    for name, device, precision in (
        ("plain", "cpu", "float32"),
        ("cuda-float32", "cuda", "float32"),
        ("cuda-float16", "cuda", "float16"),
    ):
        write_graphs(folder / "small" / name, small, SMALL, device, precision)
    prepare_puppet(folder / "puppet")


def write_graphs(folder, model, size, device, precision, only=None):
    """The parts of a model as ONNX without weights, and what they take and hold."""
    from aa.export.animation import Animation
    from aa.export.folder import described, part_graph
    from aa.export.parts import exported_parts
    from aa.export.steps import ddim_steps

    frames, width, height = size
    animation = Animation(
        height=height, width=width, frames=frames, overlap=0, steps=STEPS, guidance_scale=3.5
    )
    folder.mkdir(parents=True)
    plan = {"parts": {}, "weights": {}, "steps": ddim_steps(model.config, STEPS)}
    for name, part in exported_parts(model, animation).items():
        if only is None or name in only:
            graph = part_graph(model, part, device=device, precision=precision)
            (folder / f"{name}.onnx").write_bytes(graph.SerializeToString())
            plan["parts"][name] = described(part, precision)
            plan["weights"][name] = held_weights(graph)
    (folder / "plan.json").write_text(json.dumps(plan))


HALVES = ("float32", "float16")


def held_weights(graph):
    """Type and shape of each weight of a graph, by name."""
    from onnx import TensorProto

    return {
        tensor.name: [HALVES[tensor.data_type == TensorProto.FLOAT16], *tensor.dims]
        for tensor in graph.graph.initializer
        if tensor.data_location == TensorProto.EXTERNAL
    }


def prepare_puppet(folder):
    """The carried puppet: its graphs, weights in float16, its poses, and what Paddle draws."""
    import paddle
    from PIL import Image

    from aa.data.poses import PoseVideo
    from aa.export.animation import Animation
    from aa.export.folder import described, part_graph
    from aa.export.parts import exported_parts
    from aa.export.steps import ddim_steps
    from aa.inference import Pose2VideoPipeline
    from aa.inference.compiled.graphs import shared_weights
    from aa.inference.sampling import start_latents

    root = Path(__file__).parents[1] / "examples" / "puppet"
    pipeline = Pose2VideoPipeline.from_pretrained(root)
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
    for precision in HALVES:
        plan["weights"][precision] = {}
        (folder / precision).mkdir(parents=True)
        for name, part in exported_parts(model, animation).items():
            graph = part_graph(model, part, device="cuda", precision=precision)
            (folder / precision / f"{name}.onnx").write_bytes(graph.SerializeToString())
            plan["weights"][precision][name] = held_weights(graph)
            plan["parts"][name] = described(part, precision)
    image = Image.open(root / "reference.png").convert("RGB")
    poses = PoseVideo(root / "pose.mp4", PUPPET["context_frames"])
    options = {"guidance_scale": 1.0, "num_inference_steps": PUPPET_STEPS, "seed": 42, **PUPPET}
    shape = plan["parts"]["denoise"]["inputs"]["latents"][1:]
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
    (folder / "plan.json").write_text(json.dumps(plan))


# ---- there: on the GPU --------------------------------------------------------------------------


class Part:
    """An exported part on the GPU; its tensors are torch's and stay there.

    Args:
        plan: what it takes and gives, see `write_graphs`.
        weights: arrays by name.
    """

    def __init__(self, path, plan, weights):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.enable_mem_reuse = options.enable_mem_pattern = False
        self.values = [ort.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
        options.add_external_initializers([*weights], self.values)
        providers = [("CUDAExecutionProvider", CUDA), "CPUExecutionProvider"]
        self.session = ort.InferenceSession(path, options, providers=providers)
        self.inputs, self.outputs = plan["inputs"], plan["outputs"]
        self.shapes = [output.shape for output in self.session.get_outputs()]

    def __call__(self, **tensors):
        """Results by name, on the GPU."""
        import torch

        binding = self.session.io_binding()
        for name, (kind, *shape) in self.inputs.items():
            tensor = tensors[name].to(getattr(torch, kind)).contiguous()
            assert [*tensor.shape] == shape, (name, tensor.shape, shape)
            tensors[name] = tensor  # until the call is over
            binding.bind_input(name, DEVICE, 0, getattr(np, kind), shape, tensor.data_ptr())
        kind = next(kind for kind, *_ in self.inputs.values() if kind != "int64")
        found = {}
        for name, shape in zip(self.outputs, self.shapes, strict=True):
            found[name] = torch.empty(shape, dtype=getattr(torch, kind), device=DEVICE)
            pointer = found[name].data_ptr()
            binding.bind_output(name, DEVICE, 0, getattr(np, kind), shape, pointer)
        synchronize()
        self.session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return found


# As aa.inference.compiled.fitting has them: this file goes alone.
CUDA = {
    "prefer_nhwc": "1",
    "cudnn_conv_algo_search": "HEURISTIC",
    "cudnn_conv_use_max_workspace": "0",
    "arena_extend_strategy": "kSameAsRequested",
    "use_tf32": "0",
}


def random_weights(shapes):
    """Weights by name that keep the size of what passes: the same ones for a name and shape."""
    import torch

    found = {}
    for name, (kind, *shape) in shapes.items():
        made = torch.Generator(DEVICE).manual_seed(sum(name.encode()) + len(name))
        x = torch.randn(shape, generator=made, device=DEVICE)
        if len(shape) > 1:
            x *= 0.5 / (np.prod(shape[1:]) if len(shape) == 4 else shape[0]) ** 0.5
        else:
            x *= 0.02
            if "norm" in name.split(".")[-2] and name.endswith("weight"):
                x += 1
        found[name] = x.to(getattr(torch, kind))
        found[name] = found[name].cpu().numpy()
    return found


def random_tensors(inputs):
    import torch

    made = torch.Generator(DEVICE).manual_seed(0)
    return {
        name: torch.full(shape, 481, device=DEVICE, dtype=torch.int64)
        if kind == "int64"
        else torch.rand(shape, generator=made, device=DEVICE)
        for name, (kind, *shape) in inputs.items()
    }


def synchronize():
    import torch

    torch.cuda.synchronize()


def used():
    """GiB of the GPU that are taken, by anybody."""
    import torch

    free, total = torch.cuda.mem_get_info()
    return (total - free) / 2**30


def check_parts(folder):
    """Each part in CUDA's forms against plain ONNX in float32, same random weights."""
    rows, plans = [], {}
    for kind in ("plain", "cuda-float32", "cuda-float16"):
        plans[kind] = json.loads((folder / kind / "plan.json").read_text())
    for name in plans["plain"]["parts"]:
        results = {}
        for kind, plan in plans.items():
            weights = random_weights(plan["weights"][name])
            part = Part(folder / kind / f"{name}.onnx", plan["parts"][name], weights)
            found = part(**random_tensors(plans["plain"]["parts"][name]["inputs"]))
            results[kind] = [x.float() for x in found.values()]
        row = {"part": name}
        for kind in ("cuda-float32", "cuda-float16"):
            pairs = [*zip(results[kind], results["plain"], strict=True)]
            row[kind] = max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)
        rows.append(row)
        say(row)
    return rows


def check_puppet(folder):
    """The carried puppet's video in both precisions against Paddle's on a CPU."""
    import torch

    plan = json.loads((folder / "plan.json").read_text())
    case, halves = np.load(folder / "case.npz"), np.load(folder / "weights.npz")
    result = {}
    for precision, expected in (("float32", "rounded"), ("float16", "exact")):
        parts = {}
        for name, part in plan["parts"].items():
            part = json.loads(json.dumps(part).replace("float16", precision))
            path = folder / precision / f"{name}.onnx"
            kinds = plan["weights"][precision][name]
            weights = {key: halves[key].astype(kind) for key, (kind, *_) in kinds.items()}
            parts[name] = Part(path, part, weights)
        cuda = {name: torch.from_numpy(case[name]).to(DEVICE) for name in ("latents", "poses")}
        reference = torch.from_numpy(case["reference"]).to(DEVICE).permute(2, 0, 1)[None] / 255
        side = parts["encode_image"].inputs["clip_pixels"][-1]
        seen = parts["encode_image"](clip_pixels=squashed(case["reference"], side))
        seen |= parts["encode"](pixels=reference)
        seen = parts["encode_reference"](**seen)
        poses = cuda["poses"].permute(3, 0, 1, 2)[None, :, :] / 255
        moves = [parts["encode_pose"](pose_pixels=poses[:, :, [i]]) for i in range(poses.shape[2])]
        moves = torch.cat([m["pose_features"] for m in moves], 2)
        x = cuda["latents"].float()
        for step in plan["steps"]:
            t = torch.tensor([step["timestep"]], device=DEVICE)
            found = parts["denoise"](
                latents=x * step["scale"], timesteps=t, pose_features=moves, **seen
            )
            x = step["latents"] * x + step["prediction"] * found["prediction"].float()
        frames = [parts["decode"](latents=x[:, :, i])["frame"] for i in range(x.shape[2])]
        video = torch.cat(frames).float().cpu().numpy().transpose(3, 0, 1, 2)[None]
        error = video.astype(np.float64) - case[expected]
        result[f"{precision} largest error"] = float(np.abs(error).max())
        result[f"{precision} PSNR"] = float(-10 * np.log10(np.mean(error**2)))
    say(result)
    return result


def squashed(image, side):
    import torch
    from PIL import Image

    small = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(small)).to(DEVICE).permute(2, 0, 1)[None] / 255


def time_denoiser(folder, name, weights):
    """Milliseconds and GiB of a guided step."""
    import torch

    plan, before = json.loads((folder / name / "plan.json").read_text()), used()
    path = folder / name / "denoise.onnx"
    part = Part(path, plan["parts"]["denoise"], weights)
    tensors = {
        k: x * 0.5 if x.dtype != torch.int64 else x for k, x in random_tensors(part.inputs).items()
    }
    tensors = {k: x.half() if x.dtype == torch.float32 else x for k, x in tensors.items()}
    start = time.perf_counter()
    part(**tensors)
    row = {"size": name, "first step, s": time.perf_counter() - start}
    seconds = []
    for _ in range(8):
        start = time.perf_counter()
        found = part(**tensors)
        seconds.append(time.perf_counter() - start)
    assert torch.isfinite(found["prediction"]).all()
    row |= {"ms": 1000 * statistics.median(seconds), "GiB": used() - before}
    say(row)
    del part, tensors, found
    release()
    return row


def animate(folder, weights):
    """Seconds of each phase of an animation in windows, and its largest memory."""
    import torch

    plan, before, phases = json.loads((folder / "plan.json").read_text()), used(), {}
    parts = {}

    @contextlib.contextmanager
    def phase(name):
        start = time.perf_counter()
        yield
        synchronize()
        phases[name] = time.perf_counter() - start
        phases["GiB"] = max(phases.get("GiB", 0), used() - before)

    def part(name):
        if name not in parts:
            found = weights if name == "denoise" else random_weights(plan["weights"][name])
            parts[name] = Part(folder / f"{name}.onnx", plan["parts"][name], found)
        return parts[name]

    for name in plan["parts"]:
        part(name)
    phases["GiB of weights"] = used() - before
    inputs = {name: part["inputs"] for name, part in plan["parts"].items()}
    with torch.inference_mode():
        with phase("reference, s"):
            seen = parts["encode_image"](**random_tensors(inputs["encode_image"]))
            seen |= parts["encode"](**random_tensors(inputs["encode"]))
            seen = parts["encode_reference"](**seen)
        with phase("poses, s"):
            pose = random_tensors(inputs["encode_pose"])
            moves = [parts["encode_pose"](**pose)["pose_features"] for _ in range(FRAMES)]
            moves = torch.cat(moves, 2)
        _, _, channels, window, h, w = inputs["denoise"]["latents"]
        x = torch.randn([1, channels, FRAMES, h, w], device=DEVICE)
        last = FRAMES - window
        starts = sorted({min(s, last) for s in range(0, FRAMES - OVERLAP, window - OVERLAP)})
        with phase("denoising, s"):
            for step in plan["steps"]:
                total, share = torch.zeros_like(x), torch.zeros(FRAMES, 1, 1, device=DEVICE)
                t = torch.tensor([step["timestep"]], device=DEVICE)
                for s in starts:
                    some = slice(s, s + window)
                    total[:, :, some] += parts["denoise"](
                        latents=x[:, :, some] * step["scale"],
                        timesteps=t,
                        pose_features=moves[:, :, some],
                        **seen,
                    )["prediction"]
                    share[some] += 1
                x = step["latents"] * x + step["prediction"] * total / share
        with phase("decoding, s"):
            for i in range(FRAMES):
                frame = parts["decode"](latents=x[:, :, i])["frame"]
                frame.mul(255).byte().cpu()
    phases["seconds"] = sum(v for k, v in phases.items() if k.endswith(", s"))
    phases["windows a step"] = len(starts)
    say(phases)
    return phases


def release():
    import torch

    gc.collect()
    torch.cuda.empty_cache()


def say(row):
    print(f"{time.perf_counter() - STARTED:6.1f} s  {json.dumps(row)}", flush=True)


def run(folder: Path, target: Path) -> None:
    """All checks and times; what was measured is written after each."""
    import onnxruntime as ort
    import torch

    ort.preload_dlls()
    ort.set_default_logger_severity(3)
    result = {"gpu": torch.cuda.get_device_name(), "onnxruntime": ort.__version__}
    result |= {"cudnn": torch.backends.cudnn.version(), "sizes": []}

    def keep(key, make, *arguments):
        try:
            result[key] = make(*arguments)
        except Exception as error:  # the others count too
            result[key] = f"{type(error).__name__}: {error}"[:500]
            say({key: result[key]})
        target.write_text(json.dumps(result, indent=1))
        release()

    keep("puppet", check_puppet, folder / "puppet")
    keep("parts", check_parts, folder / "small")
    names = [f"{frames}x{width}x{height}" for frames, width, height in SIZES]
    last = json.loads((folder / names[-1] / "plan.json").read_text())
    weights = random_weights(last["weights"]["denoise"])
    say({"random weights": sum(w.size for w in weights.values()) / 1e9})
    for name in names:
        keep(name, time_denoiser, folder, name, weights)
    keep("animation", animate, folder / names[-1], weights)


if __name__ == "__main__":
    verb, folder, *target = sys.argv[1:]
    if verb == "prepare":
        prepare(Path(folder))
    else:
        run(Path(folder), Path(target[0] if target else "gpu.json"))
