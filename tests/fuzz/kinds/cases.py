"""Lists of pictures to animate, in YAML."""

from typing import ClassVar

from tests.fuzz.kind import Kind, Mutant
from tests.fuzz.mutate import yaml_

NAME = "cases.yaml"
SEEDS = (
    b"ann.png: [walk.mp4, turn.mp4]\nbob.png: walk.mp4\n",
    b"# people\nann.png:\n- walk.mp4\n- 'turn.mp4'\n\nbob.png:\n- \"walk.mp4\"\n",
    b"{ann.png: [walk.mp4], bob.png: [turn.mp4]}\n",
)


def read_all(folder):
    """Read the whole list."""
    from aa.inference.cases import read_cases

    return len(read_cases(cases=str(folder / NAME)))


def read_part(folder):
    """Read every second case."""
    from aa.inference.cases import read_cases

    return len(read_cases(cases=str(folder / NAME), shard="1/2"))


class Cases(Kind):
    """What says who is to be animated."""

    targets: ClassVar = {"all": read_all, "part": read_part}
    base: ClassVar = {name: b"" for name in ("ann.png", "bob.png", "walk.mp4", "turn.mp4")}

    def prepare(self):
        import aa.inference.cases  # noqa: F401

    def honest(self):
        return [Mutant({NAME: seed}, target) for seed in SEEDS for target in self.targets]

    def mutant(self, rng):
        content = yaml_.changed(rng, rng.choice(SEEDS), SEEDS)
        return Mutant({NAME: content}, rng.choice(list(self.targets)))

    def file_name(self, name):
        return NAME
