"""One look at a whole video: where it is cut, how bright it is and how much it moves."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from aa.config.prepare import ScenesConfig
from aa.data.video import VideoReader
from aa.prepare.views import batches

CUT_WIDTH = 256  # pixels: of the small pictures that cuts are found in
THUMB = 12  # pixels: side of the small pictures that clips are compared by
SAMPLES_A_SECOND = 4


@dataclass(frozen=True)
class Look:
    """What a look at a video has found; T samples, four a second.

    Attributes:
        cuts: frames that a scene begins with, but for the first.
        frames: number of each sample's frame, int64 [T].
        thumbs: the samples as small pictures, uint8 RGB [T, 12, 12, 3].
        motion: mean change of a picture of 48x48 since the sample before, of 255, float32 [T].
        brightness: mean, of 255, float32 [T].
    """

    cuts: list[int]
    frames: np.ndarray
    thumbs: np.ndarray
    motion: np.ndarray
    brightness: np.ndarray

    def within(self, start: int, stop: int) -> "Look":
        """The samples of the frames `start` to `stop`."""
        part = (self.frames >= start) & (self.frames < stop)
        arrays = (self.frames, self.thumbs, self.motion, self.brightness)
        return Look([], *(array[part] for array in arrays))

    @property
    def mean_motion(self) -> float:
        """Mean change from sample to sample; the first has none before it in this part."""
        return float(self.motion[1:].mean()) if len(self.motion) > 1 else 0.0

    @property
    def mean_brightness(self) -> float:
        return float(self.brightness.mean()) if len(self.brightness) else 0.0


def look_at(video: VideoReader, scenes: ScenesConfig) -> Look:
    """Decode all of a video once.

    Raises:
        ClipError: a frame does not decode.
    """
    cuts, samples = CutFinder(video.fps, scenes), Samples(video.fps)
    for start, frames in batches(video):
        for number, frame in enumerate(frames, start):
            cuts.add(number, frame)
            samples.add(number, frame)
    return Look(cuts.found, *samples.arrays())


class CutFinder:
    """Finds hard cuts with PySceneDetect's AdaptiveDetector, which is given frame after frame."""

    def __init__(self, fps: float, scenes: ScenesConfig) -> None:
        from scenedetect import AdaptiveDetector, FrameTimecode  # deferred: with OpenCV, a second

        self.found: list[int] = []
        self._at = lambda number: FrameTimecode(number, fps)
        self._detector = AdaptiveDetector(
            adaptive_threshold=scenes.threshold,
            min_content_val=scenes.min_change,
            min_scene_len=1,  # of clips too short the one who reads the report hears
        )

    def add(self, number: int, frame: np.ndarray) -> None:
        """Take the next frame, uint8 RGB [H, W, 3]."""
        height, width = frame.shape[:2]
        size = (CUT_WIDTH, max(1, round(height * CUT_WIDTH / width)))
        small = shrunk(frame, *(size if width > CUT_WIDTH else (width, height)))
        cuts = self._detector.process_frame(self._at(number), small[..., ::-1])
        self.found += [cut.frame_num for cut in cuts]


class Samples:
    """Takes a small picture four times a second."""

    def __init__(self, fps: float) -> None:
        self._step, self._last = fps / SAMPLES_A_SECOND, None
        self._rows: list[tuple[int, np.ndarray, float, float]] = []

    def add(self, number: int, frame: np.ndarray) -> None:
        """Take the next frame, uint8 RGB [H, W, 3], if its turn has come."""
        if number < round(len(self._rows) * self._step):
            return
        picture = shrunk(frame, 4 * THUMB, 4 * THUMB)
        grey = picture.mean(axis=2)
        motion = 0.0 if self._last is None else float(np.abs(grey - self._last).mean())
        thumb = shrunk(picture, THUMB, THUMB)
        self._rows.append((number, thumb, motion, float(grey.mean())))
        self._last = grey

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Frames, thumbs, motion and brightness of `Look`."""
        frames, thumbs, motion, brightness = zip(*self._rows, strict=True)
        values = np.array([motion, brightness], "float32")
        return np.array(frames, np.int64), np.stack(thumbs), values[0], values[1]


def shrunk(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture, uint8 [H, W, 3], at a smaller size; each pixel the mean of those it covers."""
    import cv2  # deferred, as above

    return cv2.resize(np.ascontiguousarray(frame), (width, height), interpolation=cv2.INTER_AREA)


def spans(cuts: list[int], num_frames: int, *, most: int) -> list[tuple[int, int]]:
    """The clips of a video, (start, stop): its scenes, and equal parts of those that are longer.

    Args:
        cuts: frames that a scene begins with.
        num_frames: of the video.
        most: frames of a clip.
    """
    edges, found = [0, *cuts, num_frames], []
    for start, stop in pairwise(edges):
        parts = -(-(stop - start) // most)
        inner = [start + (stop - start) * part // parts for part in range(parts + 1)]
        found += pairwise(inner)
    return found
