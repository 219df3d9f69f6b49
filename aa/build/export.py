"""From a checked `ExportConfig` to the run that exports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aa.config.convert import to_dict

if TYPE_CHECKING:
    from aa.config.export import ExportConfig
    from aa.export.run import ExportRun


def build_export(config: ExportConfig, folder: str | Path) -> ExportRun:
    """The run of a checked config: its model, what it is exported for, its records.

    Raises:
        UserError: the target is there already, or the weights cannot be read.
    """
    from aa.export.animation import Animation
    from aa.export.folder import check_target
    from aa.export.run import ExportRun
    from aa.weights.folders import open_folder, weights_files
    from aa.weights.models import load_model

    target = Path(config.target)
    check_target(target)
    animation = Animation(
        height=config.height,
        width=config.width,
        frames=config.context_frames,
        overlap=config.context_overlap,
        steps=config.num_inference_steps,
        guidance_scale=config.guidance_scale,
        device=config.device,
        precision=config.precision,
    )
    return ExportRun(
        Path(folder),
        load_model(config.weights),
        target,
        animation,
        weights=weights_files(open_folder(config.weights)),
        config=to_dict(config),
    )
