"""Run folders of somebody else: nothing in them runs, leaks or leads elsewhere."""

import json
import os

import pytest
import yaml

from aa.cli.recorded_overrides import Recorded
from aa.config.convert import to_dict
from aa.config.primary import TrainConfig
from aa.errors import UserError
from tests.commands import ROOT, one_line, run_light

EVIL = ["+hydra.callbacks.x._target_=os.system", "+hydra.callbacks.x.command='touch ran'"]
STARTED = ["model=parity", "data=puppets"]


@pytest.fixture
def theirs(compose, tmp_path):
    """The folder of a run of `STARTED`."""
    folder = tmp_path / "theirs"
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(STARTED))
    (folder / ".hydra" / "hydra.yaml").write_text("hydra: {overrides: {hydra: []}}")
    config = to_dict(compose("train", STARTED))
    snapshot = {"config": config, "command": ["python", "runners/train.py", *STARTED], "git": None}
    (folder / "snapshot.json").write_text(json.dumps({**snapshot, "working_directory": "/"}))
    return folder


@pytest.fixture
def start(tmp_path):
    """Function (arguments of runners/train.py) -> its result, in a folder that holds `theirs`."""
    return lambda *arguments, **more: run_light(tmp_path, "train", *arguments, **more)


def in_overrides(folder):
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump([*STARTED, *EVIL]))


def in_hydra(folder):
    text = yaml.safe_dump({"hydra": {"overrides": {"hydra": EVIL}}})
    (folder / ".hydra" / "hydra.yaml").write_text(text)


@pytest.mark.parametrize("key", ["rerun", "resume"])
@pytest.mark.parametrize("say", [in_overrides, in_hydra])
def test_a_recorded_callback_is_refused_by_name(theirs, start, tmp_path, key, say):
    say(theirs)
    line = one_line(start(f"{key}=theirs"))
    assert line.startswith(f"{key}=theirs: recorded override {EVIL[0]}: refused")
    assert sorted(os.listdir(tmp_path)) == ["theirs"]


@pytest.mark.parametrize("key", ["rerun", "resume"])
def test_a_recorded_folder_of_configs_is_refused_by_name(theirs, start, tmp_path, key):
    (tmp_path / "evil" / "data").mkdir(parents=True)
    (tmp_path / "evil" / "data" / "puppets.yaml").write_text(
        "# @package _global_\nhydra: {callbacks: {x: {_target_: os.system, command: touch ran}}}\n"
    )
    snapshot = json.loads((theirs / "snapshot.json").read_text())
    snapshot["command"].append(f"--config-dir={tmp_path / 'evil'}")
    (theirs / "snapshot.json").write_text(json.dumps(snapshot))
    line = one_line(start(f"{key}=theirs"))
    assert line.startswith(f"{key}=theirs: was started with --config-dir={tmp_path}/evil, whose")
    assert sorted(os.listdir(tmp_path)) == ["evil", "theirs"]


@pytest.mark.parametrize("how", ["arguments", "options"])
def test_what_a_sweep_has_recorded_is_refused_by_name(start, tmp_path, how):
    (tmp_path / "sweep").mkdir()
    evil = {"arguments": EVIL, "options": ["--config-dir=/evil"]}
    sweep = {"runner": "/x/train.py", "options": [], "arguments": [], "swept": []}
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps({**sweep, how: evil[how]}))
    line = one_line(start("sweep.resume=sweep"))
    assert line.startswith("sweep.resume=sweep: ") and "could start other programs" in line
    assert sorted(os.listdir(tmp_path)) == ["sweep"]


@pytest.mark.parametrize("value", ["${oc.env:SECRET}", "${new_folder:made}"])
def test_an_interpolation_neither_leaks_nor_makes_anything(theirs, start, tmp_path, value):
    for file in ("overrides.yaml", "../snapshot.json"):
        path = theirs / ".hydra" / file
        named = [*STARTED, f"data.manifest={value}"]
        content = json.loads(path.read_text()) if "json" in file else named
        if content is not named:
            content["config"]["data"]["manifest"] = value
        path.write_text(json.dumps(content))
    result = start("rerun=theirs", "--cfg", "job", SECRET="geheim")
    assert "geheim" not in result.stdout + result.stderr
    assert sorted(os.listdir(tmp_path)) == ["theirs"]


@pytest.mark.parametrize("file", ["overrides.yaml", "../snapshot.json"])
def test_a_name_makes_no_folder_elsewhere(theirs, start, tmp_path, file):
    path, name = theirs / ".hydra" / file, "a/../../../../made"
    if "json" in file:
        snapshot = json.loads(path.read_text())
        path.write_text(json.dumps({**snapshot, "config": {**snapshot["config"], "name": name}}))
    else:
        path.write_text(yaml.safe_dump([*STARTED, f"name={name}"]))
    line = one_line(start("rerun=theirs"))
    assert line == f"rerun=theirs: recorded name {name}: leads out of outputs/; add name=<another>."
    assert sorted(os.listdir(tmp_path)) == ["theirs"]


def test_a_name_that_would_be_alive_in_a_path_is_refused(theirs, start, tmp_path):
    path = theirs / "snapshot.json"
    snapshot = json.loads(path.read_text())
    config = {**snapshot["config"], "name": "x${new_folder:made}"}
    path.write_text(json.dumps({**snapshot, "config": config}))
    line = one_line(start("rerun=theirs"))
    assert line.endswith(
        "recorded name x${new_folder:made}: would be more than text; add name=<another>."
    )
    assert sorted(os.listdir(tmp_path)) == ["theirs"]


LINKS = (".command.lock", "train.log", "vdl", "checkpoints", "samples", "snapshot-1.json")


@pytest.mark.parametrize("name", [*LINKS, "output.log"])
@pytest.mark.parametrize("command", ["resume=theirs", "hydra.run.dir=theirs"])
def test_a_link_is_refused_and_what_it_leads_to_is_as_it_was(
    theirs, start, tmp_path, name, command
):
    outside = tmp_path / "outside"
    (outside / "step-000001").mkdir(parents=True)
    (outside / "file").write_text("kept")
    (theirs / name).symlink_to(outside / "file" if "." in name else outside)
    line = one_line(start(*STARTED, command))
    assert f"theirs/{name}: is a link to {outside}" in line
    assert sorted(os.listdir(outside)) == ["file", "step-000001"]
    assert (outside / "file").read_text() == "kept"


@pytest.mark.parametrize("name", ["snapshot.json", ".hydra/overrides.yaml", ".hydra/hydra.yaml"])
@pytest.mark.parametrize("content", ["", "\0" * 99, "{", "[[", "- {a: [}", "3"])
def test_a_damaged_record_is_one_line_that_names_it(theirs, start, name, content):
    (theirs / name).write_text(content)
    line = one_line(start("resume=theirs"))
    assert line.startswith(f"resume=theirs: theirs/{name}: cannot be read as what a run writes (")


ALERTS = ["alerts.command=[touch,ran]", "+alerts.url=http://127.0.0.1:9/x"]


@pytest.mark.parametrize("key", ["rerun", "resume"])
def test_nobody_is_told_whom_a_folder_names(theirs, start, tmp_path, key):
    (theirs / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump([*STARTED, *ALERTS]))
    snapshot = json.loads((theirs / "snapshot.json").read_text())
    snapshot["config"]["alerts"] = {"command": ["touch", "ran"], "url": "http://127.0.0.1:9/x"}
    (theirs / "snapshot.json").write_text(json.dumps(snapshot))
    done = start(f"{key}=theirs", "--cfg", "job", "-p", "alerts")
    assert "touch" not in done.stdout and "127.0.0.1" not in done.stdout
    assert "alerts.command: not taken from the folder" in done.stderr
    mine = start(f"{key}=theirs", "--cfg", "job", "-p", "alerts", "alerts.command=[mine]")
    assert "mine" in mine.stdout and "not taken" not in mine.stderr


@pytest.mark.parametrize(
    "argument", [*ALERTS, "hydra.sweeper.params.alerts.command=[touch,ran]", "alerts@x=y"]
)
def test_nobody_is_told_whom_a_sweep_names(tmp_path, argument):
    homes = [ROOT / "conf"]
    recorded = Recorded(TrainConfig, homes, [])
    try:
        assert recorded.of_sweep([argument]) == []
    except UserError as error:
        assert "refused" in str(error)
