"""Adapters on the attentions' projections, inside the model."""

import numpy as np
import paddle
import pytest

from aa.errors import UserError
from aa.models.animate_anyone import AnimateAnyone
from aa.models.lora import adapters, projections
from aa.training.trainable import set_adapters
from tests.conftest import fill, tiny_model_config
from tests.models.test_compact import batch, compact_config

BOTH = ["denoising_unet.*", "reference_unet.*"]


def build(kind):
    model = AnimateAnyone({"full": tiny_model_config, "compact": compact_config}[kind]())
    fill(model)
    return model


def loss(model, tiny_batch, kind):
    model.eval()
    with paddle.no_grad():
        return float(model(**(tiny_batch(2) if kind == "full" else batch(2, 400))))


def merge(model):
    """The model without adapters whose weights have them merged in."""
    for layer in projections(model).values():
        if layer.lora_A is not None and layer.lora_B is not None:
            both = layer.lora_A.weight @ layer.lora_B.weight
            layer.weight.set_value(layer.weight + both)
            layer.lora_A = layer.lora_B = None


@pytest.mark.parametrize("kind", ["full", "compact"])
def test_new_adapters_change_nothing(tiny_batch, kind):
    model = build(kind)
    before = loss(model, tiny_batch, kind)
    set_adapters(model, BOTH, 2)
    assert loss(model, tiny_batch, kind) == before


@pytest.mark.parametrize("kind", ["full", "compact"])
def test_merged_weights_give_what_weights_and_adapters_give(tiny_batch, kind):
    model = build(kind)
    plain = loss(model, tiny_batch, kind)
    set_adapters(model, BOTH, 2)
    rng = np.random.default_rng(1)
    for _, parameter in adapters(model):
        parameter.set_value(rng.normal(0, 0.5, parameter.shape).astype("float32"))
    adapted = loss(model, tiny_batch, kind)
    merge(model)
    assert loss(model, tiny_batch, kind) == pytest.approx(adapted, rel=1e-5)
    assert adapted != pytest.approx(plain, rel=1e-4)


def test_only_adapters_train_on_what_matches():
    names = set_adapters(build("full"), ["denoising_unet.*.motion_modules.*"], 2)
    assert all(".motion_modules." in n and n.endswith(".weight") and ".lora_" in n for n in names)
    assert {n.rsplit(".", 3)[-3] for n in names} == {"to_q", "to_k", "to_v", "0"}  # to_out.0


def test_what_cannot_change_the_result_gets_no_adapter():
    names = set_adapters(build("full"), BOTH, 2)
    assert not [n for n in names if ".attn2.to_q." in n or ".attn2.to_k." in n]


def test_a_rank_wider_than_a_layer_is_refused():
    with pytest.raises(UserError, match=r"stage\.lora_rank=9: .* is 8 wide; choose 8 or less"):
        set_adapters(build("full"), BOTH, 9)


def test_patterns_without_an_attention_are_refused():
    with pytest.raises(UserError, match="matches no projection of an attention"):
        set_adapters(build("full"), ["pose_guider.*"], 2)
