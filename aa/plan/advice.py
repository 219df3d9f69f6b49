"""The smallest changes with which it fits, those first that cost the least speed."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from aa.config.overrides import key_of

if TYPE_CHECKING:
    from aa.plan.needs import StepShape

STEPS = ("stage1", "stage2", "stage3")
QUOTED = re.compile(r"='(\w+)'")  # stage='1', as Hydra wants it: nobody types the quotes
MORE = 4  # GPUs that the published stage 1 was trained on


def changes(
    setting: "StepShape",
    *,
    device: str,
    in_order: bool,
    size_step: int,
    accumulation: int = 1,
    group: str = "stage",
) -> list[tuple["StepShape", list[str]]]:
    """Settings to try one after the other, each with the overrides that make it.

    Args:
        setting: the one that does not fit.
        device: "cpu" or "gpu".
        in_order: whether frames can be left out: runs of frames, as in stage 2.
        size_step: height and width are multiples of it.
        accumulation: batches to a step, of the setting that does not fit.
        group: whose keys the overrides are, "stage" or "next_stage".

    Returns:
        settings with their overrides, each with all changes before it; but more GPUs in the place
        of one are tried with the same frames and size only.
    """
    same = [] if setting.recompute else [({"recompute": True}, {"hardware.recompute": "true"})]
    moves = []
    if setting.devices > 1:
        done = STEPS.index(setting.sharding) + 1 if setting.sharding in STEPS else 0
        for level in STEPS[done:] if device == "gpu" else STEPS[done:1]:
            moves.append(({"sharding": level}, {"hardware/sharding": level}))
    if setting.batch > 1:
        said = {f"{group}.per_device_batch_size": 1}
        said[f"{group}.gradient_accumulation_steps"] = setting.batch * accumulation
        moves.append(({"batch": 1}, said))
    for frames in [n for n in (24, 16, 12, 8) if in_order and n < setting.frames]:
        moves.append(({"frames": frames}, {f"{group}.num_frames": frames}))
    alone = _added_up(setting, [*same, *moves, *_smaller(setting, size_step, "data")])
    on_one_card = device == "gpu" and setting.devices == 1
    more = [*same, _more_gpus(setting.batch, accumulation, group)] if on_one_card else []
    more = _added_up(setting, more)[-1:]
    return alone[: len(same)] + more + alone[len(same) :]


def _more_gpus(batch: int, accumulation: int, group: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The move to several GPUs, with as many samples to a step where the batch can be divided."""
    values, said = (
        {"devices": MORE, "sharding": "stage1"},
        cast(dict[str, Any], {"hardware.devices": MORE}),
    )
    said["hardware/sharding"] = "stage1"
    if accumulation % MORE == 0:
        said[f"{group}.gradient_accumulation_steps"] = accumulation // MORE
    elif batch % MORE == 0:
        values["batch"] = said[f"{group}.per_device_batch_size"] = batch // MORE
    return values, said


def video_changes(video: Any, *, size_step: int) -> list[tuple[Any, list[str]]]:
    """As `changes`, of the `Video` of an animation that does not fit, each with those before it."""
    moves = []
    if video.decode_batch_size > 1:
        moves.append(({"decode_batch_size": 1}, {"inference.decode_batch_size": 1}))
    if video.kept_frames:
        moves.append(({"kept_frames": 0}, {"inference.cache": "none"}))
    shorter = (16, 12, 8) if not video.stream else ()  # a stream's window is what weights learned
    for frames in [n for n in shorter if n < min(video.context_frames, video.frames)]:
        moves.append(({"context_frames": frames}, {"inference.context_frames": frames}))
    return _added_up(video, moves + _smaller(video, size_step, "inference"))


def _smaller(setting, size_step, group):
    """Moves to smaller images; `group` has the keys height and width."""
    moves = []
    for share in (0.75, 0.5, 0.25):
        sides = {
            key: max(size_step, round(getattr(setting, key) * share / size_step) * size_step)
            for key in ("height", "width")
        }
        moves.append((sides, {f"{group}.{key}": side for key, side in sides.items()}))
    return moves


def _added_up(setting, moves):
    """Each move (what changes, what says so) on top of those before it."""
    said, found = {}, []
    for values, overrides in moves:
        setting, said = replace(setting, **values), said | overrides
        found.append((setting, [f"{key}={value}" for key, value in said.items()]))
    return found


def command_with(words: Sequence[str], overrides: Sequence[str]) -> str:
    """A command as it is typed, with overrides in the place of those of the same keys.

    Args:
        words: of the command, options and overrides.
        overrides: what is to be changed.
    """
    keys = {key_of(override) for override in overrides}
    groups = tuple(f"{key.replace('/', '.')}." for key in keys if "/" in key)
    kept = [w for w in words if key_of(w) not in keys and not key_of(w).startswith(groups)]
    if any(key_of(word) == "resume" for word in kept):  # a change may decide the result
        overrides = [*overrides, "resume_with_changes=true"]
    return shlex.join([*(QUOTED.sub(r"=\1", word) for word in kept), *overrides])
