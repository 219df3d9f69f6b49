"""Shared by all tests: CPU settings before paddle is imported, and a model of the smallest size."""

import functools
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.hydra_config import HydraConfig

from aa import interrupts
from aa.cli.resolvers import register_schemas
from aa.config.hardware import HardwareConfig
from aa.config.model import ImageEncoderConfig, ModelConfig, VaeConfig
from aa.machine import thread_settings

pytest_plugins = ["tests.cluster.fixtures"]
CONF = str(Path(__file__).parents[1] / "conf")

for key, value in thread_settings(HardwareConfig(device="cpu")).items():
    os.environ.setdefault(key, value)


def tiny_model_config():
    """Two levels of 8 and 16 channels, one image token of 8."""
    return ModelConfig(
        block_out_channels=[8, 16],
        layers_per_block=1,
        attention_heads=2,
        cross_attention_dim=8,
        norm_num_groups=4,
        motion_heads=2,
        motion_max_frames=8,
        vae=VaeConfig(block_out_channels=[8, 8, 8, 8], layers_per_block=1, norm_num_groups=4),
        image_encoder=ImageEncoderConfig(
            hidden_size=8,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            patch_size=16,
            image_size=32,
            projection_dim=8,
        ),
    )


def fill(layer, seed=0):
    """Random numbers in every parameter, also where training starts from zero."""
    rng = np.random.default_rng(seed)
    for parameter in layer.parameters():
        parameter.set_value(rng.normal(0, 0.2, parameter.shape).astype("float32"))


@pytest.fixture(autouse=True)
def no_wish_to_stop():
    """Every test is a command of its own to the signals that come, and blocks none for the next."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    interrupts.wishes.forget()
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@pytest.fixture
def tiny_config():
    return tiny_model_config()


@pytest.fixture
def tiny_model(tiny_config):
    """Function that builds a filled `AnimateAnyone`; the same numbers at every call."""
    from aa.models.animate_anyone import AnimateAnyone

    def build(**options):
        model = AnimateAnyone(tiny_config, **options)
        fill(model)
        model.eval()
        return model

    return build


@pytest.fixture
def tiny_batch(tiny_config):
    """Function frames -> the tensors of two training samples at 16x16 pixels."""
    import paddle

    def build(frames):
        rng = np.random.default_rng(1)

        def normal(*shape):
            return paddle.to_tensor(rng.standard_normal(shape).astype("float32"))

        return {
            "pixel_values": normal(2, 3, frames, 16, 16).clip(-1, 1),
            "pose_pixels": normal(2, 3, frames, 16, 16).clip(0, 1),
            "reference_pixels": normal(2, 3, 16, 16).clip(-1, 1),
            "clip_pixels": normal(2, 3, 32, 32),
            "drop_reference": paddle.to_tensor([False, False]),
            "timesteps": paddle.to_tensor([10, 900]),
            "noise": normal(2, 4, frames, 2, 2),
            "posterior_noise": normal(2, 4, frames, 2, 2),
            "reference_posterior_noise": normal(2, 4, 2, 2),
        }

    return build


TINY_MODEL = [
    "model=parity",
    "model.block_out_channels=[8,8,16,16]",
    "model.norm_num_groups=2",
    "model.attention_heads=2",
    "model.motion_heads=2",
    "model.motion_max_frames=8",
    "model.cross_attention_dim=8",
    "model.vae.block_out_channels=[8,8,8,8]",
    "model.vae.norm_num_groups=4",
    "model.image_encoder={hidden_size:8,intermediate_size:16,num_hidden_layers:1,"
    "num_attention_heads:2,patch_size:16,image_size:32,projection_dim:8}",
]

SAMPLING = ["stage.sample_steps=1", "inference.num_frames=2", "inference.num_inference_steps=1"]


@pytest.fixture(scope="session")
def compose():
    """Function (primary config, overrides) -> the checked config dataclass."""
    from aa.cli.resolvers import SCHEMAS
    from aa.config.convert import to_config, typed
    from aa.config.overrides import normalise_overrides

    def build(name, overrides):
        register_schemas()
        with initialize_config_dir(CONF, version_base="1.3"):
            config = hydra_compose(name, normalise_overrides(overrides))
        config.name = name  # its default is only known inside a run
        return to_config(typed(config, SCHEMAS[name]))

    return build


@pytest.fixture(scope="session")
def puppets(tmp_path_factory):
    """Overrides for a tiny generated data set, made once."""
    folder = tmp_path_factory.mktemp("puppets") / "set"
    generate = f"{{folder:{folder},num_clips:3,num_frames:10,fps:8,seed:0}}"
    size = ["data.height=16", "data.width=16", "data.num_workers=0", "data.sample_margin=2"]
    return ["data=puppets", f"data.generate={generate}", *size]


def train_tiny(compose, data, folder, *overrides):
    """Train a tiny model for two steps, unless the overrides say more."""
    from aa.build.training import build_trainer

    quick = ["stage.max_steps=2", "stage.save_steps=1", "stage.log_steps=1"]
    config = compose("train", [*TINY_MODEL, *data, "hardware=cpu", *quick, *overrides])
    folder.mkdir(exist_ok=True)
    build_trainer(config, folder).train()
    return folder


@pytest.fixture
def train(compose, puppets, tmp_path):
    """Function (folder name, overrides, data) -> the run folder of a finished tiny training."""

    def run(name, *overrides, data=puppets):
        return train_tiny(compose, data, tmp_path / name, *overrides)

    return run


@pytest.fixture(scope="session")
def trained(compose, puppets, tmp_path_factory):
    """Function (overrides) -> as `train`, but of the same overrides once only. Read only."""

    @functools.cache
    def run(*overrides):
        return train_tiny(compose, puppets, tmp_path_factory.mktemp("trained"), *overrides)

    return run


@pytest.fixture
def composed():
    """Function (overrides) -> a DictConfig of train.yaml, as inside a run."""

    def build(*overrides):
        register_schemas()
        with initialize_config_dir(CONF, version_base="1.3"):
            config = hydra_compose("train", [*overrides], return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        config = config.copy()
        config._set_flag(["struct", "readonly"], [False, False])
        del config["hydra"]
        return config

    yield build
    HydraConfig.instance().cfg = None
