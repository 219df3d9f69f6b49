"""Long videos as streams and in windows: quality along the video, seams, drift, time, memory.

Held-out generated figures of `+experiment=puppets`' test split move for as long as is asked, and
every frame has its truth. Both ways take as many steps.

    python benchmarks/streaming.py quality <run of stage=stream> --windows examples/puppet
    python benchmarks/streaming.py speed <run of stage=stream> --engine openvino
    python benchmarks/streaming.py live <run of stage=stream> --engine openvino

`quality`: of each figure PSNR, also inside the figure; the temporal error (of the change from frame
to frame, 0..255) at the places where windows have their seams and elsewhere; and drift: how much
PSNR inside the figure, and its mean colour's error, are worse in the last 100 frames than in the
first. Means and half a 95% interval over figures.
`speed`: frames a second, the time from a pose to its frame, resident memory along the video.
`live`: poses come at a rate; how late their frames are, at the beginning and at the end.
"""

import argparse
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from aa.config.hardware import HardwareConfig
from aa.config.sampling import SamplingOptions
from aa.evaluation.metrics import psnr_per_frame, temporal_error_per_frame
from aa.inference.windows import context_windows
from aa.machine import prepare_paddle
from aa.puppets.scenes import Protocol, Scene, score

FPS, PART = 24, 100  # frames a second; frames of the first and the last part
PROTOCOL = Protocol(
    seed=1, height=64, width=64, scale=2, fps=FPS, num_frames=40, num_train_clips=1600, split="test"
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Long videos as streams and in windows.")
    parser.add_argument("what", choices=["quality", "speed", "live"])
    parser.add_argument("weights", help="of stage=stream")
    parser.add_argument("--windows", help="other weights for mode=windows; none: the same")
    parser.add_argument("--engine", default="eager")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--chunk", type=int, default=4)
    parser.add_argument("--context", type=int, default=16, help="frames of mode=windows' windows")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--figures", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rate", type=float, default=10.0, help="poses a second of `live`")
    asked = parser.parse_args()
    prepare_paddle(HardwareConfig(device="cpu", num_threads=asked.threads))
    {"quality": quality, "speed": speed, "live": live}[asked.what](asked)


def options_of(asked: argparse.Namespace, mode: str) -> SamplingOptions:
    return SamplingOptions(
        mode=mode,
        num_inference_steps=asked.steps,
        stream_chunk=asked.chunk,
        guidance_scale=1.0,
        context_frames=asked.context,
    )


def open_pipeline(asked: argparse.Namespace, mode: str):
    from aa.inference import Pose2VideoPipeline

    weights = (asked.windows if mode == "windows" else None) or asked.weights
    return Pose2VideoPipeline.from_pretrained(
        weights, engine=asked.engine, num_threads=asked.threads
    )


def quality(asked: argparse.Namespace) -> None:
    """Print scores of all figures, each way, and their differences figure by figure."""
    pipelines = {mode: open_pipeline(asked, mode) for mode in ("windows", "stream")}
    found: dict[str, list[dict[str, float]]] = {mode: [] for mode in pipelines}
    for number in range(asked.figures):
        scene, times = PROTOCOL.scene(number), np.arange(asked.frames) / FPS
        truths, insides = scene.frames(times), scene.parts(times) > 0
        for mode, pipeline in pipelines.items():
            video = np.concatenate(list(animate(pipeline, scene, times, options_of(asked, mode))))
            seams = places_of_seams(asked)
            found[mode].append(scores(video, truths, insides, seams, asked.chunk))
        print(f"figure {number}", flush=True)
    names = found["stream"][0]
    for name in names:
        values = {mode: np.array([one[name] for one in each]) for mode, each in found.items()}
        values["stream more"] = values["stream"] - values["windows"]
        cells = [f"{mode} {shown(each)}" for mode, each in values.items()]
        print(f"{name}: {', '.join(cells)}", flush=True)


def animate(pipeline, scene: Scene, times: np.ndarray, options: SamplingOptions, seed: int = 42):
    height, width = scene.size
    reference = Image.fromarray(scene.frames([0])[0])
    return pipeline.frames(
        reference, list(scene.poses(times)), height=height, width=width, options=options, seed=seed
    )


def places_of_seams(asked: argparse.Namespace) -> np.ndarray:
    """Numbers n of the changes from frame n to n + 1 where the windows of a video overlap."""
    windows = context_windows(asked.frames, options_of(asked, "windows"))
    shared = [set(a) & set(b) for a, b in itertools.pairwise(windows)]
    places = {n + d for both in shared for n in both for d in (-1, 0)}
    return np.array(sorted(n for n in places if 0 <= n < asked.frames - 1))


def scores(video, truths, insides, seams: np.ndarray, chunk: int) -> dict[str, float]:
    """Of one figure's video float32 [F, H, W, 3] in 0..1."""
    figure = psnr_per_frame(video, truths, insides)
    changes = temporal_error_per_frame(video, truths)
    at_seams = np.isin(np.arange(len(changes)), seams)
    between_chunks = np.arange(1, len(changes) + 1) % chunk == 0
    colours = [
        np.abs((video[i][insides[i]] - truths[i][insides[i]] / 255).mean(0)).mean() * 255
        for i in range(len(video))
    ]
    first, last = slice(PART), slice(-PART, None)
    return {
        "PSNR": psnr_per_frame(video, truths).mean(),
        "PSNR inside": np.nanmean(figure),
        "temporal error": changes.mean(),
        "temporal error, at seams of windows more": changes[at_seams].mean()
        - changes[~at_seams].mean(),
        "temporal error, between chunks more": changes[between_chunks].mean()
        - changes[~between_chunks].mean(),
        "PSNR inside, last part more": np.nanmean(figure[last]) - np.nanmean(figure[first]),
        "colour error, last part more": np.nanmean(colours[last]) - np.nanmean(colours[first]),
    }


def shown(values: np.ndarray) -> str:
    found = score(values)
    return f"{found['mean']:.3f} ± {found['interval_95'][1] - found['mean']:.3f}"


def speed(asked: argparse.Namespace) -> None:
    """Print frames a second of both ways, and of a stream latency and memory."""
    scene, times = PROTOCOL.scene(0), np.arange(asked.frames) / FPS
    for mode in ("windows", "stream"):
        pipeline, options = open_pipeline(asked, mode), options_of(asked, mode)
        short = 3 * (asked.steps + 2) * asked.chunk
        list(animate(pipeline, scene, times[:short], options))  # what is compiled is compiled here
        before, start = resident(), time.perf_counter()
        memory, moments = [], []
        for part in animate(pipeline, scene, times, options):
            moments += [time.perf_counter() - start] * len(part)
            memory.append(resident())
        seconds = moments[-1]
        steady = np.diff(np.unique(moments))[PART // asked.chunk :]
        print(
            f"{mode}: {asked.frames / seconds:.2f} frames a second, first frame after "
            f"{moments[0]:.2f} s, memory {before / 2**20:.0f} MiB before, "
            f"{memory[len(memory) // 5] / 2**20:.0f} after a fifth, {memory[-1] / 2**20:.0f} at "
            f"the end, {max(memory) / 2**20:.0f} at most",
            flush=True,
        )
        if mode == "stream":
            print(f"    a pass takes {np.median(steady):.3f} s, the slowest {steady.max():.3f}")


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def live(asked: argparse.Namespace) -> None:
    """Feed poses at a rate, and print how long after its pose each frame came."""
    scene, times = PROTOCOL.scene(0), np.arange(asked.frames) / FPS
    poses, reference = scene.poses(times), Image.fromarray(scene.frames([0])[0])
    pipeline, options = open_pipeline(asked, "stream"), options_of(asked, "stream")
    list(animate(pipeline, scene, times[: 3 * (asked.steps + 2) * asked.chunk], options))
    arrived: list[float] = []
    start = time.perf_counter()

    def source() -> Iterator[np.ndarray]:
        for number, pose in enumerate(poses):
            due = start + number / asked.rate
            time.sleep(max(0.0, due - time.perf_counter()))
            arrived.append(due)  # when it was there, though nobody had asked for it yet
            yield pose

    late: list[float] = []
    height, width = scene.size
    for part in pipeline.stream(reference, source(), height=height, width=width, options=options):
        now = time.perf_counter()
        late += [now - arrived[len(late) + i] for i in range(len(part))]
    waits = (asked.steps * asked.chunk - 1) / asked.rate
    for name, part in (
        ("second tenth", slice(len(late) // 10, len(late) // 5)),
        ("last tenth but the end", slice(-len(late) // 10 - 24, -24)),
    ):
        print(
            f"{name}: a frame comes {np.mean(late[part]):.2f} s after its pose on average, "
            f"{np.max(late[part]):.2f} at most"
        )
    print(f"of these {waits:.2f} s are waiting for the poses of later chunks, at most")


if __name__ == "__main__":
    main()
