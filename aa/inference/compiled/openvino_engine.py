"""OpenVINO as the engine: the fastest on a CPU, in float32 and bfloat16."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import onnx

from aa.inference.compiled.eight_bits import to_eight_bits
from aa.inference.compiled.engines import Network
from aa.inference.compiled.onnx_graph import weights_as_inputs
from aa.machine import has_bfloat16
from aa.models.openvino_core import core, openvino

log = logging.getLogger(__name__)

HINTS = {"float32": "f32", "bfloat16": "bf16"}
# So many numbers of a token share a scale when OpenVINO rounds them to 8 bits too, for a product
# with weights in 8 bits: that is where the speed comes from. It divides all widths of SD1.5.
TOKEN_GROUP = 64


class OpenVinoEngine:
    """Runs graphs on a CPU; see `Engine`."""

    whole = False  # compiling what runs once takes longer than it saves

    def __init__(
        self,
        *,
        precision: str = "float32",
        num_threads: int | None = None,
        weights: str = "float",
    ) -> None:
        self.settings = cast(dict[str, Any], {"INFERENCE_PRECISION_HINT": HINTS[precision]})
        self.eight_bits = weights == "int8"
        if self.eight_bits:
            self.settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = TOKEN_GROUP
        if precision == "bfloat16" and not has_bfloat16():
            log.warning(
                "inference.precision=bfloat16: this CPU has no instructions for it (avx512_bf16, "
                "amx_bf16), so the compiled engine computes in float32 and is no faster."
            )
        if num_threads:
            self.settings["INFERENCE_NUM_THREADS"] = num_threads

    def load(self, graph: bytes, weights: Mapping[str, np.ndarray]) -> Network:
        """See `Engine.load`."""
        model = onnx.ModelProto.FromString(graph)
        if self.eight_bits:
            weights = to_eight_bits(model, weights)
        compiled = core().compile_model(read_network(model, weights), "CPU", self.settings)
        request, count = compiled.create_infer_request(), len(compiled.outputs)

        def run(tensors):
            found = request.infer(dict(enumerate(tensors)))
            return [found[i] for i in range(count)]

        return run

    def hold(self, array: np.ndarray) -> np.ndarray:
        """See `Engine.hold`."""
        return array

    def take_frames(self, held: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """See `Engine.take_frames`."""
        return held.take(frames, axis=2)

    def join_frames(self, held: Sequence[np.ndarray]) -> np.ndarray:
        """See `Engine.join_frames`."""
        return np.concatenate(held, axis=2)


def read_network(model: onnx.ModelProto, weights: Mapping[str, np.ndarray]) -> openvino.Model:
    """OpenVINO's network of a graph with these weights, which are not copied."""
    weights_as_inputs(model)
    network = core().read_model(model.SerializeToString())
    for parameter in network.get_parameters():
        name = parameter.get_friendly_name()
        if name in weights:
            constant = openvino.opset15.constant(weights[name], shared_memory=True)
            for reader in list(parameter.output(0).get_target_inputs()):
                reader.replace_source_output(constant.output(0))
            network.remove_parameter(parameter)
    network.validate_nodes_and_infer_types()
    return network
