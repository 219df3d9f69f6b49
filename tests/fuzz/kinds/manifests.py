"""Lists of clips to train on."""

import json
from typing import ClassVar

from tests.fuzz.kind import Kind, Mutant
from tests.fuzz.mutate import json_

NAME = "data/meta_data/clips.json"
CLIPS = [
    {"video_path": f"video/{number}.mp4", "kps_path": f"video_dwpose/{number}.mp4"}
    for number in range(4)
]


def read_inside(folder):
    """Read it as it is: paths stay in the data root."""
    from aa.data.manifest import read_manifest

    return len(read_manifest(folder / NAME))


def read_anywhere(folder):
    """Read it with data.allow_outside=true."""
    from aa.data.manifest import read_manifest

    return len(read_manifest(folder / NAME, allow_outside=True))


class Manifests(Kind):
    """What comes with a data set."""

    targets: ClassVar = {"inside": read_inside, "anywhere": read_anywhere}
    base: ClassVar = {f"data/{path}": b"" for clip in CLIPS for path in clip.values()}

    def prepare(self):
        import aa.data.manifest  # noqa: F401
        from aa.plain import plain_logging

        plain_logging()  # as every command does
        doubled = [*CLIPS, CLIPS[0], {**CLIPS[1], "fps": 30}]
        self.seeds = [json.dumps(clips).encode() for clips in (CLIPS, doubled)]

    def honest(self):
        return [Mutant({NAME: seed}, target) for seed in self.seeds for target in self.targets]

    def mutant(self, rng):
        content = json_.changed(rng, rng.choice(self.seeds), self.seeds)
        return Mutant({NAME: content}, rng.choice(list(self.targets)))

    def file_name(self, name):
        return NAME
