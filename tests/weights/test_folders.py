import json
import shutil

import pytest

from aa.errors import UserError
from aa.runs.layout import checkpoint_step, list_checkpoints
from aa.weights.folders import open_folder
from tests.weights.files import change_json, write_json


@pytest.mark.parametrize("release", ["torch_release", "paddle_release", "own_folder"])
def test_every_layout_describes_the_same_model(release, request, model):
    assert open_folder(request.getfixturevalue(release)).model == model.config


def test_the_home_of_the_paddle_release_is_as_good_as_its_folder(paddle_release):
    assert open_folder(paddle_release.parents[1]).path == paddle_release


def test_stored_positions_say_how_many_frames_there_are(torch_release):
    assert open_folder(torch_release).model.motion_max_frames == 8


def test_a_run_folder_is_its_newest_checkpoint(tmp_path, own_folder):
    for step in (9, 10):
        shutil.copytree(own_folder, tmp_path / "run" / "checkpoints" / f"step-{step:06d}")
    assert open_folder(tmp_path / "run").path.name == "step-000010"


def test_the_best_checkpoint_is_opened_by_its_link_and_is_not_the_newest(tmp_path, own_folder):
    checkpoints = tmp_path / "checkpoints"
    for step in (1, 2):
        shutil.copytree(own_folder, checkpoints / f"step-{step:06d}")
    (checkpoints / "best").symlink_to("step-000001")
    assert open_folder(checkpoints / "best").path.resolve().name == "step-000001"
    assert open_folder(tmp_path).path.name == "step-000002"
    assert [checkpoint_step(path) for path in list_checkpoints(tmp_path)] == [1, 2]


def test_unfinished_checkpoints_are_not_listed(tmp_path):
    for name in ("step-000002", "step-000010", ".step-000011.partial", "step-x"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert [checkpoint_step(path) for path in list_checkpoints(tmp_path)] == [2, 10]


def test_a_run_without_checkpoint_says_so(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(UserError, match="this run has no checkpoint yet"):
        open_folder(tmp_path)


def test_no_folder_points_to_the_download(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no such weights folder.*aa\.weights download"):
        open_folder(tmp_path / "nowhere")


def test_another_folder_says_what_it_holds(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(UserError, match=r"not a weights folder\. Found holiday\.jpg; wanted"):
        open_folder(tmp_path)


@pytest.mark.parametrize(
    "missing",
    [
        "motion_module.pth",
        "sd-vae-ft-mse/diffusion_pytorch_model.safetensors",
        "sd-vae-ft-mse/config.json",
        "image_encoder/config.json",
        "stable-diffusion-v1-5/unet/config.json",
    ],
)
def test_a_missing_file_of_a_release_is_named(torch_release, copy_of, missing):
    folder = copy_of(torch_release)
    (folder / missing).unlink()
    with pytest.raises(UserError, match=f"{missing}: missing"):
        open_folder(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"block_out_channels": "abc"}, ": block_out_channels"),
        ({"block_out_channels": None}, "has no block_out_channels"),
        ({"layers_per_block": "two"}, "layers_per_block.*two"),
        ({"attention_head_dim": [8, 8]}, "attention_heads.*8, 8"),
        ({"attention_head_dim": 3}, "must be multiples of model.attention_heads"),
        ({"cross_attention_dim": 5}, r"cross_attention_dim \(5\) must equal"),
        ({"down_block_types": 3}, "down_block_types is 3; wanted SD1.5's"),
        ({"down_block_types": ["DownBlock2D"] * 2}, "down_block_types is .*; wanted SD1.5's"),
    ],
)
def test_a_released_config_with_a_wrong_value_is_named(torch_release, copy_of, values, message):
    folder = copy_of(torch_release)
    file = change_json(folder / "stable-diffusion-v1-5" / "unet" / "config.json", **values)
    with pytest.raises(UserError, match=f"{file}.*{message}"):
        open_folder(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": "aa-9"}, "format aa-9, wanted aa-1"),
        ({"components": None}, "has no components"),
        ({"components": ["../vae"]}, r"components is \['../vae'\]; wanted some of"),
        ({"components": "vae"}, "components is vae"),
        ({"model": None}, "has no model"),
        ({"model": "abc"}, ""),
        ({"model": {"depth": 3}}, "depth"),
    ],
)
def test_our_config_with_a_wrong_value_is_named(own_folder, copy_of, values, message):
    folder = copy_of(own_folder)
    file = change_json(folder / "config.json", **values)
    with pytest.raises(UserError, match=f"{file}: .*{message}"):
        open_folder(folder)


@pytest.mark.parametrize("content", ["{", "[1]", '{"a": "\\ud800', "[" * 100_000])
def test_a_broken_json_is_named(own_folder, copy_of, content):
    folder = copy_of(own_folder)
    (folder / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"config\.json: (not JSON|wanted a JSON object)"):
        open_folder(folder)


def test_a_config_without_its_component_is_named(own_folder, copy_of):
    folder = copy_of(own_folder)
    (folder / "vae.safetensors").unlink()
    with pytest.raises(UserError, match=r"vae\.safetensors: missing"):
        open_folder(folder)


def test_clip_defaults_fill_what_a_config_leaves_out(torch_release, copy_of):
    folder = copy_of(torch_release)
    file = folder / "image_encoder" / "config.json"
    values = json.loads(file.read_text())
    del values["hidden_act"]
    write_json(file, values)
    assert open_folder(folder).model.image_encoder.hidden_act == "quick_gelu"
