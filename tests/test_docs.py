"""README and docs say commands that there are."""

import re
import shlex
from pathlib import Path

import pytest

from aa.config.explain import explain
from aa.config.primary import TrainConfig
from tests.commands import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What a page leaves to its reader, for keys whose value must be given.
NEEDED = {
    "reference": "a.png",
    "pose": "a.mp4",
    "generated": "a",
    "truth": "a",
    "target": "a",
    "height": "8",
    "width": "8",
}
GIVEN = {
    "train": (),
    "infer": ("reference", "pose"),
    "evaluate": ("generated", "truth"),
    "prepare": (),
    "export": ("target", "height", "width"),
}
NOT_NEW_RUNS = re.compile(r"(sweep\.)?(resume|rerun)=|--|hydra/sweeper=")
NO_VALUES = re.compile(r"plan=|hydra[./]launcher|\.\.\.$|-m$")


def commands(page):
    """(runner, overrides) of the commands for new runs; <placeholders> become words."""
    blocks = re.findall(r"^ *```\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        match = re.match(r"\s*python runners/(train|infer|evaluate|prepare|export)\.py (.*)", line)
        words = shlex.split(re.sub(r"<[^>]*>", "word", match[2]), comments=True) if match else []
        if match and not any(map(NOT_NEW_RUNS.match, words)):
            values = [word for word in words if not NO_VALUES.match(word)]
            yield match[1], [first_of(word) if "-m" in words else word for word in values]


def first_of(override):
    """An override of a sweep with the first of its values."""
    return re.sub(r"=range\(.*|(=[^,\[(]*),.*", lambda m: m[1] or "=0", override)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_compose(page, compose):
    for runner, overrides in commands(page):
        line = " ".join(overrides)
        keys = () if "cases=" in line else GIVEN[runner]
        keys = [key for key in keys if not (key == "pose" and "driving=" in line)]
        given = [f"{key}={NEEDED[key]}" for key in keys if f"{key}=" not in line]
        try:
            compose(runner, [*given, *overrides])
        except Exception as error:
            pytest.fail(f"{runner}.py {line}: {explain(error, TrainConfig)}")


def test_every_link_of_a_page_leads_to_a_file():
    dead = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not dead


def test_every_anchor_of_a_link_is_a_heading():
    def anchors(page):
        headings = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    dead = []
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", page.read_text()):
            other = page.parent / target if target else page
            if "://" not in target and anchor not in anchors(Path(other)):
                dead.append(f"{page.name}: {target}#{anchor}")
    assert not dead


def test_every_file_of_the_code_that_a_page_names_is_there():
    gone = [
        f"{page.name}: {name}"
        for page in PAGES
        for name in re.findall(
            r"`((?:aa|conf|tests|benchmarks|runners)/[\w/.-]+)`", page.read_text()
        )
        if not (ROOT / name).exists()
    ]
    assert not gone


def test_the_table_of_groups_has_every_option():
    rows = re.findall(
        r"^\| `\+?([a-z/]+)` \| (`.*?`) \|", (ROOT / "docs/configs.md").read_text(), re.MULTILINE
    )
    said = {group: sorted(re.findall(r"`(\w+)`", options)) for group, options in rows}
    groups = {folder for file in (ROOT / "conf").rglob("*/*.yaml") if (folder := file.parent)}
    found = {
        str(folder.relative_to(ROOT / "conf")): sorted(file.stem for file in folder.glob("*.yaml"))
        for folder in groups
    }
    assert said == {group: options for group, options in found.items() if group in said}
    assert {"stage", "inference", "experiment", "hardware/sharding"} <= {*said}
