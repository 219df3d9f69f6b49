"""What a run from somebody else was started with, taken over by rerun=, resume= and sweep.resume=.

These compose with Hydra and take a tenth of a second each.
"""

import json
from typing import ClassVar

import yaml

from tests.fuzz.kind import Kind, Mutant
from tests.fuzz.kinds import readers
from tests.fuzz.kinds.run_folder import STARTED
from tests.fuzz.mutate import overrides_, yaml_

RUN, SWEEP = "runs/run/", "runs/sweep/"
OVERRIDES, HYDRA = f"{RUN}.hydra/overrides.yaml", f"{RUN}.hydra/hydra.yaml"
SNAPSHOT, ABOUT = f"{RUN}snapshot.json", f"{SWEEP}sweep.json"


class Overrides(Kind):
    """What a stranger's run folder says of how it was started."""

    targets: ClassVar = {
        "rerun": readers.repeat,
        "resume": readers.go_on,
        "sweep_resume": readers.go_on_with_sweep,
    }

    def prepare(self):
        from aa.cli.resolvers import register_schemas
        from tests.fuzz.kinds import run_folder

        register_schemas()
        self.config, self.sweep = run_folder.config_of(STARTED), run_folder.sweep_folder()
        about = json.dumps(run_folder.snapshot(self.config, STARTED)).encode()
        files = {"snapshot.json": about, **run_folder.hydra_folder(self.config, STARTED)}
        self.base = {RUN + name: content for name, content in files.items()}
        self.base |= {SWEEP + name: content for name, content in self.sweep.items()}

    def honest(self):
        return [Mutant({}, target) for target in self.targets]

    def rough(self):
        wrong = yaml.safe_dump(["+experiment=smoke", "stage.nobody=1", "seed=${nobody}"]).encode()
        return [Mutant({OVERRIDES: wrong}, target) for target in ("rerun", "resume")]

    def mutant(self, rng):
        target = rng.choice(list(self.targets))
        if target == "sweep_resume":
            about = json.loads(self.sweep["sweep.json"])
            about["arguments"] = overrides_.any_list(rng)
            if rng.random() < 0.2:
                about["options"] = overrides_.any_options(rng)
            return Mutant({ABOUT: json.dumps(about).encode()}, target)
        return Mutant(self._run(rng), target)

    def _run(self, rng):
        """The files of a run in which overrides, or options, are others."""
        from tests.fuzz.kinds.run_folder import hydra_folder, snapshot

        kind, task = rng.randrange(10), overrides_.any_list(rng)
        if kind < 6:
            content = yaml.safe_dump(task, allow_unicode=True).encode("utf-8", "surrogatepass")
            return {OVERRIDES: content}
        if kind == 6:
            files = hydra_folder(self.config, STARTED, own=task)
            return {HYDRA: files[".hydra/hydra.yaml"]}
        if kind == 7:
            about = snapshot(self.config, STARTED, overrides_.any_options(rng))
            return {SNAPSHOT: json.dumps(about).encode()}
        if kind == 8:
            return {OVERRIDES: yaml_.changed(rng, self.base[OVERRIDES])}
        return {HYDRA: yaml_.changed(rng, self.base[HYDRA])}

    def targets_of(self, files):
        return ["sweep_resume"] if ABOUT in files else ["rerun", "resume"]

    def file_name(self, name):
        return OVERRIDES
