"""Key maps, as tables. Canonical are the names of today's torch files, Linear as [out, in]."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

COMPONENTS = (
    "reference_unet",
    "denoising_unet",
    "motion_module",
    "pose_guider",
    "vae",
    "image_encoder",
    "guidance_embedding",
    "reference_pose",
)

# The file of adapters beside the components of a checkpoint (see `aa.weights.lora`).
LORA = "lora.safetensors"

# Training can start without them: they start new.
START_OPTIONAL = ("pose_guider", "motion_module")

# Training can give them to weights that lack them: they start at zero and change nothing.
ZERO_AT_START = ("guidance_embedding", "reference_pose")

# Components that live inside a UNet, by what the names of their parameters have.
INSIDE = {
    "motion_module": ".motion_modules.",
    "guidance_embedding": "guidance_embedding.",
    "reference_pose": "pose_proj.",
}

# Old or Paddle name -> canonical name, tried in order; None drops a key that is no weight.
RENAME = {
    "vae": [
        (r"\.attentions\.0\.query\.", ".attentions.0.to_q."),
        (r"\.attentions\.0\.key\.", ".attentions.0.to_k."),
        (r"\.attentions\.0\.value\.", ".attentions.0.to_v."),
        (r"\.attentions\.0\.proj_attn\.", ".attentions.0.to_out.0."),
    ],
    "image_encoder": [
        (r"^vision_model\.embeddings\.position_ids$", None),
        (r"^vision_projection$", "visual_projection.weight"),
        (r"^vision_model\.class_embedding$", "vision_model.embeddings.class_embedding"),
        (r"^vision_model\.conv1\.", "vision_model.embeddings.patch_embedding."),
        (r"^vision_model\.positional_embedding\.", "vision_model.embeddings.position_embedding."),
        (r"^vision_model\.ln_pre\.", "vision_model.pre_layrnorm."),
        (r"^vision_model\.ln_post\.", "vision_model.post_layernorm."),
        (r"^vision_model\.transformer\.layers\.", "vision_model.encoder.layers."),
        (r"\.linear1\.", ".mlp.fc1."),
        (r"\.linear2\.", ".mlp.fc2."),
        (r"\.norm([12])\.", r".layer_norm\1."),
    ],
    # The pose guider starts from a ControlNet's embedding; its output layer starts from zero.
    "pose_guider": [
        (r"^controlnet_cond_embedding\.conv_out\..*", None),
        (r"^controlnet_cond_embedding\.", ""),
    ],
}

# Computed by the network from its sizes: compared with the file, never loaded.
POSITIONS = ".pos_encoder.pe"


def canonical_name(component: str, name: str) -> str | None:
    """Canonical name of a key of a component's file, None for a key that is no weight."""
    for pattern, replacement in RENAME.get(component, []):
        if re.search(pattern, name):
            if replacement is None:
                return None
            name = re.sub(pattern, replacement, name)
    return name


def is_linear(name: str, array: "np.ndarray") -> bool:
    """Return whether a canonical name is a Linear weight, which Paddle stores as [in, out]."""
    return name.endswith(".weight") and array.ndim == 2 and "position_embedding" not in name
