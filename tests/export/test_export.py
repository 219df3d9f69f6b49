"""An exported folder: its script animates as the pipeline does, without Paddle."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from aa.config.export import ExportConfig
from aa.errors import UserError
from aa.export.animation import Animation
from aa.export.folder import export, write_export
from aa.export.run import ExportRun
from aa.export.steps import ddim_steps
from aa.inference import Pose2VideoPipeline
from aa.runs.snapshots import read_snapshot
from aa.runs.summary import read_run
from tests.commands import ROOT

SIZE, FRAMES, STEPS = 16, 6, 2
# Paddle and our code cannot be imported here: what runs is the folder alone.
ALONE = """
import sys
for name in ("paddle", "aa", "onnx", "openvino"):
    sys.modules[name] = None
import numpy as np
from PIL import Image
sys.path.insert(0, sys.argv[1])
import animate
pictures = [Image.fromarray(p) for p in np.load(sys.argv[2])]
np.save(sys.argv[3], animate.animate(pictures[0], pictures[1:], seed=7))
"""


def animation(**changes):
    given = {"height": SIZE, "width": SIZE, "frames": 4, "overlap": 1, "steps": STEPS}
    return Animation(**{**given, "guidance_scale": 3.5, **changes})


def random_pictures():
    return np.random.default_rng(0).integers(0, 256, [FRAMES + 1, SIZE, SIZE, 3], np.uint8)


def alone(folder, tmp_path, pictures):
    """What the script of a folder does with pictures: the process, and its frames' file."""
    np.save(tmp_path / "pictures.npy", pictures)
    files = [tmp_path / "pictures.npy", tmp_path / "frames.npy"]
    command = [sys.executable, "-c", ALONE, folder, *files]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path), files[1]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The export of a tiny model that knows no other test."""
    from aa.models.animate_anyone import AnimateAnyone
    from tests.conftest import fill, tiny_model_config

    model = AnimateAnyone(tiny_model_config())
    fill(model)
    folder = tmp_path_factory.mktemp("export")
    write_export(folder, model.eval(), animation())
    return model, folder


def check_same_video(folder, model, tmp_path):
    """Whether the script of a folder gives the pipeline's video of random pictures."""
    pictures = random_pictures()
    process, frames = alone(folder, tmp_path, pictures)
    assert process.returncode == 0, process.stderr
    options = {"num_inference_steps": STEPS, "guidance_scale": 3.5, "seed": 7}
    options |= {"context_frames": 4, "context_overlap": 1, "width": SIZE, "height": SIZE}
    person, *poses = map(Image.fromarray, pictures)
    expected = Pose2VideoPipeline(model)(person, poses, **options).videos[0].transpose(1, 2, 3, 0)
    np.testing.assert_allclose(np.load(frames), expected, atol=1e-4)


def test_the_script_alone_gives_the_pipelines_video(exported, tmp_path):
    pytest.importorskip("onnxruntime")
    model, folder = exported
    check_same_video(folder, model, tmp_path)


def test_guidance_that_a_model_has_learned_is_exported_in_one_pass(tmp_path):
    pytest.importorskip("onnxruntime")
    from aa.models.animate_anyone import AnimateAnyone
    from tests.conftest import fill, tiny_model_config

    model = AnimateAnyone(tiny_model_config(), guidance=True)
    fill(model)
    folder = tmp_path / "export"
    folder.mkdir()
    write_export(folder, model.eval(), animation())
    check_same_video(folder, model, tmp_path)


def test_a_damaged_folder_and_too_few_poses_are_one_line(exported, tmp_path):
    pytest.importorskip("onnxruntime")
    _, folder = exported
    process, _ = alone(folder, tmp_path, random_pictures()[:4])
    assert process.stderr == "error: 3 pose images; this export animates 4 or more.\n"
    data = folder / "decode.onnx.data"
    content = data.read_bytes()
    data.write_bytes(content[:-1])
    process, _ = alone(folder, tmp_path, random_pictures())
    data.write_bytes(content)
    assert process.returncode == 1
    assert process.stderr == (
        f"error: {data} is missing or damaged ({len(content)} bytes): export again.\n"
    )


def test_the_plan_says_what_is_called_with_what(exported):
    _, folder = exported
    plan = json.loads((folder / "export.json").read_text())
    assert [*plan["parts"]] == [
        *("encode_image", "encode", "encode_reference", "encode_pose", "denoise", "decode")
    ]
    assert plan["parts"]["denoise"]["inputs"]["latents"] == ["float32", 1, 4, 4, 2, 2]
    assert plan["files"] == {p.name: p.stat().st_size for p in folder.glob("*.onnx*")}


def test_the_files_are_onnx_as_its_checker_wants_it(exported):
    import onnx

    for path in exported[1].glob("*.onnx"):
        onnx.checker.check_model(str(path), full_check=True)


@pytest.mark.parametrize("prediction", ["v_prediction", "sample"])
def test_a_step_is_what_ddim_does(tiny_config, prediction):
    import paddle

    from aa.models.diffusion import Ddim

    tiny_config.prediction_type = prediction
    solver = Ddim(tiny_config.noise_schedule, prediction)
    solver.set_timesteps(3)
    latents, predicted = paddle.randn([1, 4, 2, 2, 2]), paddle.randn([1, 4, 2, 2, 2])
    for t, step in zip(solver.timesteps, ddim_steps(tiny_config, 3), strict=True):
        ours = step["latents"] * latents + step["prediction"] * predicted
        np.testing.assert_allclose(ours, solver.step(predicted, t, latents), atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"height": 12}, "height and width must be multiples of 8 for this model, got 12 x 16."),
        ({"frames": 9}, "context_frames is 9, but the motion modules reach 8 frames"),
    ],
)
def test_sizes_that_the_model_has_not_are_refused(tiny_model, tmp_path, changes, said):
    target, asked = tmp_path / "new", animation(**changes)
    with pytest.raises(UserError, match=said):
        ExportRun(tmp_path / "run", tiny_model(), target, asked, weights=[], config={}).run()
    assert not target.exists()


def test_a_folder_that_is_there_is_left_alone(tiny_model, tmp_path):
    with pytest.raises(UserError, match="exists already; choose a new folder"):
        export(tiny_model(), tmp_path, animation())


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    """Function (arguments) -> the finished process of the runner, in a folder with weights."""
    from aa.models.animate_anyone import AnimateAnyone
    from aa.weights.models import save_weights
    from tests.commands import run_here
    from tests.conftest import fill, tiny_model_config

    home = tmp_path_factory.mktemp("runner")
    model = AnimateAnyone(tiny_model_config())
    fill(model)
    save_weights(model, home / "weights")
    size = [f"height={SIZE}", f"width={SIZE}", "context_frames=4", "context_overlap=1"]

    def run(*arguments):
        return run_here(home, "export", *arguments)

    run.home = home
    run.first = run("weights=weights", "target=first", *size, "hydra.run.dir=outputs/run")
    return run


def test_an_export_is_a_run_with_a_snapshot_and_a_summary(runner):
    assert runner.first.returncode == 0, runner.first.stderr
    found = read_run(runner.home / "outputs/run")
    assert (found.kind, found.state, found.config["height"]) == ("export", "done", SIZE)
    snapshot = read_snapshot(runner.home / "outputs/run")
    assert "weights/config.json" in snapshot["data"]["files"]
    summary = json.loads((runner.home / "outputs/run/summary.json").read_text())
    assert sorted(summary["files"]) == sorted(p.name for p in (runner.home / "first").iterdir())


def test_a_rerun_of_an_export_writes_the_same_files_elsewhere(runner):
    again = runner("rerun=outputs/run", "target=second", "rerun_check=true")
    assert again.returncode == 0, again.stderr
    log = next((runner.home / "outputs").glob("*/*_export/export.log")).read_text()
    assert "identical to outputs/run: 14 files" in log


@pytest.mark.slow
def test_an_export_of_other_sampling_differs_from_the_one_it_repeats(runner):
    again = runner("rerun=outputs/run", "target=third", "rerun_check=true", "num_inference_steps=3")
    assert again.returncode == 1
    assert "differs from outputs/run: export.json changed." in again.stderr


def test_an_export_for_cuda_takes_float16_and_says_on_another_machine_what_is_missing(
    tiny_model, tmp_path
):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "export"
    folder.mkdir()
    write_export(folder, tiny_model(), animation(device="cuda", precision="float16"))
    plan = json.loads((folder / "export.json").read_text())
    assert plan["parts"]["denoise"]["inputs"]["latents"][0] == "float16"
    process, _ = alone(folder, tmp_path, random_pictures())
    assert process.stderr == (
        "error: this export is for CUDA, which this onnxruntime lacks: use onnxruntime-gpu.\n"
    )


def test_weights_that_are_given_the_references_pose_are_refused(tiny_model):
    with pytest.raises(UserError, match="weights that are given the reference's pose"):
        animation().check(tiny_model(reference_pose=True))


def test_float16_is_for_cuda():
    with pytest.raises(UserError, match="precision=float16 is for device=cuda"):
        ExportConfig(target="unused", height=SIZE, width=SIZE, precision="float16")


def test_the_page_shows_the_script():
    script = (ROOT / "aa" / "export" / "example.py").read_text()
    assert script in (ROOT / "docs" / "export.md").read_text()
    assert len(script.splitlines()) <= 64
