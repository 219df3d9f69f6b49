"""Of a folder's recorded overrides only values of the schema and names of groups are taken."""

import re
from pathlib import Path

import pytest

from aa.cli.recorded_overrides import Recorded, refuse_options
from aa.config.primary import TrainConfig
from aa.errors import UserError

CONF = Path(__file__).parents[2] / "conf"
CONFIG = {
    "name": "mine",
    "validation": {"seed": 0},
    "data": {"width": 64, "folder": "${oc.env:SECRET}"},
}


def of_run(*recorded, given=()):
    return Recorded(TrainConfig, [CONF], given).of_run(recorded, CONFIG)


def of_sweep(*recorded, given=()):
    return Recorded(TrainConfig, [CONF], given).of_sweep(recorded)


def refused(take, *recorded, **given):
    with pytest.raises(UserError) as caught:
        take(*recorded, **given)
    return str(caught.value)


OURS = ("stage='1'", "+experiment=smoke", "+experiment=[smoke]", "hardware/sharding=none", "seed=3")
OURS = (*OURS, "++data.folder='a b'", "stage.trainable=[a,'b.*']", "~test", "data.cache_gb=null")


@pytest.mark.parametrize("take", [of_run, of_sweep])
def test_values_and_names_of_ours_are_taken_as_they_are(take):
    assert take(*OURS) == list(OURS)


FOREIGN = [
    "+hydra.callbacks.x._target_=os.system",
    "hydra.callbacks={x: {_target_: os.system, command: ls}}",
    "hydra.job_logging.handlers.x.class=os.system",
    "hydra/job_logging=evil",
    "hydra.searchpath=[file:///tmp]",
    "hydra.job.env_set.LD_PRELOAD=/tmp/x.so",
    "hydra.launcher._target_=os.system",
    "+hydra.callbacks@hydra.callbacks=x",
    "+data@hydra.callbacks.x=puppets",
    "~hydra.run",
]


@pytest.mark.parametrize("override", FOREIGN)
def test_what_hydra_would_build_is_refused_by_name_in_a_sweep(override):
    line = refused(of_sweep, "seed=1,2", override)
    assert line.startswith(f"recorded override {override}: refused, for it could start other prog")


@pytest.mark.parametrize("override", [o for o in FOREIGN if "launcher" not in o])
def test_what_hydra_would_build_is_refused_by_name_in_a_run(override):
    line = refused(of_run, "seed=1", override)
    assert line.startswith(f"recorded override {override}: refused, for it could start other prog")


def test_how_hydra_started_a_run_is_left_out():
    own = ["hydra.run.dir=x", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.verbose=1"]
    own += ["hydra.sweep.dir=y", "hydra.mode=MULTIRUN", "hydra/job_logging=disabled"]
    assert of_run("seed=1", *own) == ["seed=1"]


def test_a_key_that_is_given_again_counts_in_the_place_of_a_refused_one():
    given = ["hydra.searchpath=[file:///mine]"]
    assert of_run("seed=1", "hydra.searchpath=[file:///theirs]", given=given) == ["seed=1"]


@pytest.mark.parametrize(
    "override",
    ["+experiment=../../evil", "+experiment=/tmp/evil", "data=a/../../evil", "data=[puppets,..]"],
)
def test_an_option_is_a_name_below_our_groups(override):
    assert "is no option of" in refused(of_run, override)


@pytest.mark.parametrize("override", ["no.such=1", "+../evil=x", "evil/group=x", "+a.b=1"])
def test_an_unknown_key_is_refused(override):
    assert re.search("no such key|cannot be read", refused(of_run, override))


def test_an_interpolation_in_a_run_becomes_what_came_of_it_as_plain_text():
    assert of_run("data.width=${data.height}") == ["data.width=64"]
    assert of_run("data.folder=${oc.env:SECRET}") == [r"data.folder='\${oc.env:SECRET}'"]
    assert of_run(r"data.width=$\{new_folder:/x\}") == ["data.width=64"]
    assert of_run("name=x${seed}") == ["name='mine'"]
    assert "its value is not in the run's snapshot" in refused(of_run, "seed=${oc.env:SECRET}")


ALIVE = ["${oc.env:SECRET}", "${new_folder:/x}", "${hydra.run.dir}", "a${now:%Y}", "'${..x}'"]
ALIVE += [r"$\{new_folder:/x\}", r"str($\{new_folder:/x\})"]  # Hydra takes backslashes away


@pytest.mark.parametrize("value", ALIVE)
def test_an_interpolation_in_a_sweep_may_only_name_a_key_of_ours(value):
    assert of_sweep("data.width=${data.height}", "data.height=32,64")
    line = refused(of_sweep, f"data.folder={value}")
    assert "asks for more than a value of the config" in line


HYDRAS = ("hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=60", "hydra/sweeper=optuna")
HYDRAS = (*HYDRAS, "hydra.sweeper.n_trials=20", "hydra.launcher.partition=gpu")
HYDRAS = (*HYDRAS, "hydra.sweeper.params.stage.learning_rate='interval(1e-6,1e-2)'")


SWEPT = ("seed=1,2", "seed=range(1,9,2)", "seed=shuffle(range(3))", "seed=sort(3,1)")
SWEPT = (*SWEPT, "data=choice(folder,puppets)", "data=glob(*)", "stage.learning_rate=interval(0,1)")
SWEPT = (*SWEPT, "stage.learning_rate=tag(log,interval(1e-6,1e-2))")


def test_what_is_swept_over_is_taken_in_every_form_that_hydra_has():
    assert of_sweep(*SWEPT) == list(SWEPT)


def test_numbers_and_names_of_launchers_and_sweepers_are_taken_in_a_sweep():
    assert of_sweep(*HYDRAS) == list(HYDRAS)


@pytest.mark.parametrize(
    "override",
    [
        "hydra.launcher.setup=['touch ran']",
        "hydra.launcher.additional_parameters={wrap: ls}",
        "hydra.launcher.python=/tmp/evil",
        "hydra.launcher.submitit_folder=/tmp",
        "hydra.launcher.pre_dispatch='__import__(\"os\")'",
        "hydra.launcher={_target_: os.system}",
        "hydra.sweeper.storage=sqlite:////tmp/x.db",
        "hydra.sweeper.custom_search_space=os.system",
        "hydra.sweeper.sampler._target_=os.system",
        "hydra.sweeper.params.hydra.callbacks.x._target_=a,b",
        "hydra.launcher.name={_target_: os.system}",
        "hydra.launcher.comment='x\ntouch ran #'",
        "hydra.launcher.partition='$(touch ran)'",
    ],
)
def test_any_other_setting_of_them_is_refused(override):
    assert "refused, for it could start other programs" in refused(of_sweep, override)


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("name=" + "x" * 10_000, "are more than anybody types"),
        ("name=" + "[" * 60, "is longer than any that is typed"),
        ("name=[", "cannot be read as key=value"),
        ("~stage." + "x" * 300, "cannot be read as key=value"),
        ("seed=range(0,1000000000)", "cannot be read as key=value"),
        ("name='\x1b[2J'; x", "cannot be read as key=value"),
    ],
)
def test_what_nobody_types_is_refused_in_a_short_line(override, reason):
    line = refused(of_sweep, override)
    assert reason in line and len(line) < 300 and line.isprintable()


@pytest.mark.parametrize("words", [["--config-dir=evil"], ["a=b", "-cd", "evil"]])
def test_recorded_configs_have_to_be_given_again(words):
    with pytest.raises(UserError, match="started with --config-dir=/home/evil, whose files could"):
        refuse_options(words, {}, home="/home", asked="rerun=x")
    refuse_options(words, {"config_dir": "/mine"}, home="/home", asked="rerun=x")


@pytest.mark.parametrize("take", [of_run, of_sweep])
def test_an_option_in_another_place_and_one_of_another_group_are_names_too(take):
    recorded = ["+stage@next_stage='2'", "inference=${data}", "+hardware.peak_tflops.float32=2"]
    assert take(*recorded) == recorded
    assert "refused, for it could start" in refused(take, "+data@next_stage=puppets")


@pytest.mark.parametrize("take", [of_run, of_sweep])
def test_a_place_to_write_is_not_hidden_in_a_group_of_keys(take):
    assert take("data.generate={folder:set,seed:0}") == ["data.generate={folder:set,seed:0}"]
    assert "give its keys yourself" in refused(take, "data.generate={folder:/home/me}")
    assert "refused" in refused(of_sweep, "hydra.sweeper.params.data.latents='/a,/b'")


def test_an_interpolation_is_never_a_group_of_keys():
    assert "is a group of keys" in refused(of_run, "validation=${data}")


@pytest.mark.parametrize("take", [of_run, of_sweep])
def test_which_host_this_is_is_never_taken_from_a_folder(take):
    hosts = ["hardware.node_rank=1", "hardware.master=evil:29400", "hardware.start_timeout=9"]
    assert take("seed=1", *hosts, "hydra.verbose=true") == ["seed=1"]
    given = ["hardware.node_rank=0"]  # who says so means several hosts
    assert take("seed=1", *hosts, given=given) == ["seed=1", "hardware.master=evil:29400"]


@pytest.mark.parametrize("take", [of_run, of_sweep])
@pytest.mark.parametrize("key", ["data.latents", "data.generate.folder", "inference.cache_dir"])
def test_a_place_to_write_outside_is_not_taken_and_said(take, key, capsys):
    assert take("seed=1", f"{key}=/home/me", f"{key}=data/x") == ["seed=1", f"{key}=data/x"]
    line = f"{key}=/home/me: not taken from the folder, for it leads out of the working directory"
    assert line in capsys.readouterr().err
