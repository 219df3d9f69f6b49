"""The folder of graphs: what it keeps, and that nothing wrong in it stops or spoils a run."""

import errno
import logging
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from aa.inference.compiled.graph_cache import GraphCache, default_folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "graphs"


def never():
    raise AssertionError("made again")


def test_what_was_made_is_found_again_also_by_another_process(folder):
    assert GraphCache(folder).get({"part": "a"}, lambda: b"graph") == b"graph"
    assert GraphCache(folder).get({"part": "a"}, never) == b"graph"


def test_another_key_has_a_graph_of_its_own(folder):
    cache = GraphCache(folder)
    cache.get({"frames": 8}, lambda: b"eight")
    assert cache.get({"frames": 9}, lambda: b"nine") == b"nine"
    assert cache.get({"frames": 8}, never) == b"eight"


@pytest.mark.parametrize("damage", [b"", b"half", b"x" * 100])
def test_a_damaged_file_is_made_again(folder, damage, caplog):
    cache = GraphCache(folder)
    cache.get({"part": "a"}, lambda: b"graph")
    (file,) = folder.iterdir()
    file.write_bytes(damage)
    assert cache.get({"part": "a"}, lambda: b"anew") == b"anew"
    assert "is damaged" in caplog.text
    assert GraphCache(folder).get({"part": "a"}, never) == b"anew"


def test_a_folder_that_cannot_be_used_costs_one_warning(tmp_path, caplog):
    (tmp_path / "file").touch()
    cache = GraphCache(tmp_path / "file" / "graphs")
    with caplog.at_level(logging.WARNING):
        assert [cache.get({"part": n}, lambda: b"graph") for n in range(3)] == [b"graph"] * 3
    (record,) = caplog.records
    assert "Not a directory" in record.getMessage()
    assert "inference.cache_dir" in record.getMessage()


def test_a_full_disk_leaves_nothing_behind(folder, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    assert GraphCache(folder).get({"part": "a"}, lambda: b"graph") == b"graph"
    assert "No space left on device" in caplog.text
    assert list(folder.iterdir()) == []


def test_beyond_the_limit_the_files_not_used_for_longest_go(folder):
    cache = GraphCache(folder, limit=3 * 132)  # three graphs of 100 bytes and their hashes
    for n in range(3):
        cache.get({"part": n}, lambda n=n: bytes([n]) * 100)
    for age, n in enumerate((0, 2, 1)):  # 0 was used last
        digest = next(f for f in folder.iterdir() if f.read_bytes()[-1] == n)
        os.utime(digest, (1000 - age, 1000 - age))
    cache.get({"part": 3}, lambda: b"\x03" * 100)
    assert sorted(file.read_bytes()[-1] for file in folder.iterdir()) == [0, 2, 3]


def test_files_of_others_in_the_folder_stay(folder):
    folder.mkdir(exist_ok=True)
    (folder / "holiday.jpg").write_bytes(bytes(1000))
    GraphCache(folder, limit=100).get({"part": 1}, lambda: b"graph")
    assert (folder / "holiday.jpg").exists()


def test_a_graph_larger_than_the_limit_is_kept_alone(folder):
    cache = GraphCache(folder, limit=10)
    cache.get({"part": 0}, lambda: b"a" * 100)
    cache.get({"part": 1}, lambda: b"b" * 100)
    assert GraphCache(folder).get({"part": 1}, never) == b"b" * 100
    assert len(list(folder.iterdir())) == 1


def test_many_at_once_see_whole_graphs_only(folder):
    def use(n):
        key = n % 3
        return GraphCache(folder).get({"part": key}, lambda: bytes([key]) * 10**6)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(use, range(60)))
    assert found == [bytes([n % 3]) * 10**6 for n in range(60)]
    assert len(list(folder.iterdir())) == 3


def test_the_users_cache_folder_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "aa" / "graphs"
