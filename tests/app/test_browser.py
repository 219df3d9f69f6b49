"""The whole way by clicks, in Debian's Chromium, at the width of a desk and of a phone."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.commands import ROOT
from tests.runs.folders import make_run

playwright = pytest.importorskip("playwright.sync_api", reason="the extra dev has it")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
LONG = 120_000  # milliseconds: other tests run beside this one
TRAINING = [
    *("+experiment=puppets_small", "data.height=16", "data.width=16", "validation.num_clips=2"),
    "data.generate={num_clips: 6, num_frames: 8, folder: outputs/data/tiny}",
    *(
        "stage.max_steps=5000",
        "stage.log_steps=1",
        "stage.sample_steps=5000",
        "stage.save_steps=5000",
    ),
    *("inference.num_frames=4", "data.num_workers=0", "validation.steps=5000"),
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


def start(home, runner, *arguments):
    """A command of ours in a working directory; its output in a file."""
    with open(home / f"{runner}.out", "wb") as output:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "runners" / f"{runner}.py"), *arguments],
            cwd=home,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def end(process):
    process.send_signal(signal.SIGTERM)
    process.wait(60)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    shutil.copytree(ROOT / "examples", folder / "examples")
    lines = [{"step": step, "loss": 2.5 / step} for step in range(1, 9)]
    make_run(folder / "outputs" / "earlier", lines=lines, stage={"learning_rate": 1e-4})
    return folder


@pytest.fixture(scope="module")
def address(home):
    """Of a server that runs there."""
    process = start(home, "app", "app.port=0")
    limit = time.monotonic() + 60
    while not (found := re.search(r"page: +(http\S+)/", (home / "app.out").read_text())):
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.1)
    yield found[1]
    end(process)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as engine:
        options = {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}
        yield engine.chromium.launch(**options)


@pytest.fixture(params=SIZES)
def page(request, browser, address):
    """A page of one width; an error of its scripts fails the test."""
    width, height = SIZES[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, base_url=address, accept_downloads=True
    )
    opened, errors = context.new_page(), []
    opened.set_default_timeout(LONG)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    yield opened
    context.close()
    assert not errors


def shot(page, name):
    """Look that nothing is wider than the screen; keep a picture where somebody asks for one."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    if folder := os.environ.get("AA_SCREENSHOTS"):
        path = f"{folder}/{name}_{page.viewport_size['width']}.png"
        page.screenshot(path=path, full_page=True)


def test_the_whole_way_of_an_animation(page, home):
    page.goto("/animate")
    picture, motion = (page.locator(f"[data-choose={key}]") for key in ("reference", "motion"))
    example = home / "examples" / "puppet"
    picture.locator("input[type=file]").set_input_files(example / "reference.png")
    motion.locator("input[type=file]").set_input_files(example / "pose.mp4")
    page.get_by_text("picture, 64×64").wait_for()
    page.get_by_text("video, 64×64, 48 frames, 2.0 s").wait_for()
    assert page.get_by_label("drawn poses on black").is_checked()
    page.get_by_label("Weights or run").fill("examples/puppet")
    page.get_by_label("good").check()
    page.get_by_label("Seed").fill("7")
    page.locator("#estimate", has_text="GiB: it fits").wait_for()
    shot(page, "animate")

    page.get_by_role("button", name="Check the poses").click()
    accept = page.get_by_role("button", name="Accept and queue")
    accept.wait_for()
    shot(page, "check")
    accept.click()

    page.wait_for_url("**/queue#job-*")
    job = page.locator(page.evaluate("location.hash"))
    job.locator("img.preview").wait_for()
    shot(page, "queue")
    job.get_by_role("button", name="Stop").click()
    go_on = job.get_by_role("button", name="Go on")
    go_on.wait_for()
    go_on.click()
    job.locator(".state.done").wait_for()
    shot(page, "queue_done")

    page.goto("/gallery")
    card = page.locator("article").first
    card.get_by_role("button", name="Play together").click()
    played = "video => video.currentTime > 0.3 && video.videoWidth === 64"
    video = card.locator(".made video").element_handle()
    page.wait_for_function(played, arg=video)
    shot(page, "gallery")
    with page.expect_download() as download:
        card.get_by_role("link", name="Download").click()
    assert download.value.path().stat().st_size > 1000

    card.get_by_role("link", name="Again with these settings").click()
    page.get_by_text("picture, 64×64").wait_for()
    assert page.get_by_label("Seed").input_value() == "7"
    assert page.get_by_label("as before").is_checked()
    assert page.get_by_label("Weights or run").input_value() == "examples/puppet"


def test_a_training_is_watched_asked_for_a_sample_and_compared(page, home):
    training = start(home, "train", *TRAINING, f"name=tiny_{page.viewport_size['width']}")
    try:
        page.goto("/runs")
        row = page.locator("tr", has_text=f"tiny_{page.viewport_size['width']}")
        row.locator(".state.running").wait_for()
        row.get_by_role("link").first.click()
        page.locator("polyline").first.wait_for()
        page.get_by_role("button", name="Sample now").click()
        page.get_by_text("Asked to sample: after the step in hand.").wait_for()
        page.locator(".samples figure").first.wait_for()
        page.get_by_label("Tags").fill("watched")
        page.get_by_role("button", name="Keep").click()
        page.get_by_text("Kept.").wait_for()
        shot(page, "run")
        page.get_by_role("button", name="Save and stop").click()
        page.locator("[data-state=interrupted]").wait_for()
        page.get_by_role("button", name="Go on with it").wait_for()
    finally:
        end(training)
    page.goto("/runs")
    shot(page, "runs")
    for name in (f"tiny_{page.viewport_size['width']}", "earlier"):
        page.locator("tr", has_text=name).get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare the chosen").click()
    page.get_by_text("differ").first.wait_for()
    shot(page, "compare")


def test_the_figure_follows_a_joint_that_is_dragged(page):
    page.goto("/")
    page.locator("#result[data-answers='1']").wait_for()
    canvas = page.locator("#skeleton").bounding_box()
    names, frames = page.evaluate(
        "fetch('/api/skeleton').then(a => a.json()).then(s => [s.names, s.frames])"
    )
    x, y = frames[0][names.index("left_wrist")]
    at = [canvas["x"] + x * canvas["width"], canvas["y"] + y * canvas["height"]]
    before = page.evaluate("document.getElementById('result').toDataURL()")
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] - 30, at[1] + 60, steps=8)
    page.mouse.up()
    changed = "before => document.getElementById('result').toDataURL() !== before"
    page.wait_for_function(changed, arg=before)
    page.get_by_text(re.compile(r"From pose to picture: \d+ ms")).wait_for()
    shot(page, "first")
