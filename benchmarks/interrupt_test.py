"""Is a command that is interrupted, at whatever moment, interrupted and nothing else?

    python benchmarks/interrupt_test.py                          # SIGINT and SIGTERM, many moments
    python benchmarks/interrupt_test.py --moments 0.2 8 --only train

Every command is started anew for each moment and gets the signal so many seconds later. Checked:
the word `interrupted` (and no traceback), exit code 130 or 143, or, where it had ended before, 0;
no run below its folder is listed as failed; where it names a command to go on with, that one ends
well. A moment before Python itself has started (some 0.05 s) is Python's own.
"""

import argparse
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from aa.runs.listing import list_runs

RUNNERS = Path(__file__).parents[1] / "runners"
SMOKE = ["+experiment=smoke", "stage.max_steps=40", "stage.sample_steps=0"]
COMMANDS = {
    "train": ["train.py", *SMOKE],
    "two processes": ["train.py", *SMOKE, "hardware.devices=2"],
    "sweep": ["train.py", "-m", *SMOKE, "seed=1,2"],
    "plan": ["train.py", *SMOKE, "plan=true"],
    "config": ["train.py", *SMOKE, "--cfg", "job"],
    "runs": ["runs.py"],
}
MOMENTS = [0.1, 0.2, 0.5, 1, 2, 4, 6, 8, 10, 12, 15, 20, 30]


def interrupt(command, number, moment, home):
    """(exit code, what it said, seconds that it took to end) of a command that gets a signal."""
    process = subprocess.Popen(
        [sys.executable, str(RUNNERS / command[0]), *command[1:]],
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    sent = time.monotonic()
    said = process.communicate()[0]
    return process.returncode, said, time.monotonic() - sent


def faults(code, said, number, home):
    """What is not as it should be, a line each."""
    wanted = 128 + number
    if code not in (0, wanted):
        yield f"exit code {code}"
    if code and not re.search(r"^interrupted", said, re.M):
        yield f"the word is missing: {said[-300:]!r}"
    if "Traceback" in said:
        yield f"a traceback: {said[-2000:]}"
    if (home / "outputs").is_dir():
        yield from (f"{run.folder} failed" for run in list_runs(home) if run.state == "failed")


def go_on(said, home):
    """Run the command that was named, if one was; what is wrong with its end, or None."""
    named = re.findall(r"go on .*: python (.*)", said)
    if not named:
        return None
    done = subprocess.run(
        [sys.executable, *shlex.split(named[-1])], cwd=home, capture_output=True, text=True
    )
    return f"{named[-1]}: {done.stderr[-500:]}" if done.returncode else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=float, nargs="+", default=MOMENTS)
    parser.add_argument("--only", choices=COMMANDS)
    options = parser.parse_args()
    bad = 0
    for name in [options.only] if options.only else COMMANDS:
        for number in (signal.SIGINT, signal.SIGTERM):
            for moment in options.moments:
                with tempfile.TemporaryDirectory() as folder:
                    home = Path(folder)
                    code, said, seconds = interrupt(COMMANDS[name], number, moment, home)
                    found = list(faults(code, said, number, home))
                    found += filter(None, [go_on(said, home)])
                bad += len(found)
                last = (said.strip().splitlines() or [""])[-1].replace(folder, "...")
                about = "; ".join(found) or f"ok, {seconds:.1f} s later: {last[:100]}"
                print(f"{name}, {number.name} after {moment:g} s: code {code}, {about}", flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
