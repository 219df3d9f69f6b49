"""The fuzzer notes each way to break a promise: see the readers in `planted`."""

import subprocess
import sys

import pytest

from tests.commands import ROOT
from tests.fuzz import found
from tests.fuzz.kind import Mutant, rng_of
from tests.fuzz.kinds.cases import Cases
from tests.fuzz.planted import PLANTED
from tests.fuzz.verdict import SORTS

# Reader: the sort of fault that it has.
EXPECTED = {
    "run_hot": "slow",
    "wait": "slow",
    "fill_memory": "memory",
    "ask_for_too_much": "memory",
    "raise_key_error": "traceback",
    "call_system": "call",
    "start_process": "call",
    "import_module": "call",
    "write_beside": "write",
    "write_beside_through_link": "write",
    "make_folder_beside": "write",
    "write_in_library": "write",
    "print_escape": "text",
    "log_escape": "text",
    "tell_secret": "text",
    "write_secret": "text",
    "crash": "crash",
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """(exit code, what was printed, folder of inputs) of a campaign against the planted readers."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "input").write_text("hello")
    command = [sys.executable, "-m", "tests.fuzz.planted", "--input", str(folder / "input")]
    done = subprocess.run(
        [*command, "--output", str(folder / "found")], cwd=ROOT, capture_output=True, text=True
    )
    return done.returncode, done.stdout, folder / "found"


def test_every_planted_reader_is_expected_to_be_noted():
    assert set(PLANTED) == {*EXPECTED, "read", "refuse"}


@pytest.mark.slow
@pytest.mark.parametrize("reader", EXPECTED)
def test_a_broken_promise_is_noted(reader, planted):
    text = (planted[2] / f"planted-input-{reader}.txt").read_text()
    assert f"\n{EXPECTED[reader]}: " in text
    assert (planted[2] / f"planted-input-{reader}" / "input").read_text() == "hello"


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["read", "refuse"])
def test_a_kept_promise_is_not_noted(reader, planted):
    assert not (planted[2] / f"planted-input-{reader}.txt").exists()


@pytest.mark.slow
def test_faults_are_the_exit_code_and_end_in_a_table(planted):
    code, printed, _ = planted
    assert code == 1
    titles, _, line = (row.strip("| ").split(" | ") for row in printed.splitlines()[:3])
    cells = dict(zip(titles, line, strict=True))
    counted = {sort: sum(1 for expected in EXPECTED.values() if expected == sort) for sort in SORTS}
    for sort, title in SORTS.items():
        assert int(cells[title]) >= counted[sort]


def test_a_mutant_is_the_same_for_the_same_number():
    kind = Cases()
    numbers = range(50)
    once, again = ([kind.mutant(rng_of(3, "cases", n)).files for n in numbers] for _ in range(2))
    assert once == again
    assert len({str(files) for files in once}) > 40


def test_a_saved_input_is_read_back(tmp_path):
    mutant = Mutant({"cases.yaml": b"\xff\0", "ann.png": None}, "all")
    folder = found.save(tmp_path, "cases-0-1", mutant, [], again="--number 1")
    assert found.load(folder, Cases())[0] == mutant
