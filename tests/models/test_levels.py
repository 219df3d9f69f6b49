"""Widths of a UNet's resnets, worked by hand."""

from aa.models.levels import down_widths, up_widths


def test_resnets_change_the_width_where_skips_are_stacked():
    assert down_widths([8, 16], 2, stacked=True) == [[(8, 8), (8, 8)], [(8, 16), (16, 16)]]


def test_a_stacked_skip_widens_what_a_resnet_reads_on_the_way_up():
    # From conv_in 8, from the first level 8 and 8 resampled, from the second 16.
    assert up_widths([8, 16], 1, stacked=True) == [[(24, 8), (16, 8)], [(32, 16), (24, 16)]]


def test_added_skips_leave_every_level_its_width():
    assert down_widths([8, 16], 2, stacked=False) == [[(8, 8)] * 2, [(16, 16)] * 2]
    assert up_widths([8, 16], 2, stacked=False) == [[(8, 8)] * 2, [(16, 16)] * 2]
