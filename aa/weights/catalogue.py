"""Published weight files: where the Hugging Face hub has them and where a weights folder does."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HubFile:
    """One file of the hub; it is written under its own name into `folder` of the weights folder."""

    repo: str
    file: str
    folder: str = ""

    @property
    def target(self) -> Path:
        """Path in the weights folder, as `folders.open_folder` reads it."""
        return Path(self.folder) / self.file


def _files(repo: str, *names: str, folder: str = "") -> tuple[HubFile, ...]:
    return tuple(HubFile(repo, name, folder) for name in names)


MOTION = "mm_sd_v15_v2.ckpt"
RELEASED_HOME = "pretrained_weights"  # default home of downloads, where commands look
_VARIATIONS = "lambdalabs/sd-image-variations-diffusers"
_VAE = _files(
    "stabilityai/sd-vae-ft-mse",
    "config.json",
    "diffusion_pytorch_model.safetensors",
    folder="sd-vae-ft-mse",
)
_IMAGE_ENCODER = _files(_VARIATIONS, "image_encoder/config.json", "image_encoder/pytorch_model.bin")
_UNET_CONFIG = _files(
    "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "unet/config.json",
    folder="stable-diffusion-v1-5",
)
_TORCH_RELEASE = _files(
    "patrolli/AnimateAnyone",
    "reference_unet.pth",
    "denoising_unet.pth",
    "motion_module.pth",
    "pose_guider.pth",
)
# SD1.5 fine-tuned to read image embeddings in place of text: the published recipe's start.
_START_UNET = _files(
    _VARIATIONS, "unet/diffusion_pytorch_model.bin", folder="stable-diffusion-v1-5"
)
_START_MOTION = _files("guoyww/animatediff", MOTION)
_START_POSE = _files(
    "lllyasviel/control_v11p_sd15_openpose",
    "diffusion_pytorch_model.bin",
    folder="control_v11p_sd15_openpose",
)
_PADDLE_RELEASE = _files(
    "tsaiyue/AnimateAnyone_PD",
    "config.json",
    "reference_unet.pdparams",
    "denoising_unet.pdparams",
    "motion_module_stage2.pdparams",
    "pose_guider.pdparams",
    folder="tsaiyue/AnimateAnyone_PD",
)
_FROZEN = _VAE + _IMAGE_ENCODER
GROUPS = {
    "released": _TORCH_RELEASE + _UNET_CONFIG + _FROZEN,
    "motion": _START_MOTION,
    "start": _UNET_CONFIG + _START_UNET + _START_MOTION + _START_POSE + _FROZEN,
    "paddle": _PADDLE_RELEASE + _FROZEN,
}
