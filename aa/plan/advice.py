"""The smallest changes with which it fits, those first that cost the least speed."""

from dataclasses import replace

STEPS = ("stage1", "stage2", "stage3")


def changes(setting, *, device, in_order, size_step, accumulation=1):
    """Settings to try one after the other, each with the overrides that make it.

    Args:
        setting: the `Setting` that does not fit.
        device: "cpu" or "gpu".
        in_order: whether frames can be left out: runs of frames, as in stage 2.
        size_step: height and width are multiples of it.
        accumulation: batches to a step, of the setting that does not fit.

    Yields:
        (Setting, list of overrides), each with all changes before it.
    """
    moves = []
    if not setting.recompute:
        moves.append(({"recompute": True}, {"hardware.recompute": "true"}))
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
    return _added_up(setting, moves + _smaller(setting, size_step, "data"))


def video_changes(video, *, size_step):
    """As `changes`, of the `Video` of an animation that does not fit."""
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
    said = {}
    for values, overrides in moves:
        setting, said = replace(setting, **values), said | overrides
        yield setting, [f"{key}={value}" for key, value in said.items()]
