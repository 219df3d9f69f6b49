#!/usr/bin/env python3
"""In the place of Slurm's sacct, which has nothing to say without a data base: asks the controller.

Answers what submitit asks, whatever the format: sacct -o JobID,State,NodeList --parsable2 -j 7.
"""

import re
import subprocess
import sys


def describe(job: str) -> list[str]:
    """The lines about a job: one, or one for each task of an array."""
    command = ["scontrol", "--oneliner", "show", "job", job]
    shown = subprocess.run(command, capture_output=True, text=True).stdout
    lines = []
    for line in shown.splitlines():
        about = dict(re.findall(r"(\w+)=(\S*)", line))
        name, task = about["JobId"], about.get("ArrayTaskId")
        if task is not None:
            name = f"{about['ArrayJobId']}_{task if task.isdigit() else f'[{task}]'}"
        lines.append(f"{name}|{about['JobState']}|{about.get('NodeList', '')}")
    return lines


if __name__ == "__main__":
    print("JobID|State|NodeList")
    for option, value in zip(sys.argv, sys.argv[1:], strict=False):
        if option == "-j":
            print(*describe(value), sep="\n")
