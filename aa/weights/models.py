"""Whole models from and to weights folders."""

import json
import math
import os
import shutil
from pathlib import Path

from aa.config.convert import to_dict
from aa.errors import UserError
from aa.weights.folders import FORMAT, open_folder
from aa.weights.loading import expected_shapes, load_state, state_of, to_canonical
from aa.weights.reading.states import read_state
from aa.weights.tables import COMPONENTS


def component_layers(model):
    """Layer that holds each component of an `AnimateAnyone`.

    A model may have no motion module, and an autoencoder without weights is no component.
    """
    layers = {name: getattr(model, name) for name in COMPONENTS if name != "motion_module"}
    layers = {name: layer for name, layer in layers.items() if layer.parameters()}
    if model.has_motion:
        layers["motion_module"] = model.denoising_unet
    return layers


def shape_only_layers(model_config, *, motion):
    """Layers of every component with shapes but no memory, to compare files with."""
    from aa.models.animate_anyone import shape_only_model

    return component_layers(shape_only_model(model_config, motion_modules=motion))


def read_component(name, source):
    """Canonical state of one component's file (see `folders.Source`)."""
    state = read_state(source.path)
    if source.select:
        state = {k: v for k, v in state.items() if k.startswith(source.select)}
    try:
        return to_canonical(name, state, paddle_layout=source.paddle_layout)
    except UserError as error:
        raise UserError(f"{source.path}: {error}") from error


def load_weights(model, folder, *, optional=(), skip=()):
    """Load every component of an `AnimateAnyone` from an opened folder, strictly.

    Args:
        model: the model; its motion modules are loaded if it has them.
        folder: a `WeightsFolder`.
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


def _lacks(folder, name):
    return UserError(f"{folder.path}: has no {name}; found {', '.join(folder.sources)}.")


def save_weights(model, folder, *, linked=None, written=None):
    """Write layout 3 into a folder: config.json and one safetensors per component.

    Names and orientation are the torch release's, so other tools can read the files.

    Args:
        model: an `AnimateAnyone`.
        folder: the folder to write, without weights yet.
        linked: component -> existing file with the same weights, linked instead of written.
        written: function that is called with every finished file that is no link.
    """
    from safetensors.numpy import save_file

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
    write_config(folder, model.config, [n for n in COMPONENTS if n in layers])


def write_config(folder, model_config, components):
    """Write config.json of layout 3; last, so that a folder without it is not complete."""
    config = {"format": FORMAT, "model": to_dict(model_config), "components": components}
    (Path(folder) / "config.json").write_text(json.dumps(config, indent=1) + "\n")


def _link(source, target):
    """Whether both names are one file now; otherwise the target is a copy."""
    try:
        os.link(source, target)
        return True
    except OSError:  # another disk, or one without hard links
        shutil.copyfile(source, target)
        return False


def load_model(path):
    """AnimateAnyone of a weights or run folder, in evaluation mode."""
    from aa.models.animate_anyone import AnimateAnyone

    folder = open_folder(path)
    _check_room(folder)
    model = AnimateAnyone(folder.model, motion_modules="motion_module" in folder.sources)
    load_weights(model, folder)
    model.eval()
    return model


def _check_room(folder):
    """A config.json that asks for more numbers than its files can hold would fill the memory."""
    layers = shape_only_layers(folder.model, motion="motion_module" in folder.sources)
    for name in layers:
        if name not in folder.sources:
            raise _lacks(folder, name)
    shapes = [s for name, layer in layers.items() for s in expected_shapes(name, layer).values()]
    numbers = sum(math.prod(shape) for shape in shapes)
    found = sum(source.path.stat().st_size for source in folder.sources.values())
    if numbers > found:  # one byte a number at the least
        raise UserError(
            f"{folder.path}: its config.json describes {numbers / 1e6:.1f} M numbers, its files "
            f"have {found / 1e6:.1f} MB. It is not the config of these weights: check the folder."
        )
