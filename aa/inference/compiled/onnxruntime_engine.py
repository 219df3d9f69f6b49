"""ONNX Runtime as the engine: on a CPU in float32, and on a GPU."""

from collections.abc import Mapping
from typing import cast

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto

from aa.errors import UserError
from aa.inference.compiled.engines import Network
from aa.inference.compiled.fused import fuse_attention

WARNINGS = 3  # of ONNX Runtime, the least severe that are not shown
# By default a convolution of an animation's size asks for 29 GB of workspace; channels last are
# what the GPU's fastest kernels take; memory grows by what is asked for.
CUDA = {
    "prefer_nhwc": "1",
    "cudnn_conv_algo_search": "HEURISTIC",
    "cudnn_conv_use_max_workspace": "0",
    "arena_extend_strategy": "kSameAsRequested",
    "use_tf32": "0",
}


class OnnxRuntimeEngine:
    """Runs graphs on a CPU, or on a GPU that the same package finds; see `Engine`."""

    def __init__(
        self, *, precision: str = "float32", device: str = "cpu", num_threads: int | None = None
    ) -> None:
        if precision != "float32":
            raise UserError(
                f"inference.engine=onnxruntime computes in float32, got {precision}; "
                "inference.engine=openvino computes bfloat16."
            )
        self.device, self.num_threads = device, num_threads or 0
        self._kept = []  # what the sessions' weights lie in

    def load(self, graph: bytes, weights: Mapping[str, np.ndarray]) -> Network:
        """See `Engine.load`."""
        model = onnx.ModelProto.FromString(graph)
        fuse_attention(model)
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.num_threads
        options.log_severity_level = WARNINGS
        names = [t.name for t in model.graph.initializer if t.data_location == TensorProto.EXTERNAL]
        values = [ort.OrtValue.ortvalue_from_numpy(weights[name]) for name in names]
        options.add_external_initializers(names, values)
        self._kept.append(values)
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=self._providers()
        )
        if self.device == "cuda" and session.get_providers()[0] != "CUDAExecutionProvider":
            raise UserError(
                "inference.device=cuda: ONNX Runtime finds no GPU here, or not CUDA's libraries; "
                "use inference.device=cpu."
            )

        def run(tensors):
            found = session.run(None, {f"input_{i}": x for i, x in enumerate(tensors)})
            return cast(list[np.ndarray], found)

        return run

    def _providers(self):
        if self.device == "cuda":
            ort.preload_dlls()
            return [("CUDAExecutionProvider", CUDA), "CPUExecutionProvider"]
        return ["CPUExecutionProvider"]
