"""Jobs in processes: killed ones are replaced, and what was done stays done."""

import os
import signal
import subprocess
import sys
import time

import pytest

from aa.prepare.workers import Workers
from tests.commands import ROOT
from tests.prepare.videos import by_source, puppet, save


def double_or_die(number):
    """Twice a number; 3 takes its process along, 5 is no number to double."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 5:
        raise ValueError("five")
    return 2 * number


def threads(_):
    import cv2

    return os.environ["OMP_NUM_THREADS"], cv2.getNumThreads()


def test_a_job_that_kills_its_process_is_lost_and_the_others_are_not(tmp_path):
    done = dict(Workers(2, tmp_path / "log")(double_or_die, range(8)))
    results = {number: outcome.result for number, outcome in done.items()}
    assert results == {0: 0, 1: 2, 2: 4, 3: None, 4: 8, 5: None, 6: 12, 7: 14}
    assert done[3].lost == "the process that read it ended (SIGSEGV)"
    assert done[5].lost == "ValueError: five"
    assert "ValueError: five" in (tmp_path / "log").read_text()


def test_a_process_has_one_thread(tmp_path):
    ((_, outcome),) = Workers(1, tmp_path / "log")(threads, [0])
    assert outcome.result == ("1", 1)


def test_processes_end_with_who_asked_for_them(tmp_path):
    jobs = Workers(2, tmp_path / "log")(double_or_die, range(8))
    next(jobs)
    jobs.close()
    children = subprocess.run(["ps", "--ppid", str(os.getpid())], capture_output=True, text=True)
    assert "aa.prepare.workers" not in children.stdout


def start(source, target, folder, processes):
    words = [sys.executable, "-m", "tests.prepare.in_processes", source, target, folder, processes]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*map(str, words)], cwd=ROOT, **quiet)


def contents(target):
    """{name: bytes} of all files but the lock."""
    files = {path.relative_to(target): path for path in target.rglob("*") if path.is_file()}
    return {str(n): p.read_bytes() for n, p in files.items() if not n.name.endswith(".lock")}


# Files at whose first sight the command is killed: a record of a source, of a clip, what is being
# written, a clip of the third video.
KILLED_AT = (".prepare/*.npz", ".prepare/*-0001.json", "video/.*.part", "video/2-*.mp4")


@pytest.mark.slow
def test_killed_again_and_again_the_data_set_is_the_same_to_the_byte(tmp_path):
    for seed in range(4):
        save(tmp_path / f"raw/{seed}.mp4", *puppet(seed, 100))
    save(tmp_path / "raw/copy.mp4", *puppet(0, 100), crf=24)
    (tmp_path / "raw/broken.mp4").write_bytes(b"no video")
    target = tmp_path / "set"
    assert start(tmp_path / "raw", target, tmp_path / "run", 2).wait() == 0
    calm = contents(target)
    assert len(by_source(target)) == 6 and sum(n.startswith("video/") for n in calm) == 8
    target.rename(tmp_path / "calm")
    for number, pattern in enumerate(KILLED_AT):
        process = start(tmp_path / "raw", target, tmp_path / "run", 1 + number % 2)
        while not (reached := list(target.glob(pattern))) and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        assert reached and process.wait() == -signal.SIGKILL
    assert start(tmp_path / "raw", target, tmp_path / "run", 2).wait() == 0
    assert contents(target) == calm
