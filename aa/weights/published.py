"""The model config that published config.json files describe: UNet, VAE and image encoder."""

import json
from pathlib import Path
from typing import Any, cast

from aa.config.convert import model_from_dict
from aa.config.model import ModelConfig, VaeConfig
from aa.errors import UserError, reason
from aa.files import read_text
from aa.weights.tables import POSITIONS

MOST_JSON = 1_000_000  # bytes; published ones have some hundred
MOST_VALUES, MOST_LEVELS, LONGEST_TEXT = 1000, 8, 1000  # published ones have some sixty

# Our name -> the published one.
_UNET = {
    "block_out_channels": "block_out_channels",
    "layers_per_block": "layers_per_block",
    "attention_heads": "attention_head_dim",  # SD1.5's misnomer
    "cross_attention_dim": "cross_attention_dim",
    "norm_num_groups": "norm_num_groups",
    "motion_heads": "attention_head_dim",  # as many as the spatial ones
}
# All keys of the VAE but those that only our own configs know.
_VAE = {key: key for key in VaeConfig.__dataclass_fields__ if key not in ("kind", "stride")}
# The keys that a CLIP config file may omit, as its library fills them in.
_CLIP_DEFAULTS = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "patch_size": 32,
    "image_size": 224,
    "projection_dim": 512,
    "hidden_act": "quick_gelu",
}


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        UserError: there is no such file, or no object in it.
    """
    if not path.exists():
        raise UserError(f"{path}: missing. The folder is incomplete: download it again.")
    text = read_text(path, most=MOST_JSON, advice="Download it again.")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({reason(error)}). Download it again.") from error
    if not isinstance(content, dict):
        raise UserError(
            f"{path}: wanted a JSON object, found a {type(content).__name__}. Download it again."
        )
    _check_size(content, path)
    return content


def _check_size(content: dict[str, Any], path: Path) -> None:
    """Refuse what would take long to compare with a model, or fill pages of a message."""
    level, count = [content], 0
    for _ in range(MOST_LEVELS):
        lists = [v for v in level if isinstance(v, list | dict)]
        texts = [v for v in level if isinstance(v, str)]
        texts += [key for v in lists if isinstance(v, dict) for key in v]
        level = [v for part in lists for v in (part.values() if isinstance(part, dict) else part)]
        count += len(level)
        if count > MOST_VALUES or any(len(text) > LONGEST_TEXT for text in texts):
            break
        if not level:
            return
    raise UserError(
        f"{path}: describes no model: wanted at most {MOST_VALUES} values, none longer than "
        f"{LONGEST_TEXT} characters or nested in {MOST_LEVELS} others. Download it again."
    )


def model_config(file: object, values: Any) -> ModelConfig:
    """`ModelConfig` of plain values; an error begins with `file`."""
    try:
        return cast(ModelConfig, model_from_dict(values))
    except (UserError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UserError(f"{file}: {reason(error).splitlines()[0]}") from error


def published_config(unet_file: Path, home: Path, motion_module: Path | None = None) -> ModelConfig:
    """`ModelConfig` of a released or start folder.

    Args:
        unet_file: the UNet's config.json.
        home: the folder that holds `sd-vae-ft-mse/` and `image_encoder/`.
        motion_module: file of the motion modules, whose stored positions say how many frames
            they reach; None if there are none.

    Raises:
        UserError: a file is missing, no JSON, or describes no such model; the message names it.
    """
    vae_file = home / "sd-vae-ft-mse" / "config.json"
    unet, vae = read_json(unet_file), read_json(vae_file)
    encoder = {**_CLIP_DEFAULTS, **read_json(home / "image_encoder" / "config.json")}
    _check_blocks(unet, unet_file)
    values = _renamed(unet, _UNET, unet_file)
    values["vae"] = _renamed(vae, _VAE, vae_file)
    values["image_encoder"] = {key: encoder[key] for key in _CLIP_DEFAULTS}
    if motion_module is not None:
        values["motion_max_frames"] = _positions(motion_module)
    return model_config(f"{unet_file} and those of VAE and image encoder in {home}", values)


def _renamed(content: dict[str, Any], names: dict[str, str], file: Path) -> dict[str, Any]:
    missing = [theirs for theirs in names.values() if content.get(theirs) is None]
    if missing:
        raise UserError(f"{file}: has no {missing[0]}. Download it again.")
    return {ours: content[theirs] for ours, theirs in names.items()}


def _check_blocks(unet: dict[str, Any], file: Path) -> None:
    blocks = unet.get("down_block_types")
    if not isinstance(blocks, list) or blocks != [
        *["CrossAttnDownBlock2D"] * (len(blocks) - 1),
        "DownBlock2D",
    ]:
        raise UserError(
            f"{file}: down_block_types is {blocks}; wanted SD1.5's, attention in all levels but "
            "the lowest."
        )


def _positions(file: Path) -> int:
    """Number of frames that the stored positions of a motion module reach."""
    from aa.weights.reading.states import read_state

    stored = [v for k, v in read_state(file).items() if k.endswith(POSITIONS) and v.ndim == 3]
    return min((v.shape[1] for v in stored), default=ModelConfig.motion_max_frames)
