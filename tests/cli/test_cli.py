"""Arguments, run folders and the shown config."""

import io
import json
import os
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from aa.cli.resolvers import make_folder
from aa.cli.tree import print_tree
from aa.config.overrides import check_arguments, normalise_overrides

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("argument", "normal"),
    [
        ("stage=2", "stage='2'"),
        ("stage=1,2", "stage='1','2'"),
        ("stage=1, 2", "stage='1','2'"),
        ("stage=choice(1,2)", "stage='1','2'"),
        ("stage=range(1,3)", "stage='1','2'"),
        ("stage=sort(2,1)", "stage='1','2'"),
        ('stage="2"', 'stage="2"'),
        ("stage='1','2'", "stage='1','2'"),
        ("+stage=2", "stage='2'"),
        ("++stage=2", "stage='2'"),
        ("+experiment=smoke", "+experiment=smoke"),
        ("+hardware=cpu", "hardware=cpu"),
        ("hardware/sharding=1", "hardware/sharding='1'"),
        ("stage=null", "stage='null'"),
    ],
)
def test_an_option_may_be_named_by_a_number(argument, normal):
    assert normalise_overrides([argument]) == [normal]


@pytest.mark.parametrize(
    ("argument", "normal"),
    [
        ("inference.background=#00ff00", "inference.background='#00ff00'"),
        ("+inference.background=white,#fff", "+inference.background=white,'#fff'"),
        ("inference.background=#fff,#000", "inference.background='#fff','#000'"),
        ("inference.background='#00ff00'", "inference.background='#00ff00'"),
        ("inference.background=red", "inference.background=red"),
    ],
)
def test_a_colour_needs_no_quotes(argument, normal):
    assert normalise_overrides([argument]) == [normal]


@pytest.mark.parametrize(
    "argument", ["seed=2", "stage.max_steps=3", "-m", "~stage", "stage", "stage=[", "x.stage=2"]
)
def test_other_arguments_stay_as_they_are(argument):
    assert normalise_overrides([argument]) == [argument]


def test_options_may_stand_between_overrides():
    arguments, starts = check_arguments(["stage=1", "-m", "seed=1,2", "--config-dir", "mine"])
    assert arguments == ["-m", "--config-dir", "mine", "stage=1", "seed=1,2"]
    assert starts


def test_a_question_starts_no_run():
    assert check_arguments(["--cfg", "job"]) == (["--cfg", "job"], False)


def test_a_run_folder_that_exists_is_another_runs(tmp_path):
    wanted = str(tmp_path / "12-00-00_stage1")
    made = [make_folder.__wrapped__(wanted) for _ in range(3)]
    assert made == [wanted, f"{wanted}-2", f"{wanted}-3"]
    assert all(os.path.isdir(folder) for folder in made)


def test_one_run_asks_for_its_folder_as_often_as_it_likes(tmp_path):
    wanted = str(tmp_path / "run")
    assert make_folder(wanted) == make_folder(wanted) == wanted


def test_the_tree_shows_values_as_they_are_typed(composed):
    config = composed("data=puppets", "stage='1'", "hardware=cpu", "name='[bold] [1, 2]'")
    shown = io.StringIO()
    with redirect_stdout(shown):
        print_tree(config)
    lines = [line.lstrip("│├└─ ").rstrip() for line in shown.getvalue().splitlines()]
    assert "stage=1" in lines
    assert "num_frames                   1" in lines
    assert "manifest       null" in lines
    assert "skip_bad       false" in lines
    assert "peak_tflops     {}" in lines
    assert any(re.fullmatch(r"name +\[bold\] \[1, 2\]", line) for line in lines)
    patterns = ["denoising_unet.*", "pose_guider.*", "reference_unet.*"]
    patterns += ["!reference_unet.up_blocks.3.*"]
    assert f"trainable                    {json.dumps(patterns)}" in lines


def test_the_tree_steers_no_terminal(composed, capsys):
    print_tree(composed("name='\x1b[2J[red]x[/red]:smile:'", "seed=7"))
    lines = capsys.readouterr().out.splitlines()
    assert all(line.isprintable() for line in lines)
    assert any(line.endswith("\\x1b[2J[red]x[/red]:smile:") for line in lines)
