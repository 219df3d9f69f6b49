"""Schema of the group `hardware` and of `hardware/sharding` inside it."""

import re
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from aa.config.checks import not_negative, one_of, positive, wanted
from aa.config.published import PublishedSize
from aa.config.slurm import SLURM

PRECISIONS = ("float32", "float16", "bfloat16")


@dataclass
class ShardingConfig:
    """Splitting of optimizer state (stage1), gradients (stage2) and weights (stage3)."""

    level: str = "none"  # none, stage1, stage2 or stage3
    offload: bool = False  # the optimizer's state is kept in the host's memory

    def __post_init__(self) -> None:
        one_of("hardware.sharding", self, "level", ("none", "stage1", "stage2", "stage3"))
        wanted(
            not self.offload or self.level in ("stage2", "stage3"),
            f"hardware.sharding.offload works with stage2 and stage3, got level {self.level}.",
        )


@dataclass
class HardwareConfig:
    """The host: device, precision it can do, memory savers."""

    device: str = MISSING  # cpu or gpu
    devices: int = 1  # processes on this host, one per device
    nodes: Any = 1  # hosts that run this command together; slurm: as its job says
    node_rank: int = 0  # which of the hosts this is; the first is 0
    master: str | None = None  # host:port of the first host, which all of them reach
    start_timeout: float = 600.0  # seconds that hosts wait for each other at the start
    precision: str = "float32"  # float32, float16 (with loss scaling) or bfloat16
    recompute: bool = False  # drop activations, compute them again going backward
    memory_gb: float | None = None  # GiB of a device; null: the host's, of a GPU unknown
    peak_tflops: dict[str, float] = field(
        default_factory=dict
    )  # TFLOP a second at most, by precision
    bandwidth_gb: float | None = (
        None  # GB that a device's memory moves in a second; null: not known
    )
    num_threads: int = 0  # CPU threads per process; 0: the cores divided by the processes
    published_clip: PublishedSize = field(  # stage 2 takes it
        default_factory=lambda: PublishedSize(height=512, width=512, num_frames=24)
    )
    sharding: ShardingConfig = field(default_factory=ShardingConfig)

    def __post_init__(self) -> None:
        one_of("hardware", self, "device", ("cpu", "gpu"))
        one_of("hardware", self, "precision", PRECISIONS)
        wanted(
            type(self.nodes) is int and self.nodes > 0,
            f"hardware.nodes must be how many hosts run this, or {SLURM}, got {self.nodes}.",
        )
        positive("hardware", self, "devices", "start_timeout")
        for key in ("memory_gb", "bandwidth_gb"):
            if getattr(self, key) is not None:
                positive("hardware", self, key)
        self._check_peaks()
        not_negative("hardware", self, "num_threads", "node_rank")
        wanted(
            self.node_rank < self.nodes,
            f"hardware.node_rank must be less than hardware.nodes={self.nodes}, got "
            f"{self.node_rank}.",
        )
        wanted(
            self.nodes == 1 or _is_address(self.master or ""),
            "hardware.master=host:port of the first host must be given with hardware.nodes, got "
            f"{self.master}; in a Slurm job hardware.nodes={SLURM} says all.",
        )
        wanted(
            self.device == "gpu" or self.precision == "float32",
            f"hardware.precision={self.precision} needs a GPU (Paddle has no such convolution on "
            "the CPU); use hardware.precision=float32.",
        )
        wanted(
            self.device == "gpu" or self.sharding.level in ("none", "stage1"),
            f"hardware/sharding={self.sharding.level} needs GPUs; on the CPU use none or stage1.",
        )

    @property
    def peak_flops(self) -> float | None:
        """Floating-point operations a second in this precision at most; None if not known."""
        tera = self.peak_tflops.get(self.precision)
        return tera and tera * 1e12

    def _check_peaks(self) -> None:
        for precision, tera in self.peak_tflops.items():
            wanted(
                precision in PRECISIONS and tera > 0,
                "hardware.peak_tflops must map float32, float16 or bfloat16 to numbers above 0, "
                f"got {precision}: {tera}.",
            )


def _is_address(text: str) -> bool:
    """Return whether a text is host:port, with labels as names of hosts have them."""
    label = r"[\w-]{1,63}"
    found = re.fullmatch(rf"{label}(\.{label})*:(\d{{1,5}})", text, re.ASCII)
    return bool(found) and 0 < int(found[2]) < 2**16
