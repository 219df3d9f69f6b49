"""Traces of functions of tensors, from shapes alone."""

import sys

import pytest

from aa.models.parts import spec
from aa.models.tracing import trace_program


def test_a_trace_has_the_operations_of_the_function_and_computes_nothing():
    program = trace_program(lambda x, y: (x + y).exp(), [spec(2, 3), spec(2, 3)])
    names = [op.name() for op in program.main_program.global_block().ops]
    assert names[-2:] == ["pd_op.add", "pd_op.exp"]
    assert [tuple(value.shape) for value in program.outputs] == [(2, 3)]


def fails(x):
    raise ValueError("9 frames at once")


def test_an_error_says_where_it_is_from():
    with pytest.raises(ValueError, match=r"(?s)test_tracing\.py.*in fails.*9 frames at once"):
        trace_program(fails, [spec(1)])


@pytest.mark.parametrize("limit", [None, 7])
def test_tracebacks_are_whole_again_afterwards(monkeypatch, limit):
    if limit is not None:
        monkeypatch.setattr(sys, "tracebacklimit", limit, raising=False)
    trace_program(lambda x: x, [spec(1)])
    with pytest.raises(ValueError, match="9 frames at once"):
        trace_program(fails, [spec(1)])
    assert getattr(sys, "tracebacklimit", None) == limit
