"""Plans shown, checked before a training, and written into its folder."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from aa.errors import UserError
from aa.plan.inference import VideoPlan
from aa.plan.needs import GIB
from aa.plan.plan import Plan
from aa.plan.rates import device_rates, measured_rates
from aa.plan.work import Rates

log = logging.getLogger(__name__)


def show(plans: Iterable[Plan], command: Sequence[str], *, search: bool) -> bool:
    """Print the plan of every stage of a training; return whether all of them fit.

    Args:
        command: words that were typed for it.
        search: also say the largest size and the most frames.
    """
    fits, rates = True, None
    for plan in plans:
        rates = rates or device_rates(plan.hardware) or measured_rates(plan.hardware)
        _print(plan, command, _speed_line(plan.speed(rates), rates))
        for line in plan.most() if search else ():
            print(line)
        fits = fits and plan.fits
    return fits


def show_video(plan: VideoPlan, command: Sequence[str]) -> bool:
    """Print the plan of an animation's largest video; return whether it fits.

    Args:
        command: words that were typed for it.
    """
    _print(plan, command)
    return plan.fits


def _print(plan: Plan | VideoPlan, command: Sequence[str], *lines: str) -> None:
    print(plan.describe())
    Console().print(_table(plan))
    for line in lines:
        print(line)
    print(plan.verdict(command))


def _table(plan: Plan | VideoPlan) -> Table:
    """A table of the parts."""
    table = Table("of one device")
    table.add_column("GiB", justify="right")
    for part, size in plan.needs.parts.items():
        if size:
            table.add_row(part, f"{size / GIB:.2f}")
    table.add_section()
    table.add_row("together", f"{plan.needs.total / GIB:.2f}")
    table.add_row("a device has", f"{plan.device / GIB:.2f}")
    return table


def _speed_line(speed: dict[str, float | None], rates: Rates | None) -> str:
    work = f"{speed['step_tflop']:.3g} TFLOP and {speed['step_gigabytes']:.3g} GB moved"
    line = f"a step: {work} by each device"
    if rates is None:
        return f"{line}; seconds need hardware.peak_tflops and hardware.bandwidth_gb."
    return (
        f"{line}, {speed['least_seconds']:.3g} s or more at {rates.flops / 1e12:.3g} TFLOP/s and "
        f"{rates.bytes / 1e9:.4g} GB/s."
    )


def check_fits(
    plans: Iterable[Plan], command: Sequence[str], *, resumed: bool
) -> list[dict[str, Any]]:
    """Refuse a training that its devices have no memory for; one that ran may take all of it.

    Args:
        plans: of its stages.
        command: words that were typed for it.
        resumed: whether it ran.

    Returns:
        for each stage what was counted, as plain values.

    Raises:
        UserError: says with which changes it fits.
    """
    counted = []
    for plan in plans:
        if not plan.fits and not (resumed and plan.needs.total <= plan.device):
            raise UserError(
                f"{plan.describe()}: {plan.verdict(command)} (plan=true shows all parts; a card "
                "with more memory is hardware.memory_gb=<its GiB>)"
            )
        parts = {part: round(size / GIB, 3) for part, size in plan.needs.parts.items()}
        rates = device_rates(plan.hardware)
        speed = plan.speed(rates)
        log.info("%s", _speed_line(speed, rates))
        counted.append({"setting": plan.describe(), "gib": parts, **speed})
    return counted
