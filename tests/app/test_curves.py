"""Curves as they are drawn."""

from aa.app.curves import HEIGHT, MOST_POINTS, WIDTH, plots


def points(curve):
    return [tuple(map(float, point.split(","))) for point in curve.points.split()]


def test_a_curve_lies_in_its_box_and_falls_where_values_do():
    (plot,) = plots({"train/loss": {"": [(1, 4.0), (2, 2.0), (3, 1.0)]}})
    (curve,) = plot.curves
    xs, ys = zip(*points(curve), strict=True)
    assert list(xs) == sorted(xs) and list(ys) == sorted(ys)
    assert min(xs) > 0 and max(xs) < WIDTH and min(ys) > 0 and max(ys) < HEIGHT
    assert curve.last == (3, 1.0)


def test_a_long_curve_is_thinned_to_means():
    (plot,) = plots({"train/loss": {"": [(step, step % 2) for step in range(4 * MOST_POINTS)]}})
    assert len(points(plot.curves[0])) == MOST_POINTS
    assert len({y for _, y in points(plot.curves[0])}) == 1


def test_ticks_are_round():
    (plot,) = plots({"val/psnr": {"": [(0, 20.3), (500, 27.9)]}})
    assert [text for _, text in plot.rows] == ["20", "22", "24", "26", "28"]
    assert [text for _, text in plot.columns] == ["0", "200", "400"]


def test_a_flat_curve_and_a_single_point_can_be_drawn():
    (plot,) = plots({"train/loss": {"": [(7, 0.0)], "none": []}})
    assert len(plot.curves) == 1 and plot.rows
