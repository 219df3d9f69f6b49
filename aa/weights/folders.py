"""What a weights folder holds: its layout, its model config and the file of each component.

Layout 1 is the torch release, layout 2 the Paddle release, layout 3 our own. "start" is the folder
training starts from: SD1.5, AnimateDiff and ControlNet files as they are published.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from aa.config import ImageEncoderConfig, ModelConfig, VaeConfig, model_from_dict
from aa.errors import UserError
from aa.weights.tables import COMPONENTS, POSITIONS

FORMAT = "aa-1"
_SAFE_OR_TORCH = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")


@dataclass(frozen=True)
class Source:
    """One component's file. `ignore` names prefixes the file may have beyond the component."""

    path: Path
    paddle_layout: bool = False
    select: str = ""
    ignore: tuple = ()


@dataclass(frozen=True)
class WeightsFolder:
    """A recognised folder: `layout` 1, 2, 3 or "start"."""

    path: Path
    layout: int | str
    model: ModelConfig
    sources: dict = field(repr=False)


def open_folder(path):
    """Recognise a weights folder, or a run folder by its newest checkpoint.

    Raises:
        UserError: no such folder, not a known layout, or a file of the layout is missing.
    """
    path = Path(path)
    if not path.is_dir():
        raise UserError(
            f"{path}: no such weights folder. Give a folder of weights or a run folder; "
            "`python -m aa.weights download` fetches the released ones."
        )
    if (path / "checkpoints").is_dir():
        path = _newest_checkpoint(path)
    if (path / "config.json").is_file() and _json(path / "config.json").get("format"):
        return _own(path)
    torch_files = [f"{name}.pth" for name in COMPONENTS[:4]]
    if any((path / name).is_file() for name in torch_files):
        return _torch_release(path, torch_files)
    for inner in (path, path / "tsaiyue" / "AnimateAnyone_PD"):
        if any(inner.glob("*_unet.pdparams")):
            return _paddle_release(inner)
    if (path / "stable-diffusion-v1-5" / "unet").is_dir():
        return _start(path)
    found = ", ".join(sorted(p.name for p in path.iterdir())[:5]) or "nothing"
    raise UserError(
        f"{path}: not a weights folder. Found {found}; wanted config.json with safetensors (ours), "
        "reference_unet.pth and its companions (torch release), or *.pdparams (Paddle release)."
    )


def checkpoint_step(path):
    """Step of a complete checkpoint folder `step-000500`, None for any other name."""
    match = re.fullmatch(r"step-(\d+)", path.name)
    return int(match[1]) if match else None


def list_checkpoints(run):
    """Checkpoint folders of a run, oldest first."""
    found = [p for p in (Path(run) / "checkpoints").glob("step-*") if checkpoint_step(p)]
    return sorted(found, key=checkpoint_step)


def _newest_checkpoint(run):
    checkpoints = list_checkpoints(run)
    if not checkpoints:
        raise UserError(f"{run}: this run has no checkpoint yet (stage.save_steps says when).")
    return checkpoints[-1]


def _json(path):
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: missing. The folder is incomplete: download it again.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not JSON ({error}).") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: wanted a JSON object.")
    return content


def _require(folder, *names):
    """The first of the names that exists in the folder."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{folder / names[0]}: missing. The folder is incomplete: download it again.")


def _own(path):
    config = _json(path / "config.json")
    if config["format"] != FORMAT:
        raise UserError(f"{path}/config.json: format {config['format']}, wanted {FORMAT}.")
    try:
        model = model_from_dict(config["model"])
        names = config["components"]
    except KeyError as error:
        raise UserError(f"{path}/config.json: has no {error}.") from error
    sources = {n: Source(_require(path, f"{n}.safetensors")) for n in names}
    return WeightsFolder(path, 3, model, sources)


def _torch_release(path, torch_files):
    files = [_require(path, name) for name in torch_files]
    sources = {name: Source(file) for name, file in zip(COMPONENTS[:4], files, strict=True)}
    sources |= _frozen(path)
    unet = path / "stable-diffusion-v1-5" / "unet" / "config.json"
    return WeightsFolder(path, 1, _model(unet, path, sources), sources)


def _paddle_release(path):
    names = [("reference_unet.pdparams",), ("denoising_unet.pdparams",)]
    names += [("motion_module_stage2.pdparams", "motion_module.pdparams"), ("pose_guider.pdparams",)]
    files = [_require(path, *options) for options in names]
    sources = {
        name: Source(file, paddle_layout=True)
        for name, file in zip(COMPONENTS[:4], files, strict=True)
    }
    # The release keeps VAE and image encoder beside it or two folders up.
    homes = [p for p in (path, *path.parents[:2]) if (p / "image_encoder").is_dir()]
    home = homes[0] if homes else path
    sources |= _frozen(home)
    return WeightsFolder(path, 2, _model(path / "config.json", home, sources), sources)


def _start(path):
    unet = path / "stable-diffusion-v1-5" / "unet"
    weights = _require(unet, *_SAFE_OR_TORCH)
    sources = {
        "reference_unet": Source(weights, ignore=("conv_norm_out.", "conv_out.")),
        "denoising_unet": Source(weights),
    }
    control = path / "control_v11p_sd15_openpose"
    if control.is_dir():
        sources["pose_guider"] = Source(
            _require(control, *_SAFE_OR_TORCH), select="controlnet_cond_embedding."
        )
    if (path / "mm_sd_v15_v2.ckpt").is_file():
        sources["motion_module"] = Source(path / "mm_sd_v15_v2.ckpt")
    sources |= _frozen(path)
    return WeightsFolder(path, "start", _model(unet / "config.json", path, sources), sources)


def _frozen(path):
    """VAE and image encoder, in torch's or Paddle's files."""
    vae = _require(path / "sd-vae-ft-mse", *_SAFE_OR_TORCH, "model_state.pdparams")
    encoder = _require(
        path / "image_encoder", "model.safetensors", "pytorch_model.bin", "model_state.pdparams"
    )
    return {
        "vae": Source(vae, paddle_layout=vae.suffix == ".pdparams"),
        "image_encoder": Source(encoder, paddle_layout=encoder.suffix == ".pdparams"),
    }


def _model(unet_file, home, sources):
    """The model config that the published config files describe."""
    vae_file = home / "sd-vae-ft-mse" / "config.json"
    encoder_file = home / "image_encoder" / "config.json"
    unet, vae, encoder = _json(unet_file), _json(vae_file), _json(encoder_file)
    shape = ["CrossAttnDownBlock2D"] * (len(unet.get("block_out_channels", [])) - 1)
    if unet.get("down_block_types", []) != [*shape, "DownBlock2D"]:
        raise UserError(
            f"{unet_file}: down_block_types {unet.get('down_block_types')}; wanted SD1.5's, "
            "attention in all levels but the lowest."
        )
    return ModelConfig(
        block_out_channels=list(unet["block_out_channels"]),
        layers_per_block=_key(unet, "layers_per_block", unet_file),
        attention_heads=_key(unet, "attention_head_dim", unet_file),  # SD1.5's misnomer
        cross_attention_dim=_key(unet, "cross_attention_dim", unet_file),
        norm_num_groups=_key(unet, "norm_num_groups", unet_file),
        motion_heads=_key(unet, "attention_head_dim", unet_file),  # as many as the spatial ones
        motion_max_frames=_positions(sources.get("motion_module")),
        vae=VaeConfig(
            **{key: _key(vae, key, vae_file) for key in VaeConfig.__dataclass_fields__}
        ),
        image_encoder=ImageEncoderConfig(
            **{key: _key(encoder, key, encoder_file, default=value) for key, value in _CLIP.items()}
        ),
    )


# What a CLIP config file may leave out (its library's defaults).
_CLIP = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "patch_size": 32,
    "image_size": 224,
    "projection_dim": 512,
    "hidden_act": "quick_gelu",
}


def _key(config, key, file, default=None):
    value = config.get(key, default)
    if value is None:
        raise UserError(f"{file}: has no {key}.")
    return value


def _positions(source):
    """How many frames the motion module's stored positions reach."""
    if source is None:
        return ModelConfig.motion_max_frames
    from aa.weights.reading import read_state

    lengths = {v.shape[1] for k, v in read_state(source.path).items() if k.endswith(POSITIONS)}
    return lengths.pop() if lengths else ModelConfig.motion_max_frames
