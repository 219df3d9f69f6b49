"""The checkpoint that motion modules start from."""

from aa.weights.folders import WeightsFolder


def motion_checkpoint(
    chosen: str | None, *, default: str | None, start: WeightsFolder | None
) -> str | None:
    """The AnimateDiff checkpoint to load in place of a start's motion modules, or None.

    A run's own motion modules have been trained further: the default replaces released ones and
    missing ones only, another checkpoint replaces any.

    Args:
        chosen: `stage.motion_init_from`.
        default: `model.motion_weights`.
        start: what the training starts from; None for random values.
    """
    of_a_run = start is not None and start.layout == 3 and "motion_module" in start.sources
    return None if of_a_run and chosen == default else chosen
