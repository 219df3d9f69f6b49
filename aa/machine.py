"""This machine: its GPUs, its CPU threads, and paddle started with the right settings."""

import contextlib
import io
import logging
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aa.errors import UserError
from aa.interrupts import importing

if TYPE_CHECKING:

    class Hardware(Protocol):
        """The `HardwareConfig`, as much of it as is read here."""

        device: str
        devices: int
        num_threads: int


log = logging.getLogger(__name__)


def check_device(hardware: "Hardware") -> None:
    """Refuse requested GPUs that are not here, before paddle loads.

    Raises:
        UserError: there are fewer than the config requests.
    """
    if hardware.device != "gpu":
        return
    count = count_gpus()
    if count is None:
        return
    if count == 0:
        raise UserError(
            "hardware: this group asks for a GPU and this machine shows none (no NVIDIA driver, or "
            "CUDA_VISIBLE_DEVICES hides it); use hardware=cpu."
        )
    if hardware.devices > count:
        raise UserError(
            f"hardware.devices={hardware.devices}: this machine shows {count} GPU"
            f"{'s' * (count > 1)}; use hardware.devices={count}."
        )


def count_gpus() -> int | None:
    """Number of GPUs that a process of this environment sees; None if only paddle can tell."""
    present = [p for p in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", p.name)]
    if not present:  # /dev/dxg is the GPU of a Windows host
        driver = Path("/proc/driver/nvidia/version"), Path("/dev/dxg")
        return None if any(p.exists() for p in driver) else 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    if visible == "all":
        return len(present)
    return len([d for d in visible.split(",") if d.strip() not in ("", "-1")])


def card_memory() -> float | None:
    """GiB of the smallest GPU of this machine, None where NVIDIA's tool does not say."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return min(int(line) for line in said.split()) / 1024  # from MiB
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def thread_settings(hardware: "Hardware") -> dict[str, str]:
    """Environment that paddle must see when it is imported, for this machine's CPU."""
    threads = hardware.num_threads or max(1, (os.cpu_count() or 1) // hardware.devices)
    settings = {"OMP_NUM_THREADS": str(threads), "FLAGS_paddle_num_threads": str(threads)}
    if "AuthenticAMD" in _cpu_info():
        settings["MKL_DEBUG_CPU_TYPE"] = "5"  # paddle's MKL leaves AVX2 unused on AMD otherwise
    return settings


def _cpu_info() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def has_bfloat16() -> bool:
    """Return whether this machine's CPU multiplies in bfloat16; True where it does not say."""
    flags = re.search(r"^flags\s*:(.*)$", _cpu_info(), re.MULTILINE)
    return flags is None or not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags[1].split())


def prepare_paddle(hardware: "Hardware") -> None:
    """Set the CPU up and import paddle and its libraries without their start-up chatter."""
    settings = thread_settings(hardware)
    for key, value in settings.items():
        if hardware.num_threads:
            os.environ[key] = value
        else:
            os.environ.setdefault(key, value)
    log.info("CPU: %s", " ".join(f"{key}={os.environ[key]}" for key in settings))
    noise = io.StringIO()
    try:
        with importing(), contextlib.redirect_stderr(noise), contextlib.redirect_stdout(noise):
            import paddle
            import paddlenlp.utils.log
            import ppdiffusers  # noqa: F401
    except ImportError as error:
        raise UserError(f"paddle cannot be imported ({error}); run `make setup`.") from error
    paddlenlp.utils.log.logger.set_level("WARNING")
    if hardware.device == "gpu" and not paddle.is_compiled_with_cuda():  # pyright: ignore[reportPrivateImportUsage]
        raise UserError(
            "hardware: this group asks for a GPU, but the installed paddlepaddle is the CPU build; "
            "install paddlepaddle-gpu (see docs/hardware.md) or use hardware=cpu."
        )
    if "FLAGS_use_stride_kernel" not in os.environ:
        # Transposed values as views are gathered later, on a CPU 4 to 15 times slower.
        paddle.set_flags({"FLAGS_use_stride_kernel": hardware.device != "cpu"})
    # A GPU build would take its GPU for hardware=cpu too.
    paddle.set_device(hardware.device)  # pyright: ignore[reportPrivateImportUsage]
