"""The files and folders that a config names are there: asked before paddle is imported."""

import os

from aa.build_data import hold_out_clips
from aa.cases import cases_of
from aa.config import EvaluateConfig, InferConfig
from aa.data.folders import pair_clips
from aa.data.manifest import read_manifest
from aa.errors import UserError
from aa.files import missing
from aa.weights.folders import open_folder
from aa.weights.reading import read_state

DOWNLOAD = "`python -m aa.weights download` fetches the published ones"


def check_files(config):
    """Every input of a checked config exists, and what is quickly read of it is well formed.

    Raises:
        UserError: names the first key whose file or folder is missing, or the first file that is
            malformed.
    """
    if isinstance(config, InferConfig):
        _folder("weights", config.weights, f"give a weights folder or a run folder; {DOWNLOAD}.")
        cases_of(config)
        _check_weights(config.weights)
        return
    if isinstance(config, EvaluateConfig):
        for key in ("generated", "truth", "masks"):
            if path := getattr(config, key):
                _refuse(key, path, os.path.exists(path), "folder or video", "check the path.")
        return
    data, stage = config.data, config.stage
    others = "try data=puppets, or give your own clips with data=folder data.folder=<folder>."
    if data.manifest:
        _file("data.manifest", data.manifest, f"give a JSON list of clips; or {others}")
    if data.folder:
        _folder("data.folder", data.folder, "it holds video/NAME.mp4 and video_dwpose/NAME.mp4.")
    if data.manifest:
        hold_out_clips(config, read_manifest(data.manifest, allow_outside=data.allow_outside))
    elif data.folder:
        hold_out_clips(config, pair_clips(data.folder)[0])
    if stage.init_from:
        _check_start(stage.init_from, config.model.base_weights)
    if stage.motion_init_from:
        advice = "give an AnimateDiff checkpoint, or null to start the motion modules new."
        _file("stage.motion_init_from", stage.motion_init_from, advice)
        read_state(stage.motion_init_from)


def _check_start(path, base_weights):
    """Where training starts from: said by the stage, or by the model for every stage."""
    if path == base_weights:
        command = f"`python -m aa.weights download --only start --to {path}`"
        advice = f"{command} fetches the published ones; model.base_weights=null starts at random."
        _folder("model.base_weights", path, advice)
    else:
        advice = "give a run folder of stage 1 or a weights folder; null starts at random."
        _folder("stage.init_from", path, advice)
    _check_weights(path)


def _check_weights(path):
    """The files of a folder are weights at all. Nothing but headers is read: a .pdparams has none,
    and waits until it is loaded."""
    for source in open_folder(path).sources.values():
        if source.path.suffix != ".pdparams":
            read_state(source.path)


def _folder(key, path, advice):
    _refuse(key, path, os.path.isdir(path), "folder", advice)


def _file(key, path, advice):
    _refuse(key, path, os.path.isfile(path), "file", advice)


def _refuse(key, path, found, kind, advice):
    if not found:
        raise UserError(f"{key}={path}: {missing(path, kind)}; {advice}")
