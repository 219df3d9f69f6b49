"""A training's needs against a device's memory: the verdict and advice."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import psutil
from tqdm import tqdm

from aa.config.hardware import HardwareConfig
from aa.config.model import ModelConfig
from aa.config.stage import StageConfig
from aa.errors import UserError
from aa.machine import card_memory
from aa.plan.advice import changes, command_with
from aa.plan.needs import GIB, MemoryBudget, StepCounter, StepShape
from aa.plan.work import Rates

SIZE_STEP, MOST_SIDE = 64, 4096  # pixels: how finely and how far sizes are looked for
KEPT_FREE = 0.08  # of a device: counts were off by as much from what Paddle takes on a CPU


class Plan:
    """Memory that a stage of a training needs, and whether a device has it.

    Args:
        setting: what decides its memory.
        model: sizes of its weights.
        group: of the stage's keys: "stage" or "next_stage".
    """

    def __init__(
        self,
        setting: StepShape,
        stage: StageConfig,
        hardware: HardwareConfig,
        model: ModelConfig,
        *,
        group: str = "stage",
    ) -> None:
        self.setting, self.stage, self.hardware, self.group = setting, stage, hardware, group
        self.size_step, self.reach = model.size_step, model.motion_max_frames
        self.device = device_memory(hardware)
        self.memory = usable(self.device)
        half = hardware.precision != "float32"
        self.counter = StepCounter(model, stage, device=hardware.device, half=half)
        self.needs = self.counter.count(setting)

    @property
    def fits(self) -> bool:
        return self.needs.total <= self.memory

    def verdict(self, command: Sequence[str]) -> str:
        """One line: whether it fits, and if not, what to type instead of a command's words."""
        return verdict(self.needs, self.device, self._alternatives(), command)

    def _alternatives(self) -> Iterator[tuple[MemoryBudget, list[str]]]:
        tried = changes(
            self.setting,
            device=self.hardware.device,
            in_order=self.stage.motion_modules and not self.stage.stream,
            size_step=self.size_step,
            accumulation=self.stage.gradient_accumulation_steps,
            group=self.group,
        )
        for setting, overrides in tried:
            yield self.counter.count(setting), overrides

    def speed(self, rates: Rates | None = None) -> dict[str, float | None]:
        """Operations and bytes moved of a step, and the least seconds it takes, as plain values.

        Args:
            rates: of the device; None if they are not known.
        """
        work = self.counter.work(self.setting, accumulation=self.stage.gradient_accumulation_steps)
        return {
            "step_tflop": work.flops / 1e12,
            "model_tflop": work.model_flops / 1e12,
            "step_gigabytes": work.bytes / 1e9,
            "least_seconds": work.seconds(rates) if rates else None,
        }

    def most(self) -> list[str]:
        """Lines that say the largest size of this shape, and of clips the most frames, that fit."""
        step = math.lcm(self.size_step, SIZE_STEP)
        height, shape = self.setting.height, self.setting.width / self.setting.height

        def of_height(n: int) -> StepShape:
            width = max(1, round(n * shape)) * step
            return replace(self.setting, height=n * step, width=width)

        lines = []
        if n := self._most(of_height, start=max(1, height // step), end=MOST_SIDE // step):
            found = of_height(n)
            lines.append(f"largest size that fits: {found.height}x{found.width} (height x width)")
        if self.stage.motion_modules:
            frames, reach = self.setting.frames, self.reach
            n = self._most(lambda n: replace(self.setting, frames=n), start=frames, end=reach)
            if n:
                lines.append(f"most frames that fit: {n} (the motion modules reach {reach})")
        return lines or ["nothing fits, however small"]

    def _most(self, setting_of: Callable[[int], StepShape], *, start: int, end: int) -> int:
        """The largest n in 1..end whose setting fits, 0 if none does; looks near `start` first."""
        low, high, n = 0, end + 1, start
        with tqdm(desc="looking for the most that fits", unit="setting", leave=False) as bar:
            while high - low > 1:
                if self.counter.count(setting_of(n)).total <= self.memory:
                    low = n
                else:
                    high = n
                bar.update()
                n = min(2 * low, (low + high) // 2) if low else high // 2
                n = n if low < n < high else (low + high) // 2
        return low

    def describe(self) -> str:
        """The setting in a line."""
        s, hardware = self.setting, self.hardware
        level = "" if s.sharding == "none" else f", sharding {s.sharding}"
        return (
            f"{s.batch} x {s.frames} frame{'s' * (s.frames > 1)} of {s.height}x{s.width}, "
            f"{hardware.precision}{', recompute' * s.recompute}, {s.devices} {hardware.device}"
            f"{'s' * (s.devices > 1)}{level}"
        )


def verdict(
    needs: MemoryBudget,
    memory: float,
    alternatives: Iterable[tuple[MemoryBudget, list[str]]],
    command: Sequence[str],
) -> str:
    """One line: whether it fits a memory, and if not, with which overrides it would.

    Args:
        memory: bytes of a device.
        alternatives: what overrides need, to try in order; counted on request.
        command: words of what was typed.
    """
    needed, there = (f"{size / GIB:.1f} GiB" for size in (needs.total, memory))
    if needs.total <= usable(memory):
        return f"it fits: {needed} of {there}."
    advice = "Nothing that was tried fits: use more devices or larger ones."
    for other, overrides in tqdm(alternatives, desc="looking for what fits", leave=False):
        if other.total <= usable(memory):
            said = f"{' '.join(overrides)} ({other.total / GIB:.1f} GiB)"
            advice = f"It does with {said}: {command_with(command, overrides)}"
            break
    return (
        f"it does not fit: {needed} are needed, a device has {there}, of which "
        f"{KEPT_FREE:.0%} stay free. {advice}"
    )


def usable(memory: float) -> float:
    """Bytes of a device's memory that a count may come to."""
    return (1 - KEPT_FREE) * memory


def device_memory(hardware: HardwareConfig) -> float:
    """Bytes that one process has: the GPU's, or its share of the host's.

    Raises:
        UserError: the GPU's memory is not given.
    """
    if hardware.memory_gb:
        return hardware.memory_gb * GIB
    if hardware.device == "gpu":
        found = card_memory()
        if found is None:
            raise UserError("hardware.memory_gb must be given to plan for a GPU: its GiB.")
        return found * GIB
    return psutil.virtual_memory().total / hardware.devices
