"""The training loss: squared errors, weighted by noise level, by place, and from frame to frame."""

import paddle


def min_snr_weight(
    timesteps: paddle.Tensor,
    alphas_cumprod: paddle.Tensor,
    gamma: float | None,
    prediction_type: str = "v_prediction",
) -> paddle.Tensor:
    """Loss weight of each sample: min(snr + 1, gamma) / (snr + 1) for v-prediction.

    arXiv 2303.09556, with snr + 1 clipped as the published Animate Anyone code does; at zero SNR
    the weight is 1. An error of the velocity is one of the clean latents times snr + 1, so
    for "sample" the same loss has the weight min(snr + 1, gamma).

    Args:
        timesteps: integers [B] or [B, F].
        alphas_cumprod: [T].
        gamma: the clip; None weighs every sample 1.
        prediction_type: see `training_target`.

    Returns:
        weights like `timesteps`.
    """
    a = alphas_cumprod[timesteps.flatten()].reshape(timesteps.shape)
    if gamma is None:
        return paddle.ones_like(a)
    inverse = 1 - a  # 1 / (snr + 1), finite at every timestep
    if prediction_type == "sample":
        return paddle.minimum(paddle.full_like(a, gamma), 1 / inverse)
    return paddle.minimum(paddle.ones_like(a), gamma * inverse)


def weighted_mse(
    prediction: paddle.Tensor,
    target: paddle.Tensor,
    weights: paddle.Tensor,
    places: paddle.Tensor | None = None,
) -> paddle.Tensor:
    """Mean of each sample's, or each frame's, mean squared error times its weight [B] or [B, F].

    `places` [B, 1, F, h, w] are weights of the places in a frame; None: 1 everywhere.
    """
    error = (prediction.astype("float32") - target.astype("float32")) ** 2
    if places is not None:
        error = error * places
    if weights.ndim == 2:
        error = error.transpose([0, 2, 1, 3, 4])  # [B, F, C, h, w]
    return (error.flatten(weights.ndim).mean(-1) * weights).mean()


def with_changes(
    prediction: paddle.Tensor,
    target: paddle.Tensor,
    weights: paddle.Tensor,
    places: paddle.Tensor | None,
    temporal_weight: float,
) -> paddle.Tensor:
    """`weighted_mse`, and so many times that of the change from each frame to the next.

    The best prediction stays the same; flicker counts more.
    """
    loss = weighted_mse(prediction, target, weights, places)
    if not temporal_weight:
        return loss
    predicted, true = (x[:, :, 1:] - x[:, :, :-1] for x in (prediction, target))
    if weights.ndim == 2:  # a change counts as the frame of the two that counts less
        weights = paddle.minimum(weights[:, 1:], weights[:, :-1])
    places = None if places is None else places[:, :, 1:]
    return loss + temporal_weight * weighted_mse(predicted, true, weights, places)
