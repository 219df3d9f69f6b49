"""Rules of Paddle's operations: kept for the backward pass, views of the input, arithmetic."""

from math import prod

from aa.models.chunked_attention import MAX_SCORES
from aa.plan.program import Operation, Tensor

# Their result lies in the memory of the first input.
VIEWS = {"reshape", "flatten", "unsqueeze", "squeeze", "transpose", "slice", "share_data"}


def kept(operation: Operation) -> list[Tensor]:
    """Tensors that an operation's gradient needs: seen in Paddle 3.3 by its saved tensors."""
    name, inputs, outputs = operation.name, operation.inputs, operation.outputs
    if name in ("conv2d", "matmul", "multiply"):
        return inputs[:2]
    if name in ("swish", "gelu", "layer_norm"):
        return inputs[:1] + outputs[1:]
    if name == "group_norm":
        return inputs[:1] + outputs
    if name == "attention":  # of `lowering.fuse_attention`
        return inputs + outputs
    return outputs if name == "softmax" else []


def multiplications(operation: Operation) -> int:
    """Count an operation's multiplications, each with an addition, going forward."""
    if operation.name == "conv2d":
        return operation.outputs[0].numbers * prod(operation.inputs[1].shape[1:])
    if operation.name == "attention":
        return 2 * operation.attributes["scores"] * operation.inputs[0].shape[-1]
    if operation.name == "matmul":
        first = operation.inputs[0].shape
        inner = first[-2] if operation.attributes["transpose_x"] else first[-1]
        return operation.outputs[0].numbers * inner
    return 0


def workspace(operation: Operation) -> int:
    """Bytes that an operation needs beside its results while it runs, on a CPU."""
    if operation.name == "attention":  # shares, and going back their gradient; then parts joined
        scores = operation.attributes["scores"]
        joined = sum(t.bytes for t in operation.inputs) if scores > MAX_SCORES else 0
        return 2 * 4 * min(MAX_SCORES, scores) + joined
    if operation.name == "conv2d":  # the pixels below the kernel, of one image
        kernel, out = operation.inputs[1].shape, operation.outputs[0].shape
        if kernel[2:] == (1, 1):
            return 0
        return prod(kernel[1:]) * prod(out[2:]) * operation.outputs[0].item_bytes
    return 0
