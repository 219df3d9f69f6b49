"""A part of the model as an ONNX graph without weights, and as OpenVINO's network with them."""

import ctypes
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

import aa.models
from aa.inference.compiled.onnx_graph import weights_as_inputs
from aa.inference.compiled.runtime import core, openvino
from aa.inference.compiled.translation import translate
from aa.models.tracing import trace_program

if TYPE_CHECKING:
    import paddle
    from paddle.static import InputSpec

    from aa.models.animate_anyone import AnimateAnyone

MAKERS = ("paddlepaddle", "ppdiffusers", "onnx", "einops")
WRITERS = ("onnx_graph", "operations", "translation")


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


def load_graph(content: bytes, model: "AnimateAnyone") -> openvino.Model:
    """OpenVINO's network of an exported graph with the weights of a model, which are not copied."""
    graph = onnx.ModelProto.FromString(content)
    weights_as_inputs(graph)
    network = core().read_model(graph.SerializeToString())
    weights = named_weights(model)
    for parameter in network.get_parameters():
        name = parameter.get_friendly_name()
        if name in weights:
            constant = openvino.opset15.constant(_shared(weights[name]), shared_memory=True)
            for reader in list(parameter.output(0).get_target_inputs()):
                reader.replace_source_output(constant.output(0))
            network.remove_parameter(parameter)
    network.validate_nodes_and_infer_types()
    return network


def named_weights(model: "AnimateAnyone") -> dict[str, "paddle.Tensor"]:
    """Parameters and buffers by name, also those that are computed and not saved."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _shared(tensor):
    """Numpy's view of a float32 tensor's memory. OpenVINO wants it writeable, and only reads."""
    memory = (ctypes.c_float * tensor.size).from_address(tensor.data_ptr())
    return np.frombuffer(memory, np.float32).reshape(tensor.shape)
