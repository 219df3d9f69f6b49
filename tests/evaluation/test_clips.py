import numpy as np
import pytest

from aa.errors import UserError
from aa.evaluation.clips import PairReader, describe
from aa.evaluation.pairs import Pair


@pytest.fixture
def pair(write):
    """Function (levels of generated, truth and mask frames, sizes of both) -> a Pair."""

    def run(generated, truth, mask=None, *, size=(16, 16), true_size=(16, 16)):
        small, large = ({"height": h, "width": w} for h, w in (size, true_size))
        return Pair(
            "a",
            write("g/a.mp4", generated, **small),
            write("t/a.mp4", truth, **large),
            None if mask is None else write("m/a.mp4", mask, **large),
        )

    return run


def test_a_long_clip_comes_in_slices_of_16_frames(pair):
    slices = list(PairReader(pair(range(40), range(1, 41))))
    assert [len(generated) for generated, _, _ in slices] == [16, 16, 8]
    generated, truth, mask = (
        np.concatenate(part) if part[0] is not None else None for part in zip(*slices, strict=True)
    )
    np.testing.assert_allclose(generated.mean(axis=(1, 2, 3)), range(40), atol=2)
    np.testing.assert_allclose(truth.mean(axis=(1, 2, 3)), range(1, 41), atol=2)
    assert mask is None


def test_white_is_the_figure(pair):
    ((_, _, mask),) = PairReader(pair([9, 9, 9], [9, 9, 9], [255, 0, 200]))
    assert (mask.dtype, mask.shape) == (bool, (3, 16, 16))
    assert mask.all(axis=(1, 2)).tolist() == [True, False, True]


def test_truth_and_mask_are_brought_to_the_generated_size(pair):
    made = pair([50], [200], [255], size=(16, 16), true_size=(64, 32))
    ((generated, truth, mask),) = PairReader(made, fit="pad")
    assert generated.shape == truth.shape == (1, 16, 16, 3)
    inside = mask[0].any(axis=0)  # columns: a half as wide picture, black beside it
    assert inside.tolist() == [False] * 4 + [True] * 8 + [False] * 4
    assert truth[0, :, :4].max() == 0


def refused(pair, **options):
    with pytest.raises(UserError) as caught:
        describe([pair], **options)
    return str(caught.value)


def test_clips_of_different_length_are_refused(pair):
    line = refused(pair([0, 1, 2], [0, 1]))
    assert line.startswith("1 of 1 pairs cannot be measured: ")
    assert "g/a.mp4 has 3 frames, " in line
    assert line.endswith("t/a.mp4 2; cut the longer one.")


def test_clips_of_different_size_name_the_remedy(pair):
    line = refused(pair([0], [0], true_size=(24, 32)))
    assert "t/a.mp4 is 24x32 (height x width), " in line
    assert line.endswith("g/a.mp4 16x16; fit=pad or fit=crop brings it to that size.")


def test_a_mask_must_lie_over_the_true_video(pair, write):
    made = pair([0], [0], [0])
    write("m/a.mp4", [0], height=16, width=24)
    assert refused(made).endswith("16x16; masks lie over the true video.")


def test_what_is_no_video_is_named(pair):
    made = pair([0], [0])
    made.truth.write_text("no video")
    assert "t/a.mp4: is not a video" in refused(made)


def test_all_bad_pairs_are_told_at_once(pair, tmp_path):
    good, gone = pair([0], [0]), tmp_path / "gone.mp4"
    with pytest.raises(UserError, match=r"2 of 3 pairs .*gone.mp4: no such video.*; .*gone.mp4"):
        describe([Pair("x", gone, good.truth), good, Pair("y", good.generated, gone)])


def test_good_pairs_are_described(pair):
    assert describe([pair([0, 1], [0, 1], size=(16, 24), true_size=(16, 24))]) == [
        {"clip": "a", "frames": 2, "height": 16, "width": 24}
    ]
