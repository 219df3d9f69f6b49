"""Pictures come as RGB in 8 bits, upright, and never with what their transparency hides."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from aa.data.pictures import flatten, has_transparent_pixels, load_image, read_image
from aa.errors import UserError
from tests.data.conftest import cut_short, noisy_frames


def test_image_is_read_as_rgb(tmp_path):
    Image.new("RGBA", (4, 3), (10, 20, 30, 255)).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert (image.mode, image.size, image.getpixel((0, 0))) == ("RGB", (4, 3), (10, 20, 30))


def test_missing_image_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.png: no such image"):
        read_image(tmp_path / "gone.png")


def test_unreadable_and_truncated_images_are_named(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    Image.fromarray(noisy_frames(1)[0]).save(tmp_path / "cut.png")
    cut_short(tmp_path / "cut.png", share=0.5)
    for name in ("text.png", "cut.png"):
        with pytest.raises(UserError, match=f"{name}: cannot be read as an image"):
            read_image(tmp_path / name)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "bmp", "gif"])
def test_pictures_of_these_kinds_are_read(tmp_path, ending):
    Image.fromarray(noisy_frames(1)[0]).save(tmp_path / f"a.{ending}")
    assert read_image(tmp_path / f"a.{ending}").size == (64, 64)


NOISE = np.random.default_rng(0).integers(0, 256, [4, 4, 3], np.uint8)
GREY16 = np.array([[0, 257, 25700], [32896, 65278, 65535]], np.uint16)  # / 257: 0 1 100 128 254 255


def chunk(kind, content):
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def png(width, *, depth, colour_type, pixels, hidden):
    """A row of pixels as a PNG, whose tRNS chunk says which colour stands for nothing."""
    head = struct.pack(">IIBBBBB", width, 1, depth, colour_type, 0, 0, 0)
    parts = (b"IHDR", head), (b"tRNS", hidden), (b"IDAT", zlib.compress(b"\0" + pixels))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts) + chunk(b"IEND", b"")


def hidden_noise(mode):
    """Noise whose left half is transparent."""
    image = Image.fromarray(NOISE).convert("RGBA")
    image.putalpha(Image.fromarray(np.repeat(np.uint8([[0, 0, 255, 255]]), 4, axis=0)))
    return image.convert("LA").convert(mode) if mode == "La" else image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "LA", "La", "PA"])
def test_what_alpha_hides_is_never_seen(mode):
    flat = np.asarray(flatten(hidden_noise(mode), "#ff8000"))
    np.testing.assert_array_equal(flat[:, :2], np.broadcast_to([255, 128, 0], [4, 2, 3]))
    assert np.ptp(flat[:, 2:]) > 0


def test_half_of_the_background_is_seen_through_half_transparent_pixels():
    assert flatten(Image.new("RGBA", (1, 1), (0, 0, 0, 128))).getpixel((0, 0)) == (127, 127, 127)


@pytest.mark.parametrize("background", ["white", "black"])
def test_a_palettes_transparent_colour_is_the_background(tmp_path, background):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.gif", transparency=0)
    flat = np.asarray(read_image(tmp_path / "a.gif", background))[0]
    assert flat.tolist() == [[255 * (background == "white")] * 3, [200, 100, 50]]


@pytest.mark.parametrize(
    ("depth", "colour_type", "pixels", "hidden", "others"),
    [
        (1, 0, b"\x40", b"\0\0", 255),  # grey: black is hidden, white is not
        (2, 0, b"\xb0", b"\0\2", 255),
        (4, 0, b"\x3f", b"\0\3", 255),
        (8, 0, b"\x07\xff", b"\0\7", 255),
        (16, 0, b"\x01\x02\xff\xff", b"\1\2", 255),
        (8, 2, b"\1\2\3\4\4\4", b"\0\1\0\2\0\3", 4),
        (16, 2, b"\1\2\3\4\5\6" + b"\x09\0" * 3, b"\1\2\3\4\5\6", 9),
    ],
)
def test_the_one_colour_that_a_png_calls_transparent_is_the_background(
    depth, colour_type, pixels, hidden, others, tmp_path
):
    content = png(2, depth=depth, colour_type=colour_type, pixels=pixels, hidden=hidden)
    (tmp_path / "a.png").write_bytes(content)
    flat = np.asarray(read_image(tmp_path / "a.png", "red"))[0]
    assert flat.tolist() == [[255, 0, 0], [others] * 3]


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_grey_of_16_bits_is_scaled_to_8(mode):
    kind = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4"}[mode]
    image = Image.frombytes(mode, (3, 2), GREY16.astype(kind).tobytes())
    assert np.asarray(flatten(image))[..., 0].tolist() == [[0, 1, 100], [128, 254, 255]]


def test_a_png_of_16_bits_is_read_as_its_grey_picture(tmp_path):
    Image.fromarray(GREY16).save(tmp_path / "a.png")
    image = np.asarray(read_image(tmp_path / "a.png"))
    assert image.tolist() == [[[v] * 3 for v in row] for row in ([0, 1, 100], [128, 254, 255])]


def test_grey_of_8_bits_in_a_wider_type_is_not_scaled():
    assert flatten(Image.new("I", (1, 1), 200)).getpixel((0, 0)) == (200, 200, 200)


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_of_a_moving_picture_the_first_one_is_read(tmp_path, ending):
    first, second = (Image.new("RGB", (2, 2), colour) for colour in ("red", "blue"))
    first.save(tmp_path / f"a.{ending}", save_all=True, append_images=[second])
    assert read_image(tmp_path / f"a.{ending}").getpixel((0, 0)) == (255, 0, 0)


def test_only_pixels_that_let_something_through_count_as_transparent():
    assert has_transparent_pixels(hidden_noise("RGBA"))
    assert not has_transparent_pixels(Image.new("RGBA", (2, 2), "red"))
    assert not has_transparent_pixels(Image.new("RGB", (2, 2), "red"))


def test_a_picture_is_turned_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (4, 2)).save(tmp_path / "a.jpg", exif=exif)
    assert load_image(tmp_path / "a.jpg").size == (2, 4)


def test_camera_tags_that_are_none_are_left_out(tmp_path):
    turned = b"\x12\1" + b"\3\0" + b"\1\0\0\0" + b"\6\0\0\0"
    place = b"\x1a\1" + b"\2\0" + b"\3\0\0\0" + b"no\0\0"  # a text for a ratio
    tags = b"Exif\0\0II*\0\x08\0\0\0\2\0" + turned + place + bytes(4)
    Image.new("RGB", (4, 2)).save(tmp_path / "a.jpg", exif=tags)
    assert sorted(read_image(tmp_path / "a.jpg").size) == [2, 4]


def test_a_strip_of_a_million_pixels_is_refused_by_its_sides(tmp_path):
    Image.new("1", (1, 40_000)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png: has 1x40000 pixels, at most 32768 are read"):
        read_image(tmp_path / "a.png")
