import runpy
import subprocess
import sys

import numpy as np
import pytest

from aa.errors import UserError
from tests.weights.conftest import assert_same, new_model
from tests.weights.files import cut_short


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def command_line(monkeypatch, capsys):
    """Function (arguments) -> what `python -m aa.weights` prints, and its exit code; it runs here.

    In this process paddle is imported already, which takes longer than all else.
    """

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["aa.weights", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            runpy.run_module("aa.weights", run_name="__main__")
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("release", ["torch_release", "paddle_release", "own_folder"])
def test_converted_weights_load_strictly(release, request, tmp_path, states):
    from aa.weights.convert import convert
    from aa.weights.models import load_model

    convert(request.getfixturevalue(release), tmp_path / "ours")
    assert_same(load_model(tmp_path / "ours"), states)


def test_weights_rounded_to_float16_are_half_as_large_and_load(own_folder, tmp_path, states):
    from aa.weights.convert import convert
    from aa.weights.models import load_model

    convert(own_folder, tmp_path / "half", float16=True)
    sizes = [
        sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        for folder in (own_folder, tmp_path / "half")
    ]
    assert 0.45 < sizes[1] / sizes[0] < 0.6
    rounded = {
        name: {key: array.astype(np.float16).astype(np.float32) for key, array in state.items()}
        for name, state in states.items()
    }
    assert_same(load_model(tmp_path / "half"), rounded)


def test_the_source_of_a_conversion_stays_as_it_was(torch_release, tmp_path):
    from aa.weights.convert import convert

    before = contents(torch_release)
    convert(torch_release, tmp_path / "ours")
    assert contents(torch_release) == before


def test_a_conversion_that_fails_leaves_nothing_behind(torch_release, copy_of, tmp_path):
    from aa.weights.convert import convert

    folder = copy_of(torch_release)
    cut_short(folder / "image_encoder" / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"pytorch_model\.bin: not readable"):
        convert(folder, tmp_path / "out" / "ours")
    assert not list((tmp_path / "out").iterdir())


def test_a_conversion_does_not_write_over_a_folder(torch_release, tmp_path):
    from aa.weights.convert import convert

    with pytest.raises(UserError, match="exists already; give a new folder"):
        convert(torch_release, tmp_path)


def test_a_conversion_does_not_write_into_its_source(torch_release):
    from aa.weights.convert import convert

    with pytest.raises(UserError, match="which stays as it is; give a folder outside"):
        convert(torch_release, torch_release / "ours")


def test_what_training_starts_from_is_not_converted(start_folder, tmp_path):
    from aa.weights.convert import convert

    with pytest.raises(UserError, match=r"give it to stage\.init_from as it is"):
        convert(start_folder, tmp_path / "ours")


def test_inspecting_a_whole_folder_gives_every_component(torch_release, states):
    from aa.weights.convert import inspect

    _, components = inspect(torch_release)
    assert {c.name: c.keys for c in components} == {k: len(v) for k, v in states.items()}


def test_inspecting_a_start_folder_leaves_out_what_starts_new(start_folder):
    from aa.weights.convert import inspect

    (start_folder / "mm_sd_v15_v2.ckpt").unlink()
    assert "motion_module" not in [c.name for c in inspect(start_folder)[1]]


def test_inspecting_a_truncated_folder_names_the_file(torch_release, copy_of):
    from aa.weights.convert import inspect

    folder = copy_of(torch_release)
    cut_short(folder / "reference_unet.pth")
    with pytest.raises(UserError, match=r"reference_unet\.pth: not readable .* truncated"):
        inspect(folder)


def test_the_command_line_converts(command_line, own_folder, tmp_path):
    code, out, _ = command_line("convert", own_folder, tmp_path / "ours")
    assert code == 0
    assert "pose_guider     pose_guider.safetensors" in out


@pytest.mark.slow
def test_the_command_line_converts_and_says_nothing_else(torch_release, tmp_path):
    command = [sys.executable, "-m", "aa.weights", "convert", torch_release, tmp_path / "ours"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")  # of the libraries that it imports neither
    assert "pose_guider     pose_guider.pth" in done.stdout


def test_the_command_line_inspects(command_line, own_folder):
    code, out, err = command_line("inspect", own_folder)
    assert (code, err) == (0, "")
    assert "channels 8-16, 1 layers per block, 2 heads, cross-attention width 8" in out
    assert "motion modules: 2 heads, at most 8 frames" in out
    assert out.endswith("complete\n")


def test_the_command_line_tells_a_stage_1_folder(command_line, tmp_path):
    from aa.weights.models import save_weights

    save_weights(new_model(motion_modules=False), tmp_path / "stage1")
    assert "motion modules: none" in command_line("inspect", tmp_path / "stage1")[1]


def test_on_the_command_line_an_error_is_one_line(command_line, tmp_path):
    code, out, err = command_line("inspect", tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {tmp_path}: not a weights folder.")
