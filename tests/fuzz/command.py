"""The command line: which mutants, how long, where to; a table and a list of faults at the end."""

import argparse
import os
import sys
import time
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from tests.fuzz.audit import Audit
from tests.fuzz.campaign import Campaign
from tests.fuzz.found import fixtures, save
from tests.fuzz.sources import Files, Numbered
from tests.fuzz.tally import fault_list, table

# Mutants of each kind where nobody says: some seconds of two cores for each.
USUAL = {
    "weights": 3000,
    "pictures": 4000,
    "videos": 1500,
    "manifests": 4000,
    "cases": 1500,
    "runs": 700,
    "index": 1500,
    "overrides": 60,
}
ENDLESS = 10**9
MOST_SAVED = 10  # inputs of one fault; smaller ones than all before in any case
SAY_EVERY = 10.0  # seconds


def main(arguments, kinds):
    """Run the command; its exit code.

    Args:
        arguments: of the command line.
        kinds: {name: class}.
    """
    asked = _parser(kinds).parse_args(arguments)
    names = asked.kind or list(kinds)
    output = asked.output or Path("outputs/fuzz") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    audit, tallies = Audit(), []
    with suppress(KeyboardInterrupt):  # what has been found by then is told
        for name in names:
            campaign = Campaign(
                name,
                kinds[name](),
                audit,
                processes=asked.processes,
                told=partial(_told, output),
                progress=_Progress(asked, name, len(names)),
            )
            tallies.append(campaign.tally)
            campaign.prepare()
            _try(campaign, asked, len(names))
    print(table(tallies))
    listed = fault_list(tallies)
    if listed:
        print(f"\n{listed}")
    return 1 if listed else 0


def _try(campaign, asked, count):
    """The mutants that are asked for: given files, one number, or the kept ones and many more."""
    kind, name = campaign.kind, campaign.name
    if asked.input:
        campaign.run(Files(name, kind, asked.input))
    elif asked.number is not None:
        campaign.run(Numbered(name, kind, seed=asked.seed, first=asked.number, count=1))
    else:
        campaign.run(Files(name, kind, fixtures(name), kind.generated()))
        if asked.kept:
            return
        stop = asked.mutants or (ENDLESS if asked.minutes else USUAL.get(name, 1000))
        seconds = float("inf")
        if asked.minutes:
            seconds = 60 * asked.minutes / count - campaign.tally.seconds
        campaign.run(Numbered(name, kind, seed=asked.seed, count=stop), seconds=seconds)


def _parser(kinds):
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    add = parser.add_argument
    add("--kind", action="append", choices=list(kinds), help="of input, all by default; repeatable")
    add("--minutes", type=float, help="for all kinds together")
    add("--mutants", type=int, help="of each kind; without this and --minutes about a minute's")
    add("--seed", type=int, default=0, help="of all choices")
    add("--number", type=int, help="only the mutant of this number")
    add("--input", type=Path, action="append", help="only this file, or folder of files")
    add("--kept", action="store_true", help="only what every test begins with")
    add("--processes", type=int, default=os.cpu_count() or 1, help="at a time")
    add("--output", type=Path, help="folder for inputs that break a promise")
    return parser


def _told(output, source, place, verdict, groups):
    """Save a mutant that breaks a promise, unless others of each of its sorts are there already."""
    mutant, again = source[place], source.again(place)
    smallest = [g for g in groups if g.size is None or mutant.size < g.size]
    if not smallest and all(group.count > MOST_SAVED for group in groups):
        return
    path = save(output, source.title(place), mutant, verdict.faults, again=again)
    for group in smallest:
        fault = next(f for f in verdict.faults if (f.sort, f.place) == (group.sort, group.place))
        group.size, group.text, group.target = mutant.size, fault.text, mutant.target
        group.path, group.again = str(path), again


class _Progress:
    """Says now and then how far a kind is."""

    def __init__(self, asked, name, count):
        self.asked, self.name = asked, name
        self.seconds = asked.minutes and 60 * asked.minutes / count
        self.last = time.monotonic()

    def __call__(self, tally):
        now = time.monotonic()
        if now - self.last < SAY_EVERY:
            return
        self.last = now
        faulty = sum(group.count for group in tally.groups.values())
        left = f"{max(0, self.seconds - tally.seconds):.0f} s" if self.seconds else "some"
        if not self.seconds and tally.rate:
            stop = self.asked.mutants or USUAL.get(self.name, 1000)
            left = f"{max(0, stop - tally.mutants) / tally.rate:.0f} s"
        print(
            f"{self.name}: {tally.mutants} mutants, {tally.rate:.0f} a second, {left} to go, "
            f"{faulty} faults of {len(tally.groups)} sorts",
            file=sys.stderr,
            flush=True,
        )
