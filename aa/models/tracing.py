"""Paddle's program of a function of tensors, from shapes alone: nothing is computed."""

import logging

import paddle

from aa.models.quiet import quiet_output


def trace_program(function, specs):
    """Paddle's ConcreteProgram of a function.

    Args:
        function: takes as many tensors as there are specs.
        specs: Paddle's InputSpecs.
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
