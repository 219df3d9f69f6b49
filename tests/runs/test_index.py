"""The index of runs gives what their folders tell, whatever becomes of either."""

import json
import os
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import msgspec
import pytest

from aa.errors import UserError
from aa.runs import index as indexing
from aa.runs import index_file, lines, reading
from aa.runs.disk import HYDRAS, RECORDS, look
from aa.runs.index import RunIndex
from aa.runs.index_file import FRAME, IndexFile
from aa.runs.layout import STAGES, SWEEP
from aa.runs.listing import list_runs
from aa.runs.notes import set_note
from tests.runs.folders import make_run, make_sweep, written

LINES = [{"step": 2, "loss": 0.5, "val/loss": 0.3}, {"step": 4, "loss": 0.4}]


@pytest.fixture(autouse=True)
def every_time(monkeypatch):
    """The file is written whenever anything is read."""
    monkeypatch.setattr(indexing, "WORTH_SECONDS", 0.0)


@pytest.fixture
def outputs(tmp_path):
    """Runs of all sorts: done, interrupted, of two stages, jobs, measured, with notes."""
    folder = tmp_path / "outputs"
    make_run(folder / "day/done", lines=LINES, overrides=["seed=1"], stage={"max_steps": 9})
    make_run(folder / "day/interrupted", ends=None, runner="infer", flag=True, list=[1, "a"])
    two = make_run(folder / "day/two", stage={"max_steps": 10}, next_stage={"max_steps": 20})
    make_run(two / "stage1", lines=LINES)
    make_sweep(folder / "sweep")
    measured = make_run(folder / "measured", runner="evaluate")
    (measured / "metrics.json").write_text('{"metrics": {"psnr": {"mean": 20.5}}}')
    (measured / ".hydra/config.yaml").write_text("seed: 1\n")
    (measured / ".hydra/hydra.yaml").write_text("hydra: {}\n")
    (measured / "scores.json").write_text("{}")
    set_note(measured, "of the paper")
    RunIndex(folder).runs()
    return folder


@pytest.fixture
def read_again(monkeypatch):
    """The names of the folders that are read."""
    read, found = indexing.run_or_unreadable, []

    def noted(folder):
        found.append(folder.name)
        return read(folder)

    monkeypatch.setattr(indexing, "run_or_unreadable", noted)
    return found


def file_of(outputs):
    return outputs / IndexFile(outputs).name


def test_another_process_gets_the_same_runs_and_reads_none(outputs, read_again):
    assert RunIndex(outputs).runs() == list_runs(outputs)
    assert read_again == []


def test_what_is_given_again_is_what_is_known(outputs, read_again):
    index = RunIndex(outputs)
    assert index.runs() == index.runs() == list_runs(outputs)
    assert read_again == []


@pytest.mark.parametrize(
    ("name", "content", "run"),
    [
        ("day/done/metrics.jsonl", '{"step": 9, "loss": 0.1}\n', "done"),
        ("day/done/outcome.json", '{"state": "failed"}', "done"),
        ("day/done/snapshot.json", '{"config": {"seed": 7}}', "done"),
        ("day/done/.hydra/overrides.yaml", "[seed=2]", "done"),
        ("day/done/scores.json", '{"pairs": {"generated": {"psnr": {"mean": 9}}}}', "done"),
        ("day/interrupted/notes.json", '{"star": true}', "interrupted"),
        ("day/two/stage1/metrics.jsonl", '{"step": 9, "loss": 0.1}\n', "two"),
        ("measured/metrics.json", '{"metrics": {"psnr": {"mean": 30}}}', "measured"),
        ("sweep/0_job/job.json", '{"swept": {"seed": 5}}', "0_job"),
    ],
)
def test_a_run_of_which_a_record_changes_is_read_again(outputs, read_again, name, content, run):
    (outputs / name).write_text(content)
    assert RunIndex(outputs).runs() == list_runs(outputs)
    assert read_again == [run]


def test_the_jobs_of_a_sweep_are_read_again_when_its_record_changes(outputs, read_again):
    about = {"runner": "/x/train.py", "arguments": [], "metric": "train/loss"}
    (outputs / "sweep/sweep.json").write_text(json.dumps(about))
    RunIndex(outputs).runs()
    assert sorted(read_again) == ["0_job", "1_job"]


def test_a_change_that_keeps_size_and_time_is_seen(outputs, read_again):
    file = outputs / "day/done/outcome.json"
    before = file.stat()
    time.sleep(0.02)  # longer than the clock of a file system ticks
    file.write_text(file.read_text().replace("done", "gone"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert "gone" in {run.state for run in RunIndex(outputs).runs()}
    assert read_again == ["done"]


def test_every_file_that_is_read_of_a_run_has_a_part_in_its_mark(outputs, monkeypatch):
    opened = set()
    for module, name in ((reading, "read_inside"), (lines, "open_inside")):
        read = getattr(module, name)

        def noted(home, name, read=read, **options):
            opened.add((os.path.basename(home), name))
            return read(home, name, **options)

        monkeypatch.setattr(module, name, noted)
    shutil.rmtree(outputs / "day/two/.hydra")  # so that it is looked for in all places
    list_runs(outputs)
    known = {*RECORDS, *(f".hydra/{name}" for name in HYDRAS)}
    known |= {f"{stage}/{name}" for stage in STAGES for name in RECORDS}
    assert {name for home, name in opened if home != "sweep"} <= known
    assert {name for home, name in opened if home == "sweep"} == {SWEEP}
    assert len(opened) > 20


def test_new_runs_are_found_and_removed_ones_are_not(outputs, read_again):
    index = RunIndex(outputs)
    index.runs()
    make_run(outputs / "day/new")
    shutil.rmtree(outputs / "day/done")
    names = [run.folder.name for run in index.runs()]
    assert "new" in names and "done" not in names
    assert read_again == ["new"]
    assert RunIndex(outputs).runs() == list_runs(outputs)


def test_whether_a_run_is_running_is_asked_every_time(outputs):
    index, folder = RunIndex(outputs), outputs / "day/interrupted"

    def state():
        return next(run.state for run in index.runs() if run.folder == folder)

    with written(folder):
        assert state() == "running"
    assert state() == "interrupted"


def test_a_damaged_run_is_read_every_time_and_named(outputs, read_again):
    (outputs / "day/done/outcome.json").write_text("{")
    index = RunIndex(outputs)
    for _ in range(2):
        (line,) = [line for run in index.runs() for line in run.troubles]
        assert "outcome.json" in line
    assert read_again == ["done", "done"]


def test_a_later_change_of_a_folder_is_told_without_reading_it(outputs, read_again):
    index = RunIndex(outputs)
    index.runs()
    (outputs / "day/two/stage1/train.log").write_text("words")
    os.utime(outputs / "day/two/stage1/train.log", (2e9, 2e9))
    assert (index.runs()[0].folder.name, index.runs()[0].changed) == ("two", 2e9)
    assert read_again == []


def lost(content):
    return None


def cut_short(content):
    return content[: len(content) // 2]


def one_bit(content):
    place = len(content) * 3 // 4
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def of_other_code(content):
    return b"x" + content[1:]


def empty(content):
    return b""


@pytest.mark.parametrize("damage", [lost, cut_short, one_bit, of_other_code, empty])
def test_a_file_that_is_wrong_is_made_again(outputs, read_again, damage):
    file = file_of(outputs)
    content = damage(file.read_bytes())
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert RunIndex(outputs).runs() == list_runs(outputs)
    assert len(read_again) == 6
    assert RunIndex(outputs).runs() == list_runs(outputs)
    assert len(read_again) == 6


def test_a_file_of_another_user_is_not_read(outputs, read_again):
    if os.geteuid():
        pytest.skip("only root gives files away")
    os.chown(file_of(outputs), 12345, -1)
    RunIndex(outputs).runs()
    assert len(read_again) == 6


def test_a_link_in_its_place_is_not_followed_and_gives_way(outputs, tmp_path, read_again):
    shutil.move(file_of(outputs), tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").read_bytes()
    file_of(outputs).symlink_to(tmp_path / "elsewhere")
    RunIndex(outputs).runs()
    assert len(read_again) == 6
    assert not file_of(outputs).is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == before


def test_a_copy_of_the_folder_tells_nothing_of_the_copied_runs(outputs, tmp_path, read_again):
    shutil.copytree(outputs, tmp_path / "copy", symlinks=True)
    assert RunIndex(tmp_path / "copy").runs() == list_runs(tmp_path / "copy")
    assert len(read_again) == 6


STORED = {
    **{"kind": "train", "state": "done", "config": {}, "home": ".", "overrides": []},
    **{"step": None, "steps": None, "stage": "", "metric": None, "metrics": {}},
    **{"work": (0, 0, 0, None), "notes": {}},
    **{"seconds": None, "error": None, "changed": 0.0, "size": None},
}


def deep():
    values = []
    for _ in range(500):
        values = [values]
    return values


@pytest.mark.parametrize(
    "wrong",
    [
        {"config": {"a": deep()}},
        {"config": {"a": [0] * 30_000}},
        {"config": {1: 2}},
        {"config": {"a": b"bytes"}},
        {"metrics": {"train/loss": (float("nan"), 1)}},
        {"metric": "train/loss"},
        {"step": "4"},
        {"notes": {"tags": ["no tag"]}},
        {"overrides": ["x" * 200_000]},
        {"size": -1},
        {"work": (0, 0, 0)},
    ],
)
def test_nothing_is_believed_that_no_run_folder_could_say(outputs, read_again, wrong):
    folder = outputs / "day/done"
    content = msgspec.msgpack.encode([*(STORED | wrong).values()])
    key = os.fsencode(folder.relative_to(outputs))
    frame = FRAME.pack(len(key), len(content), look(folder).mark) + key + content
    head = index_file._reading_code() + index_file._digest(frame)
    file_of(outputs).write_bytes(head + frame)
    assert RunIndex(outputs).runs() == list_runs(outputs)
    assert "done" in read_again


def test_a_folder_that_cannot_be_written_has_no_index(outputs, monkeypatch):
    def refuse(*arguments):
        raise OSError(30, "Read-only file system")

    file_of(outputs).unlink()
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert RunIndex(outputs).runs() == list_runs(outputs)
    assert not file_of(outputs).exists()


def test_a_disk_that_is_full_leaves_the_index_there_was_and_no_half_one(outputs, monkeypatch):
    def refuse(old, new):
        raise OSError(28, "No space left on device")

    before = file_of(outputs).read_bytes()
    make_run(outputs / "new")
    monkeypatch.setattr(index_file.os, "replace", refuse)
    RunIndex(outputs).runs()
    assert file_of(outputs).read_bytes() == before
    assert [path for path in outputs.iterdir() if path.name.startswith(".runs")] == [
        file_of(outputs)
    ]


def test_what_a_killed_process_was_writing_goes_after_an_hour(outputs):
    left, young = (outputs / f"{file_of(outputs).name}.{name}.partial" for name in "ab")
    for path, age in ((left, 4000), (young, 10)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    make_run(outputs / "new")
    RunIndex(outputs).runs()
    assert (left.exists(), young.exists()) == (False, True)


def test_nothing_is_written_into_a_run(tmp_path):
    run = make_run(tmp_path / "run", lines=LINES)
    with RunIndex(run) as index:
        assert [found.folder for found in index.runs()] == [run]
    assert not list(run.glob(".runs*"))


def test_few_small_runs_are_not_worth_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(indexing, "WORTH_SECONDS", 60.0)
    make_run(tmp_path / "run")
    with RunIndex(tmp_path) as index:
        index.runs()
    assert not list(tmp_path.glob(".runs*"))


def test_sizes_are_kept_until_something_is_written(outputs, monkeypatch):
    with RunIndex(outputs) as index:
        sizes = {run.folder: run.size for run in index.runs()}
    monkeypatch.setattr("aa.runs.summary.disk_size", lambda folder: -1)
    assert {run.folder: run.size for run in RunIndex(outputs).runs()} == sizes
    (outputs / "day/done/train.log").write_text("x" * 10_000)
    os.utime(outputs / "day/done/train.log", (2e9, 2e9))
    counted = {run.folder for run in RunIndex(outputs).runs() if run.size == -1}
    assert counted == {outputs / "day/done"}


def look_often(outputs):
    """List the runs many times, each time as another process would."""
    indexing.WORTH_SECONDS = 0.0
    for _ in range(20):
        found = RunIndex(outputs).runs()
        assert {run.step for run in found if run.folder.name == "done"} <= {4, 5}
        assert len(found) == 6
    return [run.folder.name for run in found]


def test_any_number_of_processes_share_it(outputs):
    records = outputs / "day/done/metrics.jsonl"
    both = [records.read_text(), records.read_text().replace('"step": 4', '"step": 5')]
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        looking = [pool.submit(look_often, outputs) for _ in range(3)]
        while not all(one.done() for one in looking):
            both.reverse()
            partial = records.with_name("half")
            partial.write_text(both[0])
            os.replace(partial, records)
        assert {tuple(sorted(one.result())) for one in looking}
    assert RunIndex(outputs).runs() == list_runs(outputs)
    assert not list(outputs.glob("*.partial"))


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        RunIndex(tmp_path / "nothing")
