"""Paddle's program of a function of tensors, from shapes alone: nothing is computed."""

import logging
import traceback
from contextlib import contextmanager

import paddle

from aa.quiet import quiet_output


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
        with quiet_output(), _without_call_stacks():
            return paddle.jit.to_static(run, input_spec=[specs], full_graph=True).concrete_program
    finally:
        logging.disable(level)


@contextmanager
def _without_call_stacks():
    """Paddle asks which lines of Python made an operation: most of the time that a trace takes."""
    before = traceback.extract_stack
    traceback.extract_stack = lambda *_, **__: []
    try:
        yield
    finally:
        traceback.extract_stack = before
