"""Where a run comes from and what came of it."""

import json

import pytest

from aa.cli.run_lineage import lineage
from aa.runs.lineage import Lineage
from aa.runs.promotion import promote
from tests.runs.folders import make_checkpoint, make_run, make_sweep


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    """first -> second (from its checkpoint) -> models/walk -> video; again repeats first."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "outputs"
    first = make_run(home / "first", data={"manifest": "clips.json"})
    make_checkpoint(first, 5)
    start = "first/checkpoints/step-000005"
    second = make_run(home / "second", stage={"init_from": start})
    make_checkpoint(second, 7)
    make_run(home / "again", rerun=str(first))
    promote(second, "walk")
    make_run(home / "video", runner="infer", weights="../models/walk", reference="a.png")
    return home


def shape(node):
    """A node and what is below it, in brackets."""
    inner = " ".join(f"{other.relation}={shape(other)}" for other in node.others)
    name = node.path.name + (f"/{node.part}" if node.part else "") + "..." * node.cut
    return f"{name}({inner})" if inner else name


def test_the_tree_upwards_ends_at_data_and_weights(outputs):
    first = "first/checkpoints/step-000005(data.manifest=clips.json)"
    second = f"second/checkpoints/step-000007(stage.init_from={first})"
    expected = f"video(weights=walk(promoted from={second}) reference=a.png)"
    assert shape(Lineage().origins(outputs / "video")) == expected


def test_the_tree_downwards_shows_all_that_came_of_a_run(outputs):
    video = "promoted from, checkpoints/step-000007=walk(weights=video)"
    second = f"stage.init_from, checkpoints/step-000005=second({video})"
    found = shape(Lineage().results(outputs / "first"))
    assert found in (f"first(rerun=again {second})", f"first({second} rerun=again)")


def test_runs_that_name_each_other_are_shown_once(tmp_path):
    for one, other in (("a", "b"), ("b", "a")):
        make_run(tmp_path / one, rerun=str(tmp_path / other))
    found = Lineage(tmp_path, tmp_path / "models")
    assert shape(found.origins(tmp_path / "a")) == "a(rerun=b(rerun=a...))"
    assert shape(found.results(tmp_path / "a")) == "a(rerun=b(rerun=a...))"


def test_a_run_elsewhere_is_known_by_its_folder_and_what_is_gone_is_said(tmp_path):
    make_run(tmp_path / "elsewhere/run")
    folder = make_run(
        tmp_path / "outputs/run",
        rerun=str(tmp_path / "elsewhere/run"),
        weights=str(tmp_path / "gone"),
    )
    one, two = Lineage(tmp_path / "outputs", tmp_path / "models").origins(folder).others
    assert (one.kind, two.kind, two.there) == ("run", "weights", False)


def test_a_job_comes_from_its_sweep_and_nothing_from_itself(tmp_path):
    sweep = make_sweep(tmp_path / "sweep", jobs=1)
    (node,) = Lineage(tmp_path, tmp_path / "models").origins(sweep / "0_job").others
    assert (node.kind, node.path.name, node.relation) == ("sweep", "sweep", "job of")
    own = make_run(tmp_path / "run", stage={"init_from": "run/stage1"})
    assert Lineage(tmp_path, tmp_path / "models").origins(own).others == []


def test_values_that_are_no_paths_are_none(tmp_path):
    folder = make_run(
        tmp_path / "run", rerun="a\0b", weights=["x"], pose=3, stage={"init_from": ""}
    )
    assert Lineage(tmp_path, tmp_path / "models").origins(folder).others == []


def test_a_chain_without_end_is_cut(tmp_path):
    for number in range(60):
        make_run(tmp_path / f"r{number}", rerun=str(tmp_path / f"r{number + 1}"))
    node, depth = Lineage(tmp_path, tmp_path / "models").origins(tmp_path / "r0"), 0
    while node.others:
        (node,), depth = node.others, depth + 1
    assert (depth, node.cut) == (50, True)


def test_the_command_prints_both_trees_and_json(outputs, capsys):
    (outputs / "second/snapshot-1.json").write_text("{}")
    lineage("outputs/second/checkpoints/step-000007")
    lines = [line.strip(" │├└─") for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "outputs/second (train, done, resumed 1 time)"
    assert lines[1] == "comes from"
    assert lines[2].startswith("stage.init_from: outputs/first/checkpoints/step-000005 (train")
    assert "weights: outputs/video (infer, done)" in lines
    lineage("outputs/second", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [node["relation"] for node in found["from"]] == ["stage.init_from"]
    assert found["to"][0]["kind"] == "model"


def test_words_of_configs_steer_no_terminal(tmp_path, capsys):
    folder = make_run(tmp_path / "run", weights="\x1b[2J[red]\n")
    lineage(str(folder), outputs=str(tmp_path), models=str(tmp_path / "models"))
    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())
