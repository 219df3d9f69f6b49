"""Paddle's program of a function of tensors, from shapes alone: nothing is computed."""

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
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

    Raises:
        what the function raises, its message behind the lines that led there.
    """
    # Untouched code: Paddle would rewrite it otherwise, which it needs for data-dependent branches.
    untouched = paddle.jit.not_to_static(lambda *inputs: function(*inputs))

    def run(inputs):
        return untouched(*inputs)

    def traced():
        return paddle.jit.to_static(run, input_spec=[specs], full_graph=True).concrete_program

    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with quiet_output():
            with contextlib.suppress(Exception), _short_tracebacks():
                return traced()
            return traced()  # again, for an error that says where
    finally:
        logging.disable(level)


@contextlib.contextmanager
def _short_tracebacks() -> Iterator[None]:
    """Spare Paddle the call stack that it notes of every operation: most of the time of a trace.

    It is a setting of the process: one trace at a time, as Paddle's own mode wants it too.
    """
    before = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = 0
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before
