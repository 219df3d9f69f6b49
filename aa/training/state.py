"""State that a training needs to resume, beside the weights: `training/` in a checkpoint."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from paddlenlp.trainer import TrainerState
from paddlenlp.trainer.trainer import TRAINER_STATE_NAME
from safetensors import SafetensorError

from aa.errors import UserError, one_line, reason
from aa.runs.kinds import RecordsState, TrainerProgress, TrainingValues
from aa.runs.reading import RecordError, read_json, read_record

if TYPE_CHECKING:
    import paddle
    from paddle.amp import GradScaler
    from paddle.optimizer import Optimizer
    from paddle.optimizer.lr import LRScheduler

ARRAYS, VALUES = "state.safetensors", "state.json"


def state_folder(checkpoint: str | Path) -> Path:
    """The folder in which a checkpoint keeps it."""
    return Path(checkpoint) / "training"


def save_state(
    folder: Path,
    parameters: Mapping[str, paddle.Tensor],
    *,
    optimizer: Mapping[str, np.ndarray],
    lr_scheduler: LRScheduler,
    trainer_state: TrainerState,
    averaged: bool,
    scaler: GradScaler | None = None,
    records: Mapping[str, Any] | None = None,
) -> Path:
    """Write optimizer, rate, step and, where the checkpoint has their average, the parameters.

    Args:
        folder: a new folder, made with those above it.
        parameters: {name: parameter} of those that train. Paddle's own names count the layers a
            process has made, so on disk everything has these names.
        optimizer: what `collect_optimizer` gave.
        averaged: whether the checkpoint's weights are the average of the parameters.
        scaler: of float16.
        records: plain values of the `RecordCallback`.

    Returns:
        the file with the arrays, by far the largest.
    """
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    arrays = {f"parameter/{n}": p.numpy() for n, p in parameters.items()} if averaged else {}
    keys = sorted(optimizer)  # those of a parameter follow each other
    for name, parameter in parameters.items():
        prefix = f"{parameter.name}_"
        own = keys[bisect_left(keys, prefix) :]
        for key in takewhile(lambda key, prefix=prefix: key.startswith(prefix), own):
            arrays[f"optimizer/{name}/{key.removeprefix(prefix)}"] = optimizer[key]
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / ARRAYS)
    values = {
        "lr_scheduler": lr_scheduler.state_dict(),
        "scaler": scaler and {k: np.asarray(v).tolist() for k, v in scaler.state_dict().items()},
        "records": records,
    }
    (folder / VALUES).write_text(json.dumps(values) + "\n")
    trainer_state.save_to_json(str(folder / TRAINER_STATE_NAME))
    return folder / ARRAYS


def collect_optimizer(optimizer: Optimizer, *, gather: bool) -> dict[str, np.ndarray]:
    """{Paddle's name: array} of an optimizer's state.

    Args:
        gather: whether each process has only its part: all of them come here, the first gets all.
    """
    import paddle
    from paddle import distributed

    found = optimizer.state_dict()
    own = {key: value for key, value in found.items() if isinstance(value, paddle.Tensor)}
    if not gather:
        return {key: value.numpy() for key, value in own.items()}
    parts = []
    distributed.all_gather_object(
        parts, {k: (v.shape, str(v.dtype).removeprefix("paddle.")) for k, v in own.items()}
    )
    state = {}
    for rank, part in enumerate(parts):
        for key, (shape, dtype) in part.items():
            # A single value may lie in the host's memory, where a GPU's processes do not look.
            mine = own[key] if rank == distributed.get_rank() else paddle.empty(shape, dtype)
            value = paddle.to_tensor(mine.numpy()) if mine.size == 1 else mine
            distributed.broadcast(value, src=rank)
            if distributed.get_rank() == 0:
                state[key] = value.numpy()
    return state


def check_state(folder: Path) -> None:
    """Refuse the state of a checkpoint that no training has written, before it is loaded.

    Args:
        folder: see `state_folder`.

    Raises:
        UserError: names the file.
    """
    try:
        _values(folder)
        read_record(folder, TRAINER_STATE_NAME, TrainerProgress)
        known = {field.name for field in fields(TrainerState)}
        unknown = read_json(folder / TRAINER_STATE_NAME).keys() - known
        if unknown:
            found, file = one_line(min(unknown)), folder / TRAINER_STATE_NAME
            raise RecordError(f"{file}: has {found}, which no trainer writes")
        with _arrays(folder):
            pass
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{folder}: holds no whole state of a training ({reason(error)}). Start a new run from "
            f"its weights: stage.init_from={folder.parent}"
        ) from error


@contextmanager
def _fitting(folder: Path) -> Iterator[None]:
    """Make one line of what does not fit: Paddle asserts, raises or fails in its own ways."""
    try:
        yield
    except UserError:
        raise
    except (AssertionError, KeyError, RuntimeError, TypeError, ValueError) as error:
        found = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise UserError(
            f"{folder}: its state of the training does not fit these networks ({found}). Start a "
            f"new run from its weights: stage.init_from={folder.parent}"
        ) from error


def load_parameters(folder: Path, parameters: Mapping[str, paddle.Tensor]) -> None:
    """Set the parameters {name: parameter}, where the checkpoint's weights are their average."""
    with _fitting(folder), _arrays(folder) as file:
        found = set(file.keys())
        for name in [name for name in parameters if f"parameter/{name}" in found]:
            parameters[name].set_value(file.get_tensor(f"parameter/{name}"))


def load_optimizer(
    folder: Path,
    parameters: Mapping[str, paddle.Tensor],
    optimizer: Optimizer,
    lr_scheduler: LRScheduler,
    scaler: GradScaler | None = None,
) -> None:
    """Set the state of the optimizer of {name: parameter}, of the rate and of the scaler.

    Parameters that train now and did not before start with an empty state.
    """
    with _fitting(folder):
        _load_optimizer(folder, parameters, optimizer, lr_scheduler, scaler)


def _load_optimizer(
    folder: Path,
    parameters: Mapping[str, paddle.Tensor],
    optimizer: Optimizer,
    lr_scheduler: LRScheduler,
    scaler: GradScaler | None,
) -> None:
    import paddle

    state = {}
    with _arrays(folder) as file:
        for key in file.keys():  # noqa: SIM118 a file is no dict
            kind, _, rest = key.partition("/")
            name, _, part = rest.rpartition("/")
            if kind == "optimizer" and name in parameters:
                array = paddle.to_tensor(file.get_tensor(key))
                state[f"{parameters[name].name}_{part}"] = array
    optimizer.set_state_dict(state)
    values = _values(folder)
    lr_scheduler.set_state_dict(cast(Any, values["lr_scheduler"]))
    lr_scheduler.last_lr = lr_scheduler.get_lr()  # of the rate in the config, if it has changed
    if scaler and values["scaler"]:
        scale = np.array(values["scaler"].get("scale"), np.float32)
        scaler.load_state_dict(cast(Any, {**values["scaler"], "scale": scale}))


def load_records(folder: Path) -> RecordsState:
    """Return what `RecordCallback.state` gave."""
    return _values(folder)["records"] or RecordsState()


def _arrays(folder: Path) -> Any:
    """The file with the arrays, open: each is read by its key, and no other with it."""
    from safetensors import safe_open

    return safe_open(folder / ARRAYS, framework="np")


def _values(folder: Path) -> TrainingValues:
    return read_record(folder, VALUES, TrainingValues)
