"""A part of the model as OpenVINO's network: made without weights, filled with them in place."""

import ctypes
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import aa.models
from aa.inference.compiled.translation import translate
from aa.models.tracing import trace_program
from aa.runtime import core, openvino

if TYPE_CHECKING:
    import paddle
    from paddle.static import InputSpec

    from aa.models.animate_anyone import AnimateAnyone

MAKERS = ("paddlepaddle", "ppdiffusers", "openvino", "einops")


def graph_key(
    model: "AnimateAnyone", part: Callable[..., Any], specs: Sequence["InputSpec"]
) -> dict[str, Any]:
    """All that a part's graph depends on; no weight is in it.

    Args:
        model: whose part it is.
        part: a function of `aa.models.parts`.
        specs: one per tensor.
    """
    code = [*sorted(Path(aa.models.__file__).parent.glob("*.py")), *_here("graphs", "translation")]
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
    """The graph of a part as bytes, about 1 MB: weights are inputs under their names.

    Raises:
        TranslationError: an operation has no translation.
    """
    traced = trace_program(lambda *tensors: part(model, *tensors), specs)
    names = {tensor.name: name for name, tensor in named_weights(model).items()}
    network = translate(traced, names)
    with tempfile.TemporaryDirectory() as folder:
        operations, constants = Path(folder) / "graph.xml", Path(folder) / "graph.bin"
        openvino.serialize(network, operations, constants)
        content = operations.read_bytes(), constants.read_bytes()
    return len(content[0]).to_bytes(8, "little") + b"".join(content)


def load_graph(content: bytes, model: "AnimateAnyone") -> openvino.Model:
    """OpenVINO's network of an exported graph with the weights of a model, which are not copied."""
    end = 8 + int.from_bytes(content[:8], "little")
    network = core().read_model(content[8:end], content[end:])
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
