"""A model without memory: its parameters have shapes, to count, to trace and to compare with."""

import paddle

from aa.config.model import ModelConfig
from aa.models.animate_anyone import AnimateAnyone
from aa.models.running import RunLayer, directly


def shape_only_model(
    config: ModelConfig,
    *,
    motion_modules: bool,
    guidance: bool = False,
    reference_pose: bool = False,
    run_layer: RunLayer = directly,
) -> AnimateAnyone:
    """An `AnimateAnyone` whose parameters have shapes and no memory."""
    from paddlenlp.transformers.model_utils import no_init_weights

    with paddle.LazyGuard(), no_init_weights():
        return AnimateAnyone(
            config,
            motion_modules=motion_modules,
            guidance=guidance,
            reference_pose=reference_pose,
            run_layer=run_layer,
        )
