"""What a run read is known again, or its change is seen."""

import hashlib

import pytest

from aa.runs.fingerprints import BLOCK, BLOCKS, WHOLE, fingerprint


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file of four blocks, in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(4 * BLOCK))
    return path


def change(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_files_that_are_small_together_have_the_hash_that_sha256sum_prints(file):
    assert fingerprint([file]) == {
        "kind": WHOLE,
        "files": {
            "clip.mp4": {
                "bytes": 4 * BLOCK,
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
        },
    }


def test_large_sets_are_hashed_in_blocks_and_say_so(file):
    found = fingerprint([file], small=4 * BLOCK - 1)
    assert found["kind"] == BLOCKS
    assert list(found["files"]["clip.mp4"]) == ["bytes", "sha256_of_blocks"]


@pytest.mark.parametrize("place", [0, 2 * BLOCK, 4 * BLOCK - 1])
def test_hashed_in_blocks_a_change_at_either_end_or_in_the_middle_is_seen(file, place):
    before = fingerprint([file], small=0)
    change(file, place)
    assert fingerprint([file], small=0) != before


@pytest.mark.parametrize("size", [0, 1, BLOCK + 1])
def test_files_shorter_than_their_blocks_can_be_hashed_in_blocks(file, size):
    file.write_bytes(bytes(size))
    assert fingerprint([file], small=-1)["files"]["clip.mp4"]["bytes"] == size


def test_a_path_outside_the_working_directory_is_absolute(file, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert list(fingerprint([file])["files"]) == [str(file)]
