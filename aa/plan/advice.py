"""The smallest changes with which it fits, those first that cost the least speed."""

import re
import shlex
from dataclasses import replace

from aa.arguments import key_of

STEPS = ("stage1", "stage2", "stage3")
QUOTED = re.compile(r"='(\w+)'")  # stage='1', as Hydra wants it: nobody types the quotes
MORE_CARDS = (  # which the published stage 1 was trained on
    {"devices": 4, "sharding": "stage1"},
    {"hardware.devices": 4, "hardware/sharding": "stage1"},
)


def changes(setting, *, device, in_order, size_step, accumulation=1):
    """Settings to try one after the other, each with the overrides that make it.

    Args:
        setting: the `Setting` that does not fit.
        device: "cpu" or "gpu".
        in_order: whether frames can be left out: runs of frames, as in stage 2.
        size_step: height and width are multiples of it.
        accumulation: batches to a step, of the setting that does not fit.

    Returns:
        list of (Setting, list of overrides), each with all changes before it; but more cards in
        the place of one are tried with the same frames, batch and size only.
    """
    same = [] if setting.recompute else [({"recompute": True}, {"hardware.recompute": "true"})]
    moves = []
    if setting.devices > 1:
        done = STEPS.index(setting.sharding) + 1 if setting.sharding in STEPS else 0
        for level in STEPS[done:] if device == "gpu" else STEPS[done:1]:
            moves.append(({"sharding": level}, {"hardware/sharding": level}))
    if setting.batch > 1:
        said = {"stage.per_device_batch_size": 1}
        said["stage.gradient_accumulation_steps"] = setting.batch * accumulation
        moves.append(({"batch": 1}, said))
    for frames in [n for n in (24, 16, 12, 8) if in_order and n < setting.frames]:
        moves.append(({"frames": frames}, {"stage.num_frames": frames}))
    alone = _added_up(setting, [*same, *moves, *_smaller(setting, size_step, "data")])
    on_one_card = device == "gpu" and setting.devices == 1
    more = _added_up(setting, [*same, MORE_CARDS])[-1:] if on_one_card else []
    return alone[: len(same)] + more + alone[len(same) :]


def video_changes(video, *, size_step):
    """As `changes`, of the `Video` of an animation that does not fit, each with those before it."""
    moves = []
    if video.decode_batch_size > 1:
        moves.append(({"decode_batch_size": 1}, {"inference.decode_batch_size": 1}))
    for frames in [n for n in (16, 12, 8) if n < min(video.context_frames, video.frames)]:
        moves.append(({"context_frames": frames}, {"inference.context_frames": frames}))
    return _added_up(video, moves + _smaller(video, size_step, "inference"))


def _smaller(setting, size_step, group):
    """Moves to smaller pictures; `group` has the keys height and width."""
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


def command_with(words, overrides):
    """A command as it is typed, with overrides in the place of those of the same keys.

    Args:
        words: of the command, options and overrides.
        overrides: what is to be changed.
    """
    keys = {key_of(override) for override in overrides}
    kept = [QUOTED.sub(r"=\1", word) for word in words if key_of(word) not in keys]
    return shlex.join([*kept, *overrides])
