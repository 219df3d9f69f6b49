"""Make the example: a trained model of generated figures with all that says how it was made.

Its folder loads like any weights folder, and like a run folder for `rerun=`.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf
from PIL import Image

from aa.build.data import build_protocol
from aa.config.convert import to_config, typed
from aa.config.primary import TrainConfig
from aa.data.writers import VideoWriter
from aa.demo.example import CHECKSUMS, POSE, REFERENCE, SCORES, TRUTH
from aa.errors import UserError
from aa.files import write_json, write_text
from aa.puppets.evaluation import evaluate
from aa.puppets.scenes import Protocol
from aa.runs.fingerprints import sha256
from aa.runs.layout import HYDRA, SNAPSHOT
from aa.runs.snapshots import read_snapshot
from aa.weights.convert import convert
from aa.weights.folders import open_folder

SECONDS = 2.0  # of the motion that is shown
CRF = 8  # of its videos: they are small, and every pixel is seen


def package(run: Path, target: Path, *, figure: int) -> None:
    """Write a training's result as an example.

    Weights are rounded to float16 and scored, as they are then, on figures that training never saw;
    the picture and the videos are of one of them.

    Args:
        run: the run folder of a training with data=puppets and a test.
        target: the folder to write, which must not exist yet.
        figure: number of the figure in the test split.

    Raises:
        UserError: the run is no such training, its weights have the pose of the reference as
            input, or the target exists.
    """
    from aa.training.puppet_test import animator  # deferred: pulls in paddle and ppdiffusers
    from aa.weights.models import load_model

    if open_folder(run).has_reference_pose:
        raise UserError(
            f"{run}: these weights are given the pose of the reference, which an example has no "
            "file for: package a training with stage.reference_pose=false."
        )
    snapshot = read_snapshot(run)
    values = OmegaConf.create(snapshot.get("config", {}))
    config: TrainConfig = to_config(typed(values, TrainConfig))
    generate = config.data.generate
    if config.test is None or generate is None:
        raise UserError(f"{run}: has no test on generated figures: wanted a run of puppets.")
    convert(run, target, float16=True)
    protocol = build_protocol(config, "test")
    draw(protocol, target, figure=figure)
    outcome = evaluate(animator(load_model(target), config.inference), protocol)
    write_json(target / SCORES, outcome.scores)
    write_json(target / SNAPSHOT, _without_clips(snapshot, generate.folder))
    shutil.copytree(run / HYDRA, target / HYDRA)
    sums = [f"{sha256(file)}  {file.name}\n" for file in sorted(target.glob("*.safetensors"))]
    write_text(target / CHECKSUMS, "".join(sums))


def _without_clips(snapshot, folder):
    """A snapshot without the thousands of clips that its `puppets.json` can draw again."""
    data = snapshot["data"]
    clips = f"{folder}/video"
    files = {name: found for name, found in data["files"].items() if not name.startswith(clips)}
    return {**snapshot, "data": {**data, "files": files}}


def draw(protocol: Protocol, target: Path, *, figure: int) -> None:
    """Draw one figure's picture, and its poses and true frames in its own motion, into a folder.

    The picture is of the motion's first moment, the videos begin half a second later.
    """
    scene = replace(protocol, split="test").scene(figure)
    times = 0.5 + np.arange(round(SECONDS * protocol.fps)) / protocol.fps
    Image.fromarray(scene.frames([0])[0]).save(target / REFERENCE)
    height, width, fps = protocol.height, protocol.width, protocol.fps
    for name, frames in ((POSE, scene.poses(times)), (TRUTH, scene.frames(times))):
        with VideoWriter(target / name, fps=fps, height=height, width=width, crf=CRF) as writer:
            writer.write(frames)
