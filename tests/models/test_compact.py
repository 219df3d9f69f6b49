"""The compact networks: what they start as, and that they keep the promises of the full ones."""

import numpy as np
import paddle
import pytest

from aa.config.model import ImageEncoderConfig, ModelConfig, VaeConfig
from aa.errors import UserError
from aa.models.animate_anyone import AnimateAnyone
from aa.models.attention import Condition
from aa.models.autoencoder import SpaceToDepth
from aa.models.compact import CompactAttention, CompactMotionModule, CompactUNet, positions
from aa.training.trainable import set_trainable
from aa.weights.models import shape_only_layers
from tests.conftest import fill

SHAPE = {
    "block_out_channels": [8, 16, 16],
    "layers_per_block": 1,
    "attention_heads": 2,
    "cross_attention_dim": 6,
    "attention_levels": [1],
    "norm_num_groups": 4,
    "latent_channels": 12,
}
NETWORKS = ["denoising_unet.*", "reference_unet.*", "pose_guider.*", "image_encoder.*"]


def compact_config():
    return ModelConfig(
        architecture="compact",
        prediction_type="sample",
        block_out_channels=[8, 16, 16],
        attention_levels=[1],
        layers_per_block=1,
        attention_heads=2,
        cross_attention_dim=6,
        norm_num_groups=4,
        motion_heads=2,
        motion_max_frames=4,
        vae=VaeConfig(kind="space_to_depth", stride=2, latent_channels=12, scaling_factor=1.0),
        image_encoder=ImageEncoderConfig(
            kind="pooled", hidden_size=16, num_attention_heads=1, image_size=8, projection_dim=6
        ),
    )


def random(*shape, seed=0):
    return paddle.to_tensor(np.random.default_rng(seed).standard_normal(shape).astype("float32"))


def batch(frames, timesteps):
    """One training sample at 16x16 pixels."""
    return {
        "pixel_values": random(1, 3, frames, 16, 16),
        "pose_pixels": random(1, 3, frames, 16, 16, seed=1),
        "reference_pixels": random(1, 3, 16, 16, seed=2),
        "clip_pixels": random(1, 3, 8, 8, seed=3),
        "drop_reference": paddle.to_tensor([False]),
        "timesteps": paddle.to_tensor([timesteps]),
        "noise": random(1, 12, frames, 8, 8, seed=4),
        "posterior_noise": random(1, 12, frames, 8, 8, seed=5),
        "reference_posterior_noise": random(1, 12, 8, 8, seed=6),
    }


def test_stacked_pixels_come_back_exactly():
    pixels = random(2, 3, 8, 12)
    autoencoder = SpaceToDepth(4)
    latents = autoencoder.encode(pixels).latent_dist.mean
    assert latents.shape == [2, 48, 2, 3]
    np.testing.assert_array_equal(autoencoder.decode(latents).sample.numpy(), pixels.numpy())


def test_a_new_attention_gives_half_of_itself_and_half_of_the_same_place_of_the_reference():
    attention = CompactAttention(64, 1)
    attention.to_out.bias.set_value(paddle.zeros([64]))
    tokens, reference = random(1, 16, 64), random(1, 16, 64, seed=1)
    places = 3 * positions(4, 4, 64)  # 3: sharp, to compare
    condition = Condition(random(1, 1, 64), attention.to_k(places), attention.to_v(reference))
    out = attention(tokens, places, condition).numpy()
    np.testing.assert_allclose(out, (tokens + reference).numpy() / 2, atol=1e-3)


def test_without_reference_or_with_keep_false_the_result_is_the_same():
    unet, other = CompactUNet(**SHAPE), CompactUNet(**SHAPE, head=False)
    fill(unet, 1)
    x, t, token = random(2, 12, 2, 8, 8), paddle.to_tensor([3, 700]), random(2, 1, 6)
    reference = other.reference_features(random(2, 12, 8, 8, seed=7), token)
    plain, conditions = unet(x, t, unet.conditions(token)), unet.conditions(token, reference)
    dropped = unet(x, t, conditions, reference_mask=paddle.to_tensor([False] * 2))
    np.testing.assert_allclose(dropped.numpy(), plain.numpy(), atol=1e-5)
    assert np.abs(unet(x, t, conditions).numpy() - plain.numpy()).max() > 1e-2


def test_the_reference_network_has_nothing_after_the_last_tensor_it_passes_on():
    model = AnimateAnyone(compact_config(), motion_modules=False, snr_gamma=1.0)
    names = set_trainable(model, NETWORKS)
    model.train()
    model(**batch(2, [10, 900])).backward()
    gradients = dict(model.named_parameters())
    assert [n for n in names if gradients[n].grad is None] == []


def test_frames_may_have_timesteps_of_their_own():
    model = AnimateAnyone(compact_config(), motion_modules=False, snr_gamma=1.0)
    model.eval()
    both = float(model(**batch(2, [10, 900])))
    one, other = (
        {k: v[:, :, i : i + 1] if v.ndim == 5 else v for k, v in batch(2, [10, 900]).items()}
        for i in range(2)
    )
    one["timesteps"], other["timesteps"] = paddle.to_tensor([[10]]), paddle.to_tensor([[900]])
    assert both == pytest.approx((float(model(**one)) + float(model(**other))) / 2, rel=1e-4)


def test_a_new_motion_module_changes_nothing():
    x = random(6, 8, 4, 4)
    np.testing.assert_array_equal(CompactMotionModule(8, 2, 3)(x, 3).numpy(), x.numpy())


def test_a_motion_module_leaves_frames_alone_that_are_all_the_same():
    module = CompactMotionModule(8, 2, 3)
    fill(module)
    still = random(1, 8, 4, 4).expand([3, 8, 4, 4])
    np.testing.assert_allclose(module(still, 3).numpy(), still.numpy(), atol=1e-5)


def test_the_temporal_weight_adds_the_error_of_the_change():
    plain = AnimateAnyone(compact_config(), snr_gamma=1.0)
    plain.eval()
    heavy = AnimateAnyone(compact_config(), snr_gamma=1.0, temporal_weight=2.0)
    heavy.set_state_dict(plain.state_dict())
    heavy.eval()
    sample = batch(3, [500, 500, 500])
    captured = {}
    predict = plain.predict
    plain.predict = lambda *a, **k: captured.setdefault("prediction", predict(*a, **k))
    loss = float(plain(**sample))
    target = paddle.nn.functional.pixel_unshuffle(
        sample["pixel_values"].transpose([0, 2, 1, 3, 4]).flatten(0, 1), 2
    )
    error = captured["prediction"].numpy()[0].transpose(1, 0, 2, 3) - target.numpy()
    change = (np.diff(error, axis=0) ** 2).mean()
    assert float(heavy(**sample)) == pytest.approx(loss + 2 * change, rel=1e-4)


def test_a_network_that_predicts_the_clean_latents_sees_none_of_pure_noise():
    model = AnimateAnyone(compact_config(), motion_modules=False)
    model.eval()
    pose, conditions = paddle.zeros([1, 8, 1, 8, 8]), model.conditions(random(1, 1, 6))
    noise, last = (random(1, 12, 1, 8, 8, seed=s) for s in (1, 2)), paddle.to_tensor([999])
    first, second = (model.denoise(x, last, conditions, pose_features=pose).numpy() for x in noise)
    np.testing.assert_allclose(first, second, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"attention_levels": [2]}, r"among 0\.\.1"),
        ({"up_attention_levels": [2]}, r"up_attention_levels must be among 0\.\.1"),
        ({"architecture": "other"}, "one of sd15, compact"),
        ({"prediction_type": "epsilon"}, "one of v_prediction, sample"),
    ],
)
def test_an_impossible_model_says_what_is_possible(changes, line):
    with pytest.raises(UserError, match=line):
        ModelConfig(block_out_channels=[32, 32, 32], **changes)


def test_stacked_pixels_need_their_number_of_channels():
    with pytest.raises(UserError, match="must be 48"):
        VaeConfig(kind="space_to_depth", stride=4, latent_channels=4)


def test_sizes_are_multiples_of_what_the_levels_halve():
    assert compact_config().size_step == 8  # 2 pixels a latent, two halvings
    assert ModelConfig().size_step == 8


def test_attention_may_reach_higher_on_the_way_up():
    config = compact_config()
    config.up_attention_levels = [0, 1]
    model = AnimateAnyone(config, motion_modules=False, snr_gamma=1.0)
    names = set_trainable(model, NETWORKS)
    model.train()
    model(**batch(2, [10, 900])).backward()
    gradients = dict(model.named_parameters())
    assert len(model.denoising_unet.conditions(random(1, 1, 6))) == 4  # down 1, middle, up 1, up 0
    assert [n for n in names if gradients[n].grad is None] == []


def test_it_can_be_made_for_its_shapes_alone():
    layers = shape_only_layers(compact_config(), motion_modules=True)
    whole = AnimateAnyone(compact_config())
    assert layers["denoising_unet"].conv_in.weight.shape == [8, 12, 3, 3]
    assert sum(p.size for p in layers["reference_unet"].parameters()) == sum(
        p.size for p in whole.reference_unet.parameters()
    )
