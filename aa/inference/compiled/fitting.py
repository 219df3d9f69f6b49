"""A graph as ONNX Runtime is to run it: on a CPU or by CUDA, in float32 or float16."""

import onnx

from aa.inference.compiled.fused import fuse_attention
from aa.inference.compiled.fused_cuda import fuse_for_cuda
from aa.inference.compiled.half import to_half

# Of the CUDA provider. By default a convolution of an animation's size asks for 29 GB of workspace;
# channels last are what the GPU's fastest kernels take; memory grows by what is asked for.
CUDA = {
    "prefer_nhwc": "1",
    "cudnn_conv_algo_search": "HEURISTIC",
    "cudnn_conv_use_max_workspace": "0",
    "arena_extend_strategy": "kSameAsRequested",
    "use_tf32": "0",
}


def fit_for_onnxruntime(model: onnx.ModelProto, *, device: str, precision: str) -> None:
    """Bring a graph into ONNX Runtime's own operations; it computes the same.

    Args:
        device: "cpu" or "cuda".
        precision: "float32" or "float16"; in float16 the graph takes and returns it too.
    """
    fuse_attention(model)
    if device == "cuda":
        fuse_for_cuda(model)
    if precision == "float16":
        to_half(model)
    del model.graph.value_info[:]  # not of all values, and only patterns look for them
