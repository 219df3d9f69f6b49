"""Paddle's program of a function of tensors, from shapes alone: nothing is computed."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import paddle
from paddle.static import InputSpec

from aa.models.quiet import quiet_output

if TYPE_CHECKING:
    from paddle.jit.dy2static.program_translator import ConcreteProgram


def trace_program(function: Callable[..., Any], specs: Sequence[InputSpec]) -> "ConcreteProgram":
    """Paddle's ConcreteProgram of a function.

    Args:
        function: takes as many tensors as there are specs.
    """
    # Untouched code: Paddle would rewrite it otherwise, which it needs for data-dependent branches.
    untouched = paddle.jit.not_to_static(lambda *inputs: function(*inputs))

    def run(inputs):
        return untouched(*inputs)

    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with quiet_output():
            return paddle.jit.to_static(run, input_spec=[specs], full_graph=True).concrete_program
    finally:
        logging.disable(level)
