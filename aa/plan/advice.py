"""The smallest changes with which a training fits, those first that cost the least speed."""

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
    said = {}

    def change(**values):
        nonlocal setting
        setting = replace(setting, **values)
        return setting, [f"{key}={value}" for key, value in said.items()]

    if not setting.recompute:
        said["hardware.recompute"] = "true"
        yield change(recompute=True)
    if setting.devices > 1:
        done = STEPS.index(setting.sharding) + 1 if setting.sharding in STEPS else 0
        for level in STEPS[done:] if device == "gpu" else STEPS[done:1]:
            said["hardware/sharding"] = level
            yield change(sharding=level)
    if setting.batch > 1:
        said["stage.per_device_batch_size"] = 1
        said["stage.gradient_accumulation_steps"] = setting.batch * accumulation
        yield change(batch=1)
    for frames in [n for n in (24, 16, 12, 8) if in_order and n < setting.frames]:
        said["stage.num_frames"] = frames
        yield change(frames=frames)
    height, width = setting.height, setting.width
    for share in (0.75, 0.5, 0.25):
        sides = [max(size_step, round(s * share / size_step) * size_step) for s in (height, width)]
        said["data.height"], said["data.width"] = sides
        yield change(height=sides[0], width=sides[1])
