"""A sealed folder is whole or not there, and a change of any byte is seen."""

import json
import os

import pytest

from aa.runs.sealing import fault_in, partial_folder, read_manifest, remove, remove_leftovers, seal

CUT = json.dumps({"format": "aa-checkpoint-1", "files": {"weights.bin": {"bytes": 3}}})


@pytest.fixture
def sealed(tmp_path):
    """A folder of two files, one of them in a folder of its own."""
    target = tmp_path / "step-000001"
    partial = partial_folder(target)
    (partial / "training").mkdir(parents=True)
    (partial / "weights.bin").write_bytes(b"abc")
    (partial / "training" / "state.bin").write_bytes(b"12345")
    seal(partial, target, step=1)
    return target


def test_the_manifest_says_size_and_hash_of_every_file(sealed):
    manifest = read_manifest(sealed)
    assert manifest["step"] == 1
    assert manifest["files"]["training/state.bin"]["bytes"] == 5
    assert manifest["files"]["weights.bin"] == {
        "bytes": 3,  # and the SHA-256 of "abc" of FIPS 180-4
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }


def test_nothing_but_the_sealed_folder_is_left(sealed):
    assert os.listdir(sealed.parent) == ["step-000001"]


def test_a_whole_folder_has_no_damage(sealed):
    assert fault_in(sealed) is None


def test_a_truncated_file_is_named_with_its_sizes(sealed):
    (sealed / "training" / "state.bin").write_bytes(b"123")
    assert fault_in(sealed) == "state.bin has 3 bytes, 5 were written"


def test_a_flipped_bit_is_seen(sealed):
    (sealed / "weights.bin").write_bytes(b"abb")
    assert fault_in(sealed) == "weights.bin is not what was written"


def test_a_missing_file_is_named(sealed):
    (sealed / "weights.bin").unlink()
    assert fault_in(sealed) == "weights.bin is missing"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "other"}', CUT])
def test_a_manifest_that_cannot_be_read_is_damage(sealed, text):
    (sealed / "manifest.json").write_text(text)
    assert fault_in(sealed).startswith("manifest.json cannot be read")


def test_a_folder_without_a_manifest_is_damaged(sealed):
    (sealed / "manifest.json").unlink()
    assert fault_in(sealed) == "manifest.json is missing"


def test_known_files_are_not_read_again(tmp_path):
    target = tmp_path / "step-000002"
    partial = partial_folder(target)
    partial.mkdir()
    (partial / "weights.bin").write_bytes(b"abc")
    seal(partial, target, known={"weights.bin": {"bytes": 3, "sha256": "as before"}}, step=2)
    assert read_manifest(target)["files"]["weights.bin"]["sha256"] == "as before"


def test_removing_takes_the_name_away_first(sealed, monkeypatch):
    monkeypatch.setattr("aa.runs.sealing.shutil.rmtree", lambda *a, **k: None)
    remove(sealed)
    assert os.listdir(sealed.parent) == [".step-000001.partial"]


def test_a_sweep_deletes_what_is_half_done_and_nothing_else(sealed):
    half = sealed.parent / ".step-000002.partial"
    half.mkdir()
    (sealed.parent / ".summary.json.partial").write_text("{")
    assert [p.name for p in remove_leftovers(sealed.parent)] == [half.name, ".summary.json.partial"]
    assert os.listdir(sealed.parent) == ["step-000001"]
