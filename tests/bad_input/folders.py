"""Weights folders: their config.json, and weights that are none of this model."""

import functools
import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from aa.cli.resolvers import make_folder, register_resolvers, register_schemas
from aa.weights.folders import open_folder
from tests.bad_input.case import bad, new_folder
from tests.conftest import fill, tiny_model_config

KIND = "Weights: folders"


@functools.cache
def tiny_weights():
    """A folder of a whole tiny model, made once; read only. It ends with the process."""
    from aa.models.animate_anyone import AnimateAnyone
    from aa.weights.models import save_weights

    model, home = AnimateAnyone(tiny_model_config()), new_folder()
    fill(model)
    save_weights(model, Path(home.name) / "weights")
    return home


def copy_weights():
    return Path(shutil.copytree(Path(tiny_weights().name) / "weights", "weights"))


def change(key, value):
    """Set a key of weights/config.json's model, dotted for those of a part."""
    path = Path("weights/config.json")
    content = json.loads(path.read_text())
    *parts, last = key.split(".")
    functools.reduce(lambda values, part: values[part], parts, content["model"])[last] = value
    path.write_text(json.dumps(content))


def load():
    from aa.weights.models import load_model

    return load_model("weights")


def _config(name, key, value):
    @bad(KIND, f"a config.json {name}")
    def prepare():
        copy_weights()
        change(key, value)
        register_schemas()
        register_resolvers(make_folder)  # as in a run
        return load


_config("that asks for 10^9 layers", "layers_per_block", 10**9)
_config("that asks for 10^20 channels", "block_out_channels", [10**20] * 2)
_config("that asks for more numbers than the files hold", "block_out_channels", [8192, 16384])
_config("that asks for 10^12 timesteps", "noise_schedule.num_train_timesteps", 10**12)
_config("with 10^400 for a number", "vae.scaling_factor", 10**400)
_config("with a word for a number", "layers_per_block", "many")
_config("with infinity for a number", "motion_max_frames", float("inf"))
_config("with a number for a group", "vae", 3)
_config("with nothing for a number", "norm_num_groups", None)
_config("with an unknown key", "image_encoder.hiden_size", 8)
_config("with an unknown activation", "image_encoder.hidden_act", "os.system")
_config("that asks for the environment", "architecture", "${oc.env:HOME}")
_config("that asks for a new folder", "architecture", "${new_folder:made}")


def _text(name, text):
    @bad(KIND, f"a config.json {name}")
    def prepare():
        Path("weights").mkdir()
        Path("weights/config.json").write_bytes(text)
        return lambda: open_folder("weights")


_text("that is no JSON", b"{format: aa-1}")
_text("that is a list", b"[1, 2]")
_text("that is no UTF-8", b"\xff\xfe\x00")
_text("that nests 100000 lists", b"[" * 100_000)
_text(
    "of 300000 empty lists", b'{"format": "aa-1", "model": {"vae": [' + b"[]," * 300_000 + b"1]}}"
)
_text("with a format that nests 900 lists", b'{"format": ' + b"[" * 900 + b"]" * 900 + b"}")
_text("with a format of 900 kB", b'{"format": "' + b"\\u001b" * 150_000 + b'"}')
_text("of 2 MB", b"{" + b" " * 2_000_000 + b"}")
_text("of another format", b'{"format": "bb-2"}')
_text("without components", b'{"format": "aa-1", "model": {}}')
_text("whose components are paths", b'{"format": "aa-1", "model": {}, "components": ["../../vae"]}')


@bad(KIND, "an empty folder as weights")
def empty_folder():
    Path("weights").mkdir()
    return lambda: open_folder("weights")


@bad(KIND, "a folder of holiday pictures as weights")
def another_folder():
    Path("weights").mkdir()
    Path("weights/beach.jpg").touch()
    return lambda: open_folder("weights")


@bad(KIND, "a file as weights folder")
def file_as_folder():
    Path("weights").touch()
    return lambda: open_folder("weights")


def _state(name, file, edit):
    @bad(KIND, name)
    def prepare():
        path = copy_weights() / f"{file}.safetensors"
        state = {key: array.copy() for key, array in load_file(path).items()}
        edit(state)
        save_file(state, path)
        return load


def _fill_in(value):
    def edit(state):
        state["conv_in.weight"][0, 0, 0, 0] = value

    return edit


_state("NaN among the weights", "reference_unet", _fill_in(np.nan))
_state("infinity among the weights", "denoising_unet", _fill_in(-np.inf))
_state(
    "a weight of another shape",
    "pose_guider",
    lambda s: s.update({"conv_in.bias": s["conv_in.bias"][:1]}),
)
_state("a weight that is missing", "vae", lambda s: s.pop("encoder.conv_in.bias"))
_state("a weight that no model has", "vae", lambda s: s.update(lora=np.zeros(1, np.float32)))


@bad(KIND, "the file of another component")
def wrong_component():
    folder = copy_weights()
    shutil.copyfile(folder / "vae.safetensors", folder / "pose_guider.safetensors")
    return load


@bad(KIND, "a component that is missing")
def missing_component():
    (copy_weights() / "vae.safetensors").unlink()
    return load


def _lora(name, edit):
    @bad(KIND, name)
    def prepare():
        from aa.weights.models import load_model

        copy_weights()
        state = {key: value.copy() for key, value in _adapters().items()}
        edit(state)
        save_file(state, "style.safetensors")
        return lambda: load_model("weights", lora="style.safetensors")


def _adapters():
    layer = "reference_unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    halves = {"lora_A": np.ones([2, 8], np.float32), "lora_B": np.ones([8, 2], np.float32)}
    return {f"{layer}.{half}.weight": array for half, array in halves.items()}


@bad(KIND, "adapters of motion modules for weights without some")
def adapters_without_their_component():
    folder = copy_weights()
    config = json.loads((folder / "config.json").read_text())
    config["components"].remove("motion_module")
    (folder / "config.json").write_text(json.dumps(config))
    adapters = {k.replace("reference_unet", "motion_module"): v for k, v in _adapters().items()}
    save_file(adapters, "style.safetensors")
    return lambda: open_folder("weights").with_lora("style.safetensors")


def _each(change):
    """Change every array of a state."""
    return lambda state: state.update({key: change(key, array) for key, array in state.items()})


_lora(
    "adapters of a wider model",
    _each(lambda key, a: np.repeat(a, 4, axis=1 if "lora_A" in key else 0)),
)
_lora("adapters whose halves have two ranks", _each(lambda k, a: a[:1] if "lora_A" in k else a))
_lora("adapters without their second halves", lambda s: s.pop(max(s)))
_lora("adapters with NaN", _each(lambda key, a: a * np.nan))
_lora("weights for adapters", lambda s: s.update({"conv_in.weight": np.ones(3, np.float32)}))
_lora(
    "adapters of layers that are not there",
    lambda s: s.update({k.replace("down_blocks.0", "down_blocks.7"): s.pop(k) for k in list(s)}),
)
