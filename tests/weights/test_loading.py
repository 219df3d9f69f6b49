import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from aa.errors import UserError
from aa.weights.folders import open_folder
from aa.weights.reading.states import read_state
from tests.weights.conftest import assert_same, new_model
from tests.weights.files import write_torch


def load(folder, **options):
    from aa.weights.models import load_weights

    model = new_model()
    load_weights(model, open_folder(folder), **options)
    return model


def rewrite(file, change):
    """Read a torch file, change its state, write it back."""
    state = {key: array.copy() for key, array in read_state(file).items()}
    change(state)
    write_torch(file, state)


@pytest.mark.parametrize("release", ["torch_release", "paddle_release", "own_folder"])
def test_every_layout_loads_the_same_numbers(release, request, states):
    assert_same(load(request.getfixturevalue(release)), states)


def test_saved_weights_come_back_exactly(tmp_path, model, states):
    from aa.weights.models import load_model, save_weights

    save_weights(model, tmp_path / "saved")
    assert_same(load_model(tmp_path / "saved"), states)


def test_a_model_saved_without_motion_modules_loads_without_them(tmp_path):
    from aa.weights.models import load_model, save_weights

    save_weights(new_model(motion_modules=False), tmp_path / "stage1")
    assert not load_model(tmp_path / "stage1").has_motion


def test_a_linked_component_has_the_linked_numbers(tmp_path, model, own_folder):
    from aa.weights.models import save_weights

    save_weights(model, tmp_path / "next", linked={"vae": own_folder / "vae.safetensors"})
    linked = load_file(tmp_path / "next" / "vae.safetensors")
    np.testing.assert_equal(linked, load_file(own_folder / "vae.safetensors"))


def test_a_missing_key_is_named(torch_release, copy_of):
    folder = copy_of(torch_release)
    rewrite(folder / "pose_guider.pth", lambda state: state.pop("conv_in.bias"))
    with pytest.raises(UserError, match=r"pose_guider\.pth: 1 missing: conv_in\.bias\."):
        load(folder)


def test_an_unexpected_key_is_named(torch_release, copy_of):
    folder = copy_of(torch_release)
    extra = {"lora.up": np.zeros(1, np.float32)}
    rewrite(folder / "denoising_unet.pth", lambda state: state.update(extra))
    with pytest.raises(UserError, match=r"denoising_unet\.pth: 1 unexpected: lora\.up\."):
        load(folder)


def test_a_wrong_shape_is_named_with_the_right_one(torch_release, copy_of):
    folder = copy_of(torch_release)
    wrong = {"conv_in.bias": np.zeros(3, np.float32)}
    rewrite(folder / "reference_unet.pth", lambda state: state.update(wrong))
    with pytest.raises(UserError, match=r"1 misshaped: conv_in\.bias is \[3\], wanted \[8\]"):
        load(folder)


def test_only_five_of_many_keys_are_listed(torch_release, copy_of):
    folder = copy_of(torch_release)
    write_torch(folder / "pose_guider.pth", {"w": np.zeros(1, np.float32)})
    with pytest.raises(UserError, match=r"16 missing: (\S+, ){4}\S+ and 11 more; 1 unexpected"):
        load(folder)


def test_a_motion_module_that_is_not_there_is_an_error(tmp_path):
    from aa.weights.models import save_weights

    save_weights(new_model(motion_modules=False), tmp_path / "stage1")
    with pytest.raises(UserError, match="stage1: has no motion_module; found reference_unet"):
        load(tmp_path / "stage1")


def test_stored_positions_other_than_ours_are_refused(torch_release, copy_of):
    folder = copy_of(torch_release)

    def shift(state):
        key = next(k for k in state if k.endswith(".pe"))
        state[key] = state[key] + 0.1

    rewrite(folder / "motion_module.pth", shift)
    with pytest.raises(UserError, match=r"motion_module\.pth: .*pe is not the sinusoidal"):
        load(folder)


def test_stored_positions_of_an_unknown_block_are_unexpected(torch_release, copy_of):
    folder = copy_of(torch_release)
    extra = {"nowhere.pos_encoder.pe": np.zeros((1, 8, 8), np.float32)}
    rewrite(folder / "motion_module.pth", lambda state: state.update(extra))
    with pytest.raises(UserError, match=r"1 unexpected: nowhere\.pos_encoder\.pe"):
        load(folder)


def test_old_attention_names_of_the_vae_are_known(torch_release, copy_of, states):
    folder = copy_of(torch_release)
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    state = dict(states["vae"])
    for new, name in old.items():
        state = {
            k.replace(f"attentions.0.{new}.", f"attentions.0.{name}."): v for k, v in state.items()
        }
    assert set(state) != set(states["vae"])
    save_file(state, folder / "sd-vae-ft-mse" / "diffusion_pytorch_model.safetensors")
    assert_same(load(folder), states)


def test_a_weight_under_two_names_is_refused(torch_release, copy_of, states):
    folder = copy_of(torch_release)
    twice = {
        k.replace(".to_q.", ".query."): v
        for k, v in states["vae"].items()
        if k.endswith("attentions.0.to_q.weight")
    }
    file = folder / "sd-vae-ft-mse" / "diffusion_pytorch_model.safetensors"
    save_file(states["vae"] | twice, file)
    with pytest.raises(UserError, match=r"diffusion_pytorch_model.*is there a second time"):
        load(folder)


def test_the_reference_network_ignores_the_output_layers_of_sd15(start_folder, states):
    from aa.weights.loading import state_of

    ours = state_of("reference_unet", load(start_folder).reference_unet)
    assert "conv_out.weight" in states["denoising_unet"]
    assert not any(key.startswith("conv_out.") for key in ours)
    for key, array in ours.items():
        np.testing.assert_array_equal(array, states["denoising_unet"][key])


def test_a_controlnet_starts_the_pose_guider_with_a_zero_output_layer(start_folder, states):
    guider = load(start_folder).pose_guider
    assert not guider.conv_out.weight.numpy().any()
    np.testing.assert_array_equal(
        guider.conv_in.weight.numpy(), states["pose_guider"]["conv_in.weight"]
    )


def test_training_starts_without_controlnet_and_animatediff_where_they_are_optional(start_folder):
    (start_folder / "mm_sd_v15_v2.ckpt").unlink()
    (start_folder / "control_v11p_sd15_openpose" / "diffusion_pytorch_model.bin").unlink()
    (start_folder / "control_v11p_sd15_openpose").rmdir()
    guider = load(start_folder, optional=("pose_guider", "motion_module")).pose_guider
    assert not guider.conv_out.weight.numpy().any()
