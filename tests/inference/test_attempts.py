"""What fails for one case of a list is kept for the end; the others go on."""

from pathlib import Path

import pytest

from aa.errors import StorageError, UserError
from aa.inference.attempts import Attempts
from aa.inference.cases import Case

ANN, BOB = (Case(Path(f"{name}.png"), Path("walk.mp4"), f"{name}_walk") for name in ("ann", "bob"))


def failing(error):
    def act(case):
        raise error

    return act


def test_what_fails_is_told_with_its_reason():
    attempts = Attempts(tolerant=True)
    assert attempts.attempt(lambda case: case.name, ANN) == "ann_walk"
    assert attempts.attempt(failing(UserError("bob.png: no such image.")), BOB) is None
    failure = {"name": "bob_walk", "reference": "bob.png", "pose": "walk.mp4"}
    assert attempts.failed == [{**failure, "error": "bob.png: no such image."}]
    assert str(attempts.error(2, "Mend it.")) == (
        "1 of 2 cases cannot be made: bob_walk (bob.png: no such image.). Mend it."
    )


def test_a_mistake_in_a_library_does_not_end_the_list_and_its_traceback_is_logged(caplog):
    attempts = Attempts(tolerant=True)
    attempts.attempt(failing(RuntimeError("no memory\non the card")), ANN)
    assert attempts.failed[0]["error"] == "no memory on the card"
    assert "Traceback" in caplog.text


def test_of_many_failures_five_are_named_and_the_others_counted():
    attempts = Attempts(tolerant=True)
    for _ in range(7):
        attempts.attempt(failing(UserError("gone.")), ANN)
    line = str(attempts.error(9, ""))
    assert (line.count("ann_walk (gone.)"), line.count("and 2 more")) == (5, 1)


def test_what_cannot_be_written_ends_the_list():
    with pytest.raises(StorageError):
        Attempts(tolerant=True).attempt(failing(StorageError("full")), ANN)


def test_a_single_case_fails_as_it_is():
    with pytest.raises(UserError, match=r"^gone$"):
        Attempts(tolerant=False).attempt(failing(UserError("gone")), ANN)
