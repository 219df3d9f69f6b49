"""What Paddle's operations say: types, shapes, constants."""

from typing import Any

import numpy as np

TYPES = {
    "FLOAT32": np.float32,
    "FLOAT64": np.float64,
    "INT64": np.int64,
    "INT32": np.int32,
    "BOOL": np.bool_,
}


class TranslationError(Exception):
    """The program has an operation, or a form of one, that is not in the table."""


def side(operand: Any) -> Any:
    """The one value of a constant."""
    return np.asarray(operand).reshape(-1)[0].item()


def type_of(value: Any) -> Any:
    """Numpy's type of a value of the program."""
    return TYPES[value.dtype.name]


def asked_type(op: Any) -> Any:
    """Numpy's type that an operation's attributes name."""
    return TYPES[op.attrs()["dtype"].name]


def like(number: float, op: Any) -> np.ndarray:
    """A number of the type of an operation's first operand."""
    return np.array(number, type_of(op.operands_source()[0]))
