"""What weights have learned, as the records of their training say, and what an animation asks."""

import logging
from pathlib import Path
from typing import Any, cast

from aa.config.inference import InferenceConfig
from aa.config.stream import StreamWindow
from aa.runs.kinds import Listed
from aa.runs.layout import CHECKPOINTS, first_snapshot
from aa.runs.tolerant import TolerantReader

log = logging.getLogger(__name__)
MOST_RUNS = 8  # that began from each other, as far as is looked


def warn_of_options(weights: str | Path, options: InferenceConfig) -> None:
    """Warn where an animation asks for what its weights never learned."""
    warn_of_guidance(weights, options.guidance_scale)
    if options.stream:
        adapted = options.lora is not None and learned_stream(options.lora) is not None
        warn_of_stream(cast(str, options.lora) if adapted else weights, options.stream)


def learned_stream(weights: str | Path) -> StreamWindow | None:
    """The window of the streams that the last stage has learned; None where no record says so."""
    stage = _last_stage(weights)
    steps, chunk = stage.get("stream_steps"), stage.get("stream_chunk")
    if not isinstance(steps, int) or not isinstance(chunk, int) or steps < 1 or chunk < 1:
        return None
    return StreamWindow(steps, chunk)


def warn_of_stream(weights: str | Path, window: StreamWindow) -> None:
    """Warn where a stream's window is none that its weights have learned."""
    learned = learned_stream(weights)
    if learned is None:
        log.warning(
            "%s: no record says that these weights have learned streams, whose frames have "
            "different noise levels: train them with stage=stream, or give inference.mode=windows.",
            weights,
        )
    elif learned != window:
        log.warning(
            "%s: learned streams of %d steps in chunks of %d frames, not of %d and %d: give "
            "inference.num_inference_steps=%d inference.stream_chunk=%d.",
            weights,
            learned.steps,
            learned.chunk,
            window.steps,
            window.chunk,
            learned.steps,
            learned.chunk,
        )


def warn_of_guidance(weights: str | Path, guidance_scale: float) -> None:
    """Warn where an animation is guided by what its weights never learned."""
    scales = distilled_scales(weights)
    few_steps = _last_stage(weights).get("objective") == "few_steps"
    if few_steps and scales is None and guidance_scale > 1:
        log.warning(
            "%s: learned its few steps without guidance, so inference.guidance_scale=%g steers by "
            "what they never learned: give inference.guidance_scale=1.",
            weights,
            guidance_scale,
        )
        return
    low, high = scales or (guidance_scale, guidance_scale)
    if guidance_scale > 1 and not low <= guidance_scale <= high:
        log.warning(
            "%s: learned guidance of %g to %g in one pass; inference.guidance_scale=%g is none of "
            "these.",
            weights,
            low,
            high,
            guidance_scale,
        )
    if guidance_scale != 1 and learned_guidance(weights) is False:
        log.warning(
            "%s: trained with uncond_ratio=0, so these weights never learned to go without a "
            "reference; inference.guidance_scale=%g steers by what they make of that: give "
            "inference.guidance_scale=1 (or inference=puppets for generated figures).",
            weights,
            guidance_scale,
        )


def learned_guidance(weights: str | Path, *, most: int = MOST_RUNS) -> bool | None:
    """Return whether a sample without reference was trained on; None where no record says.

    Args:
        weights: a weights folder, a run folder or one of its checkpoints.
        most: runs to look at, of those that began from each other.
    """
    config = _config(Path(weights))
    stages = [s for s in (config.get("stage"), config.get("next_stage")) if isinstance(s, dict)]
    given = [stage.get("uncond_ratio") for stage in stages]
    ratios = [ratio for ratio in given if isinstance(ratio, int | float)]
    if not stages or len(ratios) < len(given):
        return None
    if any(ratio > 0 for ratio in ratios):
        return True
    start = stages[0].get("init_from")
    before = learned_guidance(start, most=most - 1) if most > 1 and isinstance(start, str) else None
    if before is None and start and stages[0].get("motion_modules"):
        return None  # its networks are those of others
    return bool(before)


def distilled_scales(weights: str | Path) -> tuple[float, float] | None:
    """The scales that the last stage has learned in one pass; None where no record says so."""
    scales = _last_stage(weights).get("guidance_scales")
    if not isinstance(scales, list) or not all(isinstance(s, int | float) for s in scales):
        return None
    return (scales[0], scales[1]) if len(scales) == 2 else None


def _last_stage(weights: str | Path) -> dict[str, Any]:
    """The config of the stage that made weights, {} where no record says so."""
    config = _config(Path(weights))
    stages = (config.get("next_stage"), config.get("stage"))
    return next((stage for stage in stages if isinstance(stage, dict)), {})


def _config(folder: Path) -> dict[str, Any]:
    """The config of the run that made weights, {} where no snapshot is beside them."""
    homes = [folder, *([folder.parent.parent] if folder.parent.name == CHECKPOINTS else [])]
    for home in homes:
        reader = TolerantReader(home)
        if found := first_snapshot(lambda name, reader=reader: reader.json(name, Listed)):
            return found.get("config", {})
    return {}
