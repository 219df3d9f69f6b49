"""What came of all mutants of a kind: counts, and the faults by the place they come from."""

from collections import Counter
from dataclasses import dataclass, field

from tests.fuzz.verdict import READ, REFUSED, SORTS


@dataclass
class Group:
    """Faults of one sort from one place, and the smallest input that causes one."""

    sort: str
    place: str
    count: int = 0
    size: int | None = None  # bytes of the smallest input
    text: str = ""  # what happened with it
    target: str = ""  # that read it
    path: str = ""  # where it lies
    again: str = ""  # arguments that try it again


@dataclass
class Tally:
    """Of one kind."""

    name: str
    seconds: float = 0.0
    mutants: int = 0
    counts: Counter = field(default_factory=Counter)  # of outcomes and of sorts of faults
    groups: dict[tuple[str, str], Group] = field(default_factory=dict)

    def add(self, verdict):
        """Count a mutant; the groups that its faults belong to."""
        self.mutants += 1
        self.counts[verdict.outcome] += 1
        self.counts.update({fault.sort for fault in verdict.faults})
        found = []
        for fault in verdict.faults:
            key = fault.sort, fault.place
            group = self.groups.setdefault(key, Group(fault.sort, fault.place))
            group.count += 1
            found.append(group)
        return found

    @property
    def rate(self):
        """Mutants a second."""
        return self.mutants / self.seconds if self.seconds else 0.0

    @property
    def sorted_groups(self):
        """The most frequent first."""
        return sorted(self.groups.values(), key=lambda group: -group.count)


def table(tallies):
    """All kinds as a table in Markdown."""
    titles = ["kind", "mutants", "a second", "read", "refused", *SORTS.values()]
    lines = [
        [
            tally.name,
            tally.mutants,
            f"{tally.rate:.0f}",
            *(tally.counts[name] for name in (READ, REFUSED, *SORTS)),
        ]
        for tally in tallies
    ]
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in (titles, rule, *lines))


def fault_list(tallies):
    """All distinct faults as a list in Markdown: how often, where, the smallest input."""
    lines = []
    for tally in tallies:
        for group in tally.sorted_groups:
            lines += [
                f"- {tally.name}: {SORTS[group.sort]}, {group.count} times, in "
                f"`{group.target}`: {group.place}",
                f"  - {group.text}",
                f"  - smallest: {group.size} bytes, `{group.path}`; again: "
                f"`python -m tests.fuzz {group.again}`",
            ]
    return "\n".join(lines)
