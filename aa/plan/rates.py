"""Peak rates of a device: from its config group, or measured on this CPU."""

import time
from collections.abc import Callable

import numpy as np
import paddle

from aa.config.hardware import HardwareConfig
from aa.plan.work import Rates

SIDE, NUMBERS, REPEATS = 1024, 2**24, 5  # of a product, of a copy, best of


def device_rates(hardware: HardwareConfig) -> Rates | None:
    """Rates that the config gives for its precision, None if it does not."""
    if hardware.peak_flops is None or hardware.bandwidth_gb is None:
        return None
    return Rates(hardware.peak_flops, hardware.bandwidth_gb * 1e9)


def measured_rates(hardware: HardwareConfig) -> Rates | None:
    """Measure a process's share of this machine's CPU in a second or so; None for a GPU."""
    if hardware.device != "cpu":
        return None
    square, line = paddle.rand([SIDE, SIDE]), np.zeros(NUMBERS, np.float32)
    product = _best(lambda: paddle.matmul(square, square))
    copy = _best(line.copy)
    n = hardware.devices
    return Rates(2 * SIDE**3 / product / n, 2 * line.nbytes / copy / n)


def _best(function: Callable[[], object]) -> float:
    seconds = []
    for _ in range(REPEATS + 1):  # the first one warms up
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
