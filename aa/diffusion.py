"""Noise, target and loss weight of diffusion training: pure functions around DDIMScheduler."""

import paddle
from ppdiffusers import DDIMScheduler


def build_scheduler(schedule):
    """DDIM with v-prediction, zero terminal SNR and trailing steps (arXiv 2305.08891).

    Args:
        schedule: a `NoiseScheduleConfig`.
    """
    return DDIMScheduler(
        num_train_timesteps=schedule.num_train_timesteps,
        beta_start=schedule.beta_start,
        beta_end=schedule.beta_end,
        beta_schedule=schedule.beta_schedule,
        clip_sample=False,
        steps_offset=1,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )


def _at(alphas_cumprod, timesteps, ndim):
    return alphas_cumprod[timesteps].reshape([-1] + [1] * (ndim - 1))


def add_noise(latents, noise, timesteps, alphas_cumprod):
    """sqrt(a) x + sqrt(1 - a) noise, a per sample (arXiv 2006.11239, eq. 4)."""
    a = _at(alphas_cumprod, timesteps, latents.ndim)
    return a.sqrt() * latents + (1 - a).sqrt() * noise


def velocity(latents, noise, timesteps, alphas_cumprod):
    """sqrt(a) noise - sqrt(1 - a) x, the target of v-prediction (arXiv 2202.00512, app. D)."""
    a = _at(alphas_cumprod, timesteps, latents.ndim)
    return a.sqrt() * noise - (1 - a).sqrt() * latents


def min_snr_weight(timesteps, alphas_cumprod, gamma):
    """Loss weight of each sample for v-prediction: min(snr + 1, gamma) / (snr + 1).

    arXiv 2303.09556, with snr + 1 clipped as the published Animate Anyone code does; at zero SNR
    the weight is 1.

    Args:
        timesteps: integers [B].
        alphas_cumprod: [T].
        gamma: the clip; None weighs every sample 1.

    Returns:
        weights [B].
    """
    a = alphas_cumprod[timesteps]
    if gamma is None:
        return paddle.ones_like(a)
    inverse = 1 - a  # 1 / (snr + 1), finite at every timestep
    return paddle.minimum(paddle.ones_like(a), gamma * inverse)


def weighted_mse(prediction, target, weights):
    """Mean over the batch of each sample's mean squared error times its weight."""
    error = (prediction.astype("float32") - target.astype("float32")) ** 2
    return (error.flatten(1).mean(1) * weights).mean()
