"""What differs between two runs is said by name."""

import copy

import pytest

from aa.runs.differences import MOST, report
from aa.runs.fingerprints import BLOCKS, WHOLE

OLD = {
    "config": {"stage": {"max_steps": 3, "init_from": "/old/stage1"}, "test": None, "rerun": None},
    "folder": "/old/stage2",
    "working_directory": "/work",
    "git": {"commit": "0123456789abcdef", "diff": ""},
    "code": {"aa/build/training.py": "11", "aa/runs.py": "22"},
    "packages": {"numpy": "1.26.4", "scipy": "1.15.0"},
    "data": {
        "kind": WHOLE,
        "files": {
            "clips/a.mp4": {"bytes": 5, "sha256": "aa"},
            "/old/stage1/vae.safetensors": {"bytes": 7, "sha256": "bb"},
        },
    },
    "machine": {"cpu": "A 1", "cores": 2, "threads": None},
}


@pytest.fixture
def new():
    """The snapshot of the same run in another folder, below which its first stage is too."""
    snapshot = copy.deepcopy(OLD)
    snapshot["folder"] = "/new/stage2"
    snapshot["config"] |= {"rerun": "/old/stage2", "rerun_check": True}
    snapshot["config"]["stage"]["init_from"] = "/new/stage1"
    files = snapshot["data"]["files"]
    files["/new/stage1/vae.safetensors"] = files.pop("/old/stage1/vae.safetensors")
    return snapshot


def test_the_same_run_in_another_folder_differs_in_nothing(new):
    assert report(OLD, new) == []


def test_changed_missing_and_new_files_of_the_code_are_named(new):
    new["code"] = {"aa/build/training.py": "12", "aa/cli/tree.py": "33"}
    assert report(OLD, new) == [
        "code: aa/build/training.py changed",
        "code: aa/runs.py missing",
        "code: aa/cli/tree.py new",
    ]


def test_another_commit_is_named(new):
    new["git"]["commit"] = "fedcba9876543210"
    assert report(OLD, new) == ["code: commit 0123456789ab -> fedcba987654"]


def test_outside_a_checkout_there_is_no_commit(new):
    new["git"] = None
    assert report(OLD, new) == ["code: commit 0123456789ab -> no checkout"]


def test_packages_are_named_with_both_versions(new):
    new["packages"] = {"numpy": "1.26.5", "rich": "13"}
    assert report(OLD, new) == [
        "packages: numpy 1.26.4 -> 1.26.5",
        "packages: scipy 1.15.0 -> none",
        "packages: rich none -> 13",
    ]


def test_changed_missing_and_new_data_is_named(new):
    new["data"]["files"] = {
        "/new/stage1/vae.safetensors": {"bytes": 7, "sha256": "bc"},
        "clips/b.mp4": {"bytes": 5, "sha256": "aa"},
    }
    assert report(OLD, new) == [
        "data: /new/stage1/vae.safetensors changed",
        "data: clips/a.mp4 missing",
        "data: clips/b.mp4 new",
    ]


def test_data_of_another_kind_of_hash_is_compared_by_size(new):
    new["data"]["kind"] = BLOCKS
    for entry in new["data"]["files"].values():
        entry["sha256_of_blocks"] = entry.pop("sha256")
    new["data"]["files"]["clips/a.mp4"]["bytes"] = 6
    kinds = f"compared by size only: it has the {BLOCKS}, the run has the {WHOLE}"
    assert report(OLD, new) == [f"data: {kinds}", "data: clips/a.mp4 changed"]


def test_values_of_the_machine_are_named(new):
    new["machine"] |= {"cores": 4, "threads": "1"}
    assert report(OLD, new) == ["machine: cores 2 -> 4", "machine: threads none -> 1"]


def test_values_of_the_config_are_named(new):
    new["config"]["stage"]["max_steps"] = 4
    new["config"]["test"] = {"num_pairs": 3}
    assert report(OLD, new) == ["config: stage.max_steps 3 -> 4", "config: test none -> {...}"]


def test_of_a_long_group_the_first_are_named_and_the_rest_counted(new):
    new["packages"] |= {f"p{n:02}": "1" for n in range(MOST + 2)}
    lines = report(OLD, new)
    assert len(lines) == MOST + 1
    assert lines[-1] == "packages: and 2 more"


def test_a_snapshot_without_hashes_is_not_compared(new):
    old = {key: value for key, value in OLD.items() if key != "code"}
    (line,) = report(old, new)
    assert "older version" in line
