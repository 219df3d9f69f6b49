"""Texts of anybody's steer no terminal, no log and no spreadsheet."""

import io
import logging

import pytest

from aa.errors import one_line
from aa.plain import PlainRecord, csv_cell, printable

NASTY = "\x1b[2J\x1b]0;title\x07\u202e\u200b\x9b31m\ud800"
PLAIN = "\\x1b[2J\\x1b]0;title\\x07\\u202e\\u200b\\x9b31m\\ud800"


@pytest.fixture
def logged():
    """Function (logger's name, message, arguments of its call) -> what a handler writes."""
    before, stream = logging.getLogRecordFactory(), io.StringIO()
    logging.setLogRecordFactory(PlainRecord)

    def log(name, *message, **options):
        logger, handler = logging.getLogger(name), logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
        logger.addHandler(handler)
        logger.warning(*message, **options)
        logger.removeHandler(handler)
        return stream.getvalue()

    yield log
    logging.setLogRecordFactory(before)


def test_what_steers_a_terminal_is_written_out():
    assert printable(NASTY) == PLAIN


def test_letters_signs_and_spaces_of_all_languages_stay():
    text = "Ünïcode 骨 人\u3000☺ a\u00a0b\u202fc"
    assert printable(text) == text


def test_lines_stay_where_they_are_asked_for():
    assert (printable("a\nb"), printable("a\nb", keep="\n")) == ("a\\nb", "a\nb")


def test_of_a_long_message_only_what_is_shown_is_made_printable():
    half = "\\x1b" * 250
    assert one_line("\x1b" * 10**6) == f"{half} ... {half}"


@pytest.mark.parametrize("text", ["=1+1", "+1+cmd", "-1+cmd", "@SUM(1)"])
def test_a_text_in_a_cell_is_no_formula(text):
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-1.5, None, "-1.5", "a=b", ""])
def test_a_cell_that_computes_nothing_stays_as_it_is(value):
    assert csv_cell(value) == value


def test_a_log_line_steers_no_terminal(logged):
    assert (
        logged("aa.data", "left out %s: %s", NASTY, "why") == f"[WARNING] left out {PLAIN}: why\n"
    )


def test_a_name_forges_no_second_line_of_a_log(logged):
    assert logged("aa.data", "left out %s", "a\n[INFO] all is well").count("\n") == 1


def test_a_library_may_log_several_lines(logged):
    assert logged("library", "one\ntwo") == "[WARNING] one\ntwo\n"


def test_a_traceback_in_a_log_steers_no_terminal(logged):
    try:
        raise RuntimeError(NASTY)
    except RuntimeError:
        text = logged("aa.data", "case", exc_info=True)
    assert text.endswith(f"RuntimeError: {PLAIN}\n") and "\x1b" not in text
