"""The file that keeps what was read of runs, with right hashes and marks: all of it is opened."""

import json
from typing import ClassVar

from tests.fuzz.kind import Kind, Mutant
from tests.fuzz.mutate import json_, raw

CONTENT, RUN = "content", "runs/run"  # what the file has of a run; its folder


def list_indexed(folder):
    """The table of all runs, as the index has them."""
    from aa.cli.run_tables import print_runs
    from aa.runs.disk import look
    from aa.runs.index import RunIndex
    from aa.runs.index_file import FRAME, IndexFile, _digest, _reading_code

    content, key = (folder / CONTENT).read_bytes(), b"run"
    frame = FRAME.pack(len(key), len(content), look(folder / RUN).mark) + key + content
    file = folder / "runs" / IndexFile(folder / "runs").name
    file.write_bytes(_reading_code() + _digest(frame) + frame)
    print_runs(RunIndex(folder / "runs").runs())


class Index(Kind):
    """What somebody might write into such a file."""

    targets: ClassVar = {"list": list_indexed}

    def prepare(self):
        import msgspec

        import aa.cli.run_tables
        import aa.runs.index  # noqa: F401
        from aa.cli.resolvers import register_schemas
        from tests.fuzz.kinds.run_folder import run_folder

        register_schemas()
        self.base = {f"{RUN}/{name}": content for name, content in run_folder().items()}
        config = {"seed": 42, "stage.learning_rate": 1e-4, "data.cameras": ["a", None, True]}
        numbers = {"val/loss": [0.25, 4], "test/psnr": [30.0, None]}
        notes = {"note": "a note", "tags": ["paper"], "star": True}
        self.seed = json.dumps(
            [
                *("train", "done", config, "/home", ["seed=42"], 4, 10, "", "val/loss"),
                *(numbers, [4, 8, 32, 2.5], notes, 65.0, None, 1.7e9, 10_000),
            ]
        ).encode()
        self.encode = msgspec.msgpack.encode

    def honest(self):
        return [Mutant({CONTENT: self.encode(json.loads(self.seed))}, "list")]

    def rough(self):
        wide = self.seed.replace(
            b"train", "\u4e2d\u00e9".encode(), 1
        )  # rich asks how wide they are
        return [*super().rough(), Mutant({CONTENT: self.encode(json.loads(wide))}, "list")]

    def mutant(self, rng):
        text = json_.changed(rng, self.seed)
        try:
            content = self.encode(json.loads(text))
        except (ValueError, RecursionError, OverflowError):
            content = text
        if rng.random() < 0.5:
            content = raw.changed(rng, content)
        return Mutant({CONTENT: content}, "list")

    def file_name(self, name):
        return CONTENT
