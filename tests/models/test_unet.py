"""The UNet as denoiser and as reference network."""

import numpy as np
import paddle
import pytest
from ppdiffusers import UNet2DConditionModel

from aa.models.compact import CompactUNet
from aa.models.unet import UNet, timestep_embedding
from tests.conftest import fill

SHAPE = {
    "block_out_channels": [8, 16],
    "layers_per_block": 1,
    "attention_heads": 2,
    "cross_attention_dim": 6,
    "norm_num_groups": 4,
}


def random(*shape, seed=0):
    return paddle.to_tensor(np.random.default_rng(seed).standard_normal(shape).astype("float32"))


def build(kind=UNet, **options):
    unet = kind(**SHAPE, **options)
    fill(unet)
    unet.eval()
    return unet


def library_unet():
    """The same network from ppdiffusers, whose attention_head_dim means the number of heads."""
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        attention_head_dim=2,
        cross_attention_dim=6,
        norm_num_groups=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )


def test_names_and_shapes_are_those_of_the_library():
    ours, theirs = build().state_dict(), library_unet().state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def test_without_reference_it_computes_what_the_library_computes():
    ours, theirs = build(), library_unet()
    theirs.set_state_dict(ours.state_dict())
    theirs.eval()
    x, t, token = random(2, 4, 8, 6), paddle.to_tensor([3, 700]), random(2, 1, 6, seed=1)
    expected = theirs(x, t, token).sample.numpy()
    np.testing.assert_allclose(
        ours(x.unsqueeze(2), t, ours.conditions(token)).numpy()[:, :, 0], expected, atol=2e-5
    )


def test_a_timestep_embedding_starts_with_its_cosines():
    embedding = timestep_embedding(paddle.to_tensor([5]), 4).numpy()[0]
    expected = [np.cos(5), np.cos(0.05), np.sin(5), np.sin(0.05)]
    np.testing.assert_allclose(embedding, expected, atol=1e-6)


def test_without_motion_modules_frames_are_independent_images():
    unet, video, token = build(), random(1, 4, 3, 4, 4), random(1, 1, 6)
    t = paddle.to_tensor([9])
    together = unet(video, t, unet.conditions(token))
    alone = unet(video[:, :, 1:2], t, unet.conditions(token))
    np.testing.assert_allclose(together[:, :, 1:2].numpy(), alone.numpy(), atol=1e-5)


@pytest.mark.parametrize("timesteps", [[9], [[9, 700, 3]]])
def test_one_video_under_two_conditions_is_two_samples(timesteps):
    unet, video, tokens = build(), random(1, 4, 3, 4, 4), random(2, 1, 6)
    t = paddle.to_tensor(timesteps)
    together = unet(video, t, unet.conditions(tokens))
    alone = [unet(video, t, unet.conditions(token)) for token in tokens.split(2)]
    np.testing.assert_allclose(together.numpy(), paddle.concat(alone).numpy(), atol=1e-5)


def test_conditions_of_another_number_of_samples_are_refused():
    unet, videos = build(), random(2, 4, 3, 4, 4)
    with pytest.raises(ValueError, match="latents of 2 samples, conditions of 1"):
        unet(videos, paddle.to_tensor([9, 9]), unet.conditions(random(1, 1, 6)))


def test_odd_latent_sizes_come_back_in_their_size():
    unet = build()
    out = unet(random(1, 4, 2, 5, 7), paddle.to_tensor([9]), unet.conditions(random(1, 1, 6)))
    assert out.shape == [1, 4, 2, 5, 7]


def test_reference_features_are_one_per_attention_block():
    features = build(head=False).reference_features(random(1, 4, 4, 4), random(1, 1, 6))
    sizes = [list(f.shape) for f in features]
    assert sizes == [[1, 16, 8], [1, 4, 16], [1, 16, 8], [1, 16, 8]]  # down, middle, up, up


def test_nothing_after_the_last_reference_feature_is_computed():
    unet = build(head=False)
    x, token = random(1, 4, 4, 4), random(1, 1, 6)
    before = unet.reference_features(x, token)[-1].numpy()
    last = unet.up_blocks[1].attentions[1].transformer_blocks[0]
    last.attn1.to_q.weight.set_value(np.full([8, 8], np.nan, dtype="float32"))
    np.testing.assert_array_equal(unet.reference_features(x, token)[-1].numpy(), before)


def test_features_of_another_shape_of_network_are_refused():
    with pytest.raises(ValueError, match="2 reference features for 4 attention blocks"):
        build().conditions(random(1, 1, 6), [random(1, 16, 8)] * 2)


def test_frames_beyond_the_motion_modules_reach_are_refused():
    unet = build(motion_heads=2, max_frames=2)
    with pytest.raises(ValueError, match=r"3 frames at once; .* reach 2"):
        unet(random(1, 4, 3, 4, 4), paddle.to_tensor([9]), unet.conditions(random(1, 1, 6)))


def test_the_gradient_is_finite_where_silu_of_paddle_is_not():
    from aa.models.blocks import ResnetBlock, UNetSizes

    block = ResnetBlock(4, 4, UNetSizes(1, 1, 4, 1, 0, 1))
    block.norm1.bias.set_value(np.full([4], -200.0, dtype="float32"))
    x = random(1, 4, 2, 2)
    x.stop_gradient = False
    block(x, random(1, 4)).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_num_layers_is_how_many_layers_a_training_step_runs():
    ran = []
    unet = build(run_layer=lambda layer, *arguments: ran.append(layer) or layer(*arguments))
    unet.train()
    unet(random(2, 4, 1, 8, 6), paddle.to_tensor([3, 700]), unet.conditions(random(2, 1, 6)))
    assert len(ran) == unet.num_layers == 7


@pytest.mark.parametrize("kind", [UNet, CompactUNet])
def test_from_its_own_deep_features_a_step_gives_the_same_prediction(kind):
    unet, video = build(kind, motion_heads=2), random(1, 4, 3, 4, 4)
    conditions, t = unet.conditions(random(2, 1, 6)), paddle.to_tensor([9])
    prediction, deep = unet.predict_with_deep(video, t, conditions)
    again, same = unet.predict_with_deep(video, t, unet.outer_conditions(conditions), deep=deep)
    np.testing.assert_array_equal(prediction.numpy(), unet(video, t, conditions).numpy())
    np.testing.assert_array_equal(again.numpy(), prediction.numpy())
    assert same is deep and deep.shape == [2 * 3, unet.deep_channels, 4, 4]


@pytest.mark.parametrize("kind", [UNet, CompactUNet])
def test_from_deep_features_nothing_below_the_highest_level_runs(kind):
    unet, video, t = build(kind), random(1, 4, 3, 4, 4), paddle.to_tensor([9])
    conditions = unet.conditions(random(1, 1, 6))
    prediction, deep = unet.predict_with_deep(video, t, conditions)
    for level in (unet.down_blocks[1], unet.mid_block, unet.up_blocks[0]):
        for parameter in level.parameters():
            parameter.set_value(paddle.full_like(parameter, float("nan")))
    again, _ = unet.predict_with_deep(video, t, unet.outer_conditions(conditions), deep=deep)
    np.testing.assert_array_equal(again.numpy(), prediction.numpy())
