"""What runs ONNX graphs: one interface, and a class for each library that does."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

import numpy as np

from aa.errors import UserError

Network = Callable[[Sequence[Any]], list[np.ndarray]]  # takes arrays, or what `hold` gave

COMPILED = "openvino"  # what `compiled` means: the fastest of them on a CPU
ENGINES = {"openvino": "OpenVinoEngine", "onnxruntime": "OnnxRuntimeEngine"}
WEIGHTS = ("float", "int8")
OLDEST = (1, 21)  # ONNX Runtime that knows all operations


class Engine(Protocol):
    """A library that runs ONNX graphs on a device, with a precision and a number of threads.

    Attributes:
        whole: whether it should run every part, also those that run once a video.
    """

    whole: bool

    def load(self, graph: bytes, weights: Mapping[str, np.ndarray]) -> Network:
        """Function of a graph's inputs that returns its results.

        Args:
            graph: as `export_graph` returned it.
            weights: by name, at least those of the graph; their memory is used, not copied, and
                must stay.
        """
        ...

    def hold(self, array: np.ndarray) -> Any:
        """What networks take in place of an array, kept where the engine computes.

        It has the array's `shape` and `dtype`.
        """
        ...

    def take_frames(self, held: Any, frames: np.ndarray) -> Any:
        """Some frames of a video [1, C, F, h, w] that is held, held too.

        Args:
            frames: their numbers, int64 [f].
        """
        ...

    def join_frames(self, held: Sequence[Any]) -> Any:
        """Videos [1, C, F, h, w] that are held, one after the other, held too."""
        ...


def make_engine(
    name: str,
    *,
    precision: str = "float32",
    device: str = "cpu",
    num_threads: int | None = None,
    weights: str = "float",
) -> Engine:
    """The engine of a name.

    Args:
        name: "openvino", "onnxruntime", or "compiled" for the fastest of a CPU.
        precision: "float32"; or "bfloat16" with OpenVINO, "float16" on a GPU.
        device: "cpu", or "cuda" with ONNX Runtime.
        num_threads: CPU threads; None: the library's choice, all cores.
        weights: "float"; or "int8" with OpenVINO: those of projections in 8 bits.

    Raises:
        UserError: its library is not here, too old, or lacks the device; or it does not compute
            with such weights.
    """
    name = COMPILED if name == "compiled" else name
    check_engine(name, device)
    check_weights(weights, name)
    module = import_module(f"aa.inference.compiled.{name}_engine")
    options: dict[str, Any] = {"precision": precision, "num_threads": num_threads}
    if name == "onnxruntime":
        options["device"] = device
    else:
        options["weights"] = weights
    return getattr(module, ENGINES[name])(**options)


def check_weights(weights: str, engine: str) -> None:
    """Refuse a form of weights that does not exist, or that an engine gains nothing by.

    Raises:
        UserError: says what goes together.
    """
    if weights not in WEIGHTS:
        raise UserError(f"weights must be one of {', '.join(WEIGHTS)}; got {weights!r}.")
    if weights != "float" and engine not in ("compiled", COMPILED):
        raise UserError(f"weights={weights} is for the engine {COMPILED}, got the engine {engine}.")


def check_engine(name: str, device: str = "cpu") -> None:
    """Refuse an engine whose library is not here or cannot do it.

    Raises:
        UserError: says what to install.
    """
    if name != "onnxruntime":
        return
    extra = "onnx-gpu" if device == "cuda" else "onnx"
    asked = f"inference.engine=onnxruntime needs ONNX Runtime: pip install 'aa[{extra}]'"
    found = _installed("onnxruntime") or _installed("onnxruntime-gpu")
    if found is None:
        raise UserError(f"{asked}; none is installed.")
    if tuple(int(part) for part in found.split(".")[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UserError(f"{asked}; the installed {found} is older than {oldest}.")
    import onnxruntime

    if device == "cuda" and "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise UserError(
            f"inference.device=cuda needs ONNX Runtime with CUDA: pip uninstall onnxruntime, then "
            f"pip install 'aa[{extra}]'; the installed {found} has none."
        )


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
