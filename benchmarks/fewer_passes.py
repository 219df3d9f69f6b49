"""Score weights on held-out figures at several counts of steps and strengths of guidance.

Figures and motions are those of `+experiment=puppets`' test split, one frame each, as in the
report: PSNR, PSNR inside the figure and inside its face and hands, SSIM, and two measures that
blur cannot win. `sharpness` is the mean absolute Laplacian of the brightness inside the figure, as
a share of the truth's: 1 is as sharp, less is blurred, more is noise or invention. `detail` is the
correlation of that Laplacian with the truth's: how much of the detail is the right one. Values are
means and half a 95% interval over figures; behind the first also the difference to it, figure by
figure.

Run: OMP_NUM_THREADS=1 python benchmarks/fewer_passes.py examples/puppet --steps 1 4 20
"""

import argparse
import itertools
import time

import numpy as np

from aa.config.hardware import HardwareConfig
from aa.config.inference import InferenceConfig
from aa.evaluation.metrics import psnr_per_frame
from aa.machine import prepare_paddle
from aa.poses.parts import draw_parts
from aa.poses.poses import Poses
from aa.poses.skeleton import BODY, NUM_POINTS
from aa.puppets.scenes import Protocol, score
from aa.puppets.test_pairs import Pairs, measure_pairs

BRIGHTNESS = [0.299, 0.587, 0.114]


def main() -> None:
    parser = argparse.ArgumentParser(description="Score weights on held-out figures.")
    parser.add_argument("weights", nargs="+", help="folders of weights or run folders")
    parser.add_argument("--lora", help="adapters, merged into each of the weights")
    parser.add_argument("--steps", type=int, nargs="+", default=[4])
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0])
    parser.add_argument("--figures", type=int, default=64)
    parser.add_argument("--figure", type=int, help="one figure in all motions, see data.generate")
    parser.add_argument("--accessory", default="none", help="what it wears")
    parser.add_argument("--split", default="test", help="test, or validation to choose by")
    options = parser.parse_args()
    prepare_paddle(HardwareConfig(device="cpu", num_threads=1))
    pairs = Pairs.draw(protocol(options))
    show("the reference copied", measure(pairs, pairs.references / np.float32(255)))
    first = None
    for weights, steps, guidance in itertools.product(
        options.weights, options.steps, options.guidance
    ):
        start = time.perf_counter()
        found = measure(pairs, animate(pairs, weights, options.lora, steps, guidance))
        seconds = time.perf_counter() - start
        show(f"{weights}, {steps} steps, guidance {guidance:g}, {seconds:.1f} s", found)
        if first is None:
            first = found
        else:
            show("    more than the first", {k: found[k] - first[k] for k in found})


def protocol(options: argparse.Namespace) -> Protocol:
    """The figures that are tested."""
    return Protocol(
        seed=1,
        height=64,
        width=64,
        scale=2,
        fps=24,
        num_frames=40,
        num_train_clips=1600,
        split=options.split,
        num_pairs=options.figures,
        figure=options.figure,
        accessory=options.accessory,
    )


def animate(pairs: Pairs, weights: str, lora: str | None, steps: int, guidance: float):
    """Frames float32 [N, H, W, 3] in 0..1."""
    from aa.training.puppet_test import animator
    from aa.weights.models import load_model

    options = InferenceConfig(
        width=64, height=64, num_frames=1, num_inference_steps=steps, guidance_scale=guidance
    )
    return pairs.animate(animator(load_model(weights, lora=lora), options))


def measure(pairs: Pairs, frames: np.ndarray) -> dict[str, np.ndarray]:
    """{metric: [N] values} of frames [N, H, W, 3] in 0..1."""
    insides = pairs.figures[:, 1:-1, 1:-1]
    both = zip(laplacian(frames), laplacian(pairs.truths / 255), insides, strict=True)
    edges = [(found[inside], true[inside]) for found, true, inside in both]
    return {
        **measure_pairs(pairs, frames),
        "psnr_parts": psnr_per_frame(frames, pairs.truths, parts(pairs)),
        "sharpness": np.array([abs(found).mean() / abs(true).mean() for found, true in edges]),
        "detail": np.array([np.corrcoef(found, true)[0, 1] for found, true in edges]),
    }


def parts(pairs: Pairs) -> np.ndarray:
    """Where face and hands are in the true frames: bool [N, H, W]."""
    height, width = pairs.truths.shape[1:3]
    masks = []
    for scene, t in zip(pairs.scenes, pairs.times, strict=True):
        points, scores = np.zeros([1, NUM_POINTS, 2]), np.zeros([1, NUM_POINTS])
        points[0, BODY], scores[0, BODY] = scene.joints(t), 1
        poses = Poses(points.astype("float32"), scores.astype("float32"), height, width, 24.0)
        masks.append(draw_parts(poses, 0) > 0)
    return np.stack(masks)


def laplacian(frames: np.ndarray) -> np.ndarray:
    """Of the brightness of frames [N, H, W, 3], without the outermost pixels: [N, H-2, W-2]."""
    x = frames.astype(float) @ BRIGHTNESS
    around = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
    return around - 4 * x[:, 1:-1, 1:-1]


def show(name: str, values: dict[str, np.ndarray]) -> None:
    scores = {metric: score(found) for metric, found in values.items()}
    cells = [
        f"{k} {s['mean']:.3f} ± {s['interval_95'][1] - s['mean']:.3f}" for k, s in scores.items()
    ]
    print(f"{name}: {', '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
