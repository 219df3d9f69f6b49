"""What reads a run folder: each is called with the sandbox, which holds `runs/`."""

import functools
from html.parser import HTMLParser
from importlib.util import module_from_spec, spec_from_file_location

from aa.runs.records import Recorder
from tests.fuzz.kind import BrokenError
from tests.fuzz.kinds.hydra_part import check_arguments
from tests.fuzz.kinds.run_folder import CHECKPOINT, RUNNER
from tests.fuzz.mutate.values import MARK

SCRIPTS = 1  # in a report: that which sorts its table


def list_all(folder):
    """The table of all runs."""
    from aa.cli.run_tables import print_runs
    from aa.runs.listing import list_runs

    print_runs(list_runs(folder / "runs"))


def report_runs(folder):
    """The page that compares two runs."""
    _report([folder / "runs/run", folder / "runs/other"])


def report_sweep(folder):
    """The page of a sweep."""
    _report([folder / "runs/sweep"])


def _report(folders):
    from aa.reports.report import write_report

    page = _Page(write_report(folders).read_text())
    if page.foreign:
        raise BrokenError("text", f"the report holds foreign markup: {page.foreign}")


def repeat(folder):
    """rerun=<run>."""
    from aa.cli.rerun import rerun_arguments
    from aa.config.primary import TrainConfig

    given = [f"rerun={folder / 'runs/run'}"]
    check_arguments(rerun_arguments(given, TrainConfig, runner=RUNNER))


def go_on(folder):
    """resume=<run>."""
    from aa.cli.resume_arguments import resume_arguments
    from aa.config.primary import TrainConfig

    given = [f"resume={folder / 'runs/run'}"]
    check_arguments(resume_arguments(given, TrainConfig, runner=RUNNER))


def go_on_with_sweep(folder):
    """sweep.resume=<sweep>."""
    from aa.cli.resolvers import make_folder, register_resolvers
    from aa.cli.sweeps import sweeping
    from aa.config.primary import TrainConfig

    register_resolvers(make_folder)
    given = [f"sweep.resume={folder / 'runs/sweep'}"]
    runner = str(RUNNER)
    with sweeping(given, TrainConfig, runner=runner, full_error=False) as (_, arguments):
        check_arguments(arguments[1:], sweep=True)


def look_after_jobs(folder):
    """What a running job asks of its sweep's folder."""
    from aa.sweeps.sweep import Sweep

    sweep = Sweep.read(folder / "runs/sweep")
    return sweep.jobs(), sweep.is_stopped(), sweep.asked(), sweep.has_failed()


def compare(folder):
    """rerun_check=true."""
    from aa.runs.rerun_check import differences

    run, other = folder / "runs/run", folder / "runs/other"
    return list(differences(run, other)), list(differences(other, run))


def make_fit(folder):
    """Before a run goes on."""
    from aa.runs.resume import repair

    repair(folder / "runs/run")


def record_on(folder):
    """Its records, once it goes on from step 2."""
    Recorder(folder / "runs/run", step=2).close()


def tell_state(folder):
    """What has become of it."""
    from aa.runs.outcomes import state

    if not isinstance(state(folder / "runs/run"), str):
        raise BrokenError("traceback", "a state that is no text")


def check_seal(folder):
    """Whether its checkpoint is whole."""
    from aa.runs.sealing import fault_in

    return fault_in(folder / "runs/run" / CHECKPOINT)


def open_weights(folder):
    """Its weights, as inference takes them."""
    from aa.weights.folders import open_folder

    return repr(open_folder(folder / "runs/run"))


def find_videos(folder):
    """Which videos it has made."""
    return len(_made().MadeVideos(folder / "runs/run", None, [], resumed=True).records)


@functools.cache
def _made():
    """The module `aa.inference.made` without its package, which imports paddle for 15 s."""
    spec = spec_from_file_location("made", RUNNER.parents[1] / "aa/inference/made.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Page(HTMLParser):
    """What of a page is none of ours."""

    def __init__(self, text):
        super().__init__()
        self.foreign, self.scripts = "", 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        marked = [name for name, _ in attributes if MARK in name]
        if tag == MARK or marked or self.scripts > SCRIPTS:
            self.foreign = self.foreign or self.get_starttag_text()
