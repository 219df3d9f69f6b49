"""A part of the model as an ONNX graph without weights, and the weights, shared in memory."""

import ctypes
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

import aa.models
from aa.inference.compiled.translation import translate
from aa.models.tracing import trace_program

if TYPE_CHECKING:
    import paddle
    from paddle.static import InputSpec

    from aa.models.animate_anyone import AnimateAnyone

MAKERS = ("paddlepaddle", "ppdiffusers", "onnx", "einops")
WRITERS = ("patterns", "onnx_graph", "operands", "layers", "operations", "translation")


def graph_key(
    model: "AnimateAnyone", part: Callable[..., Any], specs: Sequence["InputSpec"]
) -> dict[str, Any]:
    """All that a part's graph depends on; no weight is in it.

    Args:
        model: whose part it is.
        part: a function of `aa.models.parts`.
        specs: one per tensor.
    """
    code = [*sorted(Path(aa.models.__file__).parent.glob("*.py")), *_here("graphs", *WRITERS)]
    return {
        "part": part.__name__,
        "tensors": [[str(spec.dtype), *spec.shape] for spec in specs],
        "model": {**asdict(model.config), "motion": model.has_motion},
        "versions": {name: version(name) for name in MAKERS},
        "code": hashlib.sha256(b"".join(file.read_bytes() for file in code)).hexdigest(),
    }


def _here(*names: str) -> list[Path]:
    return [Path(__file__).parent / f"{name}.py" for name in names]


def export_graph(
    model: "AnimateAnyone", part: Callable[..., Any], specs: Sequence["InputSpec"]
) -> bytes:
    """The ONNX graph of a part as bytes, about 1 MB: of its weights it has names and shapes.

    Raises:
        TranslationError: an operation has no translation.
    """
    traced = trace_program(lambda *tensors: part(model, *tensors), specs)
    names = {tensor.name: name for name, tensor in named_weights(model).items()}
    return translate(traced, names).SerializeToString()


def named_weights(model: "AnimateAnyone") -> dict[str, "paddle.Tensor"]:
    """Parameters and buffers by name, also those that are computed and not saved."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def shared_weights(model: "AnimateAnyone") -> dict[str, np.ndarray]:
    """Numpy's views of the memory of `named_weights`. Engines want them writeable, and only read.

    Valid as long as the model.
    """
    return {name: shared_array(tensor) for name, tensor in named_weights(model).items()}


def shared_array(tensor: "paddle.Tensor") -> np.ndarray:
    """Numpy's view of the memory of a tensor on the CPU; valid as long as the tensor."""
    dtype = np.dtype(str(tensor.dtype).split(".")[-1])
    memory = (ctypes.c_char * (tensor.size * dtype.itemsize)).from_address(tensor.data_ptr())
    return np.frombuffer(cast(Any, memory), dtype).reshape(tensor.shape)
