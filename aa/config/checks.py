"""Checks of single values; each raises a `UserError` with what was found and what is expected."""

import math
import re
from collections.abc import Sequence
from typing import Any

from aa.errors import UserError

MOST_SEED = 2**32 - 1  # numpy's


def wanted(condition: object, message: str) -> None:
    if not condition:
        raise UserError(message)


def positive(owner: str, config: Any, *keys: str) -> None:
    for key in keys:
        value = getattr(config, key)
        wanted(0 < value < math.inf, f"{owner}.{key} must be more than 0, got {value}.")


def at_most(owner: str, config: Any, most: int, *keys: str) -> None:
    """No model has more; a wrong config.json could request all memory of the host."""
    for key in keys:
        value = getattr(config, key)
        largest = max(value, default=0) if isinstance(value, list) else value
        wanted(largest <= most, f"{owner}.{key} must be at most {most}, got {largest}.")


def not_negative(owner: str, config: Any, *keys: str) -> None:
    for key in keys:
        value = getattr(config, key)
        wanted(0 <= value < math.inf, f"{owner}.{key} must not be negative, got {value}.")


def one_of(owner: str, config: Any, key: str, options: Sequence[str]) -> None:
    value = getattr(config, key)
    wanted(value in options, f"{owner}.{key} must be one of {', '.join(options)}, got {value}.")


def colour(owner: str, config: Any, key: str) -> None:
    """An opaque colour that Pillow knows: a name, or #rrggbb."""
    from PIL import ImageColor  # deferred: `--cfg job` pays nothing for it

    value = getattr(config, key)
    try:
        opaque = len(ImageColor.getrgb(value)) == 3
    except ValueError:
        opaque = False
    wanted(
        opaque,
        f"{owner}.{key} must be an opaque colour, like white or '#00ff00', got {value}.",
    )


def multiples(owner: str, config: Any, key: str) -> None:
    """The channels of every level can be divided into so many groups or heads."""
    channels, divisor = config.block_out_channels, getattr(config, key)
    wanted(
        channels and all(c > 0 and c % divisor == 0 for c in channels),
        f"{owner}.block_out_channels must be multiples of {owner}.{key} ({divisor}), "
        f"got {list(channels)}.",
    )


def size(owner: str, config: Any) -> None:
    """Height and width are multiples of the VAE's stride."""
    for key in ("height", "width"):
        value = getattr(config, key)
        wanted(
            value > 0 and value % 8 == 0,
            f"{owner}.{key} must be a multiple of 8 (the VAE's stride), got {value}; "
            f"try {max(8, round(value / 8) * 8)}.",
        )


def seed_range(key: str, value: int) -> None:
    wanted(0 <= value <= MOST_SEED, f"{key} must be between 0 and {MOST_SEED}, got {value}.")


def shard_of(text: str) -> tuple[int, int]:
    """(number, count) of "3/10".

    Raises:
        UserError: that is none.
    """
    match = re.fullmatch(r"0*([0-9]{1,9})/0*([0-9]{1,9})", text)
    number, count = map(int, match.groups()) if match else (0, 0)
    wanted(
        1 <= number <= count,
        f"cases_shard must be like 3/10, the third of ten parts, got {text}.",
    )
    return number, count


def no_plan(config: Any) -> None:
    """`plan` never reaches a run."""
    wanted(config.plan is None, "plan is asked on the command line, plan=true, and starts no run.")


def rerun_folder(config: Any) -> None:
    """Require the run that `rerun_check` compares with."""
    wanted(
        config.rerun or not config.rerun_check,
        "rerun_check=true compares with an earlier run: add rerun=<its folder>.",
    )
