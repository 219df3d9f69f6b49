"""Attention on a CPU whose scores stay in its cache: never all in memory, never kept."""

from collections.abc import Sequence
from typing import Any, cast

import paddle
import paddle.nn.functional as F
from paddle.autograd import PyLayer, PyLayerContext

# Number of scores held at once: 2^19 float32 are 2 MiB. Larger parts leave the cache, and memory
# that the system has to clear each time costs more than the arithmetic.
MAX_SCORES = 2**19


class ChunkedAttention(PyLayer):
    """softmax(q k^T) v on [E, L, D], part by part; going back, the scores are computed again.

    The result is the plain formula's; arXiv 2112.05682 is about its memory.
    """

    @staticmethod
    def forward(
        ctx: PyLayerContext, query: paddle.Tensor, key: paddle.Tensor, value: paddle.Tensor
    ) -> paddle.Tensor:
        """query [E, L, D], scaled already; key and value [E, S, D]. Every head is an entry."""
        out = []
        for entries, rows in _parts(query, key):
            k, v = key[entries], value[entries]
            out.append(_joined([_shares(query[entries, r], k) @ v for r in rows], axis=1))
        ctx.save_for_backward(query, key, value)
        # Not asked of the saved ones: recomputed, they all say that they are frozen.
        cast("Any", ctx).frozen = [tensor.stop_gradient for tensor in (query, key, value)]
        return _joined(out, axis=0)

    @staticmethod
    @paddle.no_grad()
    def backward(ctx: PyLayerContext, grad: paddle.Tensor) -> tuple[paddle.Tensor | None, ...]:
        """Gradients of query, key and value; see arXiv 2205.14135, appendix B.2.

        None for what comes from frozen parts: Paddle refuses any other answer.
        """
        query, key, value = ctx.saved_tensor()
        gradients = []
        for entries, rows in _parts(query, key):
            k, v = key[entries], value[entries]
            to_query, to_key, to_value = [], 0, 0
            for r in rows:
                q, g = query[entries, r], grad[entries, r]
                shares = _shares(q, k)
                to_value = to_value + paddle.matmul(shares, g, transpose_x=True)
                scores = paddle.matmul(g, v, transpose_y=True).multiply_(shares)
                scores = scores.subtract_(shares.multiply_(scores.sum(-1, keepdim=True)))
                to_query.append(scores @ k)
                to_key = to_key + paddle.matmul(scores, q, transpose_x=True)
                del shares, scores  # before the next are made
            gradients.append((_joined(to_query, axis=1), to_key, to_value))
        return tuple(
            None if frozen else _joined(list(parts), axis=0)
            for frozen, parts in zip(
                cast("Any", ctx).frozen, zip(*gradients, strict=True), strict=True
            )
        )


def _parts(query: paddle.Tensor, key: paddle.Tensor) -> list[tuple[slice, list[slice]]]:
    """(slice of entries, slices of queries) that cover all scores: as many queries as can be."""
    entries, length, keys = query.shape[0], query.shape[1], key.shape[1]
    queries = min(length, max(1, MAX_SCORES // keys))
    together = max(1, MAX_SCORES // (keys * length)) if queries == length else 1
    rows = [slice(i, i + queries) for i in range(0, length, queries)]
    return [(slice(e, e + together), rows) for e in range(0, entries, together)]


def _shares(query: paddle.Tensor, key: paddle.Tensor) -> paddle.Tensor:
    return F.softmax_(paddle.matmul(query, key, transpose_y=True))


def _joined(parts: Sequence[paddle.Tensor], axis: int) -> paddle.Tensor:
    return parts[0] if len(parts) == 1 else paddle.concat(parts, axis)
