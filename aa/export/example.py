"""Animate: python animate.py <reference image> <folder of pose images> <result, .gif or .webp>."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

HERE, SESSION, OPTIONS = Path(__file__).parent, {}, ort.SessionOptions()
OPTIONS.enable_mem_reuse = OPTIONS.enable_mem_pattern = False  # a fifth of the memory
PLAN = json.loads((HERE / "export.json").read_text())
SIZE, WINDOW, OVERLAP = (PLAN["width"], PLAN["height"]), PLAN["frames"], PLAN["overlap"]
WHERE = [(p, how) for p, how in PLAN["providers"] if p in ort.get_available_providers()]
if not WHERE:
    sys.exit("error: this export is for CUDA, which this onnxruntime lacks: use onnxruntime-gpu.")
ort.preload_dlls()  # CUDA's libraries, where they came from pip
FILES = {(p.name, p.stat().st_size) for p in HERE.iterdir() if p.is_file()}
for name, size in PLAN["files"].items() - FILES:
    sys.exit(f"error: {HERE / name} is missing or damaged ({size} bytes): export again.")


def call(part: str, **values: np.ndarray) -> dict:  # results by name
    if part not in SESSION:
        SESSION.clear()  # one part is needed at a time
        SESSION[part] = ort.InferenceSession(HERE / f"{part}.onnx", OPTIONS, providers=WHERE)
    names, takes = PLAN["parts"][part]["outputs"], PLAN["parts"][part]["inputs"]
    found = SESSION[part].run(None, {n: np.asarray(values[n], takes[n][0]) for n in takes})
    return {name: x.astype(np.float32) for name, x in zip(names, found, strict=True)}


def pixels(image: Image.Image, size: tuple[int, int] = SIZE) -> np.ndarray:
    image = ImageOps.pad(image.convert("RGB"), size, Image.Resampling.LANCZOS)
    return np.asarray(image, np.float32).transpose(2, 0, 1)[None] / np.float32(255)


def animate(reference: Image.Image, poses: list, seed: int = 42) -> np.ndarray:
    if (n := len(poses)) < WINDOW:  # frames [n, H, W, 3], 0 to 1
        sys.exit(f"error: {n} pose images; this export animates {WINDOW} or more.")
    square = reference.convert("RGB").resize([PLAN["clip_size"]] * 2, Image.Resampling.BICUBIC)
    seen = call("encode_image", clip_pixels=pixels(square, square.size))
    seen = call("encode_reference", **seen, **call("encode", pixels=pixels(reference)))
    moves = [call("encode_pose", pose_pixels=pixels(p)[:, :, None])["pose_features"] for p in poses]
    x = np.random.default_rng(seed).standard_normal([n, *PLAN["latents"]]).astype(np.float32)
    x, moves = x.transpose(1, 0, 2, 3)[None], np.concatenate(moves, 2)
    ramp = np.minimum(up := np.arange(1, WINDOW + 1), up[::-1])[:, None, None].astype(np.float32)
    starts = {min(s, n - WINDOW) for s in range(0, n - OVERLAP, WINDOW - OVERLAP)}
    for step in PLAN["steps"]:
        total, share, seen["timesteps"] = 0 * x, 0 * x, np.array([step["timestep"]], np.int64)
        for w in (slice(s, s + WINDOW) for s in sorted(starts)):
            seen |= {"latents": x[:, :, w] * step["scale"], "pose_features": moves[:, :, w]}
            total[:, :, w] += ramp * call("denoise", **seen)["prediction"]
            share[:, :, w] += ramp
        x = step["latents"] * x + step["prediction"] * (total / share)
    return np.concatenate([call("decode", latents=x[:, :, i])["frame"] for i in range(n)])


if __name__ == "__main__":
    person, *images = (Image.open(p) for p in [sys.argv[1], *sorted(Path(sys.argv[2]).iterdir())])
    frames = [Image.fromarray((f * 255).round().astype(np.uint8)) for f in animate(person, images)]
    frames[0].save(sys.argv[3], save_all=True, append_images=frames[1:], duration=33)
