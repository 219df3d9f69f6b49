"""How much each swept key says about the metric."""

import json

import pytest

from aa.reports.importance import importances
from aa.reports.report import write_report
from aa.reports.results import collect


def of(folder):
    return {one.key: one for one in importances(collect([folder]))}


def test_a_key_that_orders_the_jobs_explains_all_and_another_nothing(make_sweep):
    jobs = [({"rate": r, "seed": s}, 0.1 / r, "done") for r in (1, 10, 100) for s in (1, 2)]
    found = of(make_sweep(jobs))
    assert list(found) == ["rate", "seed"]
    assert (found["rate"].share, found["rate"].correlation) == (pytest.approx(1), pytest.approx(-1))
    assert found["seed"].share == pytest.approx(0)


def test_by_hand_of_four_jobs(make_sweep):
    jobs = [({"a": a}, loss, "done") for a, loss in ((1, 0.1), (2, 0.3), (3, 0.2), (4, 0.9))]
    # Ranks 1 3 2 4 against 1 2 3 4: rho = 1 - 6 * 2 / (4 * 15) = 0.8.
    assert of(make_sweep(jobs))["a"].correlation == pytest.approx(0.8)


def test_of_words_the_means_of_ranks_count(make_sweep):
    jobs = [({"kind": k}, loss, "done") for k, loss in (("a", 1), ("a", 2), ("b", 3), ("b", 4))]
    # Ranks 1 2 | 3 4: means 1.5 and 3.5, their variance 1 of 1.25.
    one = of(make_sweep(jobs))["kind"]
    assert (one.share, one.correlation) == (pytest.approx(0.8), None)


@pytest.mark.parametrize(("state", "values"), [("done", [1, 2, 3]), ("failed", [1, 2, 3, 4])])
def test_too_few_finished_jobs_say_nothing(make_sweep, state, values):
    assert of(make_sweep([({"a": a}, a, state) for a in values])) == {}


def test_of_equal_jobs_no_key_matters(make_sweep):
    assert of(make_sweep([({"a": a}, 1.0, "done") for a in (1, 2, 3, 4)]))["a"].share == 0


def test_the_report_has_it_as_a_table_and_as_numbers(make_sweep):
    jobs = [({"rate": r, "kind": "<b>" * (r > 2)}, 1 / r, "done") for r in (1, 2, 3, 4)]
    page = write_report([make_sweep(jobs)])
    text = page.read_text()
    assert "What matters" in text and "-1.00, more is better" in text
    (rate, kind) = json.loads((page.parent / "report.json").read_text())["importance"]
    assert (rate["key"], kind["key"], kind["correlation"]) == ("rate", "kind", None)
