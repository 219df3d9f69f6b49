"""Checks that the files and folders that a config names are there, before paddle is imported."""

import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from aa.build.data import hold_out_clips
from aa.build.inference import build_cases
from aa.config.data import DataConfig
from aa.config.evaluation import EvaluateConfig
from aa.config.export import ExportConfig
from aa.config.hardware import HardwareConfig
from aa.config.inference import InferenceConfig
from aa.config.model import TrainModelConfig
from aa.config.prepare import PrepareConfig
from aa.config.primary import InferConfig, TrainConfig
from aa.config.stage import StageConfig
from aa.config.trackers import lacking_tracker
from aa.data.folders import pair_clips
from aa.data.manifest import read_manifest
from aa.data.published import SET_HOME, published_home
from aa.errors import UserError
from aa.files import missing
from aa.machine import check_device
from aa.weights.catalogue import MOTION, RELEASED_HOME
from aa.weights.folders import find_lora, open_folder
from aa.weights.lora import read_lora
from aa.weights.reading.states import read_state
from aa.weights.starts import motion_checkpoint


def check_inputs(config: Any) -> None:
    """Check that the device is as requested, and inputs exist, well formed as far as they are read.

    Args:
        config: a config as its dataclass; one that is not of these names no inputs.

    Raises:
        UserError: names all that is missing, each with what brings it, or the first file that is
            malformed.
    """
    lacking = [line for line in _lacking(config) if line]
    if len(lacking) > 1:
        listed = " ".join(f"({number}) {line}" for number, line in enumerate(lacking, 1))
        on_card = isinstance(config, TrainConfig) and config.hardware.device == "gpu"
        fits = " Whether it fits its card, plan=true says without any of them." * on_card
        raise UserError(f"{len(lacking)} things are missing: {listed}{fits}")
    if lacking:
        raise UserError(lacking[0])
    if isinstance(config, TrainConfig):
        _check_training(config)
    elif isinstance(config, InferConfig):
        build_cases(config)
    if isinstance(config, InferConfig | ExportConfig):
        _check_weights(config.weights)
    if isinstance(config, InferConfig) and config.inference.lora:
        read_lora(find_lora(config.inference.lora))


def _lacking(config: Any) -> Iterator[str | None]:
    """Yield a line about each thing that is missing, None for one that is there."""
    if isinstance(config, EvaluateConfig):
        for key in ("generated", "truth", "masks"):
            path = getattr(config, key)
            found = not path or os.path.exists(path)
            yield _line(key, path, found, "folder or video", "check the path.")
    elif isinstance(config, PrepareConfig):
        for key, kind in (("source", "folder or video"), ("check", "folder or manifest")):
            path = getattr(config, key)
            yield _line(key, path, not path or os.path.exists(path), kind, "check the path.")
    elif isinstance(config, ExportConfig):
        yield _weights(config.weights)
    elif isinstance(config, InferConfig):
        yield _device(config.hardware)
        yield _engine(config.inference)
        yield _weights(config.weights)
        for key in ("reference", "pose", "driving", "reference_pose"):
            if path := getattr(config, key):
                yield _file(key, path, "check the path.")
        if lora := config.inference.lora:
            advice = "give a file of adapters, or the run of a training with stage.lora_rank."
            yield _line("inference.lora", lora, os.path.exists(lora), "file or folder", advice)
    elif isinstance(config, TrainConfig):
        yield _device(config.hardware)
        yield lacking_tracker(config.trackers)
        yield from _lacking_data(config.data)
        yield from _lacking_start(config.stage, config.model)
        for name, stage in config.stages_by_group.items():
            yield _lacking_motion(name, stage, config.model)


def _weights(folder: str) -> str | None:
    advice = f"give a weights folder or a run folder; {_fetch(RELEASED_HOME)}."
    return _folder("weights", folder, advice)


def _engine(options: InferenceConfig) -> str | None:
    from aa.inference.compiled.engines import check_engine  # deferred: imports numpy and more

    try:
        check_engine(options.engine, options.device)
    except UserError as error:
        return str(error)
    return None


def _device(hardware: HardwareConfig) -> str | None:
    try:
        check_device(hardware)
    except UserError as error:
        return str(error)
    return None


def _lacking_data(data: DataConfig) -> Iterator[str | None]:
    if data.manifest:
        others = "try data=puppets, or give your own clips with data=folder data.folder=<folder>."
        home = published_home(data.manifest)
        place = "" if home == SET_HOME else f" --to {shlex.quote(home or '')}"
        fetched = f"`python -m aa.data download{place}` fetches the published set; or "
        own = "give a JSON list of clips; or "
        yield _file("data.manifest", data.manifest, (own if home is None else fetched) + others)
    if data.folder:
        advice = "it holds video/NAME.mp4 and video_dwpose/NAME.mp4."
        yield _folder("data.folder", data.folder, advice)


def _lacking_start(stage: StageConfig, model: TrainModelConfig) -> Iterator[str | None]:
    """Yield what is missing to start from: set by the stage, or by the model for every training."""
    path = stage.init_from
    if not path:
        return
    if path == model.base_weights:
        fetched = f"`python -m aa.weights download --only start --to {shlex.quote(path)}`"
        advice = f"{fetched} fetches the published ones; model.base_weights=null starts at random."
        yield _folder("model.base_weights", path, advice)
    elif path == model.released_weights:
        advice = f"{_fetch(path)}; a run folder of stage 1: stage.init_from=<folder>."
        yield _folder("model.released_weights", path, advice)
    else:
        advice = "give a run folder of stage 1 or a weights folder; null starts at random."
        yield _folder("stage.init_from", path, advice)


def _lacking_motion(name: str, stage: StageConfig, model: TrainModelConfig) -> str | None:
    path = _motion(stage, model)
    advice = "give an AnimateDiff checkpoint, or null to start the motion modules new."
    if path and path == model.motion_weights and Path(path).name == MOTION:
        fetched = _fetch(os.path.dirname(path) or ".", only=" --only motion")
        advice = f"{fetched}; null starts the motion modules new."
    return path and _file(f"{name}.motion_init_from", path, advice)


def _motion(stage: StageConfig, model: TrainModelConfig) -> str | None:
    """The checkpoint that a stage's motion modules start from, None for none."""
    start = None
    if stage.init_from and os.path.isdir(stage.init_from):
        with suppress(UserError):  # its own check reports what is wrong with the folder
            start = open_folder(stage.init_from)
    return motion_checkpoint(stage.motion_init_from, default=model.motion_weights, start=start)


def _fetch(target: str, only: str = "") -> str:
    """The command that fetches published weights into a folder."""
    place = "" if target == RELEASED_HOME else f" --to {shlex.quote(target)}"
    return f"`python -m aa.weights download{only}{place}` fetches the published ones"


def _check_training(config: TrainConfig) -> None:
    data, stage = config.data, config.stage
    if data.manifest:
        hold_out_clips(config, read_manifest(data.manifest, allow_outside=data.allow_outside))
    elif data.folder:
        hold_out_clips(config, pair_clips(data.folder)[0])
    if stage.init_from:
        _check_weights(stage.init_from)
    for each in config.stages:
        if motion := _motion(each, config.model):
            read_state(motion)


def _check_weights(path: str) -> None:
    """Check that a folder's files are weights at all. Only headers are read: a .pdparams has none,
    and waits until it is loaded."""
    for source in open_folder(path).sources.values():
        if source.path.suffix != ".pdparams":
            read_state(source.path)


def _folder(key: str, path: str, advice: str) -> str | None:
    return _line(key, path, os.path.isdir(path), "folder", advice)


def _file(key: str, path: str, advice: str) -> str | None:
    return _line(key, path, os.path.isfile(path), "file", advice)


def _line(key: str, path: str, found: bool, kind: str, advice: str) -> str | None:
    return None if found else f"{key}={path}: {missing(path, kind)}; {advice}"
