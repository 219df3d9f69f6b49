"""A user's mistake is one line on stderr and exit code 2, and paddle was not imported for it."""

import pytest

from tests.commands import one_line, run_light

UBC = "data/ubcNbili_data/meta_data/ubcNbili_meta.json"
RANDOM = ["model=parity", "data=puppets"]  # needs no file
OWN = ["data=folder", "stage.init_from=null"]  # needs data.folder
MANY = pytest.mark.parametrize


@pytest.fixture
def start(tmp_path):
    """Function (arguments of a runner) -> its result, where importing paddle is an error."""
    (tmp_path / "file").write_text("not a folder")

    def run(*arguments, runner="train", **environment):
        return run_light(tmp_path, runner, *arguments, **environment)

    return run


@MANY(
    ("arguments", "line"),
    [
        (["stage.max_stps=3"], "stage.max_stps: no such key; did you mean stage.max_steps?"),
        (["stage=3"], "stage=3: no such option; there are 1, 2, fewstep, guidance, lora, s"),
        (["stage=2", "model=parity"], "stage.init_from must be given: this model has no publish"),
        (["data.height=100"], "data.height must be a multiple of 8 (the VAE's stride), got 100;"),
        (["stage.max_steps"], "stage.max_steps: no value given; write stage.max_steps=<value>."),
        (["seed=b=c"], "seed=b=c: cannot be read as key=value;"),
        (["data.crop_scale=[1,1"], "data.crop_scale=[1,1: cannot be read as key=value;"),
        (
            ["experiment=smoke"],
            "experiment: not chosen yet, so it needs a plus: +experiment=smoke.",
        ),
        (
            ["--max_train_steps", "3"],
            "--max_train_steps: no such option; keys are set as key=value",
        ),
        (["data.generate.num_clips=3"], "a key is set inside a group that is null here;"),
        (["hardware.sharding=${name}"], "hardware.sharding is a group of keys: choose hardware/sh"),
        (
            ["sweep=${hardware}"],
            "sweep is a group of keys: set sweep.<key>=<value>; got ${hardware},",
        ),
        (["next_stage={x: 1}"], "next_stage: a key that it has not; its keys are trainable, "),
        (["hardware.nodes=${nope}"], "hardware.nodes: Interpolation key 'nope' not found"),
        (["-m", "sweep=???"], "sweep is a group of keys: set sweep.<key>=<value>; got ???."),
        (["-m", "validation=${name}"], "validation is a group of keys: set validation.<key>="),
        (["hydra.run.dir=file/run"], "file/run: Not a directory; if no run folder"),
        (["hydra.run.dir=/proc/run"], "/proc/run: "),
        (["--config-name", "trane"], "Cannot find primary config 'trane'."),
    ],
)
def test_a_mistake_is_one_line(arguments, line, start):
    assert one_line(start(*arguments)).startswith(line)


@MANY(
    ("arguments", "line"),
    [
        (["stage.init_from=null"], f"data.manifest={UBC}: no such file;"),
        (["stage.init_from=null", "data.manifest=mine.json"], "data.manifest=mine.json: no such f"),
        ([*OWN, "data.folder=none"], "data.folder=none: no such folder;"),
        ([*OWN, "data.folder=2024_06"], "data.folder=2024_06: no such folder;"),
        ([*RANDOM, "stage.init_from='a,b'"], "stage.init_from=a,b: no such folder;"),
        (["data=puppets", "stage.init_from=none"], "stage.init_from=none: no such folder;"),
        ([*RANDOM, "stage.motion_init_from=none"], "stage.motion_init_from=none: no such file;"),
    ],
)
def test_a_missing_input_of_training_is_found_before_paddle_loads(arguments, line, start):
    assert one_line(start(*arguments)).startswith(line)


def test_missing_base_weights_name_the_download_and_the_way_without(start):
    line = one_line(start("data=puppets"))
    assert line.startswith("model.base_weights=pretrained")
    assert "`python -m aa.weights download " in line
    assert "model.base_weights=null starts at random" in line


@MANY(
    ("arguments", "line"),
    [
        ([], "give reference=<image> and pose=<poses> or driving=<video>, or +cases=<yaml"),
        (["reference=file", "pose=file"], "weights=pretrained_weights: no such folder;"),
        (["weights=none", "reference=file", "pose=file"], "weights=none: no such folder;"),
        (["weights=.", "reference=none", "pose=file"], "reference=none: no such file;"),
        (["weights=.", "reference=file", "pose=none"], "pose=none: no such file;"),
        (["weights=.", "+cases=file"], "cases=file: wanted a mapping of pictures"),
    ],
)
def test_a_missing_input_of_inference_is_found_before_paddle_loads(arguments, line, start):
    assert one_line(start(*arguments, runner="infer")).startswith(line)


def test_a_machine_without_the_gpu_that_is_asked_for_is_named_at_once(start):
    line = one_line(start(*RANDOM, "stage=1", "hardware=v100"))
    assert line.startswith("hardware: this group asks for a GPU and this machine shows none")


def test_all_that_the_command_on_the_card_lacks_is_one_message_with_what_brings_it(start):
    line = one_line(start("stage=2", "hardware=v100"))
    assert line.startswith("4 things are missing: (1) hardware: this group asks for a GPU")
    assert f"(2) data.manifest={UBC}: no such file; `python -m aa.data download` fetches" in line
    assert "(3) model.released_weights=pretrained_weights: no such folder; `python -m aa.w" in line
    assert "(4) stage.motion_init_from=pretrained_weights/mm_sd_v15_v2.ckpt: no such file; " in line
    assert "`python -m aa.weights download --only motion` fetches the published ones" in line
    assert "plan=true says" in line


def test_what_the_next_stage_lacks_is_said_before_the_first_trains(start):
    both = ["+stage@next_stage=2", "next_stage.init_from=null", "data=puppets"]
    line = one_line(start(*both, "stage.init_from=null"))
    assert line.startswith("next_stage.motion_init_from=pretrained_weights/mm_sd_v15_v2.ckpt: no s")


def test_a_command_that_brings_things_elsewhere_says_where(start):
    line = one_line(start("data.manifest=/sets/" + UBC.removeprefix("data/"), "stage=1"))
    assert "`python -m aa.data download --to /sets` fetches" in line
    assert "`python -m aa.weights download --only start --to pretrained_start` fetches" in line


def test_all_that_an_animation_lacks_is_one_message(start):
    line = one_line(start("reference=none.png", "pose=none.mp4", runner="infer"))
    assert line.startswith("3 things are missing: (1) weights=pretrained_weights: no such folder;")


def test_a_failing_job_of_a_sweep_is_one_line_and_the_next_job_still_runs(start):
    result = start("-m", *RANDOM, "stage=1,2", "stage.max_steps=0")
    first, second = result.stderr.splitlines()
    assert first == "error: 0_stage-1: stage.max_steps must be more than 0, got 0."
    assert second == "error: 1_stage-2: stage.max_steps must be more than 0, got 0."
    assert result.returncode == 2


def test_the_folders_of_a_sweep_are_those_that_were_typed(start):
    result = start("-m", *OWN, "data.folder=2024_06,2024_07")
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: 0_data.folder-2024_06: data.folder=2024_06: no such folder;")
    assert lines[1].startswith("error: 1_data.folder-2024_07: data.folder=2024_07: no such folder;")


def test_an_overlay_of_another_package_is_told_its_first_line(start, tmp_path):
    overlays = tmp_path / "mine" / "experiment"
    overlays.mkdir(parents=True)
    (overlays / "quick.yaml").write_text("defaults: [override /model: parity]")
    line = one_line(start("--config-dir=mine", "+experiment=quick"))
    assert line.startswith("experiment/quick.yaml: has no package,")
    (overlays / "quick.yaml").write_text("# @package _global_\ndefaults: [override /model: parity]")
    assert "no such file" in one_line(start("--config-dir=mine", "+experiment=quick"))


@MANY(
    ("text", "line"),
    [
        (
            "hardware: ${name}",
            "experiment/mine.yaml: hardware is a group of keys: choose hardware=",
        ),
        ("hydra: {run: 5}", "experiment/mine.yaml: hydra.run is a group of keys: set hydra.run.<"),
        (
            "defaults: [/stage: 2]",
            "a defaults list of a yaml file: an option must be a text, got a in",
        ),
    ],
)
def test_a_mistake_in_a_yaml_file_is_one_line(text, line, start, tmp_path):
    overlays = tmp_path / "mine" / "experiment"
    overlays.mkdir(parents=True)
    (overlays / "mine.yaml").write_text(f"# @package _global_\n{text}\n")
    assert one_line(start("--config-dir=mine", *RANDOM, "+experiment=mine")).startswith(line)


@MANY("option", ["disabled", "none", "stdout"])
def test_hydras_own_logging_may_be_chosen(start, tmp_path, option):
    choice = f"hydra/job_logging={option}"
    line = one_line(start(*OWN, "data.folder=none", choice, "hydra.run.dir=2024_06"))
    assert line.startswith("data.folder=none: no such folder;")
    assert not (tmp_path / "2024_06" / "train.log").exists()
    assert (tmp_path / "2024_06" / "outcome.json").exists()


def test_a_typo_in_a_sweep_stops_it_before_the_first_job(start):
    line = one_line(start("-m", *RANDOM, "stage=1,2", "stage.max_stps=0"))
    assert line == "stage.max_stps: no such key; did you mean stage.max_steps?"


def test_what_stopped_a_run_is_in_its_log(start, tmp_path):
    line = one_line(start(*RANDOM, "stage.max_steps=0", "hydra.run.dir=run"))
    assert line in (tmp_path / "run" / "train.log").read_text()


def test_the_whole_traceback_is_shown_on_request(start):
    result = start("stage.max_stps=3", HYDRA_FULL_ERROR="1")
    assert "Traceback" in result.stderr
    assert result.returncode == 1


def test_a_bug_is_no_users_mistake(start):
    result = start(*RANDOM)
    assert result.returncode == 1
    assert "RuntimeError: too early" in result.stderr


def test_processes_started_by_hand_are_asked_for_one_run_folder(start):
    line = one_line(start(*RANDOM, PADDLE_TRAINERS_NUM="2", PADDLE_TRAINER_ID="1"))
    assert line.startswith("2 processes need one run folder: add hydra.run.dir=<folder>")


@MANY(
    ("arguments", "text"),
    [
        (["--cfg", "job", "stage=2"], "num_frames: 24"),
        (["stage=1", "--cfg", "job", "seed=7"], "seed: 7"),
        (["--help"], "hardware: a100, cpu, h100, v100"),
        (["--hydra-help"], "--multirun"),
    ],
)
def test_questions_are_answered_without_paddle_and_leave_no_folder(
    arguments, text, start, tmp_path
):
    result = start(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert text in result.stdout
    assert not (tmp_path / "outputs").exists()


def test_the_shell_completes_keys_and_options(start):
    asked = "python train.py stage="
    result = start("-sc", "query=bash", COMP_LINE=asked, COMP_POINT=str(len(asked)))
    assert result.stdout.split() == [
        f"stage={name}" for name in ("1", "2", "fewstep", "guidance", "lora", "stream")
    ]
