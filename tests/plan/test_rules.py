"""What operations keep and share, against what Paddle and numpy do."""

import paddle
import paddle.nn.functional as F
import pytest
from paddle.static import InputSpec

from aa.plan.graph import trace
from aa.plan.rules import kept, multiplications

FUNCTIONS = {
    "conv2d": lambda x: F.conv2d(x, paddle.ones([8, 8, 3, 3])),
    "matmul": lambda x: x @ x,
    "multiply": lambda x: x * x,
    "add": lambda x: x + x,
    "swish": F.swish,
    "gelu": F.gelu,
    "softmax": F.softmax,
    "layer_norm": lambda x: F.layer_norm(x, [8], paddle.ones([8]), paddle.ones([8])),
    "group_norm": lambda x: F.group_norm(x, 2, 1e-5, paddle.ones([8]), paddle.ones([8])),
    "concat": lambda x: paddle.concat([x, x]),
    "transpose": lambda x: x.transpose([0, 2, 1, 3]),
}


def saved_shapes(function, x):
    """Shapes of what Paddle keeps for the gradient; vectors of scale and bias are parameters."""
    shapes = []

    def pack(tensor):
        shapes.append(tuple(tensor.shape))
        return tensor

    with paddle.autograd.saved_tensors_hooks(pack, lambda tensor: tensor):
        function(x)
    return sorted(s for s in shapes if s != (8,))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_operation_keeps_what_paddle_saves_for_its_gradient(name):
    x = paddle.rand([2, 8, 8, 8])
    x.stop_gradient = False
    graph = trace(FUNCTIONS[name], [InputSpec([2, 8, 8, 8], "float32")])
    (operation,) = [o for o in graph.operations if o.name == name]
    assert sorted(t.shape for t in kept(operation)) == saved_shapes(FUNCTIONS[name], x)


def test_multiplications_of_a_convolution_and_of_a_product():
    graph = trace(FUNCTIONS["conv2d"], [InputSpec([2, 8, 8, 8], "float32")])
    assert max(map(multiplications, graph.operations)) == 2 * 8 * 6 * 6 * 8 * 9
    graph = trace(FUNCTIONS["matmul"], [InputSpec([2, 8, 8, 8], "float32")])
    assert max(map(multiplications, graph.operations)) == 2 * 8 * 8 * 8 * 8
