"""DDIM's steps as plain numbers: what a script without a sampler needs."""

from typing import TYPE_CHECKING

import numpy as np

from aa.models.animate_anyone import PIXEL_VARIANCE
from aa.models.diffusion import Ddim

if TYPE_CHECKING:
    from aa.config.model import ModelConfig


def ddim_steps(config: "ModelConfig", count: int) -> list[dict[str, float]]:
    """Each step from noise to clean latents.

    Returns:
        `timestep`; `scale`, by which the latents are multiplied for the network; and `latents` and
        `prediction`, the factors whose sum of products is the next latents.
    """
    solver = Ddim(config.noise_schedule, config.prediction_type)
    solver.set_timesteps(count)
    alphas = solver.scheduler.alphas_cumprod.numpy().astype(np.float64)
    times = [int(t) for t in solver.timesteps.numpy()]
    steps = []
    for t, after in zip(times, [*times[1:], None], strict=True):
        a, later = alphas[t], 1.0 if after is None else alphas[after]
        scale, own, predicted = 1.0, np.sqrt(a), -np.sqrt(1 - a)  # of the clean latents
        if config.prediction_type == "sample":
            variance = PIXEL_VARIANCE * config.vae.scaling_factor**2
            scale = np.sqrt(a) * variance / (a * variance + 1 - a)
            own, predicted = 0.0, 1.0
        noise = np.sqrt((1 - later) / (1 - a))  # what is left of the noise
        clean = np.sqrt(later) - noise * np.sqrt(a)
        factors = (scale, clean * own + noise, clean * predicted)
        names = ("scale", "latents", "prediction")
        steps.append({"timestep": t, **dict(zip(names, map(float, factors), strict=True))})
    return steps
