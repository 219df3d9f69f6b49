"""What `pip install .` brings: a wheel in which the `aa` command finds its runners and configs."""

import os
import subprocess
import sys
import zipfile

import pytest

from tests.commands import ROOT

COPIED = ("aa", "runners", "conf", "hydra_plugins", "pyproject.toml", "setup.py", "README.md")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, unpacked where pip would put it."""
    home = tmp_path_factory.mktemp("wheel")
    source, target = home / "source", home / "installed"
    source.mkdir()
    subprocess.run(["cp", "-r", *(ROOT / name for name in COPIED), source], check=True)
    options = ["-q", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "-w", home, source]
    subprocess.run(command, check=True)
    with zipfile.ZipFile(next(home.glob("*.whl"))) as wheel:
        wheel.extractall(target)
    return target


@pytest.fixture
def aa(installed, tmp_path):
    """Function (arguments) -> what the console script does with them, outside the checkout."""
    code = "from aa.__main__ import main; main()"

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, "PYTHONPATH": str(installed)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return run


def test_a_training_composes(aa):
    result = aa("train", "--cfg", "job", "stage=2", "hardware=v100")
    assert result.returncode == 0, result.stderr
    assert "motion_modules: true" in result.stdout


def test_a_runner_and_a_program_say_what_they_take(aa):
    assert "inference" in aa("infer", "--help").stdout
    assert "usage: " in aa("weights", "--help").stdout


def test_another_name_is_one_line_that_says_which_there_are(aa):
    result = aa("sing")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "error: sing: no such command; there are train, infer, evaluate, prepare, export, report, "
        "runs, app, weights, data, demo.\n"
    )


def test_messages_name_the_command_that_is_there(installed, tmp_path):
    code = "from aa.processes import runner_command; print(runner_command('train'))"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    said = subprocess.check_output([sys.executable, "-c", code], env=environment, cwd=tmp_path)
    assert said == b"aa train\n"


def test_the_page_composes_and_has_its_templates(aa, installed):
    result = aa("app", "--cfg", "job")
    assert result.returncode == 0, result.stderr
    assert (installed / "aa" / "app" / "templates" / "base.html").is_file()
    assert (installed / "aa" / "app" / "static" / "app.js").is_file()


def test_the_wheel_is_typed(installed):
    assert (installed / "aa" / "py.typed").is_file()


def test_the_wheel_carries_no_test_and_no_weights(installed):
    found = {path.suffix for path in installed.rglob("*") if path.is_file()}
    ours = {".py", ".yaml", ".txt", ".typed", ".html", ".css", ".js", ".svg", ""}
    assert found - {".pyc"} <= ours
    assert not list(installed.rglob("tests"))
