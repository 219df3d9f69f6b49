"""The lock is complete, hashed and free of addresses; the light modules stay light."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
PYTHONS = ("3.10", "3.11", "3.12")
LIGHT_MODULES = ("aa", "aa.errors", "aa.config.primary")


def read_lock() -> list[tuple[Requirement, int]]:
    """Every requirement of the lock with the number of its hashes."""
    joined = LOCK.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and line.strip()[0] != "#"]
    hashed = re.compile(r"\s+--hash=sha256:[0-9a-f]{64}(?=\s|$)")
    return [
        (Requirement(hashed.sub("", line).strip()), len(hashed.findall(line))) for line in lines
    ]


def on(python: str) -> dict[str, str]:
    """The environment that markers are read in."""
    return {"python_version": python, "python_full_version": f"{python}.1"}


def locked_versions(name: str, python: str) -> list[str]:
    """The versions that the lock gives a package on one Python (one, or none if it is absent)."""
    return [
        next(iter(locked.specifier)).version
        for locked, _ in read_lock()
        if canonicalize_name(locked.name) == canonicalize_name(name)
        and (locked.marker is None or locked.marker.evaluate(on(python)))
    ]


def wanted() -> list[str]:
    extras = PROJECT["optional-dependencies"]
    return [*PROJECT["dependencies"], *extras["cpu"], *extras["dev"]]


def test_every_locked_requirement_is_exact_and_hashed():
    for requirement, hashes in read_lock():
        assert [s.operator for s in requirement.specifier] == ["=="], requirement
        assert hashes > 0, requirement


def test_the_lock_holds_no_address():
    for sign in ("://", " @ ", "--index-url", "--extra-index-url", "--find-links", "file:", " -i "):
        assert sign not in LOCK, f"requirements.lock holds {sign!r}: run `make lock`"


@pytest.mark.parametrize("text", wanted())
def test_every_dependency_is_locked_at_a_version_in_its_range(text):
    requirement = Requirement(text)
    for python in PYTHONS:
        if requirement.marker and not requirement.marker.evaluate(on(python)):
            continue
        versions = locked_versions(requirement.name, python)
        assert len(versions) == 1, f"{requirement.name} on {python}: {versions}, run `make lock`"
        assert requirement.specifier.contains(versions[0], prereleases=True), versions


def test_one_opencv_and_one_paddle_are_locked():
    names = {canonicalize_name(requirement.name) for requirement, _ in read_lock()}
    assert {name for name in names if name.startswith("opencv")} == {"opencv-python"}
    assert names & {"paddlepaddle", "paddlepaddle-gpu"} == {"paddlepaddle"}


def test_every_target_of_the_makefile_has_a_line_of_help():
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    for target in phony.group(1).split():
        assert re.search(rf"^{target}:.*## \w", makefile, re.MULTILINE), target


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_config_and_errors_do_not_import_paddle(module):
    heavy = ("paddle", "paddlenlp", "ppdiffusers", "visualdl")
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
