"""Checks and times of exports on a GPU; there neither Paddle nor this code is needed.

    python gpu.py <folder> [<result.json>]     # onnxruntime-gpu, numpy, torch

The folder is what `gpu_prepare.py` wrote where Paddle is. In about four minutes: every part of a
small model of the published kind against plain ONNX in float32, the carried puppet's animation
against Paddle's, a step of the denoiser at three sizes, and an animation of 120 frames of 600 x
784, with random weights made there. torch holds the tensors that stay on the GPU, and brings CUDA's
libraries.

A folder that was prepared with `--device cpu` has small sizes and plain ONNX: the same script on a
machine without a GPU, to see that it runs (onnxruntime, numpy, pillow, torch).
"""

import contextlib
import functools
import gc
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import numpy as np

OVERLAP = 4  # frames of neighbouring windows of the animation
STARTED = time.perf_counter()


class Part:
    """An exported part on the GPU; its tensors are torch's and stay there.

    Args:
        plan: what it takes and gives, see `gpu_prepare.write_graphs`.
        weights: arrays by name.
    """

    def __init__(self, path, plan, weights):
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.enable_mem_reuse = options.enable_mem_pattern = False
        self.values = [ort.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
        options.add_external_initializers([*weights], self.values)
        providers = [*map(tuple, plan["providers"]), "CPUExecutionProvider"]
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
            binding.bind_input(name, device(), 0, getattr(np, kind), shape, tensor.data_ptr())
        kind = next(kind for kind, *_ in self.inputs.values() if kind != "int64")
        found = {}
        for name, shape in zip(self.outputs, self.shapes, strict=True):
            found[name] = torch.empty(shape, dtype=getattr(torch, kind))
            pointer = found[name].data_ptr()
            binding.bind_output(name, device(), 0, getattr(np, kind), shape, pointer)
        synchronize()
        self.session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return found


@functools.cache
def device():
    """Where tensors lie: "cuda", or "cpu" with a folder that was prepared for it."""
    import torch

    return torch.get_default_device().type


def random_weights(shapes):
    """Weights by name that keep the size of what passes: the same ones for a name and shape."""
    import torch

    found = {}
    for name, (kind, *shape) in shapes.items():
        made = torch.Generator(device()).manual_seed(sum(name.encode()) + len(name))
        x = torch.randn(shape, generator=made)
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

    made = torch.Generator(device()).manual_seed(0)
    return {
        name: torch.full(shape, 481, dtype=torch.int64)
        if kind == "int64"
        else torch.rand(shape, generator=made)
        for name, (kind, *shape) in inputs.items()
    }


def synchronize():
    import torch

    if device() == "cuda":
        torch.cuda.synchronize()


def used():
    """GiB of the GPU that are taken, by anybody; without one, of memory by this process."""
    import torch

    if device() == "cpu":
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**30
    free, total = torch.cuda.mem_get_info()
    return (total - free) / 2**30


def check_parts(folder):
    """Each part in CUDA's forms against plain ONNX in float32, same random weights."""
    rows, plans = [], {}
    for path in sorted(folder.glob("*/plan.json")):
        plans[path.parent.name] = json.loads(path.read_text())
    for name in plans["plain"]["parts"]:
        results = {}
        for kind, plan in plans.items():
            weights = random_weights(plan["weights"][name])
            part = Part(folder / kind / f"{name}.onnx", plan["parts"][name], weights)
            found = part(**random_tensors(plans["plain"]["parts"][name]["inputs"]))
            results[kind] = [x.float() for x in found.values()]
        row = {"part": name, "largest": max(float(x.abs().max()) for x in results["plain"])}
        for kind in (kind for kind in plans if kind != "plain"):
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
        if not (folder / precision).is_dir():
            continue
        parts = {}
        for name, part in plan["parts"].items():
            part = json.loads(json.dumps(part).replace("float16", precision))
            path = folder / precision / f"{name}.onnx"
            kinds = plan["weights"][precision][name]
            weights = {key: halves[key].astype(kind) for key, (kind, *_) in kinds.items()}
            parts[name] = Part(path, part, weights)
        cuda = {name: torch.from_numpy(case[name]).to(device()) for name in ("latents", "poses")}
        reference = torch.from_numpy(case["reference"]).to(device()).permute(2, 0, 1)[None] / 255
        side = parts["encode_image"].inputs["clip_pixels"][-1]
        seen = parts["encode_image"](clip_pixels=squashed(case["reference"], side))
        seen |= parts["encode"](pixels=reference)
        seen = parts["encode_reference"](**seen)
        poses = cuda["poses"].permute(3, 0, 1, 2)[None, :, :] / 255
        moves = [parts["encode_pose"](pose_pixels=poses[:, :, [i]]) for i in range(poses.shape[2])]
        moves = torch.cat([m["pose_features"] for m in moves], 2)
        x = cuda["latents"].float()
        for step in plan["steps"]:
            t = torch.tensor([step["timestep"]])
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
    return torch.from_numpy(np.array(small)).to(device()).permute(2, 0, 1)[None] / 255


def time_denoiser(folder, name, weights):
    """Milliseconds and GiB of a guided step."""
    import torch

    plan, before = json.loads((folder / name / "plan.json").read_text()), used()
    path = folder / name / "denoise.onnx"
    part = Part(path, plan["parts"]["denoise"], weights)
    tensors = {
        name: (x if x.dtype == torch.int64 else x * 0.5).to(getattr(torch, part.inputs[name][0]))
        for name, x in random_tensors(part.inputs).items()
    }
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


class Phases:
    """Seconds of each phase of something, and the most of the GPU's memory in it."""

    def __init__(self):
        self.before, self.row = used(), {"GiB": 0.0}

    @contextlib.contextmanager
    def __call__(self, name):
        start = time.perf_counter()
        yield
        synchronize()
        self.row[f"{name}, s"] = time.perf_counter() - start
        self.row["GiB"] = max(self.row["GiB"], used() - self.before)


def animate(folder, weights):
    """Seconds of each phase of an animation in windows, and its largest memory."""
    import torch

    plan, phases, parts = json.loads((folder / "plan.json").read_text()), Phases(), {}
    for name, part in plan["parts"].items():
        found = weights if name == "denoise" else random_weights(plan["weights"][name])
        parts[name] = Part(folder / f"{name}.onnx", part, found)
    with torch.inference_mode():
        with phases("reference"):
            seen = parts["encode_image"](**random_tensors(parts["encode_image"].inputs))
            seen |= parts["encode"](**random_tensors(parts["encode"].inputs))
            seen = parts["encode_reference"](**seen)
        with phases("poses"):
            pose = random_tensors(parts["encode_pose"].inputs)
            features = (parts["encode_pose"](**pose) for _ in range(plan["frames"]))
            moves = [found["pose_features"] for found in features]
            moves = torch.cat(moves, 2)
        with phases("denoising"):
            x = denoise(parts["denoise"], plan["steps"], moves, seen)
        with phases("decoding"):
            for i in range(plan["frames"]):
                parts["decode"](latents=x[:, :, i])["frame"].mul(255).byte().cpu()
    seconds = sum(value for name, value in phases.row.items() if name.endswith(", s"))
    say(phases.row | {"seconds": seconds})
    return phases.row | {"seconds": seconds}


def denoise(part, steps, moves, seen):
    """All steps of all windows, whose shared frames are averaged: latents [1, C, F, h, w]."""
    import torch

    _, _, channels, window, h, w = part.inputs["latents"]
    frames = moves.shape[2]
    x = torch.randn([1, channels, frames, h, w])
    last = frames - window
    starts = sorted({min(s, last) for s in range(0, frames - OVERLAP, window - OVERLAP)})
    for step in steps:
        total, share = torch.zeros_like(x), torch.zeros(frames, 1, 1)
        t = torch.tensor([step["timestep"]])
        for s in starts:
            some = slice(s, s + window)
            latents, poses = x[:, :, some] * step["scale"], moves[:, :, some]
            found = part(latents=latents, timesteps=t, pose_features=poses, **seen)
            total[:, :, some] += found["prediction"]
            share[some] += 1
        x = step["latents"] * x + step["prediction"] * total / share
    return x


def release():
    import torch

    gc.collect()
    if device() == "cuda":
        torch.cuda.empty_cache()


def say(row):
    print(f"{time.perf_counter() - STARTED:6.1f} s  {json.dumps(row)}", flush=True)


def run(folder: Path, target: Path) -> None:
    """All checks and times; what was measured is written after each."""
    import onnxruntime as ort
    import torch

    prepared = json.loads((folder / "prepared.json").read_text())
    torch.set_default_device(prepared["device"])
    ort.preload_dlls()
    ort.set_default_logger_severity(3)
    gpu = torch.cuda.get_device_name() if device() == "cuda" else f"none, {platform.machine()}"
    result = {"gpu": gpu, "onnxruntime": ort.__version__}
    result |= {"cudnn": torch.backends.cudnn.version(), "sizes": prepared["sizes"]}

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
    names = prepared["sizes"]
    last = json.loads((folder / names[-1] / "plan.json").read_text())
    weights = random_weights(last["weights"]["denoise"])
    say({"random weights": sum(w.size for w in weights.values()) / 1e9})
    for name in names:
        keep(name, time_denoiser, folder, name, weights)
    keep("animation", animate, folder / names[-1], weights)


if __name__ == "__main__":
    folder, *target = sys.argv[1:]
    run(Path(folder), Path(target[0] if target else "gpu.json"))
