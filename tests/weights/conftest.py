"""One tiny model, and the folders in which it would have been published."""

import shutil

import numpy as np
import pytest

from tests.conftest import fill, tiny_model_config
from tests.weights.files import write_json, write_paddle, write_torch

UNETS = ("reference_unet", "denoising_unet", "motion_module", "pose_guider")


def new_model(**options):
    from aa.models.animate_anyone import AnimateAnyone

    return AnimateAnyone(tiny_model_config(), **options)


def assert_same(model, states):
    from aa.weights.loading import state_of
    from aa.weights.models import component_layers

    for name, layer in component_layers(model).items():
        for key, array in state_of(name, layer).items():
            np.testing.assert_array_equal(array, states[name][key], err_msg=f"{name} {key}")


@pytest.fixture(scope="session")
def model():
    """A filled `AnimateAnyone`, what all folders hold."""
    from aa.models.animate_anyone import AnimateAnyone

    model = AnimateAnyone(tiny_model_config())
    fill(model)
    model.eval()
    return model


@pytest.fixture(scope="session")
def states(model):
    """Every component of the model under the names of the torch release."""
    from aa.weights.loading import state_of
    from aa.weights.models import component_layers

    return {name: state_of(name, layer) for name, layer in component_layers(model).items()}


def with_positions(state, *, frames=8):
    """A motion module's state as published: with the positions of each attention."""
    from aa.models.motion import sinusoidal_positions

    widths = {k.removesuffix(".to_q.weight"): v.shape[0] for k, v in state.items() if "to_q" in k}
    pe = {f"{k}.pos_encoder.pe": sinusoidal_positions(frames, w) for k, w in widths.items()}
    return state | {key: positions.numpy() for key, positions in pe.items()}


def unet_config(model):
    config = model.config
    return {
        "block_out_channels": config.block_out_channels,
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "layers_per_block": config.layers_per_block,
        "attention_head_dim": config.attention_heads,
        "cross_attention_dim": config.cross_attention_dim,
        "norm_num_groups": config.norm_num_groups,
        "act_fn": "silu",
    }


def write_frozen(folder, model, states):
    """VAE and image encoder, as all releases share them."""
    from safetensors.numpy import save_file

    # Published files say nothing of the kinds that only our own configs know.
    vae, encoder = dict(vars(model.config.vae)), dict(vars(model.config.image_encoder))
    for config, keys in ((vae, ("kind", "stride")), (encoder, ("kind",))):
        for key in keys:
            del config[key]
    write_json(folder / "sd-vae-ft-mse" / "config.json", vae)
    write_json(folder / "image_encoder" / "config.json", encoder)
    save_file(states["vae"], folder / "sd-vae-ft-mse" / "diffusion_pytorch_model.safetensors")
    no_weight = {"vision_model.embeddings.position_ids": np.arange(5)[None]}
    write_torch(folder / "image_encoder" / "pytorch_model.bin", states["image_encoder"] | no_weight)


@pytest.fixture(scope="session")
def torch_release(tmp_path_factory, model, states):
    """Layout 1. Read only: `copy_of` gives one to break."""
    folder = tmp_path_factory.mktemp("torch") / "pretrained_weights"
    published = states | {"motion_module": with_positions(states["motion_module"])}
    for name in UNETS:
        write_torch(folder / f"{name}.pth", published[name])
    write_json(folder / "stable-diffusion-v1-5" / "unet" / "config.json", unet_config(model))
    write_frozen(folder, model, states)
    return folder


@pytest.fixture(scope="session")
def paddle_release(tmp_path_factory, model, states):
    """Layout 2, VAE and image encoder two folders up. Read only."""
    home = tmp_path_factory.mktemp("paddle") / "pretrained_weights"
    folder = home / "tsaiyue" / "AnimateAnyone_PD"
    published = states | {"motion_module": with_positions(states["motion_module"])}
    for name in UNETS:
        stored = "motion_module_stage2" if name == "motion_module" else name
        write_paddle(folder / f"{stored}.pdparams", published[name])
    write_json(folder / "config.json", unet_config(model))
    write_frozen(home, model, states)
    return folder


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory, model):
    """Layout 3. Read only."""
    from aa.weights.models import save_weights

    folder = tmp_path_factory.mktemp("own") / "weights"
    save_weights(model, folder)
    return folder


@pytest.fixture
def copy_of(tmp_path):
    """Function folder -> a copy of it that a test may break."""
    return lambda folder: shutil.copytree(folder, tmp_path / "copy")


@pytest.fixture
def start_folder(tmp_path, model, states):
    """What training starts from: a UNet with output layers, AnimateDiff and ControlNet files."""
    unet = tmp_path / "start" / "stable-diffusion-v1-5" / "unet"
    write_json(unet / "config.json", unet_config(model))
    write_torch(unet / "diffusion_pytorch_model.bin", states["denoising_unet"])
    control = {f"controlnet_cond_embedding.{k}": v for k, v in states["pose_guider"].items()}
    control["down_blocks.0.weight"] = np.ones(3, np.float32)
    file = tmp_path / "start" / "control_v11p_sd15_openpose" / "diffusion_pytorch_model.bin"
    write_torch(file, control)
    motion = {f"module.{k}": v for k, v in with_positions(states["motion_module"]).items()}
    write_torch(tmp_path / "start" / "mm_sd_v15_v2.ckpt", motion)
    write_frozen(tmp_path / "start", model, states)
    return tmp_path / "start"
