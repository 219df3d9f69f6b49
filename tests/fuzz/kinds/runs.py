"""Run folders from somebody else, in which one file is not what a run wrote."""

from typing import ClassVar

from tests.fuzz.kind import Kind, Mutant
from tests.fuzz.kinds import readers
from tests.fuzz.mutate import json_, raw, yaml_

RUN, SWEEP, OTHER = "runs/run/", "runs/sweep/", "runs/other/"
JOB = f"{SWEEP}0_seed-1/"
CHECKPOINT = f"{RUN}{readers.CHECKPOINT}/"
# File: the readers that look into it.
FILES = {
    f"{RUN}snapshot.json": ("list", "report", "rerun", "resume"),
    f"{RUN}outcome.json": ("list", "report", "differences", "state"),
    f"{RUN}metrics.jsonl": ("list", "report", "differences", "recorder"),
    f"{RUN}nonfinite.jsonl": ("recorder",),
    f"{RUN}plan.json": ("list",),
    f"{RUN}scores.json": ("list", "report", "differences"),
    f"{RUN}metrics.json": ("list", "report", "differences"),
    f"{RUN}summary.json": ("list", "report", "differences"),
    f"{RUN}cases.jsonl": ("videos",),
    f"{RUN}train.log": ("report",),
    f"{RUN}.hydra/overrides.yaml": ("list", "rerun", "resume"),
    f"{RUN}.hydra/hydra.yaml": ("list", "rerun", "resume"),
    f"{RUN}.hydra/config.yaml": ("list",),
    f"{RUN}.command.lock": ("state", "list"),
    f"{RUN}vdl/vdlrecords.1.log": ("recorder",),
    f"{CHECKPOINT}manifest.json": ("damage", "prepare"),
    f"{CHECKPOINT}config.json": ("open_folder",),
    f"{CHECKPOINT}training/state.json": ("damage", "prepare"),
    f"{SWEEP}sweep.json": ("list", "report_sweep", "sweep_resume", "jobs"),
    f"{SWEEP}stopped.json": ("jobs",),
    f"{JOB}job.json": ("list", "report_sweep", "jobs"),
    f"{JOB}outcome.json": ("report_sweep", "jobs"),
}
# Every file is changed as often as any other, but the log, which only the report reads. How seldom
# a reader of it is chosen that composes or draws:
SHARES = dict.fromkeys(("rerun", "resume", "sweep_resume"), 0.06)
SHARES |= {"report": 0.01, "report_sweep": 0.03, "list": 0.4}
OF_FILES = [0.01 if name.endswith(".log") and "vdl" not in name else 1 for name in FILES]
PAIRS = [(name, target) for name, targets in FILES.items() for target in targets]
# What lies in the sandbox where not everything is read.
PARTS = dict.fromkeys(("report_sweep", "sweep_resume", "jobs"), (SWEEP,))
PARTS |= dict.fromkeys(("report", "differences"), (RUN, OTHER))
PARTS["list"] = (RUN, SWEEP, OTHER)
# Without a snapshot, what Hydra wrote is read.
INSTEAD = (f"{RUN}.hydra/hydra.yaml", f"{RUN}.hydra/config.yaml")


class Runs(Kind):
    """What a stranger gives as a run folder."""

    targets: ClassVar = {
        "list": readers.list_all,
        "report": readers.report_runs,
        "report_sweep": readers.report_sweep,
        "rerun": readers.repeat,
        "resume": readers.go_on,
        "sweep_resume": readers.go_on_with_sweep,
        "jobs": readers.look_after_jobs,
        "differences": readers.compare,
        "prepare": readers.make_fit,
        "recorder": readers.record_on,
        "state": readers.tell_state,
        "damage": readers.check_seal,
        "open_folder": readers.open_weights,
        "videos": readers.find_videos,
    }

    def prepare(self):
        import matplotlib.font_manager  # noqa: F401 looks for its list of fonts in the home folder
        import scipy.special  # noqa: F401 for the intervals of a report

        from aa.cli.resolvers import register_schemas
        from tests.fuzz.kinds.run_folder import run_folder, sweep_folder

        register_schemas()
        run = run_folder()
        other = ("snapshot.json", "outcome.json", "metrics.jsonl", "scores.json", "summary.json")
        self.base = {
            **{RUN + name: content for name, content in run.items()},
            **{SWEEP + name: content for name, content in sweep_folder().items()},
            **{OTHER + name: run[name] for name in (*other, "metrics.json", ".hydra/config.yaml")},
        }

    def honest(self):
        whole = [Mutant({}, target) for target in self.targets]
        return [*whole, Mutant({f"{RUN}snapshot.json": None}, "list")]

    def rough(self):
        cheap = [pair for pair in PAIRS if SHARES.get(pair[1], 1) > 0.1]
        cut = [Mutant({name: self.base[name][:20]}, target) for name, target in cheap]
        wide = "- name=\u4e2d\u00e9\n".encode()  # rich then asks how wide characters are
        return [*cut, Mutant({f"{RUN}.hydra/overrides.yaml": wide}, "list")]

    def mutant(self, rng):
        (name,) = rng.choices([*FILES], OF_FILES)
        (target,) = rng.choices(FILES[name], [SHARES.get(target, 1) for target in FILES[name]])
        files = {name: _changed(rng, name, self.base[name])}
        if target == "list" and name in INSTEAD:
            files[f"{RUN}snapshot.json"] = None
        if rng.random() < 0.03:
            files[rng.choice(list(self.base))] = None
        return Mutant(files, target)

    def files_for(self, mutant):
        parts = PARTS.get(mutant.target, (RUN,))
        there = {n: content for n, content in self.base.items() if n.startswith(parts)}
        return {**there, **mutant.files}

    def targets_of(self, files):
        found = [target for name in files for target in FILES.get(name, ())]
        return list(dict.fromkeys(found))


def _changed(rng, name, content):
    if name.endswith(".jsonl"):
        return json_.changed_lines(rng, content)
    if name.endswith((".json", ".lock")):
        return json_.changed(rng, content)
    if name.endswith(".yaml"):
        return yaml_.changed(rng, content)
    return raw.changed(rng, content)
