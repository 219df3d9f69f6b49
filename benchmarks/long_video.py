"""Peak memory of long animations: 1,000 frames against 100, eager and compiled.

    python benchmarks/long_video.py [--frames 100 1000]

A small model, 64x64 pixels, windows of 24 frames, one step. Each animation is a run of
`runners/infer.py` in a process of its own. What must grow with the video, its latents and pose
features, is counted and taken off.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
SIZE, CHANNELS, LATENTS = 64, 32, 4  # pixels to a side, of pose features, of latents
COPIES = 4  # of the latents while a step is taken
ENGINES = ("eager", "compiled")


def write_poses(path, frames):
    """A pose video: a bright bar that moves over black."""
    from aa.data.writers import open_writer

    with open_writer(path, format="mp4", fps=24, height=SIZE, width=SIZE) as writer:
        for i in range(frames):
            picture = np.zeros((1, SIZE, SIZE, 3), np.uint8)
            picture[:, 20:44, i % (SIZE - 8) : i % (SIZE - 8) + 8] = 255
            writer.write(picture)


def run(runner, *overrides):
    """Start a runner; returns the peak of its memory in MB."""
    command = [sys.executable, ROOT / "runners" / f"{runner}.py", *map(str, overrides)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{runner} {' '.join(map(str, overrides))} ended with {status}")
    return used.ru_maxrss / 2**10


def main(counts):
    """Animate every number of frames with every engine and print what it took."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = f"data.generate.folder={folder / 'puppets'}"
        run("train", "+experiment=smoke", data, f"hydra.run.dir={folder / 'weights'}")
        Image.fromarray(np.full((SIZE, SIZE, 3), 128, np.uint8)).save(folder / "person.png")
        inputs = [f"weights={folder / 'weights'}", f"reference={folder / 'person.png'}"]
        options = {"width": SIZE, "height": SIZE, "num_inference_steps": 1, "context_frames": 24}
        options |= {"guidance_scale": 1, "cache_dir": folder / "graphs"}
        fixed = [f"inference.{key}={value}" for key, value in options.items()]
        for engine in ENGINES:
            rest = {}
            for frames in counts:
                write_poses(folder / f"{frames}.mp4", frames)
                own = f"pose={folder / f'{frames}.mp4'}", f"inference.engine={engine}"
                out = f"hydra.run.dir={folder / f'{engine}{frames}'}"
                peak = run("infer", *inputs, *fixed, *own, out)
                grows = 4 * frames * (SIZE // 8) ** 2 * (CHANNELS + COPIES * LATENTS) / 2**20
                rest[frames] = peak - grows
                print(
                    f"{engine:<9}{frames:5} frames: peak {peak:7.1f} MB, without latents and pose "
                    f"features {rest[frames]:7.1f} MB",
                    flush=True,
                )
            least, most = min(counts), max(counts)
            print(f"{engine:<9} {most} / {least} frames: {rest[most] / rest[least]:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", nargs="+", type=int, default=[100, 1000])
    main(parser.parse_args().frames)
