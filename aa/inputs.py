"""The files and folders that a config names are there: asked before paddle is imported."""

from pathlib import Path

from aa.cases import read_cases
from aa.config import EvaluateConfig, InferConfig
from aa.errors import UserError

DOWNLOAD = "`python -m aa.weights download` fetches the published ones"


def check_files(config):
    """Every input of a checked config exists.

    Raises:
        UserError: names the first key whose file or folder is missing.
    """
    if isinstance(config, InferConfig):
        _folder("weights", config.weights, f"give a weights folder or a run folder; {DOWNLOAD}.")
        read_cases(reference=config.reference, pose=config.pose, cases=config.cases)
        return
    if isinstance(config, EvaluateConfig):
        for key in ("generated", "truth", "masks"):
            if path := getattr(config, key):
                _refuse(key, path, Path(path).exists(), "folder or video", "check the path.")
        return
    data, stage = config.data, config.stage
    others = "try data=puppets, or give your own clips with data=folder data.folder=<folder>."
    if data.manifest:
        _file("data.manifest", data.manifest, f"give a JSON list of clips; or {others}")
    if data.folder:
        _folder("data.folder", data.folder, "it holds video/NAME.mp4 and video_dwpose/NAME.mp4.")
    if stage.init_from:
        _check_start(stage.init_from, config.model.base_weights)
    if stage.motion_init_from:
        advice = "give an AnimateDiff checkpoint, or null to start the motion modules new."
        _file("stage.motion_init_from", stage.motion_init_from, advice)


def _check_start(path, base_weights):
    """Where training starts from: said by the stage, or by the model for every stage."""
    if path == base_weights:
        command = f"`python -m aa.weights download --only start --to {path}`"
        advice = f"{command} fetches the published ones; model.base_weights=null starts at random."
        _folder("model.base_weights", path, advice)
    else:
        advice = "give a run folder of stage 1 or a weights folder; null starts at random."
        _folder("stage.init_from", path, advice)


def _folder(key, path, advice):
    _refuse(key, path, Path(path).is_dir(), "folder", advice)


def _file(key, path, advice):
    _refuse(key, path, Path(path).is_file(), "file", advice)


def _refuse(key, path, found, kind, advice):
    if not found:
        other = f"that is no {kind}" if Path(path).exists() else f"no such {kind}"
        raise UserError(f"{key}={path}: {other}; {advice}")
