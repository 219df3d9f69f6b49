"""An animation is asked for, looked at before it starts, and queued as an ordinary command."""

import json
import shlex
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from aa.app import checks, estimates
from aa.app.estimates import estimate
from aa.app.wishes import read_wish
from aa.demo.example import EXAMPLE
from aa.errors import UserError
from aa.runs.listing import list_runs, read_run
from tests.commands import ROOT
from tests.runs.folders import make_run

FORM = {"reference": "files/ann.png", "motion": "files/walk.mp4", "weights": "files/puppet"}
FORM |= {"kind": "pose", "preset": "fast", "seed": "7"}


@pytest.fixture
def weights(home):
    """The names and sizes of the example's model, without its numbers."""
    folder = home / "files" / "puppet"
    folder.mkdir()
    for path in (ROOT / EXAMPLE).glob("*.*"):
        if path.suffix in (".json", ".safetensors"):
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def wish(page, weights):
    """Function (values, run to repeat) -> the wish of the form with them."""
    return lambda run=None, **values: read_wish({**FORM, **values}, page.desk.places, run)


@pytest.fixture
def runner(home, monkeypatch):
    """What the page starts in the place of an animation: it leaves its arguments and an outcome."""
    script = home / "runner.py"
    script.write_text(
        "import json, sys\nfrom pathlib import Path\n"
        "values = dict(word.split('=', 1) for word in sys.argv[1:])\n"
        "folder = Path(values['hydra.run.dir'])\n"
        "(folder / 'arguments.json').write_text(json.dumps(sys.argv[1:]))\n"
        "(folder / 'outcome.json').write_text(json.dumps({'state': 'done'}))\n"
    )
    monkeypatch.setattr(checks, "words", lambda name, words: ["python3", str(script), *words])


def test_the_preset_of_a_small_model_has_no_guidance(wish):
    assert wish().arguments() == [
        *("inference=puppets", "weights=files/puppet", "reference=files/ann.png"),
        *("pose=files/walk.mp4", "inference.seed=7"),
    ]
    assert wish().steps == (4, 1) and wish(preset="good").steps == (10, 1)


def test_sizes_that_are_given_are_in_the_command(wish):
    given = wish(width="64", height="96", num_frames="12", fps="7.5").arguments()
    assert given[4:8] == [
        *("inference.width=64", "inference.height=96"),
        *("inference.num_frames=12", "inference.fps=7.5"),
    ]


def test_a_raw_video_is_a_driver_with_a_person(wish):
    arguments = wish(kind="driving", person="left").arguments()
    assert "driving=files/walk.mp4" in arguments and "poses.person=left" in arguments


def test_a_width_without_a_height_is_refused(wish):
    with pytest.raises(UserError, match="width and height are given together"):
        wish(width="64")


def test_as_before_repeats_what_a_run_had_set(wish, animation):
    again = wish(read_run(animation), preset="same", again="made")
    assert again.arguments()[:2] == [
        "inference.num_inference_steps=7",
        "inference.guidance_scale=1.0",
    ]
    assert again.steps == (7, 1)


def test_as_before_repeats_streams_and_weights_in_8_bits(wish, home):
    settings = {"mode": "stream", "engine": "openvino", "weights": "int8"}
    run = make_run(home / "outputs" / "small", runner="infer", inference=settings)
    arguments = wish(read_run(run), preset="same", again="small").arguments()
    assert {f"inference.{key}={value}" for key, value in settings.items()} <= {*arguments}


def test_weights_that_are_given_the_pictures_own_pose_go_with_a_raw_video(wish, weights):
    config = json.loads((weights / "config.json").read_text())
    config["components"].append("reference_pose")
    (weights / "config.json").write_text(json.dumps(config))
    shutil.copy(weights / "pose_guider.safetensors", weights / "reference_pose.safetensors")
    assert wish(kind="driving").driving
    with pytest.raises(UserError, match="the picture's own pose, which this page finds for a vid"):
        wish(kind="pose")


def test_what_a_run_of_somebody_says_beside_its_settings_is_not_repeated(wish, home):
    settings = {"num_inference_steps": "7; rm -rf /", "seed": 3, "engine": "${oc.env:HOME}"}
    run = make_run(home / "outputs" / "theirs", runner="infer", inference=settings)
    arguments = wish(read_run(run), preset="same", again="theirs").arguments()
    assert arguments[0] == "inference.engine='\\${oc.env:HOME}'"
    assert not [word for word in arguments if "rm" in word]


def test_time_is_that_of_earlier_runs_with_the_same_weights(wish, home, animation):
    (animation / "outcome.json").write_text(json.dumps({"state": "done", "seconds": 5.0}))
    path = animation / "snapshot.json"
    path.write_text(path.read_text().replace('"weights": "files"', '"weights": "files/puppet"'))
    # That run: 3 frames of 16x16 in 7 steps took 2 s, and 3 s beside.
    found = estimate(wish(), (6, 16, 16), list_runs(home / "outputs"))
    assert (round(found.seconds, 6), found.runs) == (round(3 + 2 * 2 * 4 / 7, 6), 1)


def test_without_an_earlier_run_no_time_is_said(wish, home, animation):
    assert estimate(wish(), (6, 16, 16), list_runs(home / "outputs")).seconds is None


def test_memory_is_that_of_the_plan_and_asked_for_once(monkeypatch):
    asked = []
    table = "│ together │ 1.25 │\n│ a device has │ 8.00 │\nit fits: 1.2 GiB of 8.0 GiB.\n"

    def run(words, **options):
        asked.append(words[-1])
        return type("Ended", (), {"stdout": table, "stderr": "", "returncode": 0})

    monkeypatch.setattr(estimates.subprocess, "run", run)
    plans = estimates.Plans()
    for _ in range(2):
        found = plans.plan(["weights=w"])
    assert found == {"gib": 1.25, "fits": True, "said": "it fits: 1.2 GiB of 8.0 GiB."}
    assert asked == ["plan=true"]


@pytest.fixture
def asked(monkeypatch):
    """What plans have asked for, and an event that lets them have answers."""
    asked, answered = [], threading.Event()

    def ask(arguments):
        asked.append(arguments[0])
        assert answered.wait(20)
        return {"gib": 1.0}

    monkeypatch.setattr(estimates, "_ask", ask)
    return asked, answered


def test_seed_and_person_change_no_plan(asked):
    asked, answered = asked
    answered.set()
    plans = estimates.Plans()
    plans.plan(["weights=w", "inference.seed=1", "poses.person=left"])
    plans.plan(["weights=w", "inference.seed=2"])
    assert asked == ["weights=w"]


def test_of_the_questions_of_a_form_that_wait_only_the_last_is_asked(asked):
    asked, answered = asked
    plans = estimates.Plans()
    questions = [("first", "a form"), ("old", "a form"), ("new", "a form"), ("its own", "another")]
    with ThreadPoolExecutor(4) as pool:
        answers = []
        for words, form in questions:
            answers.append(pool.submit(plans.plan, [words], form))
            time.sleep(0.1)
        answered.set()
    assert asked[0] == "first" and sorted(asked[1:]) == ["its own", "new"]
    assert "has changed" in str(answers[1].exception())


def test_a_check_is_the_command_with_poses_only_and_its_wish_is_queued(page, weights, runner, home):
    where = page.post("/api/check", FORM).json["go"]
    wait_for(lambda: "Accept and queue" in page.text(where))
    name = where.rpartition("/")[2]
    checked = home / "outputs" / "app" / ".checks" / name / "arguments.json"
    assert json.loads(checked.read_text())[-2:] == [
        "poses_only=true",
        f"hydra.run.dir=outputs/app/.checks/{name}",
    ]
    assert page.post("/api/start", {"check": name}).status_code == 200
    (job,) = page.desk.queue.jobs()
    assert job.record["title"] == "ann · walk"
    assert job.record["arguments"][:5] == [
        *("inference=puppets", "weights=files/puppet", "reference=files/ann.png"),
        *("pose=files/walk.mp4", "inference.seed=7"),
    ]
    assert job.record["arguments"][5:] == [
        *("preview_every=1", f"hydra.run.dir={job.record['folder']}", "resume=auto"),
    ]
    assert shlex.join(job.record["arguments"]) in page.text("/queue").replace("&#39;", "'")


@pytest.fixture
def long_check(home, monkeypatch):
    """What the page starts in the place of a check that takes an hour and minds no SIGTERM."""
    script = home / "long.py"
    script.write_text(
        "import signal, sys, time\nfrom pathlib import Path\n"
        "signal.signal(signal.SIGTERM, lambda *_: Path('told').touch())\n"
        "Path('begun').touch()\ntime.sleep(3600)\n"
    )
    monkeypatch.setattr(checks, "words", lambda name, words: ["python3", str(script), *words])


def wait_for(is_so):
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_check_is_stopped_while_it_runs_and_while_it_waits(page, weights, long_check, home):
    runs, waits = (page.post("/api/check", FORM).json["go"].rpartition("/")[2] for _ in range(2))
    wait_for((home / "begun").exists)
    assert "Stop</button>" in page.text(f"/check/{waits}")
    assert page.post("/api/check/stop", {"check": waits}).status_code == 200
    assert "this check was interrupted." in page.text(f"/check/{waits}")
    page.post("/api/check/stop", {"check": runs})
    wait_for((home / "told").exists)
    assert "Stop at once</button>" in page.text(f"/check/{runs}")
    page.post("/api/check/stop", {"check": runs})
    wait_for(lambda: "this check was interrupted." in page.text(f"/check/{runs}"))


def test_of_many_checks_the_last_are_kept(page, weights, runner, home, monkeypatch):
    monkeypatch.setattr(checks, "KEPT", 2)
    for _ in range(4):
        where = page.post("/api/check", FORM).json["go"]
        wait_for(lambda where=where: "Accept and queue" in page.text(where))
    assert len(list((home / "outputs" / "app" / ".checks").glob("*.json"))) == 2


def test_a_check_that_failed_says_why(page, home):
    name = "0123456789ab"
    (home / "outputs" / "app" / ".checks" / name).mkdir()
    (home / "outputs" / "app" / ".checks" / f"{name}.json").write_text(json.dumps({"values": FORM}))
    outcome = {"state": "failed", "error": "walk.mp4: nobody was found."}
    (home / "outputs" / "app" / ".checks" / name / "outcome.json").write_text(json.dumps(outcome))
    assert page.desk.checks.check(name).error == "walk.mp4: nobody was found."


def test_what_is_said_of_several_parts_is_one_warning(page, home):
    name = "0123456789ab"
    poses = home / "outputs" / "app" / ".checks" / name / "poses"
    poses.mkdir(parents=True)
    (poses.parents[1] / f"{name}.json").write_text(json.dumps({"values": FORM}))
    (poses.parent / "outcome.json").write_text(json.dumps({"state": "done"}))
    warnings = ["left arm: is hidden.", "right arm: is hidden.", "the feet are cut off."]
    report = {"alignment": {"warnings": warnings}, "cleaning": {"jumps": 0, "filled": 12}}
    (poses / "ann_walk.json").write_text(json.dumps(report))
    found = page.desk.checks.check(name)
    assert found.warnings == ["left arm, right arm: is hidden.", "the feet are cut off."]
    assert found.cleaned == "filled: 12"


def test_a_stopped_run_goes_on_in_the_queue_once(page, home):
    make_run(home / "outputs" / "stopped", ends=None)
    assert page.post("/api/resume-run", {"run": "stopped"}).status_code == 200
    (job,) = page.desk.queue.jobs()
    assert (job.record["runner"], job.record["arguments"]) == ("train", ["resume=outputs/stopped"])
    answer = page.post("/api/resume-run", {"run": "stopped"})
    assert "in the queue already" in answer.json["error"]


def test_buttons_of_the_queue_do_what_they_say(page, home):
    folders = [page.desk.queue.new_folder("job") for _ in range(2)]
    for folder in folders:
        page.desk.queue.add("a job", "infer", [], folder)
    assert page.post("/api/job", {"job": 2, "do": "up"}).status_code == 200
    assert [job.number for job in page.desk.queue.jobs()] == [2, 1]
    page.post("/api/job", {"job": 1, "do": "stop"})
    assert "Go on" in page.text("/queue?part=1")
    page.post("/api/job", {"job": 1, "do": "remove"})
    assert [job.number for job in page.desk.queue.jobs()] == [2]
