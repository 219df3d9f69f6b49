"""Whole commands: exit code 2, one line; in the run folder config, log, lock and outcome."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from tests.bad_input import folders, lists, pictures, videos
from tests.bad_input.case import bad
from tests.commands import ROOT, one_line, run_light
from tests.weights.files import call, name, plain, write_torch_zip

KIND = "Commands"
LOGGED = {
    "config.yaml",
    "hydra.yaml",
    "overrides.yaml",
    "outcome.json",
    ".command.lock",
}  # and the log
RANDOM = ("model=parity", "data=puppets")  # needs no file
MINE = ("stage=1", "model=parity", "data=ubcnbili", "data.manifest=set/meta_data/clips.json")
PAIR = ("weights=weights", "reference=person.png", "pose=clip.mp4")


def run_alone(folder, runner, *arguments):
    """A process of its own that may import paddle."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PADDLE_", "HYDRA_"))}
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    return subprocess.run(
        [sys.executable, str(ROOT / "runners" / f"{runner}.py"), *arguments],
        env={**kept, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (hard, hard)),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def _command(what, runner, *arguments, prepare=lambda: None, paddle=False):
    """A case that runs a command; unless `paddle`, it must fail before paddle is imported."""

    @bad(KIND, f"{runner}.py: {what}")
    def ready():
        prepare()
        return refused

    def refused():
        """The line of a runner that must fail."""
        run = run_alone if paddle else run_light
        line = one_line(run(Path.cwd(), runner, *arguments, "hydra.run.dir=run"))
        left = {p.name for p in Path("run").rglob("*") if p.is_file()}
        assert left <= {*LOGGED, f"{runner}.log"}, left
        return line


def manifest(text):
    def prepare():
        lists.make_set()
        Path("set/meta_data/clips.json").write_text(text)

    return prepare


def overlay():
    Path("mine/experiment").mkdir(parents=True)
    Path("mine/experiment/quick.yaml").write_text("stage: {max_steps: 5}")


def pair():
    pictures.whole_png()
    videos.video()


def hostile_motion():
    """An AnimateDiff checkpoint that asks for os.system."""
    write_torch_zip(Path("mm.ckpt"), call(name("os", "system"), plain("touch made")), {})


def nan_weights():
    path = folders.copy_weights() / "denoising_unet.safetensors"
    state = {key: array.copy() for key, array in load_file(path).items()}
    state["conv_in.weight"][:] = np.nan
    save_file(state, path)
    pair()


def hostile_config():
    Path("weights").mkdir()
    Path("weights/config.json").write_text("[" * 100_000)
    pair()


def broken_truth():
    videos.video("generated/a.mp4")
    videos.cut(videos.raw_video("truth/a.mov"))


_command("an unknown key", "train", *RANDOM, "stage.max_stps=3")
_command("a sweep to go on with that is none", "train", "sweep.resume=nowhere")
_command("a run to go on with, for a sweep", "train", "-m", "resume=nowhere", "seed=1,2")
_command("a metric that no run has", "train", "-m", *RANDOM, "sweep.metric=val/speed", "seed=1,2")
_command("a path with a comma", "train", *RANDOM, "stage.init_from=a,b")
_command("a list without brackets", "train", *RANDOM, "data.crop_scale=0.5,1.0")
_command(
    "an overlay that is not of the whole config",
    "train",
    "--config-dir=mine",
    "+experiment=quick",
    prepare=overlay,
)
_command("a manifest that is no JSON", "train", *MINE, prepare=manifest("[{]"))
_command(
    "an AnimateDiff file that asks for os.system",
    "train",
    *RANDOM,
    "stage=2",
    "stage.init_from=null",
    "stage.motion_init_from=mm.ckpt",
    prepare=hostile_motion,
)
_command(
    "a weights folder whose config.json nests 100000 lists", "infer", *PAIR, prepare=hostile_config
)
_command("weights with NaN", "infer", *PAIR, prepare=nan_weights, paddle=True)
_command(
    "a true video that is cut short",
    "evaluate",
    "generated=generated",
    "truth=truth",
    prepare=broken_truth,
)
