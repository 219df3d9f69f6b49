"""Whole models from and to weights folders."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aa.config.convert import to_dict
from aa.errors import UserError
from aa.weights.folders import FORMAT, Source, WeightsFolder, open_folder
from aa.weights.loading import expected_shapes, load_state, state_of, to_canonical
from aa.weights.lora import merged, save_lora
from aa.weights.reading.states import read_state
from aa.weights.tables import COMPONENTS, INSIDE

if TYPE_CHECKING:
    import numpy as np
    from paddle import nn

    from aa.config.model import ModelConfig
    from aa.models.animate_anyone import AnimateAnyone


def component_layers(model: AnimateAnyone) -> dict[str, nn.Layer]:
    """Layer that holds each component of an `AnimateAnyone`.

    A model may have no motion module, no embedding of guidance and no projection of the reference's
    pose, and an autoencoder without weights is no component.
    """
    outside = {name: getattr(model, name) for name in COMPONENTS if name not in INSIDE}
    layers: dict[str, nn.Layer] = {n: layer for n, layer in outside.items() if layer.parameters()}
    inside = {
        "motion_module": (model.has_motion, model.denoising_unet),
        "guidance_embedding": (model.has_guidance, model.denoising_unet),
        "reference_pose": (model.has_reference_pose, model.reference_unet),
    }
    return layers | {name: layer for name, (has, layer) in inside.items() if has}


def shape_only_layers(
    model_config: ModelConfig,
    *,
    motion_modules: bool,
    guidance: bool = False,
    reference_pose: bool = False,
) -> dict[str, nn.Layer]:
    """Layers of every component with shapes but no memory, to compare files with."""
    from aa.models.shape_only import shape_only_model

    model = shape_only_model(
        model_config,
        motion_modules=motion_modules,
        guidance=guidance,
        reference_pose=reference_pose,
    )
    return component_layers(model)


def read_component(name: str, source: Source) -> dict[str, np.ndarray]:
    """Read the canonical state of one component's file, its adapters merged in."""
    state = read_state(source.path)
    if source.select:
        state = {k: v for k, v in state.items() if k.startswith(source.select)}
    try:
        state = to_canonical(name, state, paddle_layout=source.paddle_layout)
    except UserError as error:
        raise UserError(f"{source.path}: {error}") from error
    for file in source.lora:
        state = merged(name, state, file, source=source.path)
    return state


def load_weights(
    model: AnimateAnyone,
    folder: WeightsFolder,
    *,
    optional: Collection[str] = (),
    skip: Collection[str] = (),
) -> None:
    """Load every component of an `AnimateAnyone` from an opened folder, strictly.

    Args:
        model: the model; its motion modules are loaded if it has them.
        optional: components that the folder may lack; they keep their start values.
        skip: components that come from elsewhere.

    Raises:
        UserError: a component is missing, or a file does not fit.
    """
    for name, layer in component_layers(model).items():
        source = folder.sources.get(name)
        if name in skip:
            continue
        if source is None and name in optional:
            continue
        if source is None:
            raise _lacks(folder, name)
        state = read_component(name, source)
        if name == "pose_guider" and source.select:  # a ControlNet's has no output layer
            state |= {k: v for k, v in state_of(name, layer).items() if k.startswith("conv_out.")}
        load_state(name, layer, state, source=source.path, ignore=source.ignore)


def _lacks(folder: WeightsFolder, name: str) -> UserError:
    return UserError(f"{folder.path}: has no {name}; found {', '.join(folder.sources)}.")


def save_weights(
    model: AnimateAnyone,
    folder: str | Path,
    *,
    linked: Mapping[str, Path] | None = None,
    written: Callable[[Path], object] | None = None,
) -> None:
    """Write layout 3 into a folder: config.json and one safetensors per component.

    Names and orientation are the torch release's, so other tools can read the files. Adapters are
    in a file of their own, and the components as they are without them.

    Args:
        folder: the folder to write, without weights yet.
        linked: component -> existing file with the same weights, linked instead of written.
        written: called with every finished file that is no link.
    """
    from safetensors.numpy import save_file

    from aa.models.lora import is_adapter

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    layers = component_layers(model)
    for name, layer in layers.items():
        target = folder / f"{name}.safetensors"
        if linked and name in linked:
            new = not _link(linked[name], target)
        else:
            save_file(state_of(name, layer), target, metadata={"format": "pt"})
            new = True
        if new and written:
            written(target)
    adapted = any(is_adapter(name) for name, _ in model.named_parameters())
    if adapted:
        file = save_lora(model, folder)
        if written:
            written(file)
    write_config(folder, model.config, [n for n in COMPONENTS if n in layers], lora=adapted)


def write_config(
    folder: str | Path, model_config: ModelConfig, components: list[str], *, lora: bool = False
) -> None:
    """Write config.json of layout 3; last, so that a folder without it is not complete.

    Args:
        lora: whether there is a file of adapters.
    """
    config = {"format": FORMAT, "model": to_dict(model_config), "components": components}
    config |= {"lora": True} if lora else {}
    (Path(folder) / "config.json").write_text(json.dumps(config, indent=1) + "\n")


def _link(source: Path, target: Path) -> bool:
    """Link a file; return whether both names are one file, otherwise the target is a copy."""
    try:
        os.link(source, target)
        return True
    except OSError:  # another disk, or one without hard links
        shutil.copyfile(source, target)
        return False


def load_model(path: str | Path, *, lora: str | Path | None = None) -> AnimateAnyone:
    """Load the model of a weights or run folder, in evaluation mode.

    Args:
        lora: more adapters to merge in, see `find_lora`.
    """
    from aa.models.animate_anyone import AnimateAnyone

    folder = open_folder(path).with_lora(lora)
    _check_room(folder)
    model = AnimateAnyone(folder.model, **folder.parts)
    load_weights(model, folder)
    model.eval()
    return model


def _check_room(folder: WeightsFolder) -> None:
    """Refuse a config.json of more values than its files can hold: it would fill the memory."""
    layers = shape_only_layers(folder.model, **folder.parts)
    for name in layers:
        if name not in folder.sources:
            raise _lacks(folder, name)
    shapes = [s for name, layer in layers.items() for s in expected_shapes(name, layer).values()]
    numbers = sum(math.prod(shape) for shape in shapes)
    found = sum(source.path.stat().st_size for source in folder.sources.values())
    if numbers > found:  # one byte a value at the least
        raise UserError(
            f"{folder.path}: its config.json describes {numbers / 1e6:.1f} M numbers, its files "
            f"have {found / 1e6:.1f} MB. It is not the config of these weights: check the folder."
        )
