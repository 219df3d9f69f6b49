"""Frames as a player shows them: upright, of square pixels, deinterlaced, in SDR."""

from fractions import Fraction

import av
import numpy as np
import pytest

from aa.data.display import Display
from aa.data.hdr import roll_off, to_sdr
from aa.data.video import VideoReader
from tests.data.conftest import write_video
from tests.data.numbered import write_numbered

ROTATE_LEFT = (0, -(2**16), 0, 2**16, 0, 0, 0, 0, 2**30)  # a matrix of the mp4's track header


def rotate(path, matrix):
    """Write a matrix into the track header of an mp4."""
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 44
    content[start : start + 36] = b"".join(n.to_bytes(4, "big", signed=True) for n in matrix)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("width", [48, 96])
def test_a_rotated_video_is_upright_at_every_size(tmp_path, width):
    frames = np.zeros((2, 32, width, 3), np.uint8)
    frames[:, :, : width // 2] = 255  # the left half is white
    path = rotate(write_video(tmp_path / "a.mp4", frames), ROTATE_LEFT)
    reader = VideoReader(path)
    assert (reader.height, reader.width) == (width, 32)
    shown = reader.read([1])[0]
    assert shown[-4:].min() > 250 and shown[:4].max() < 5  # left has become below


ONE = 2**16
SHOWN = {  # where the white upper left quarter of the stored frame is shown: (rows, columns)
    "as stored": ((ONE, 0, 0, 0, ONE, 0), (slice(16), slice(24))),
    "mirrored": ((-ONE, 0, 0, 0, ONE, 0), (slice(16), slice(24, 48))),
    "upside down, mirrored": ((ONE, 0, 0, 0, -ONE, 0), (slice(16, 32), slice(24))),
    "half a turn": ((-ONE, 0, 0, 0, -ONE, 0), (slice(16, 32), slice(24, 48))),
    "transposed": ((0, ONE, 0, ONE, 0, 0), (slice(24), slice(16))),
    "a quarter to the right": ((0, ONE, 0, -ONE, 0, 0), (slice(24), slice(16, 32))),
    "a quarter to the left": ((0, -ONE, 0, ONE, 0, 0), (slice(24, 48), slice(16))),
    "nothing": ((0, 0, 0, 0, 0, 0), (slice(16), slice(24))),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_frame_is_turned_and_mirrored_as_the_file_says(tmp_path, name):
    matrix, (rows, columns) = SHOWN[name]
    frames = np.zeros((1, 32, 48, 3), np.uint8)
    frames[:, :16, :24] = 255
    path = rotate(write_video(tmp_path / "a.mp4", frames), (*matrix, 0, 0, 2**30))
    shown = VideoReader(path).read([0])[0]
    assert shown[rows, columns].mean() > 240
    assert shown.mean() < 255 / 4 + 5


def test_pixels_half_as_wide_as_high_give_half_the_width(tmp_path):
    path = write_numbered(tmp_path / "a.mp4", "libx264", {"x264-params": "sar=1/2:log=-1"}, count=2)
    reader = VideoReader(path)
    assert (reader.height, reader.width) == (48, 64)
    assert reader.read([0, 1]).shape == (2, 48, 64, 3)


def test_an_interlaced_frame_shows_one_of_its_two_moments(tmp_path):
    comb = np.zeros((48, 64), np.uint8)
    comb[1::2] = 255  # what moved on between the fields
    frame = av.VideoFrame.from_ndarray(comb, format="gray").reformat(format="yuv420p")
    display = Display(48, 64)
    assert np.ptp(display.rgb(frame)) > 200
    options = {"flags": "+ilme+ildct", "x264-params": "tff=1:qp=1:log=-1"}
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert np.ptp(VideoReader(path).read([0])) < 20


def test_pixel_aspect_and_size_survive_in_the_display():
    display = Display(40, 30, Fraction(4, 3))
    frame = av.VideoFrame.from_ndarray(np.full((40, 30), 9, np.uint8), format="gray")
    assert display.size is None
    assert display.rgb(frame).shape == (40, 40, 3)
    assert display.size == (40, 40)


def code(transfer, light):
    """The 16-bit code of grey light: of the display, over SDR's white of 100 cd/m2 (BT.2100)."""
    if transfer == "PQ":
        power = (light / 100) ** 0.1593017578125
        value = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    else:
        scene = (light / 10) ** (1 / 1.2)  # a display of 1000 cd/m2
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        value = np.sqrt(3 * scene) if scene <= 1 / 12 else a * np.log(12 * scene - b) + c
    return round(65535 * value)


@pytest.mark.parametrize("transfer", ["HLG", "PQ"])
@pytest.mark.parametrize("grey", [0, 40, 128, 200])
def test_grey_of_an_sdr_picture_is_the_same_grey_after_hdr(transfer, grey):
    light = (grey / 255) ** 2.4
    frame = np.full((1, 1, 3), code(transfer, light), np.uint16)
    np.testing.assert_allclose(to_sdr(frame, transfer), grey, atol=1)


def test_light_is_kept_up_to_the_knee_and_reaches_white_at_the_peak():
    light = np.array([0.0, 0.4, 0.8, 10.0, 50.0], np.float32)
    np.testing.assert_allclose(roll_off(light), [0, 0.4, 0.8, 1, 1], atol=1e-6)
    assert np.all(np.diff(roll_off(np.linspace(0, 10, 200))) > 0)


@pytest.mark.parametrize(("transfer", "number"), [("HLG", 18), ("PQ", 16)])
def test_a_video_of_hdr_keeps_red_red(tmp_path, transfer, number):
    # BT.709's red in BT.2020's primaries is 0.63, 0.07, 0.02 of linear light
    light = np.array([0.6274, 0.0691, 0.0164]) * 0.5
    codes = np.array([code(transfer, value) for value in light]) // 257
    frame = np.broadcast_to(codes.astype(np.uint8), (32, 32, 3)).copy()
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8, options={"qp": "4"})
        stream.height = stream.width = 32
        stream.pix_fmt = "yuv444p"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = number, 9, 9
        yuv = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
            format="yuv444p", dst_colorspace=9
        )
        container.mux(stream.encode(yuv))
        container.mux(stream.encode())
    red, green, blue = VideoReader(path).read([0])[0, 16, 16].astype(int)
    assert red > 150 and max(green, blue) < 0.4 * red
