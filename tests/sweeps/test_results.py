"""Jobs in order, over seeds, and what tells apart runs that are no sweep."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest import approx

from aa.errors import UserError
from aa.reports.jobs import differing
from aa.reports.results import collect, over_seeds, totals
from aa.runs.words import last_lines
from aa.runs.work import Work
from tests.sweeps.conftest import outcome

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from aa.runs.lock import held
with held(sys.argv[1]):
    print(flush=True)
    sys.stdin.read()
"""


def test_the_best_job_comes_first_and_those_without_a_value_last(make_sweep):
    jobs = [({"a": 1}, None, "done"), ({"a": 2}, 0.3, "done"), ({"a": 3}, 0.1, "done")]
    assert [job.number for job in collect([make_sweep(jobs)]).jobs] == [2, 1, 0]


def test_a_sweep_may_say_that_more_is_better(make_sweep):
    jobs = [({"a": 1}, 0.1, "done"), ({"a": 2}, 0.3, "done")]
    assert [job.number for job in collect([make_sweep(jobs, direction="max")]).jobs] == [1, 0]


def test_jobs_come_in_the_order_of_their_numbers_not_their_names(make_sweep):
    folder = make_sweep([({"a": n}, None, "done") for n in range(11)])
    assert [job.number for job in collect([folder]).jobs] == list(range(11))


def test_seeds_give_a_mean_and_students_interval(make_sweep):
    jobs = [({"a": 1, "seed": s}, loss, "done") for s, loss in ((1, 1.0), (2, 2.0), (3, 3.0))]
    (group,) = over_seeds(collect([make_sweep(jobs)]))
    # Standard error 1 / sqrt(3); t of two degrees of freedom is 4.3027.
    assert (group.swept, group.mean, group.count) == ({"a": 1}, 2.0, 3)
    assert group.half == approx(4.3027 / 3**0.5, rel=1e-4)


def test_only_finished_jobs_count_over_seeds(make_sweep):
    jobs = [({"seed": 1}, 1.0, "done"), ({"seed": 2}, 9.0, "failed")]
    (group,) = over_seeds(collect([make_sweep(jobs)]))
    assert (group.mean, group.half, group.count) == (1.0, None, 1)


def test_groups_are_best_first(make_sweep):
    jobs = [({"a": a, "seed": 1}, loss, "done") for a, loss in ((1, 0.3), (2, 0.1), (3, 0.2))]
    groups = over_seeds(collect([make_sweep(jobs)]))
    assert [group.swept["a"] for group in groups] == [2, 3, 1]


def test_without_a_swept_seed_there_are_no_groups(make_sweep):
    assert over_seeds(collect([make_sweep([({"a": 1}, 0.1, "done")])])) == []


def test_runs_are_told_apart_by_the_keys_that_decide_and_differ(make_run):
    configs = [
        {"seed": seed, "name": f"run {seed}", "rerun": str(seed), "data": {"height": 32}}
        for seed in (1, 2)
    ]
    folders = [make_run(f"{n}", snapshot={"config": c}) for n, c in enumerate(configs)]
    sweep = collect(folders)
    assert sweep.keys == ["seed"]
    assert [job.swept for job in sweep.jobs] == [{"seed": 1}, {"seed": 2}]


def test_a_run_that_ended_before_its_snapshot_is_told_apart_by_what_hydra_wrote(make_run):
    done = make_run("done", snapshot={"config": {"seed": 1, "data": {"width": 32}}})
    failed = make_run("failed")
    (failed / ".hydra").mkdir()
    config = "seed: 2\ndata: {width: '${data.height}'}\n"
    (failed / ".hydra/config.yaml").write_text(config)
    assert [job.swept for job in collect([done, failed]).jobs] == [{"seed": 1}, {"seed": 2}]


def test_a_key_of_another_version_or_inside_a_null_group_is_no_difference():
    configs = [{"a": 1, "new": 2, "next.steps": 5}, {"a": 1, "next": None}]
    assert differing(configs) == ["next"]


def test_a_folder_of_runs_is_the_same_as_these_runs(make_run, tmp_path):
    for name in ("a", "b"):
        make_run(f"day/{name}", snapshot={})
    (tmp_path / "day/notes").mkdir()
    assert [job.folder.name for job in collect([tmp_path / "day"]).jobs] == ["a", "b"]


def test_a_job_says_how_to_do_it_again_with_its_own_runner(make_run):
    command = ["/usr/bin/python", "/x/runners/infer.py", "weights=w"]
    folder = make_run("a run", snapshot={"command": command})
    (job,) = collect([folder]).jobs
    assert job.command == f"python runners/infer.py 'rerun={folder}'"


def test_of_a_failed_job_the_last_state_of_each_line_is_kept(make_run):
    folder = make_run("run", outcome=outcome("failed"))
    text = "start\nbar 0%\rbar 50%\rbar 100%\r\n\x1b[31merror:\x1b[0m no\a disk\n\n"
    (folder / "output.log").write_text(text)
    (job,) = collect([folder]).jobs
    assert job.run.error == "the loss is no number"
    assert job.last_lines == ["start", "bar 100%", "error: no disk"]


def test_only_the_end_of_a_long_log_is_shown(make_run):
    folder = make_run("run", snapshot={})
    (folder / "train.log").write_text("".join(f"line {n}\n" for n in range(30)))
    assert last_lines(folder / "train.log", 12) == [f"line {n}" for n in range(18, 30)]


def test_a_job_whose_lock_is_held_is_running(make_sweep):
    folder = make_sweep([({"a": 1}, 0.5, "done")])
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder / "0_job"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        process.stdout.readline()
        states = collect([folder]).states
        process.stdin.close()
    assert states == {"running": 1}


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no runs"):
        collect([tmp_path])


def test_an_unknown_metric_is_refused_with_those_there_are(make_sweep):
    folder = make_sweep([({"a": 1}, 0.5, "done")])
    with pytest.raises(UserError, match="metric val/psnr: no run has it; there are val/loss"):
        collect([folder], metric="val/psnr")


def test_runs_without_any_metric_can_still_be_compared(make_run):
    sweep = collect([make_run("a", snapshot={}), make_run("b", snapshot={})])
    assert (sweep.metric, len(sweep.jobs)) == (None, 2)


def test_time_and_work_are_told_of_each_state_and_of_all(make_sweep):
    jobs = [({"a": 1}, 0.1, "done"), ({"a": 2}, 0.2, "done"), ({"a": 3}, 0.3, "failed")]
    folder = make_sweep([*jobs, ({"a": 4}, None, "waiting")])
    speed = {"samples_per_second": 8.0, "frames_per_second": 64.0, "seconds_per_step": 0.5}
    for number in (0, 1, 2):
        with open(folder / f"{number}_job/metrics.jsonl", "a") as file:
            line = {"step": 5, "loss": 1.0, "training_minutes": 0.5, **speed}
            file.write(json.dumps(line) + "\n")
    found = {total.of: total for total in totals(collect([folder]))}
    assert [*found] == ["done", "failed", "waiting", "all"]
    assert found["done"].work == Work(10, 40, 320, 60.0) and found["done"].seconds == 130.0
    assert found["waiting"].work == Work() and found["waiting"].seconds is None
    assert (found["all"].jobs, found["all"].work.frames, found["all"].seconds) == (4, 480, 195.0)


def test_of_jobs_of_one_state_there_is_one_total(make_sweep):
    (total,) = totals(collect([make_sweep([({"a": 1}, 0.1, "done")])]))
    assert (total.of, total.jobs) == ("done", 1)
