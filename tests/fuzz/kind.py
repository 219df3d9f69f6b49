"""A kind of input: what an honest one is, how it is changed, and which readers get it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

BESIDE = "@BESIDE@"  # in a mutant: the folder that holds the sandbox, evil files and a canary
SECRET = "canary-6b1f0c5e9a"  # value of the environment variable SECRET: nobody may tell it


@dataclass(frozen=True)
class Mutant:
    """An input.

    Attributes:
        files: {name in the sandbox: bytes}; None for a file that is missing.
        target: name of the reader that gets it, see `Kind.targets`.
    """

    files: dict[str, bytes | None] = field(repr=False)
    target: str

    @property
    def size(self):
        """Bytes of what was changed."""
        return sum(len(content) for content in self.files.values() if content)


class BrokenError(Exception):
    """A reader's result breaks the promise, in a way of this sort that only its target can see."""

    def __init__(self, sort, text):
        super().__init__(text)
        self.sort = sort


class Kind:
    """One kind of input. Heavy imports are for `prepare`.

    Attributes:
        targets: {name: function of the sandbox, which reads what lies there}.
        base: {name: bytes} of files that lie beside those of every mutant.
    """

    targets: ClassVar[dict[str, Callable[[Path], object]]] = {}
    base: ClassVar[dict[str, bytes]] = {}

    def prepare(self):
        """Import what the targets need, make the honest inputs; called once, before forking."""

    def honest(self) -> list[Mutant]:
        """Inputs that are read without a word, at least one for each target."""
        raise NotImplementedError

    def rough(self) -> list[Mutant]:
        """Inputs that are refused, so that what our own code imports to say so is known."""
        return [_halved(mutant) for mutant in self.honest()]

    def generated(self) -> dict[str, Mutant]:
        """{name: input} of what every test begins with, where a file would be too large."""
        return {}

    def mutant(self, rng: random.Random) -> Mutant:
        """A changed input, the same for the same state of `rng`."""
        raise NotImplementedError

    def files_for(self, mutant: Mutant) -> dict[str, bytes | None]:
        """All that lies in the sandbox when a mutant is read."""
        return {**self.base, **mutant.files}

    def targets_of(self, files) -> list[str]:
        """Names of the targets that read files of these names."""
        return list(self.targets)

    def file_name(self, name: str) -> str:
        """Where a single file that was found by this name belongs in the sandbox."""
        return name


def rng_of(seed, kind, number):
    """The source of all choices of one mutant."""
    return random.Random(f"{seed}/{kind}/{number}")


def _halved(mutant):
    halves = {name: file and file[: len(file) // 2] for name, file in mutant.files.items()}
    return Mutant(halves, mutant.target)
