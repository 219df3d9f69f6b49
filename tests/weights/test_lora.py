"""Adapters on disk: apart from the weights, merged when they are loaded."""

import logging

import numpy as np
import pytest
from safetensors.numpy import load_file

from aa.errors import UserError
from aa.weights.folders import open_folder, weights_files
from aa.weights.tables import LORA
from tests.weights.conftest import assert_same, new_model

PROJECTION = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"


@pytest.fixture(scope="module")
def adapted(states, tmp_path_factory):
    """A folder of the weights of `states` with adapters beside them."""
    from aa.models.lora import adapters
    from aa.training.trainable import set_adapters
    from aa.weights.loading import load_state
    from aa.weights.models import component_layers, save_weights

    model, rng = new_model(), np.random.default_rng(2)
    for name, layer in component_layers(model).items():
        load_state(name, layer, states[name], source="states")
    set_adapters(model, ["denoising_unet.*", "reference_unet.*"], 2)
    for _, parameter in adapters(model):
        parameter.set_value(rng.normal(0, 0.2, parameter.shape).astype("float32"))
    folder = tmp_path_factory.mktemp("lora") / "adapted"
    save_weights(model, folder)
    return folder


def expected(states, arrays):
    """The states with these adapters merged in, by hand."""
    result = {name: dict(state) for name, state in states.items()}
    for key in [k for k in arrays if ".lora_A." in k]:
        component, _, layer = key.removesuffix(".lora_A.weight").partition(".")
        both = arrays[key.replace("lora_A", "lora_B")] @ arrays[key]
        result[component][f"{layer}.weight"] = result[component][f"{layer}.weight"] + both
    return result


def test_the_components_beside_adapters_are_as_they_were(adapted, states):
    for name, state in states.items():
        for key, array in load_file(adapted / f"{name}.safetensors").items():
            np.testing.assert_array_equal(array, state[key])


def test_keys_and_shapes_are_the_usual_ones(adapted):
    arrays = load_file(adapted / LORA)
    assert arrays[f"denoising_unet.{PROJECTION}.lora_A.weight"].shape == (2, 8)
    assert arrays[f"denoising_unet.{PROJECTION}.lora_B.weight"].shape == (8, 2)
    assert {key.split(".")[0] for key in arrays} == {
        "denoising_unet",
        "reference_unet",
        "motion_module",
    }


def test_a_folder_with_adapters_loads_merged(adapted, states):
    from aa.weights.models import load_model

    assert_same(load_model(adapted), expected(states, load_file(adapted / LORA)))


def test_adapters_are_merged_into_other_weights_of_these_sizes(adapted, own_folder, states):
    from aa.weights.models import load_model

    found = load_model(own_folder, lora=adapted / LORA)
    assert_same(found, expected(states, load_file(adapted / LORA)))


def test_converted_weights_are_merged(adapted, states, tmp_path):
    from aa.weights.convert import convert
    from aa.weights.models import load_model

    convert(adapted, tmp_path / "merged")
    assert not (tmp_path / "merged" / LORA).exists()
    assert_same(load_model(tmp_path / "merged"), expected(states, load_file(adapted / LORA)))


def test_the_file_of_adapters_is_one_of_the_weights_files(adapted):
    assert adapted / LORA in weights_files(open_folder(adapted))


def test_weights_that_adapters_were_not_trained_on_are_a_warning(
    adapted, own_folder, copy_of, caplog
):
    from safetensors.numpy import save_file

    from aa.weights.models import load_model

    other = copy_of(own_folder)
    state = load_file(other / "denoising_unet.safetensors")
    save_file(
        {k: v + np.float32(1e-3) for k, v in state.items()}, other / "denoising_unet.safetensors"
    )
    with caplog.at_level(logging.WARNING):
        load_model(other, lora=adapted)
    lines = [r.getMessage() for r in caplog.records if "were trained on other weights" in r.message]
    assert len(lines) == 1
    assert "adapters of denoising_unet" in lines[0]


def test_weights_without_adapters_are_no_file_of_some(own_folder):
    from aa.weights.models import load_model

    with pytest.raises(UserError, match=r"has no lora\.safetensors"):
        load_model(own_folder, lora=own_folder)
