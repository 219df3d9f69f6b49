"""Noise and targets of diffusion, and its samplers: pure functions around the schedulers."""

import numpy as np
import paddle
from ppdiffusers import DDIMScheduler, DPMSolverMultistepScheduler

from aa.config.model import NoiseScheduleConfig

# Of the signal that is left at the last timestep: at zero the solvers' log of the SNR ends.
LEAST_ALPHA = 2.0**-24


def build_scheduler(
    schedule: NoiseScheduleConfig, prediction_type: str = "v_prediction"
) -> DDIMScheduler:
    """DDIM with zero terminal SNR and trailing steps (arXiv 2305.08891).

    Args:
        prediction_type: what the network predicts, "v_prediction" or "sample" (clean latents).
    """
    return DDIMScheduler(
        num_train_timesteps=schedule.num_train_timesteps,
        beta_start=schedule.beta_start,
        beta_end=schedule.beta_end,
        beta_schedule=schedule.beta_schedule,
        clip_sample=False,
        steps_offset=1,
        prediction_type=prediction_type,
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )


class _Sampler:
    """Base of both samplers: a schedule of the library's, whose timesteps go from high to low."""

    scheduler: DDIMScheduler | DPMSolverMultistepScheduler
    alphas: paddle.Tensor  # cumulative, [T]
    kind: str  # what is predicted

    def clean(
        self, prediction: paddle.Tensor, t: paddle.Tensor, latents: paddle.Tensor
    ) -> paddle.Tensor:
        """The clean latents that a prediction for those at timestep t implies."""
        return clean_latents(latents, prediction, t, self.alphas, self.kind)

    def set_timesteps(self, steps: int) -> None:
        """Choose the `timesteps`, high to low."""
        self.scheduler.set_timesteps(steps)
        self.timesteps = self.scheduler.timesteps


class Ddim(_Sampler):
    """Deterministic DDIM (arXiv 2010.02502, eq. 12) at trailing timesteps.

    The library's scheduler counts back 1000 // steps from a timestep: of 6 or 7 steps, where this
    is not the next one, it leaves noise behind. `tests/parity.py` does so too.
    """

    def __init__(self, schedule: NoiseScheduleConfig, prediction_type: str) -> None:
        self.scheduler = build_scheduler(schedule, prediction_type)
        self.alphas, self.kind = self.scheduler.alphas_cumprod, prediction_type

    def following(self, t: int) -> int | None:
        """The timestep after one of them; None where the latents are clean."""
        place = self.timesteps.numpy().tolist().index(t) + 1
        return int(self.timesteps[place]) if place < len(self.timesteps) else None

    def step(
        self, prediction: paddle.Tensor, t: paddle.Tensor, latents: paddle.Tensor
    ) -> paddle.Tensor:
        """From the latents at timestep t to those at the next; the last one's are clean."""
        alphas, after = self.alphas, self.following(int(t))
        clean = self.clean(prediction, t, latents)
        if after is None:
            return clean
        a = alphas[t]
        noise = (latents - a.sqrt() * clean) / (1 - a).sqrt()
        return add_noise(clean, noise, paddle.to_tensor([after]), alphas)


class DpmSolver(_Sampler):
    """DPM-Solver++, second order, multistep (arXiv 2211.01095), at the same timesteps."""

    def __init__(self, schedule: NoiseScheduleConfig, prediction_type: str) -> None:
        ddim = build_scheduler(schedule, prediction_type)
        alphas = np.maximum(ddim.alphas_cumprod.numpy().astype(np.float64), LEAST_ALPHA)
        self.alphas, self.kind = ddim.alphas_cumprod, prediction_type
        self.scheduler = DPMSolverMultistepScheduler(
            num_train_timesteps=schedule.num_train_timesteps,
            trained_betas=1 - alphas / np.concatenate([[1.0], alphas[:-1]]),
            prediction_type=prediction_type,
            timestep_spacing="trailing",
            solver_order=2,
            algorithm_type="dpmsolver++",
        )

    def step(
        self, prediction: paddle.Tensor, t: paddle.Tensor, latents: paddle.Tensor
    ) -> paddle.Tensor:
        """From the latents at timestep t to those at the next; the last one's are clean."""
        if int(t) == int(self.timesteps[-1]):  # the library's would keep the noise of timestep 0
            return self.clean(prediction, t, latents)
        return self.scheduler.step(prediction, t, latents).prev_sample  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]


SAMPLERS = {"ddim": Ddim, "dpmsolver++": DpmSolver}


def clean_latents(
    latents: paddle.Tensor,
    prediction: paddle.Tensor,
    timestep: paddle.Tensor,
    alphas_cumprod: paddle.Tensor,
    prediction_type: str,
) -> paddle.Tensor:
    """The clean latents that a prediction for noisy latents at one timestep implies."""
    if prediction_type == "sample":
        return prediction
    a = alphas_cumprod[timestep]
    return a.sqrt() * latents - (1 - a).sqrt() * prediction


def _at(alphas_cumprod: paddle.Tensor, timesteps: paddle.Tensor, ndim: int) -> paddle.Tensor:
    """The schedule at timesteps [B], or [B, F] of a video [B, C, F, ...], ready to multiply."""
    a = alphas_cumprod[timesteps.flatten()]
    if timesteps.ndim == 1:
        return a.reshape([-1] + [1] * (ndim - 1))
    return a.reshape([timesteps.shape[0], 1, timesteps.shape[1]] + [1] * (ndim - 3))


def diffusion_terms(
    timesteps: paddle.Tensor, alphas_cumprod: paddle.Tensor, ndim: int
) -> tuple[paddle.Tensor, paddle.Tensor]:
    """Factors of signal and of noise, sqrt(a) and sqrt(1 - a), ready to multiply latents.

    Args:
        timesteps: integers [B], or [B, F]; -1 for clean latents.
        ndim: of the latents.
    """
    clean = paddle.ones([1], alphas_cumprod.dtype)
    a = _at(paddle.concat([alphas_cumprod, clean]), timesteps % (len(alphas_cumprod) + 1), ndim)
    return a.sqrt(), (1 - a).sqrt()


def add_noise(
    latents: paddle.Tensor,
    noise: paddle.Tensor,
    timesteps: paddle.Tensor,
    alphas_cumprod: paddle.Tensor,
) -> paddle.Tensor:
    """sqrt(a) x + sqrt(1 - a) noise, a per sample (arXiv 2006.11239, eq. 4)."""
    a = _at(alphas_cumprod, timesteps, latents.ndim)
    return a.sqrt() * latents + (1 - a).sqrt() * noise


def ddim_step(
    latents: paddle.Tensor,
    prediction: paddle.Tensor,
    t: paddle.Tensor,
    end: paddle.Tensor,
    alphas_cumprod: paddle.Tensor,
    prediction_type: str,
) -> paddle.Tensor:
    """From latents at timesteps t to those at `end`, -1 for clean ones (arXiv 2010.02502, 12)."""
    signal, noise = diffusion_terms(t, alphas_cumprod, latents.ndim)
    clean = prediction
    if prediction_type != "sample":
        clean = signal * latents - noise * prediction
    signal_after, noise_after = diffusion_terms(end, alphas_cumprod, latents.ndim)
    return signal_after * clean + noise_after / noise * (latents - signal * clean)


def velocity(
    latents: paddle.Tensor,
    noise: paddle.Tensor,
    timesteps: paddle.Tensor,
    alphas_cumprod: paddle.Tensor,
) -> paddle.Tensor:
    """sqrt(a) noise - sqrt(1 - a) x, the target of v-prediction (arXiv 2202.00512, app. D)."""
    a = _at(alphas_cumprod, timesteps, latents.ndim)
    return a.sqrt() * noise - (1 - a).sqrt() * latents


def training_target(
    latents: paddle.Tensor,
    noise: paddle.Tensor,
    timesteps: paddle.Tensor,
    alphas_cumprod: paddle.Tensor,
    prediction_type: str,
) -> paddle.Tensor:
    """Return what the network should predict, like `latents`."""
    if prediction_type == "sample":
        return latents
    return velocity(latents, noise, timesteps, alphas_cumprod)


def wiener_gain(
    timesteps: paddle.Tensor, alphas_cumprod: paddle.Tensor, variance: float
) -> paddle.Tensor:
    """Factor [B] that makes noisy latents the best linear guess of the clean ones.

    sqrt(a) s / (a s + 1 - a) for latents of variance s. A network that predicts the clean latents
    then sees nothing, instead of plain noise, where there is only noise.
    """
    a = alphas_cumprod[timesteps]
    return a.sqrt() * variance / (a * variance + 1 - a)
