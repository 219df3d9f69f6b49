"""Scores as text."""

from aa.puppets.summary import text


def test_a_score_is_its_mean_and_half_its_interval():
    assert text({"mean": 24.5, "interval_95": [24.25, 24.75], "count": 64}) == "24.50 +/- 0.25"


def test_a_score_of_one_figure_has_no_interval():
    assert text({"mean": 1.25, "interval_95": None, "count": 1}, digits=1) == "1.2"


def test_a_score_of_no_figure_is_a_dash():
    assert text({"mean": None, "interval_95": None, "count": 0}) == "-"
