"""What a stopped training needs to go on, beside the weights: `training/` in a checkpoint."""

import json
from pathlib import Path

import numpy as np
from paddlenlp.trainer.trainer import TRAINER_STATE_NAME

ARRAYS, SCHEDULER = "state.safetensors", "scheduler.json"


def state_folder(checkpoint):
    """Where a checkpoint keeps it."""
    return Path(checkpoint) / "training"


def save_state(folder, parameters, *, optimizer, lr_scheduler, trainer_state, ema=None):
    """Write the parameters as they are, their average, the optimizer, the rate and the step.

    Args:
        folder: a new folder.
        parameters: {name: parameter} of those that train. Paddle's own names count the layers a
            process has made, so on disk everything has these names.
        optimizer, lr_scheduler: Paddle's.
        trainer_state: paddlenlp's TrainerState.
        ema: an `EmaCallback` or None.
    """
    from safetensors.numpy import save_file

    folder.mkdir()
    arrays = {f"parameter/{name}": p.numpy() for name, p in parameters.items()}
    if ema:
        averages = zip(parameters, ema.average, strict=True)
        arrays |= {f"average/{name}": average.numpy() for name, average in averages}
    found = optimizer.state_dict()
    for name, parameter in parameters.items():
        prefix = f"{parameter.name}_"
        for key in [k for k in found if k.startswith(prefix)]:
            arrays[f"optimizer/{name}/{key.removeprefix(prefix)}"] = found[key].numpy()
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / ARRAYS)
    (folder / SCHEDULER).write_text(json.dumps(lr_scheduler.state_dict()) + "\n")
    trainer_state.save_to_json(str(folder / TRAINER_STATE_NAME))


def load_parameters(folder, parameters, ema=None):
    """Set the parameters {name: parameter}, and their average, to what `save_state` wrote."""
    arrays = _read(folder)
    for name, parameter in parameters.items():
        parameter.set_value(arrays[f"parameter/{name}"])
    if ema:
        for name, average in zip(parameters, ema.average, strict=True):
            average.set_value(arrays[f"average/{name}"])


def load_optimizer(folder, parameters, optimizer, lr_scheduler):
    """Set the optimizer's state of the parameters {name: parameter}, and the rate's."""
    import paddle

    state = {}
    for key, array in _read(folder).items():
        kind, _, rest = key.partition("/")
        if kind == "optimizer":
            name, _, part = rest.rpartition("/")
            state[f"{parameters[name].name}_{part}"] = paddle.to_tensor(array)
    optimizer.set_state_dict(state)
    lr_scheduler.set_state_dict(json.loads((folder / SCHEDULER).read_text()))


def _read(folder):
    from safetensors.numpy import load_file

    return load_file(folder / ARRAYS)
