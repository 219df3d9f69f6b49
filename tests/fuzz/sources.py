"""Where mutants come from: made by their number, or files that were given or kept."""

from pathlib import Path

from tests.fuzz.found import load
from tests.fuzz.kind import rng_of


class Numbered:
    """Mutants made of a seed and their number.

    Args:
        name, kind: of input.
        seed: of all choices.
        first: number of the first one.
        count: how many.
    """

    def __init__(self, name, kind, *, seed, first=0, count):
        self.name, self.kind, self.seed, self.first, self.count = name, kind, seed, first, count

    def __len__(self):
        return self.count

    def __getitem__(self, place):
        return self.kind.mutant(rng_of(self.seed, self.name, self.first + place))

    def title(self, place):
        """What a mutant is called, as part of a file name."""
        return f"{self.name}-{self.seed}-{self.first + place}"

    def again(self, place):
        """The arguments that try a mutant again."""
        return f"--kind {self.name} --seed {self.seed} --number {self.first + place}"


class Files:
    """Mutants that are files or folders, one for each reader of each.

    Args:
        name, kind: of input.
        paths: of the files and folders.
        generated: {name: mutant} of further ones.
    """

    def __init__(self, name, kind, paths, generated=None):
        self.name = name
        self.found = [(Path(path), mutant) for path in paths for mutant in load(path, kind)]
        self.found += [(Path(title), mutant) for title, mutant in (generated or {}).items()]

    def __len__(self):
        return len(self.found)

    def __getitem__(self, place):
        return self.found[place][1]

    def title(self, place):
        """As `Numbered.title`."""
        path, mutant = self.found[place]
        return f"{self.name}-{path.stem}-{mutant.target}"

    def again(self, place):
        """As `Numbered.again`."""
        path = self.found[place][0]
        given = f"--input {path}" if path.exists() else "--kept"
        return f"--kind {self.name} {given}"
