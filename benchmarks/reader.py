"""Reading training items: ours against decord with random access of its own, in one run.

    pip install decord==0.6.0; python benchmarks/reader.py

Clips and pose videos of 150 frames are written by x264 and by x265, whose groups of pictures are
open. A clip is a run of 24 frames, every fourth, and its poses, at 256x512 (stage 2); a pair is a
frame, its pose and a reference at 768x768 (stage 1). Files stay open, and both sides fit the same
frames in the same way: what differs is decoding. Times are medians over alternating rounds of the
processor's time in one process; wrong is how many items show another frame than was asked for, as
a decoding from the first frame on has it.
"""

import statistics
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from aa.data.transforms import fit_frames
from aa.data.video import VideoReader

FRAMES, ROUNDS, ITEMS = 150, 3, 6
CODECS = {
    "x264": ("libx264", {}),
    "x265": (
        "libx265",
        {"preset": "ultrafast", "x265-params": "keyint=50:bframes=4:b-adapt=0:log-level=none"},
    ),
}
KINDS = {"clips/s, 24 frames of 256x512": (512, 256), "pairs/s, 768x768": (768, 768)}


class DecordReader:
    """Random access as decord has it."""

    def __init__(self, path):
        import decord

        decord.logging.set_level(decord.logging.QUIET)
        self.handle = decord.VideoReader(str(path), num_threads=1, fault_tol=1e-6)
        self.num_frames = len(self.handle)

    def read(self, indices):
        wanted, places = np.unique(list(indices), return_inverse=True)
        return self.handle.get_batch(wanted.tolist()).asnumpy()[places]


def write_clip(path, codec, options, *, height, width, seed):
    """A texture that drifts and turns brighter, with some noise: it costs what films do."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (24, 24, 3), np.uint8)
    side = height + width
    rows, columns = np.arange(side) * 24 // side, np.arange(side) * 24 // side
    texture = coarse[rows][:, columns].astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30, options=options)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for i in range(FRAMES):
            part = texture[i : i + height, 2 * i : 2 * i + width]
            frame = part + rng.integers(-6, 7, part.shape[:2], np.int16)[..., None] + i % 20
            picture = np.clip(frame, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return path


def draw_items(kind):
    """[(numbers of the target frames, that of the reference), ...]."""
    rng = np.random.default_rng(0)
    if "pairs" in kind:
        return [([int(rng.integers(FRAMES))], int(rng.integers(FRAMES))) for _ in range(ITEMS)]
    starts = rng.integers(FRAMES - 24 * 4, size=ITEMS)
    return [(list(range(s, s + 96, 4)), int(rng.integers(FRAMES))) for s in starts]


def read_item(video, pose, targets, reference, size):
    """What `ClipReader` makes of it."""
    frames, poses = video.read([*targets, reference]), pose.read(targets)
    return fit_frames(frames, size, fit="pad"), fit_frames(poses, size, fit="pad")


def measure(files, kind):
    """{name of the reader: (items a second, items that are wrong)}."""
    size, items = KINDS[kind], draw_items(kind)
    whole = [VideoReader(file).read(range(FRAMES)) for file in files]
    truth = [fit_frames(whole[0][[*t, r]], size, fit="pad") for t, r in items]
    readers = {"decord": DecordReader, "ours": VideoReader}
    opened = {name: [reader(file) for file in files] for name, reader in readers.items()}
    seconds, wrong = {name: [] for name in readers}, dict.fromkeys(readers, 0)
    for round_number in range(ROUNDS + 1):  # the first does not count
        for name, pair in opened.items():
            start = time.process_time()
            found = [read_item(*pair, *item, size) for item in items]
            if round_number:
                seconds[name].append(time.process_time() - start)
            else:
                differ = [not np.array_equal(f[0], t) for f, t in zip(found, truth, strict=True)]
                wrong[name] = sum(differ)
    return {name: (ITEMS / statistics.median(seconds[name]), wrong[name]) for name in readers}


def main():
    print(f"{'':42} {'decord':>16} {'ours':>16}  ratio")
    with tempfile.TemporaryDirectory() as home:
        for name, (codec, options) in CODECS.items():
            for kind, (height, width) in KINDS.items():
                shape = (960, 544) if height != width else (768, 768)
                files = [
                    write_clip(
                        Path(home) / f"{name}_{height}_{seed}.mp4",
                        codec,
                        options,
                        height=shape[0],
                        width=shape[1],
                        seed=seed,
                    )
                    for seed in (0, 1)
                ]
                found = measure(files, kind)
                cells = [f"{rate:6.2f} ({bad} wrong)" for rate, bad in found.values()]
                ratio = found["ours"][0] / found["decord"][0]
                print(f"{name}: {kind:36} {cells[0]:>16} {cells[1]:>16}  {ratio:.2f}")


if __name__ == "__main__":
    main()
