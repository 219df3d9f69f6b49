"""MediaPipe's networks, read from its package by OpenVINO; the package itself is never imported."""

import functools
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aa.errors import UserError, reason

if TYPE_CHECKING:
    from openvino import CompiledModel

VERSION = "0.10.21"  # the last whose wheel holds all networks
FILES = {
    "find_bodies": "pose_detection/pose_detection.tflite",
    "body": "pose_landmark/pose_landmark_full.tflite",
    "find_palms": "palm_detection/palm_detection_full.tflite",
    "hand": "hand_landmark/hand_landmark_full.tflite",
    "face": "face_landmark/face_landmark.tflite",
}
ADVICE = f"Run `make setup`, or `pip install --no-deps mediapipe=={VERSION}`."


def network_file(name: str) -> Path:
    """Return the file of a network of `FILES` in the installed package.

    Raises:
        UserError: the package is not installed, or its version has no such file.
    """
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"poses: mediapipe, which holds the detector, is not installed. {ADVICE}")
    path = Path(spec.submodule_search_locations[0], "modules", FILES[name])
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; mediapipe {VERSION} is expected to hold it. {ADVICE}"
        )
    return path


@functools.lru_cache(maxsize=16)
def open_network(name: str, outputs: tuple[int, ...], num_threads: int | None = None) -> "Network":
    """A network of `FILES`, made ready once for a process; arguments and errors as of `Network`."""
    return Network(network_file(name), outputs=outputs, num_threads=num_threads)


class Network:
    """One network, ready to run.

    Attributes:
        size: height and width of its pictures, in pixels.

    Args:
        path: a .tflite file whose one input is a picture [1, size, size, 3].
        outputs: numbers of the results that are wanted; others are not computed.
        num_threads: of the processor; all that this process may use by default.

    Raises:
        UserError: the file cannot be read as a network.
    """

    def __init__(
        self, path: Path, *, outputs: tuple[int, ...], num_threads: int | None = None
    ) -> None:
        compiled = compile_network(path, outputs=outputs, num_threads=num_threads, advice=ADVICE)
        self.size = int(compiled.input().shape[1])
        self._request = compiled.create_infer_request()

    def __call__(self, picture: np.ndarray) -> list[np.ndarray]:
        """Run on a picture float32 [size, size, 3]; the results, without the axis of the batch."""
        results = self._request.infer([picture[None]], share_inputs=True)
        return [np.array(results[number][0]) for number in range(len(results))]


def compile_network(
    path: Path, *, outputs: tuple[int, ...] | None = None, num_threads: int | None, advice: str
) -> "CompiledModel":
    """Read a network and make it ready to run.

    Args:
        path: a file that OpenVINO reads.
        outputs: numbers of the results that are wanted, or all; others are not computed.
        num_threads: of the processor; all that this process may use by default.
        advice: a sentence that says what to do where the file is none.

    Raises:
        UserError: the file cannot be read as a network.
    """
    from aa.models.openvino_core import core, openvino  # deferred: a second

    try:
        network = core().read_model(path)
        if outputs is not None:
            results = [network.outputs[number].node for number in outputs]
            network = openvino.Model(results, network.get_parameters(), path.stem)  # pyright: ignore[reportGeneralTypeIssues]
        return core().compile_model(network, "CPU", _settings(num_threads))
    except (RuntimeError, IndexError) as error:
        raise UserError(f"{path}: no network ({reason(error)}). {advice}") from error


def _settings(num_threads: int | None) -> dict[str, object]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": num_threads or len(os.sched_getaffinity(0)),
        "INFERENCE_PRECISION_HINT": "f32",  # the same points on every machine
        "ENABLE_CPU_PINNING": False,  # several processes would pin to the same cores
    }
