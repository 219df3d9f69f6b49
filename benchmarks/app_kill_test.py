"""Does a queue of jobs come to its end although its server is killed again and again?

    python benchmarks/app_kill_test.py --jobs 5 --kills 10

Jobs that animate the example are queued through the page, as a browser does it. The server is then
killed (SIGKILL) at random moments and started again each time; with `--with-jobs`, every third time
the job that runs is killed too. Checked in the end: all jobs are done, none was started more often
than it was killed, and the frames of every video are, to the bit, those of the plain command.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
LONGEST = 900  # seconds for all jobs after the last kill


class Server:
    """The page in a working directory, as a process."""

    def __init__(self, home):
        self.home, self.log = home, home / "server.log"
        self.log.write_bytes(b"")
        command = [sys.executable, str(ROOT / "runners" / "app.py"), "app.port=0"]
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                command, cwd=home, env=ENVIRONMENT, stdout=output, stderr=output
            )

    def address(self):
        """Where it is, as soon as it says so."""
        until = time.monotonic() + 60
        while not (found := re.search(r"page: +(http\S+)/", self.log.read_text())):
            assert time.monotonic() < until and self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        return found[1]

    def post(self, path, values):
        where = self.address()
        answer = requests.post(f"{where}{path}", json=values, headers={"Origin": where}, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.terminate()
        self.process.wait()


def queue_job(server, **values):
    """Queue an animation of the example, by its check of poses."""
    files = {"reference": "reference.png", "motion": "pose.mp4", "weights": ""}
    form = {key: f"examples/puppet/{name}".rstrip("/") for key, name in files.items()}
    form |= {"kind": "pose", "preset": "fast", **values}
    name = server.post("/api/check", form)["go"].rpartition("/")[2]
    outcome = server.home / "outputs" / "app" / ".checks" / name / "outcome.json"
    until = time.monotonic() + 120
    while not outcome.exists():
        assert time.monotonic() < until, "a check does not end"
        time.sleep(0.1)
    server.post("/api/start", {"check": name})


def records(home):
    """The files of the queue, by their number."""
    files = sorted((home / "outputs" / "app" / "queue").glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def starts(home):
    """How often each job was started."""
    folder = home / "outputs" / "app" / "queue"
    return {
        file.stem: len(file.read_text().splitlines()) for file in sorted(folder.glob("*.starts"))
    }


def states(home):
    """How each job has ended, None where it has not."""
    outcomes = [home / record["folder"] / "outcome.json" for record in records(home).values()]
    return [json.loads(path.read_text())["state"] if path.exists() else None for path in outcomes]


def hashes(folder):
    """The SHA-256 of the frames of an animation."""
    (video,) = json.loads((folder / "summary.json").read_text())["videos"]
    return video["sha256_of_frames"]


def run_killed(home, *, jobs, kills, rng, with_jobs=False, longest=4.0, preset="good"):
    """Queue jobs, kill the server, wait for their end; return how many jobs were killed too."""
    server, killed = Server(home), 0
    for number in range(jobs):
        queue_job(server, seed=str(number), preset=preset)
    for number in range(kills):
        time.sleep(rng.uniform(0.05, longest))
        server.kill()
        if with_jobs and number % 3 == 2:
            killed += _kill_job(home)
        print(f"  kill {number + 1}: {states(home).count('done')} jobs are done", flush=True)
        server = Server(home)
    until = time.monotonic() + LONGEST
    while None in states(home):
        assert time.monotonic() < until, states(home)
        time.sleep(0.2)
    server.end()
    return killed


def check(home, *, killed):
    """All jobs are done, once, and their frames are those of plain commands."""
    assert set(states(home)) == {"done"}, states(home)
    assert sum(starts(home).values()) <= len(records(home)) + killed, starts(home)
    for number, record in records(home).items():
        folder = home / "plain" / number
        words = [w for w in record["arguments"] if not w.startswith(("hydra.run.dir=", "resume="))]
        command = [sys.executable, str(ROOT / "runners" / "infer.py"), *words]
        command += [f"hydra.run.dir={folder}"]
        with open(home / "plain.log", "ab") as log:
            subprocess.run(command, cwd=home, env=ENVIRONMENT, check=True, stdout=log, stderr=log)
        assert hashes(folder) == hashes(home / record["folder"]), number


def _kill_job(home):
    """Kill the job that runs, if one does; return whether."""
    from aa.runs.lock import holder_of

    for file in (home / "outputs" / "app" / "queue").glob("*.lock"):
        if process := holder_of(file):
            os.killpg(process, signal.SIGKILL)
            return 1
    return 0


def make_home(folder):
    """A working directory with the example in it."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--with-jobs", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        home, rng = make_home(Path(place)), random.Random(asked.seed)
        begun = time.monotonic()
        killed = run_killed(
            home, jobs=asked.jobs, kills=asked.kills, rng=rng, with_jobs=asked.with_jobs
        )
        check(home, killed=killed)
        seconds = time.monotonic() - begun
        print(
            f"{asked.jobs} jobs done after {asked.kills} kills of the server and {killed} of jobs; "
            f"none was started more often than that asks for; frames equal those of plain commands "
            f"({seconds:.0f} s)"
        )


if __name__ == "__main__":
    main()
