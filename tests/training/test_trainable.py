"""Which parameters the two stages train."""

import pytest

from aa.errors import UserError
from aa.training.trainable import set_trainable


def trained_by(compose, model, stage):
    overrides = [f"stage={stage}", "stage.init_from=null", "model=parity"]
    patterns = compose("train", [*overrides, "data=puppets", "hardware=cpu"]).stage.trainable
    patterns = [p.replace("up_blocks.3", "up_blocks.1") for p in patterns]  # two levels, not four
    return set_trainable(model, patterns)


def test_stage_2_trains_exactly_the_motion_modules(compose, tiny_model):
    model = tiny_model()
    names = trained_by(compose, model, 2)
    assert names == sorted(n for n, _ in model.named_parameters() if ".motion_modules." in n)


def test_stage_1_trains_both_networks_and_the_pose_guider(compose, tiny_model):
    names = trained_by(compose, tiny_model(motion_modules=False), 1)
    assert {n.split(".")[0] for n in names} == {"denoising_unet", "reference_unet", "pose_guider"}


def test_stage_1_leaves_the_last_level_of_the_reference_network(compose, tiny_model):
    names = trained_by(compose, tiny_model(motion_modules=False), 1)
    assert not [n for n in names if n.startswith("reference_unet.up_blocks.1.")]
    assert [n for n in names if n.startswith("reference_unet.up_blocks.0.")]


def test_what_cannot_change_the_loss_does_not_train(compose, tiny_model):
    names = trained_by(compose, tiny_model(motion_modules=False), 1)
    assert not [n for n in names if ".attn2.to_q." in n or ".attn2.to_k." in n]


def test_the_frozen_parts_never_train(tiny_model):
    names = set_trainable(tiny_model(), ["*", "!vae.*", "!image_encoder.*"])
    assert not [n for n in names if n.startswith(("vae.", "image_encoder."))]


def test_a_pattern_that_matches_nothing_is_refused(tiny_model):
    with pytest.raises(UserError, match=r"no parameter matches 'denoiser\.\*'"):
        set_trainable(tiny_model(), ["denoiser.*"])
