"""What plots are made of."""

from aa.reports.plots import dots, in_order, spans_decades, svg, thinned


def test_thinned_points_are_means_of_neighbours_at_their_last_step():
    points = [(1, 1.0), (2, 3.0), (3, 5.0), (4, 9.0)]
    assert thinned(points, 2) == [(2, 2.0), (4, 7.0)]
    assert thinned(points, 4) == points


def test_an_axis_is_logarithmic_from_ten_times_on():
    assert spans_decades([1, 10]) and not spans_decades([1, 9.9]) and not spans_decades([0, 10])


def test_numbers_come_before_words():
    assert in_order(["null", 16, 8, 8]) == [8, 16, "null"]


def test_a_plot_takes_the_ink_of_the_page():
    text = svg(lambda axes: None, title="a < $b", x="x", y="y")
    assert text.startswith("<svg") and "currentColor" in text and "a &lt; $b" in text


def test_the_same_results_make_the_same_plot():
    first, second = (svg(lambda axes: axes.plot([1, 2]), title="", x="", y="") for _ in range(2))
    assert first == second


def test_values_whose_labels_would_meet_are_not_all_written():
    def draw(places):
        points = [(x, 1.0, "#000000", True) for x in places]
        return svg(lambda axes: dots(axes, points), title="", x="", y="")

    assert ">1500<" in draw([1500, 6500]) and ">1500<" not in draw([1400, 1500, 6500])
