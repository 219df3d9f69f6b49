"""Every yaml composes and says how it is used; every bad value is refused by name."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.errors import ConfigCompositionException

from aa.cli.resolvers import register_schemas
from aa.config.convert import model_from_dict, to_config
from aa.config.explain import explain
from aa.config.hardware import HardwareConfig
from aa.config.overrides import GROUPS
from aa.config.primary import TrainConfig
from aa.errors import UserError

CONF = Path(__file__).parents[2] / "conf"
YAMLS = sorted(CONF.rglob("*.yaml"))
QUICK = ["model=parity", "data=puppets"]
PAIR = ["weights=w", "reference=r.png", "pose=p.mp4"]
NEEDED = {
    "train": [],
    "infer": PAIR,
    "evaluate": ["generated=g", "truth=t"],
    "prepare": ["source=s", "target=t"],
    "export": ["target=t", "height=8", "width=8"],
    "app": [],
}


def name_of(file):
    return file.relative_to(CONF).with_suffix("").as_posix()


def header(file):
    """{"Purpose": text, "Command": text, "Expected": text} of a yaml's first comment."""
    fields, current = {}, None
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            break
        match = re.match(r"# (Purpose|Command|Expected): +(.+)", line)
        if match:
            current = match[1]
            fields[current] = match[2]
        elif current:
            fields[current] += " " + line[1:].strip()
    return fields


def commands(file):
    """(primary config, overrides) of each command in a header; <placeholders> become words."""
    text = re.sub(r"<(->|[^>])*>", "word", header(file)["Command"])
    for command in text.split("python ")[1:]:
        runner, *overrides = shlex.split(command)
        yield Path(runner).stem, [word for word in overrides if word != "-m"]


def refused(compose, *overrides, name="train"):
    """The line that a user reads."""
    with pytest.raises(Exception) as caught:
        compose(name, [*(QUICK if name == "train" else NEEDED[name]), *overrides])
    return explain(caught.value, TrainConfig)


def required(group):
    """Values that a group leaves to the user."""
    needs = {"data=folder": ["data.folder=clips"]}
    return [group, *needs.get(group, [])]


@pytest.mark.parametrize("file", [f for f in YAMLS if name_of(f) != "base"], ids=name_of)
def test_every_yaml_composes_and_passes_all_checks(file, compose):
    group, _, option = name_of(file).rpartition("/")
    if not group:
        compose(option, NEEDED[option])
    elif group == "experiment":
        compose("train", [f"+experiment={option}"])
    else:
        gpu = ["hardware.device=gpu"] if group == "hardware/sharding" else []
        runner = "infer" if group == "poses" else "train"
        needed = NEEDED["infer"] if group == "poses" else []
        compose(runner, [*needed, *required(f"{group}={option}"), *gpu])


@pytest.mark.parametrize("file", YAMLS, ids=name_of)
def test_every_yaml_opens_with_purpose_command_and_expected(file):
    assert list(header(file)) == ["Purpose", "Command", "Expected"]


@pytest.mark.parametrize("file", YAMLS, ids=name_of)
def test_the_commands_in_a_header_compose(file, compose):
    found = list(commands(file))
    assert found
    for name, overrides in found:
        compose(name, overrides)


def test_the_groups_are_the_folders_of_conf():
    found = {file.parent.relative_to(CONF).as_posix() for file in YAMLS}
    assert found == {".", "hydra/job_logging", *GROUPS}


@pytest.mark.parametrize(
    ("group", "content", "key"),
    [
        ("stage", "max_stps: 3", "stage.max_stps"),
        ("data", "generate: {num_cips: 3}", "data.generate.num_cips"),
        ("experiment", "# @package _global_\nstge: {max_steps: 3}", "stge"),
    ],
)
def test_a_key_in_a_yaml_that_no_schema_knows_is_refused(group, content, key, tmp_path):
    (tmp_path / group).mkdir()
    (tmp_path / group / "mine.yaml").write_text(content)
    plus = "+" if group == "experiment" else ""
    overrides = [f"hydra.searchpath=[file://{tmp_path}]", f"{plus}{group}=mine"]
    register_schemas()
    with (
        initialize_config_dir(str(CONF), version_base="1.3"),
        pytest.raises(ConfigCompositionException) as caught,
    ):
        to_config(hydra_compose("train", overrides))
    line = explain(caught.value, TrainConfig)
    assert line.startswith(f"{group}/mine.yaml: {key}: no such key; did you mean")


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("stage.max_stps=3", "stage.max_steps"),
        ("stge=2", "stage"),
        ("max_steps=3", "stage.max_steps or next_stage.max_steps"),
        ("stage.height=64", "data.height or inference.height"),
        ("hardware/shardin=stage1", "hardware/sharding"),
        ("hydra.rum.dir=x", "hydra.run"),
        ("+stage.max_stps=3", "stage.max_steps"),
        ("++data.higth=64", "data.height"),
        ("+experimnt=smoke", "+experiment"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(override, nearest, compose):
    key = override.lstrip("+").split("=")[0]
    line = refused(compose, override)
    assert line.endswith(f"no such key; did you mean {nearest}?")
    assert line.startswith(key.rpartition(".")[0])


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("stage.max_steps=abc", "stage.max_steps must be a whole number, got 'abc'."),
        ("stage.max_steps=1.5", "stage.max_steps must be a whole number, got '1.5'."),
        ("stage.max_steps=null", "stage.max_steps must be given, it cannot be null."),
        ("stage.learning_rate=fast", "stage.learning_rate must be a number, got 'fast'."),
        ("data.skip_bad=maybe", "data.skip_bad must be true or false, got 'maybe'."),
        ("data.crop_scale=1", "data.crop_scale must be a list like [a,b], got a single int."),
        ("hardware.sharding=stage1", "hardware.sharding is a group of keys: choose hardware/"),
    ],
)
def test_a_value_of_the_wrong_type_says_what_is_wanted(override, line, compose):
    assert refused(compose, override).startswith(line)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("stage.max_steps=0", "stage.max_steps must be more than 0, got 0."),
        ("stage.max_steps=-3", "stage.max_steps must be more than 0, got -3."),
        ("stage.learning_rate=nan", "stage.learning_rate must be more than 0, got nan."),
        ("stage.learning_rate=inf", "stage.learning_rate must be more than 0, got inf."),
        ("stage.warmup_steps=-1", "stage.warmup_steps must not be negative, got -1."),
        ("stage.uncond_ratio=1.1", "stage.uncond_ratio must be between 0 and 1, got 1.1."),
        (
            "stage.ema_decay=2",
            "stage.ema_decay must be more than 0 and at most 1, or null, got 2.0",
        ),
        ("stage.snr_gamma=0", "stage.snr_gamma must be more than 0 or null, got 0.0."),
        ("stage.lr_scheduler=cosin", "stage.lr_scheduler must be one of constant, "),
        (
            "data.height=33",
            "data.height must be a multiple of 8 (the VAE's stride), got 33; try 32.",
        ),
        ("data.width=0", "data.width must be a multiple of 8 (the VAE's stride), got 0; try 8."),
        ("data.fit=stretch", "data.fit must be one of pad, crop, got stretch."),
        ("data.crop_scale=[0.5]", "data.crop_scale must be [low, high] within (0, 1], got [0.5]."),
        ("data.folder=x", "data needs exactly one of data.manifest=<json>, "),
        ("seed=-1", "seed must be between 0 and 4294967295, got -1."),
        ("hardware.precision=float16", "hardware.precision=float16 needs a GPU"),
        ("hardware/sharding=stage2", "hardware/sharding=stage2 needs GPUs"),
        ("hardware.devices=0", "hardware.devices must be more than 0, got 0."),
        ("model.attention_heads=5", "model.block_out_channels must be multiples of model.att"),
        ("model.norm_num_groups=0", "model.norm_num_groups must be more than 0, got 0."),
        ("model.cross_attention_dim=64", "model.cross_attention_dim (64) must equal"),
        ("model.vae.block_out_channels=[32]", "model.vae.block_out_channels must have 4 entries"),
        ("model.noise_schedule.beta_end=2", "model.noise_schedule.beta_end must be between"),
        ("inference.context_overlap=16", "inference.context_overlap (16) must be less than"),
        ("inference.cache=all", "inference.cache must be one of none, deep, got all."),
        ("inference.cache_every=0", "inference.cache_every must be more than 0, got 0."),
    ],
)
def test_an_impossible_value_says_what_is_possible(override, line, compose):
    assert refused(compose, override).startswith(line)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("data=puppet", "data=puppet: no such option; there are folder, puppets, ubcnbili."),
        ("stage=1.5", "stage=1.5: no such option; there are 1, 2, fewstep, guidance, lora, s"),
        ("stage=[1,2]", "stage=[1,2]: choose one; `-m stage=a,b` runs one after the other."),
        ("data.height=32,64", "data.height=32,64: several values; add -m to sweep over them, or"),
        ("+seed=3", "seed: is there already; leave the plus away: seed=<value>."),
        ("~sed", "nothing to delete: 'sed' does not exist."),
        ("seed={a:1", "seed={a:1: cannot be read as key=value;"),
        ("seed='a", "seed='a: cannot be read as key=value;"),
        ("seed=a(b)", "seed=a(b): Unknown function 'a'; quote a text with brackets:"),
        (
            "stage.max_steps=${data.hight}",
            "stage.max_steps: Interpolation key 'data.hight' not fou",
        ),
    ],
)
def test_an_override_that_hydra_refuses_is_one_line_in_plain_words(override, line, compose):
    assert refused(compose, override).startswith(line)


def test_several_devices_are_for_training(compose):
    line = refused(compose, "hardware.devices=2", name="infer")
    assert line.startswith("hardware.devices must be 1 to animate, got 2;")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("metrics=[psnr,fid]", "metrics must be null or a list of some of psnr, "),
        ("metrics=[psnr,psnr]", "metrics must be null or a list of some of psnr, "),
        ("metrics=[]", "metrics must be null or a list of some of psnr, "),
        ("metrics=psnr", "metrics must be a list like [a,b], got a single "),
        ("metrics=[psnr_figure]", "psnr_figure: needs masks=<folder of videos, white is the "),
        ("fit=stretch", "fit must be pad, crop or null, got stretch."),
    ],
)
def test_a_measurement_that_cannot_be_says_what_can(override, line, compose):
    assert refused(compose, override, name="evaluate").startswith(line)


def test_clips_longer_than_the_motion_modules_reach_are_refused(compose):
    line = refused(compose, "stage=2", "stage.init_from=null", "stage.num_frames=33")
    assert line == "stage.num_frames (33) must be at most model.motion_max_frames (32)."


@pytest.mark.parametrize(
    ("trainable", "lora_rank", "trains"),
    [
        ("[reference_unet.*]", 0, True),
        ("[reference_unet.*]", 4, False),
        ("[reference_unet.*,'!*.pose_proj.bias']", 0, True),
        ("[reference_unet.*,'!reference_unet.pose_proj.*']", 0, False),
        ("[denoising_unet.*]", 0, False),
    ],
)
def test_a_next_stage_that_adds_the_references_pose_must_train_its_projection(
    compose, trainable, lora_rank, trains
):
    given = ["+experiment=puppets", "next_stage.reference_pose=true"]
    given += [f"next_stage.trainable={trainable}", f"next_stage.lora_rank={lora_rank}"]
    if trains:
        assert compose("train", given).next_stage.reference_pose
    else:
        assert refused(compose, *given).startswith("next_stage.reference_pose=true adds a project")


def test_a_next_stage_is_checked_as_the_first_is(compose):
    line = refused(compose, "+experiment=puppets", "next_stage.num_frames=33")
    assert line == "next_stage.num_frames (33) must be at most model.motion_max_frames (32)."


def test_a_sample_that_would_stop_a_long_training_is_refused_before_it(compose):
    line = refused(compose, "stage.sample_steps=500", "inference.num_frames=null")
    assert line.startswith("inference.num_frames must be given")


@pytest.mark.parametrize(
    ("name", "overrides", "key"),
    [
        ("train", ["stage.max_steps=???"], "stage.max_steps"),
        ("infer", ["weights=???"], "weights"),
    ],
)
def test_a_missing_value_is_asked_for_by_name(name, overrides, key, compose):
    assert refused(compose, *overrides, name=name).startswith(f"{key} must be given: add {key}=")


def test_clips_are_asked_for_by_the_keys_that_name_them(compose):
    line = refused(compose, "data=folder")
    assert line.startswith("data needs exactly one of data.manifest=<json>, data.folder=<folder> ")
    assert line.endswith("got none of them.")


@pytest.mark.parametrize(
    "overrides", [["pose=null"], ["reference=null", "pose=null"], ["+cases=cases.yaml"]]
)
def test_what_to_animate_is_one_pair_or_a_cases_file(overrides, compose):
    line = refused(compose, *overrides, name="infer")
    start = "give reference=<image> and pose=<poses> or driving=<video>, or +cases=<yaml file>;"
    assert line.startswith(f"{start} got ")


def test_a_key_below_a_group_that_is_null_names_the_remedy(compose):
    line = refused(compose, "data=ubcnbili", "data.generate.num_clips=3")
    assert "needs data=puppets" in line


def test_stage_1_starts_from_the_models_base_weights(compose):
    published = compose("train", [])
    assert published.stage.init_from == published.model.base_weights is not None
    assert compose("train", ["model.base_weights=null"]).stage.init_from is None


def test_stage_2_starts_from_the_released_weights_and_animatediffs_motion_modules(compose):
    stage = compose("train", ["stage=2"]).stage
    assert stage.init_from == "pretrained_weights"
    assert stage.motion_init_from == "pretrained_weights/mm_sd_v15_v2.ckpt"


def test_stage_2_of_a_model_without_published_weights_asks_for_a_start(compose):
    line = refused(compose, "stage=2", "model=parity")
    assert line.startswith("stage.init_from must be given: this model has no published weights.")
    assert compose("train", [*QUICK, "stage=2", "stage.init_from=null"]).stage.init_from is None


def test_a_stage_says_what_trains(compose):
    assert compose("train", ["stage=1"]).stage.num_frames == 1
    second = compose("train", ["stage=2"]).stage
    assert (second.motion_modules, second.num_frames) == (True, 24)
    assert second.trainable == ["denoising_unet.*.motion_modules.*"]


@pytest.mark.parametrize(
    ("overrides", "frames", "height", "width"),
    [
        (
            ["stage=1", "hardware=v100", "hardware.devices=4", "hardware/sharding=stage1"],
            1,
            768,
            768,
        ),
        (["stage=1", "hardware=a100"], 1, 768, 768),
        (["stage=2", "hardware=v100"], 16, 512, 256),
        (["stage=2", "hardware=a100"], 24, 512, 512),
        (["stage=2", "hardware=v100", "data=folder", "data.folder=clips"], 16, 512, 256),
        (["stage=2", "hardware=v100", "data.height=768", "data.width=768"], 16, 768, 768),
        (["stage=2", "hardware=v100", "stage.num_frames=8", "data.width=128"], 8, 512, 128),
    ],
)
def test_a_stage_trains_at_its_cards_published_size_unless_another_is_given(
    overrides, frames, height, width, compose
):
    config = compose("train", overrides)
    found = (config.stage.num_frames, config.data.height, config.data.width)
    assert found == (frames, height, width)


def test_a_model_of_a_weights_folder_is_checked_too():
    assert model_from_dict({"norm_num_groups": 16}).norm_num_groups == 16
    with pytest.raises(UserError, match=r"no such key; did you mean norm_num_groups\?"):
        model_from_dict({"norm_groups": 16, "norm_num_group": 16})


def test_a_schema_can_be_made_without_yaml():
    assert HardwareConfig(device="cpu").precision == "float32"
