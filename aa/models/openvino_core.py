"""OpenVINO, imported and started once for the process."""

import contextlib
import functools
import sys

# One of its imports (absl's logging) keeps the error stream of that moment and closes it, unless it
# is the process's own, when logging is configured anew.
with contextlib.redirect_stderr(sys.__stderr__):
    import openvino

__all__ = ["core", "openvino"]


@functools.cache
def core() -> openvino.Core:
    """The one OpenVINO core of this process.

    Every core has a stack for signals. Where several end in the order they began, the last gives
    back the first one's, which is gone: the next signal that Python handles ends the process.
    """
    return openvino.Core()
