"""Adapters on disk: a small file beside the weights, or for any weights of the same sizes.

Keys are the usual ones, `<component>.<layer>.lora_A.weight` [rank, in] and `.lora_B.weight` [out,
rank], the layer as the component's own file names it. Merged, a layer's weight is W + B A.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aa.errors import UserError, some
from aa.weights.reading.states import read_state
from aa.weights.tables import LORA

if TYPE_CHECKING:
    import paddle

    from aa.models.animate_anyone import AnimateAnyone

log = logging.getLogger(__name__)
A, B = ".lora_A.weight", ".lora_B.weight"


def save_lora(model: AnimateAnyone, folder: Path) -> Path:
    """Write the adapters of a model into a folder of weights; return the file."""
    from safetensors.numpy import save_file

    from aa.models.lora import projections

    arrays = {key: np.ascontiguousarray(p.numpy().T) for key, p in _parameters(model).items()}
    adapted = {key.removesuffix(A) for key in arrays if key.endswith(A)}
    layers = {_key(name): layer for name, layer in projections(model).items()}
    own = {key: layers[key].weight.numpy().T for key in adapted}
    metadata = {"format": "pt", **{f"base.{k}": v for k, v in _hashes(own).items()}}
    save_file(arrays, folder / LORA, metadata=metadata)
    return folder / LORA


def load_lora(model: AnimateAnyone, path: Path) -> None:
    """Set the adapters of a model from a file.

    Raises:
        UserError: it has adapters of other layers, or of another rank.
    """
    state, parameters = read_lora(path), _parameters(model)
    differ = sorted(state.keys() ^ parameters.keys())
    if differ:
        raise UserError(
            f"{path}: adapters of other layers than this training has: {some(differ)}. Start a new "
            f"run from it: stage.init_from={path.parent}"
        )
    for key, parameter in parameters.items():
        if state[key].T.shape != tuple(parameter.shape):
            found, wanted = state[key].T.shape, list(parameter.shape)
            raise UserError(
                f"{path}: adapters of rank {min(found)}, this training's have {min(wanted)}: "
                f"stage.lora_rank={min(found)}, or start a new run from it: "
                f"stage.init_from={path.parent}"
            )
        parameter.set_value(np.ascontiguousarray(state[key].T))


def read_lora(path: Path) -> dict[str, np.ndarray]:
    """Read a file of adapters: float32 arrays, each A with its B.

    Raises:
        UserError: it is none.
    """
    state = read_state(path)
    wrong = [key for key in state if not key.endswith((A, B))]
    if wrong or not state:
        found = some(sorted(wrong)) if wrong else "nothing"
        raise UserError(
            f"{path}: no file of adapters: it holds {found}; wanted keys like "
            f"denoising_unet.<layer>{A} and {B.removeprefix('.')}."
        )
    for layer in sorted({key.removesuffix(A).removesuffix(B) for key in state}):
        halves = [state.get(layer + half) for half in (A, B)]
        shapes = ["missing" if half is None else list(half.shape) for half in halves]
        whole = all(half is not None and half.ndim == 2 for half in halves)
        if not whole or halves[0].shape[0] != halves[1].shape[1]:  # pyright: ignore[reportOptionalMemberAccess]
            raise UserError(
                f"{path}: lora_A and lora_B of {layer} are {shapes[0]} and {shapes[1]}; wanted "
                "[rank, in] and [out, rank]."
            )
        if not all(np.isfinite(half).all() for half in halves if half is not None):
            raise UserError(f"{path}: the adapter of {layer} holds values that are not finite.")
    return {key: np.asarray(array, np.float32) for key, array in state.items()}


def merged(
    component: str, state: Mapping[str, np.ndarray], path: Path, *, source: Path
) -> dict[str, np.ndarray]:
    """A component's canonical state with the adapters of a file merged in.

    Adapters that were trained on other weights of the same sizes are merged with a warning.

    Args:
        component: one of `tables.COMPONENTS`; adapters of others are left out.
        path: the file of adapters.
        source: of the state, for messages.

    Raises:
        UserError: the adapters are of a model of another kind; names what differs.
    """
    result, adapted = dict(state), {}
    for layer, down, up in _of_component(component, read_lora(path)):
        name, shape = f"{layer}.weight", [up.shape[0], down.shape[1]]
        found = result.get(name)
        if found is None or list(found.shape) != shape:
            has = "is not there" if found is None else f"is {list(found.shape)}"
            raise UserError(
                f"{path}: adapters of another model: {component}.{layer} is {shape} there, in "
                f"{source} it {has}. Give the weights that they were trained on."
            )
        adapted[f"{component}.{layer}"] = np.asarray(found, np.float32)
        result[name] = adapted[f"{component}.{layer}"] + up @ down
    _warn_of_other_base(component, adapted, path, source)
    return result


def _of_component(
    component: str, state: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield (layer, A, B) of the adapters of a component."""
    prefix = f"{component}."
    for key in state:
        if key.startswith(prefix) and key.endswith(A):
            layer = key.removesuffix(A)
            yield layer.removeprefix(prefix), state[key], state[layer + B]


def _warn_of_other_base(
    component: str, adapted: Mapping[str, np.ndarray], path: Path, source: Path
) -> None:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        trained_on = (file.metadata() or {}).get(f"base.{component}")
    if adapted and trained_on and trained_on != _hashes(adapted)[component]:
        log.warning(
            "%s: its adapters of %s were trained on other weights than %s.", path, component, source
        )


def _hashes(weights: Mapping[str, np.ndarray]) -> dict[str, str]:
    """{component: SHA-256 of the weights that its adapters are on}, by their keys."""
    hashes = {}
    for key in sorted(weights):
        found = hashes.setdefault(key.split(".")[0], hashlib.sha256())
        found.update(np.ascontiguousarray(weights[key], np.float32).tobytes())
    return {component: found.hexdigest() for component, found in hashes.items()}


def _key(name: str) -> str:
    """A layer's or parameter's name in the model as files of adapters have it."""
    if ".motion_modules." in name:
        return name.replace("denoising_unet.", "motion_module.", 1)
    return name


def _parameters(model: AnimateAnyone) -> dict[str, paddle.Tensor]:
    from aa.models.lora import adapters

    return {_key(name): parameter for name, parameter in adapters(model)}
