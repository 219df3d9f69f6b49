"""What a graph becomes on a GPU, on graphs written by hand."""

from paddle.static import InputSpec

from aa.models.attention import multi_head_attention
from aa.plan.graph import trace
from aa.plan.lowering import fuse_attention, lower
from aa.plan.program import Graph, Operation, Tensor
from aa.plan.rules import kept, multiplications


def attention_graph():
    tokens = [InputSpec([1, 16, 8], "float32", stop_gradient=True) for _ in range(3)]
    return trace(lambda q, k, v: multi_head_attention(q, k, v, 2), tokens)


def test_attention_is_one_operation_that_keeps_no_scores():
    graph = fuse_attention(attention_graph())
    (attention,) = [o for o in graph.operations if o.name == "attention"]
    assert [t.shape for t in kept(attention)] == [
        (1, 2, 16, 4),
        (1, 2, 4, 16),
        *[(1, 2, 16, 4)] * 2,
    ]
    assert multiplications(attention) == 2 * (2 * 16 * 16 * 4)
    assert "softmax" not in [o.name for o in graph.operations]


def test_attention_is_computed_in_half_precision_on_a_card():
    graph = lower(attention_graph(), half=True)
    (attention,) = [o for o in graph.operations if o.name == "attention"]
    assert {t.item_bytes for t in (*attention.inputs, *attention.outputs)} == {2}


def test_products_are_in_half_precision_and_norms_are_not():
    x, weight, product, normed = (Tensor((4, 4)) for _ in range(4))
    weight.parameter = "w"
    graph = Graph(
        [Operation("matmul", [x, weight], [product]), Operation("layer_norm", [product], [normed])],
        [normed],
    )
    names = [o.name for o in lower(graph, half=True).operations]
    assert names == ["cast", "cast", "matmul", "cast", "layer_norm"]
    assert (product.item_bytes, normed.item_bytes) == (2, 4)


def test_a_sum_is_in_float32_as_soon_as_one_side_is():
    half, full, result = Tensor((4,), item_bytes=2), Tensor((4,)), Tensor((4,))
    (cast, add) = lower(Graph([Operation("add", [half, full], [result])], []), half=True).operations
    assert (cast.inputs, add.outputs[0].item_bytes) == ([half], 4)


def test_group_norm_takes_no_centred_copy_on_a_gpu():
    from aa.models.layers import GroupNorm

    norm = GroupNorm(2, 4)
    spec = [InputSpec([1, 4, 8, 8], "float32", stop_gradient=True)]
    names = {o.name for o in lower(trace(lambda x: norm(x), spec), half=False).operations}
    assert "subtract" not in names
