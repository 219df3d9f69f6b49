"""What came of a mutant: read, refused, or a fault of one or more sorts."""

import re
import traceback
from dataclasses import asdict, dataclass, field

READ, REFUSED, FAILED = "read", "refused", "failed"
# Sorts of faults, and the heading of each in a table.
SORTS = {
    "traceback": "tracebacks",
    "slow": "over 2 s",
    "memory": "over the memory bound",
    "call": "foreign calls",
    "write": "foreign writes",
    "text": "bad texts",
    "crash": "crashes",
}
OURS = re.compile(r"/(aa|hydra_plugins|runners)/")
MOST = 400  # characters of a fault's text


@dataclass(frozen=True)
class Fault:
    """A broken promise: its sort, what happened, and where, by which faults are grouped."""

    sort: str
    text: str
    place: str


@dataclass
class Verdict:
    """What came of one mutant; `line` is what a user would read of it, "" if it was read."""

    outcome: str = READ
    line: str = ""
    faults: list[Fault] = field(default_factory=list)

    def add(self, sort, text, place=""):
        """Note a fault."""
        shown = text if len(text) <= MOST else f"{text[:MOST]} ... ({len(text)} characters)"
        plain = shown.encode("ascii", "backslashreplace").decode()
        self.faults.append(Fault(sort, " ".join(plain.split()), place or blanked(plain)))
        self.outcome = FAILED if sort == "traceback" else self.outcome

    def to_json(self):
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values):
        """Of what `to_json` made."""
        return cls(values["outcome"], values["line"], [Fault(**f) for f in values["faults"]])


def blanked(text):
    """A text without what differs from mutant to mutant."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "'...'", text)
    return re.sub(r"\d+", "N", text)[:160]


def location(error):
    """Where an error comes from: its type, our innermost line and the innermost of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if OURS.search(f.filename)]
    names = [f"{_short(f.filename)}:{f.lineno} in {f.name}" for f in (*ours[-1:], *frames[-1:])]
    return f"{type(error).__name__} at {' <- '.join(reversed(dict.fromkeys(names)))}"


def slow_place(dump):
    """The innermost line, and our innermost one, in what faulthandler wrote last of a process."""
    dump = dump.rpartition("(most recent call first)")[2]
    frames = re.findall(r'File "([^"]+)", line (\d+) in (\S+)', dump)
    frames = [frame for frame in frames if "/fuzz/" not in frame[0] or "planted" in frame[0]]
    ours = [frame for frame in frames if OURS.search(frame[0])]
    named = [f"{_short(file)}:{line} in {name}" for file, line, name in (*frames[:1], *ours[:1])]
    return " <- ".join(dict.fromkeys(named)) or "somewhere"


def ours(place):
    """Of what `slow_place` returned, our line: a library is slow in one line or another.

    Below a hundred calls our line is not told; then the library's file.
    """
    innermost, _, own = place.rpartition(" <- ")
    return own if innermost or OURS.search(f"/{own}") else own.partition(":")[0]


def _short(path):
    found = list(OURS.finditer(path))
    return path[found[-1].start() + 1 :] if found else "/".join(path.split("/")[-2:])
