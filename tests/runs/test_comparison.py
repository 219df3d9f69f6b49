"""What differs between two runs, as `aa runs diff` tells it."""

import json

import pytest

from aa.cli.run_diff import diff
from aa.errors import UserError
from aa.runs.comparison import compare_runs
from aa.runs.differences import ABSENT
from tests.runs.folders import make_run


def add(folder, **facts):
    """Further parts of a run's snapshot."""
    file = folder / "snapshot.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))


@pytest.fixture
def runs(tmp_path):
    """Two runs, of which the second has another seed, name, commit, package, clip and loss."""
    folders = []
    for number in (1, 2):
        lines = [{"step": 5, "loss": number / 10}]
        folder = make_run(
            tmp_path / f"run{number}", lines=lines, name=f"n{number}", seed=number, stage={"a": 1}
        )
        add(
            folder,
            git={"commit": f"c{number}", "diff": "diff --git a b\n" * (number - 1)},
            code={"aa/x.py": "1" * 64, "aa/y.py": str(number) * 64},
            packages={"numpy": "1.26", "av": f"1{number}"},
            data={"kind": "sha256", "files": {"a.mp4": {"bytes": number, "sha256": "0"}}},
            machine={"cores": 2},
        )
        folders.append(folder)
    return folders


def differing(runs):
    groups, _ = compare_runs(*runs)
    return {group.name: [row.key for row in group.differing] for group in groups}


def test_each_kind_of_fact_has_its_differences(runs):
    assert differing(runs) == {
        "config": ["seed", "name"],  # the name decides no result: it comes last
        "code": ["commit", "uncommitted changes", "aa/y.py"],
        "packages": ["av"],
        "data": ["a.mp4"],
        "machine": [],
        "results": ["train/loss"],
    }


def test_a_run_is_equal_to_itself(runs):
    assert not any(differing([runs[0], runs[0]]).values())


def test_a_key_that_one_run_has_not_got_differs(runs):
    add(runs[1], machine={"cores": 2, "gpus": []})
    groups, _ = compare_runs(*runs)
    (row,) = next(group for group in groups if group.name == "machine").differing
    assert (row.key, row.first, row.second) == ("gpus", ABSENT, [])


def test_clips_that_were_hashed_in_two_ways_are_compared_by_what_both_know(runs):
    entry = {"bytes": 1, "sha256_of_blocks": "5"}
    add(runs[1], data={"kind": "blocks", "files": {"a.mp4": entry}})
    assert differing(runs)["data"] == []


def test_a_damaged_snapshot_is_named_and_the_rest_compared(runs, capsys):
    (runs[1] / "snapshot.json").write_text("{")
    diff(*map(str, runs))
    printed = capsys.readouterr()
    assert "damaged: " in printed.err and "snapshot.json" in printed.err
    assert "train/loss" in printed.out


def test_the_tables_show_what_differs_first_and_what_is_equal_only_if_asked(runs, capsys):
    diff(*map(str, runs))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "config: 2 of 3 differ"
    assert lines[1].split() == ["config", str(runs[0]), str(runs[1])]
    assert lines[2].split() == ["seed", "1", "2"]
    assert lines[-1] == "machine: all 1 equal"
    diff(*map(str, runs), everything=True)
    assert ["stage.a", "1", "1"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_as_json_the_values_are_whole(runs, capsys):
    add(runs[0], packages={"numpy": "1.26", "av": "x" * 500})
    diff(*map(str, runs), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["packages"] == {
        "differing": [{"key": "av", "first": "x" * 500, "second": "12"}],
        "same": 1,
    }


def test_words_of_a_snapshot_steer_no_terminal(runs, capsys):
    add(runs[0], machine={"cpu": "\x1b[2J[red]\n"})
    diff(*map(str, runs))
    assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


def test_a_checkpoint_stands_for_its_run_and_another_folder_for_none(runs, tmp_path, capsys):
    (runs[0] / "checkpoints/step-000005").mkdir(parents=True)
    diff(str(runs[0] / "checkpoints/step-000005"), str(runs[0]), as_json=True)
    assert json.loads(capsys.readouterr().out)["runs"] == [str(runs[0])] * 2
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match="other: that is a folder, no run"):
        diff(str(tmp_path / "other"), str(runs[0]))
