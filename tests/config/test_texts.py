"""A text is as it was typed: alone, in sweeps, with quotes for the shell around it."""

import subprocess
from dataclasses import dataclass, field

import pytest
from omegaconf import OmegaConf

from aa.config.convert import typed
from aa.config.evaluation import EvaluateConfig
from aa.config.export import ExportConfig
from aa.config.keys import PATHS, known_keys, text_keys
from aa.config.overrides import normalise_overrides
from aa.config.primary import InferConfig, TrainConfig
from aa.config.texts import TEXTS, as_typed, for_the_shell, plain
from aa.inference.cases import read_cases


@dataclass
class Inner:
    word: str | None = None
    number: float | None = None


@dataclass
class Outer:
    name: str = ""
    count: int = 0
    names: list[str] = field(default_factory=list)
    inner: Inner | None = None


def test_text_keys_are_those_that_hold_a_text_or_null():
    assert text_keys(Outer) == ["name", "inner.word"]


def test_a_key_is_a_text_for_every_runner_that_has_it_or_for_none():
    for schema in (TrainConfig, InferConfig, EvaluateConfig, ExportConfig):
        assert set(known_keys(schema)) & TEXTS == set(text_keys(schema))


def test_every_path_is_a_text():
    assert not PATHS - TEXTS


@pytest.mark.parametrize(
    ("argument", "normal"),
    [
        ("data.folder=2024_06", "data.folder='2024_06'"),
        ("hydra.run.dir=2024_06", "hydra.run.dir='2024_06'"),
        ("weights=12_5", "weights='12_5'"),
        ("resume=2024_06", "resume='2024_06'"),
        ("+cases=1_2", "+cases='1_2'"),
        ("name=1e3", "name='1e3'"),
        ("name=nan", "name='nan'"),
        ("name=true", "name='true'"),
        ("name=007", "name=007"),
        ("name=null", "name=null"),
        ("name=", "name="),
        ("name=a b", "name=a b"),
        ("name='1e3'", "name='1e3'"),
        ("name=${seed}", "name=${seed}"),
        ("pose=12:30:00.mp4", "pose=12:30:00.mp4"),
        ("pose=clip (1).mp4", "pose='clip (1).mp4'"),
        ("pose=it's.mp4", r"pose='it\'s.mp4'"),
        ("pose=a=b#é.mp4", "pose='a=b#é.mp4'"),
        ("data.folder=2024_06,2024_07", "data.folder='2024_06','2024_07'"),
        ("data.folder=a,1_2,'3_4'", "data.folder=a,'1_2','3_4'"),
        ("data.folder=choice(1_2,b)", "data.folder=choice('1_2',b)"),
        ("seed=1_000", "seed=1_000"),
        ("stage.max_steps=1e3", "stage.max_steps=1e3"),
        ("~data.folder", "~data.folder"),
    ],
)
def test_only_what_hydra_would_read_as_something_else_is_quoted(argument, normal):
    assert normalise_overrides([argument]) == [normal]
    assert as_typed(normal) == normal


@pytest.mark.parametrize(
    ("argument", "normal"),
    [
        ("data.folder=~/clips", "data.folder=/home/ann/clips"),
        ("data.folder=~", "data.folder=/home/ann"),
        ("data.folder=~/a,~/b", "data.folder=/home/ann/a,/home/ann/b"),
        ("hydra.run.dir=~/2024", "hydra.run.dir=/home/ann/2024"),
        ("data.folder=a/~", "data.folder='a/~'"),
        ("name=~", "name='~'"),
    ],
)
def test_a_path_may_begin_with_the_home_folder(argument, normal, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert as_typed(argument) == normal


def test_a_yaml_file_may_say_the_home_folder_too(composed, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    config = composed("data=folder", "data.folder='~/clips'", "name='~'")
    config = typed(config, TrainConfig)
    assert (config.data.folder, config.name) == ("/home/ann/clips", "~")
    assert OmegaConf.get_type(config) is TrainConfig


def test_a_cases_file_names_files_by_their_text(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("2024_06", "12:30:00", "2024-06-01", "no", "1e3"):
        (tmp_path / name).touch()
    text = "\ufeff2024_06: 12:30:00\nno: [1e3, 2024-06-01, ~/no]"
    (tmp_path / "cases.yaml").write_text(text, encoding="utf-8")
    names = ["2024_06_12:30:00", "no_1e3", "no_2024-06-01", "no_no"]
    assert [case.name for case in read_cases(cases="cases.yaml")] == names


@pytest.mark.parametrize("text", ["a,b", "it's", "$HOME, a", 'say "a", b', "a\\,!b", "1_2"])
def test_the_shell_and_hydra_take_the_quotes_off_again(text):
    command = f"printf %s {for_the_shell('data.folder', text)}"
    typed = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    key, _, value = typed.stdout.partition("=")
    assert (key, plain(value)) == ("data.folder", text)
    assert as_typed(typed.stdout) == typed.stdout
