"""The order of rooms that docs/design.md shows: imports run down it, and in no circle."""

import ast
import os
import re
import subprocess
import sys

from tests.commands import ROOT, without_paddle

PAGE = (ROOT / "docs" / "design.md").read_text()
ROOMS = re.findall(r"^\| `(\w+)/` \|", PAGE, re.M)
GROUND = re.findall(r"^\| `(\w+)\.py` \|", PAGE, re.M)
WITH_PADDLE = ("models", "training", "plan")  # rooms; everybody else answers at once
# export.example runs in an exported folder only.
WITH_PADDLE_TOO = re.compile(
    r"aa\.(build\.(callbacks|plan)|data\.loader|demo\.package|export\.(example|folder|parts|run|steps)|inference\.(compiled\b.*|encoding|guided|pipeline|sampling|streaming)|weights\.(convert|loading|models))"
)

# Rooms; all others are given what they need.
READ_WHOLE_CONFIGS = {"cli", "demo", "build", "config"}


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in sorted((ROOT / "aa").rglob("*.py"))}


def room(module):
    """A module's room; the ground is below all of them."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS else "ground"


def imported(module):
    """The modules of `aa` that a module imports, also within its functions."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("aa"):
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if whole in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in MODULES)


def test_every_folder_and_every_loose_module_is_on_the_page():
    found = {path.name for path in (ROOT / "aa").iterdir() if list(path.glob("*.py"))}
    loose = {path.stem for path in (ROOT / "aa").glob("*.py")} - {"__init__", "__main__"}
    assert (found, loose) == (set(ROOMS), set(GROUND))


def test_no_import_runs_up():
    order = [*ROOMS, "ground"]
    up = [
        f"{module} imports {other}"
        for module in MODULES
        if not module.endswith("__main__")  # `python -m` opens the command line from anywhere
        for other in imported(module)
        if order.index(room(other)) < order.index(room(module))
    ]
    assert not up


def test_no_modules_import_each_other_in_a_circle():
    after = {module: set(imported(module)) - {module} for module in MODULES}
    while free := [module for module, others in after.items() if not others & after.keys()]:
        for module in free:
            del after[module]
    assert not after


def test_whole_configs_are_read_at_the_door_and_stop_at_build():
    readers = {room(name) for name in MODULES if "aa.config.primary" in imported(name)}
    assert readers == READ_WHOLE_CONFIGS


def test_a_run_that_is_built_gets_no_whole_config_of_its_runner():
    whole = re.compile(r"\b(EvaluateConfig|ExportConfig)\b")
    readers = {room(name) for name, path in MODULES.items() if whole.search(path.read_text())}
    assert readers <= READ_WHOLE_CONFIGS


def test_nothing_else_imports_paddle_at_once():
    names = [
        name
        for name in MODULES
        if room(name) not in WITH_PADDLE
        and not WITH_PADDLE_TOO.fullmatch(name)
        and not name.endswith("__main__")
    ]
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    paths = {**os.environ, "PYTHONPATH": f"{without_paddle()}{os.pathsep}{ROOT}"}
    result = subprocess.run([sys.executable, "-c", code, *names], env=paths, capture_output=True)
    assert result.returncode == 0, result.stderr.decode()
