"""Convert released weights to our layout, report what a folder holds and whether it is whole."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aa.errors import UserError
from aa.files import check_space
from aa.weights.folders import WeightsFolder, open_folder
from aa.weights.loading import check_state, expected_shapes
from aa.weights.models import read_component, shape_only_layers, write_config
from aa.weights.tables import COMPONENTS, START_OPTIONAL


@dataclass(frozen=True)
class Component:
    """One line of a report: a file, its keys, its values, its bytes."""

    name: str
    path: Path
    keys: int
    numbers: int
    bytes: int


def checked_components(
    folder: WeightsFolder, *, progress: bool = False
) -> Iterator[tuple[Component, dict[str, np.ndarray]]]:
    """Yield every component of an opened folder, read and checked, and its canonical state.

    Raises:
        UserError: a component is missing or does not fit the folder's own config.
    """
    from tqdm import tqdm

    layers = shape_only_layers(folder.model, **folder.parts)
    optional = set(START_OPTIONAL if folder.layout == "start" else ()) - set(folder.sources)
    wanted = [name for name in COMPONENTS if name in layers and name not in optional]
    # Small folders are done before the bar would show.
    for name in tqdm(wanted, desc="weights", delay=1, leave=False, disable=not progress):
        source = folder.sources.get(name)
        if source is None:
            raise UserError(f"{folder.path}: has no {name}; found {', '.join(folder.sources)}.")
        expected = expected_shapes(name, layers[name])
        if source.select:  # a ControlNet's embedding has no output layer
            expected = {k: v for k, v in expected.items() if not k.startswith("conv_out.")}
        state = check_state(
            read_component(name, source), expected, source=source.path, ignore=source.ignore
        )
        numbers = sum(array.size for array in state.values())
        size = source.path.stat().st_size
        yield Component(name, source.path, len(state), numbers, size), state


def inspect(path: str | Path, *, progress: bool = False) -> tuple[WeightsFolder, list[Component]]:
    """Layout, config and `Component`s of a complete weights folder.

    Raises:
        UserError: it is not complete; the message says why.
    """
    folder = open_folder(path)
    return folder, [component for component, _ in checked_components(folder, progress=progress)]


def convert(
    source: str | Path, target: str | Path, *, float16: bool = False, progress: bool = False
) -> list[tuple[Component, Component]]:
    """Write the folder `source` as layout 3 into the new folder `target`.

    Names and orientation are the torch release's. `source` stays as it is.

    Args:
        source: a weights folder or a run folder.
        target: the folder to write.
        float16: round to half the size; otherwise values keep their precision, but bfloat16
            becomes float32.
        progress: show a bar.

    Returns:
        every component as read and as written.

    Raises:
        UserError: the source is not complete, the target exists already or is inside it, a value
            is too large for float16, or the disk is too small.
    """
    from safetensors.numpy import save_file

    folder, target = open_folder(source), Path(target)
    _check_target(folder, Path(source), target)
    check_space(target, sum(file.path.stat().st_size for file in folder.sources.values()))
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    report = []
    try:
        for read, state in checked_components(folder, progress=progress):
            file = partial / f"{read.name}.safetensors"
            arrays = {k: np.ascontiguousarray(v) for k, v in state.items()}
            if float16:
                arrays = {k: _rounded(k, v, read.path) for k, v in arrays.items()}
            save_file(arrays, file, metadata={"format": "pt"})
            written = replace(read, path=target / file.name, bytes=file.stat().st_size)
            report.append((read, written))
        write_config(partial, folder.model, [read.name for read, _ in report])
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return report


def _rounded(name: str, array: np.ndarray, path: Path) -> np.ndarray:
    largest = np.abs(array).max(initial=0)
    if largest > np.finfo(np.float16).max:
        raise UserError(
            f"{path}: {name} holds {largest:.3g}, more than float16 can say. Convert it without "
            "--float16."
        )
    return array.astype(np.float16)


def _check_target(folder: WeightsFolder, source: Path, target: Path) -> None:
    if folder.layout == "start":
        raise UserError(
            f"{source}: what training starts from, not a trained model; give it to "
            "stage.init_from as it is."
        )
    if target.exists():
        raise UserError(f"{target}: exists already; give a new folder.")
    if source.resolve() in target.resolve().parents:
        raise UserError(
            f"{target}: is inside {source}, which stays as it is; give a folder outside."
        )
