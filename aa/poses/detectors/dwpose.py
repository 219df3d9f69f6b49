"""People by DWPose or RTMW (arXiv 2307.15880, 2407.08634): released ONNX files, given by path.

rtmlib prepares their pictures and reads their results; OpenVINO runs them. Its own ways to run a
network are not used: they start OpenVINO once more, on all threads, and download what is missing.
"""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from aa.errors import UserError
from aa.files import missing
from aa.poses.detectors.networks import compile_network
from aa.poses.detectors.person import Person, apart, within
from aa.poses.detectors.topology import points_from_wholebody
from aa.poses.poses import MIN_SCORE
from aa.poses.skeleton import BODY

NUM_POINTS = 133  # COCO-WholeBody's
EVERY = 10  # frames from one search for people to the next
MIN_BODY = 0.3  # mean score of the joints, for somebody to be followed
SAME_BODY = 0.1  # sizes of a body between two that are one
PERSON = 0  # COCO's class
ADVICE = (
    "Wanted: released ONNX files, as poses.dwpose.detector one that finds people (YOLOX), as "
    "poses.dwpose.pose one of 133 points (DWPose or RTMW)."
)


class DwposeDetector:
    """A detector, see `Detector`.

    Args:
        detector, pose: the files.
        num_threads: of the processor, by default all.

    Raises:
        UserError: a file is missing or of something else, or rtmlib is not installed.
    """

    def __init__(
        self, detector: str | Path, pose: str | Path, *, num_threads: int | None = None
    ) -> None:
        for path in (detector, pose):
            if not Path(path).is_file():
                raise UserError(f"{path}: {missing(path, 'file')}. {ADVICE}")
        if importlib.util.find_spec("rtmlib") is None:
            raise UserError(
                "poses=dwpose: rtmlib is not installed. Run `pip install .[dwpose]`, or use "
                "poses=mediapipe."
            )
        self._finder = make_finder(Path(detector), num_threads)
        self._estimator = make_estimator(Path(pose), num_threads)
        self.reset()

    def reset(self) -> None:
        """Forget the frames so far."""
        self._boxes: list[np.ndarray] = []
        self._frames = 0

    def __call__(self, frame: np.ndarray) -> list[Person]:
        """Everybody in a frame uint8 RGB [H, W, 3]."""
        people = self._look(frame, self._boxes, [])
        if self._frames % EVERY == 0 or len(people) < len(self._boxes):
            people = self._look(frame, self._find(frame), people)
        self._frames += 1
        self._boxes = [seen_box(person) for person in people]
        return people

    def _find(self, frame: np.ndarray) -> list[np.ndarray]:
        """Boxes of people, left, top, right, bottom in pixels."""
        found = self._finder(np.ascontiguousarray(frame[..., ::-1]))  # YOLOX has seen BGR
        if self._finder.det_mode == "human":
            return list(found)
        boxes, classes = found
        return [box for box, number in zip(boxes, classes, strict=True) if number == PERSON]

    def _look(self, frame: np.ndarray, boxes: list, known: list[Person]) -> list[Person]:
        """The known people, and those in boxes who are others."""
        people = list(known)
        for box in boxes:
            points, scores = self._estimator(frame, [box])
            points, scores = points_from_wholebody(points[0], np.clip(scores[0], 0, 1))
            scores = within(points, scores, *frame.shape[:2])
            person = Person(points.astype("float32"), scores.astype("float32"))
            is_one = scores[BODY].mean() >= MIN_BODY
            if is_one and all(apart(person, other) >= SAME_BODY for other in people):
                people.append(person)
        return people


def seen_box(person: Person) -> np.ndarray:
    """Left, top, right, bottom of all points that were seen, of face and hands too [4]."""
    points = person.points[person.scores >= MIN_SCORE]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def make_finder(path: Path, num_threads: int | None) -> Any:
    """rtmlib's YOLOX on a file: of a frame uint8 BGR [H, W, 3] boxes, and classes if it has any."""
    from rtmlib import YOLOX  # pyright: ignore[reportMissingImports]

    class Finder(YOLOX):
        def __init__(self) -> None:
            self.network = _Onnx(path, num_threads)
            self.model_input_size = (self.network.height, self.network.width)
            self.nms_thr, self.score_thr = 0.45, 0.3
            # Files with suppression inside give boxes and scores; others all classes.
            self.det_mode = "human" if self.network.last_axes[0] == 5 else "multiclass"

        def inference(self, img: np.ndarray) -> list[np.ndarray]:
            return self.network(img)

    return Finder()


def make_estimator(path: Path, num_threads: int | None) -> Any:
    """rtmlib's RTMPose on a file: of a frame uint8 RGB [H, W, 3] and boxes, points [N, 133, 2] in
    pixels and scores [N, 133]."""
    from rtmlib import RTMPose  # pyright: ignore[reportMissingImports]

    class Estimator(RTMPose):
        def __init__(self) -> None:
            self.network = _Onnx(path, num_threads)
            if self.network.points != NUM_POINTS:
                raise UserError(f"{path}: has {self.network.points} points. {ADVICE}")
            self.model_input_size = (self.network.width, self.network.height)
            self.mean = np.array([123.675, 116.28, 103.53])  # of ImageNet, RGB
            self.std = np.array([58.395, 57.12, 57.375])
            self.to_openpose = False

        def inference(self, img: np.ndarray) -> list[np.ndarray]:
            return self.network(img)

    return Estimator()


class _Onnx:
    """A network of pictures [1, 3, height, width] in the way rtmlib calls it."""

    def __init__(self, path: Path, num_threads: int | None) -> None:
        network = compile_network(path, num_threads=num_threads, advice=ADVICE)
        shape = network.input().partial_shape
        if len(shape) != 4 or shape[2].is_dynamic or shape[3].is_dynamic:
            raise UserError(f"{path}: takes {shape}, expected pictures of one size. {ADVICE}")
        self.height, self.width = shape[2].get_length(), shape[3].get_length()
        shapes = [output.partial_shape for output in network.outputs]
        self.last_axes = [s[len(s) - 1].get_max_length() for s in shapes]
        self.points = shapes[0][1].get_max_length() if len(shapes[0]) > 1 else 0
        self._request = network.create_infer_request()

    def __call__(self, picture: np.ndarray) -> list[np.ndarray]:
        """Results on a picture [height, width, 3]."""
        picture = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], "float32")
        results = self._request.infer([picture])
        return [np.array(results[number]) for number in range(len(results))]
