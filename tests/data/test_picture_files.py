"""Of a picture's file only the picture is read, and only where its size fits the file's."""

import numpy as np
import pytest
from PIL import Image

from aa.data.pictures import flatten, load_image, read_image
from aa.errors import UserError
from tests.data.conftest import noisy_frames

TURNED = Image.Exif()
TURNED[0x0112] = 6  # by a quarter


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_a_picture_comes_without_its_tags_and_turned_as_they_say(tmp_path, ending):
    more = {"icc_profile": b"colours", "comment": b"made by"} if ending == "jpg" else {}
    Image.new("RGB", (4, 2)).save(tmp_path / f"a.{ending}", exif=TURNED, **more)
    image = load_image(tmp_path / f"a.{ending}")
    assert (image.size, image.info, dict(image.getexif())) == ((2, 4), {}, {})


def test_a_transparent_colour_is_all_that_is_kept_of_tags(tmp_path):
    image = Image.new("P", (2, 1))
    image.save(tmp_path / "a.gif", transparency=0, comment=b"made by")
    assert load_image(tmp_path / "a.gif").info == {"transparency": 0}


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"quality": 20}])
def test_leaving_tags_out_changes_no_pixel(tmp_path, options):
    path = tmp_path / "a.jpg"
    Image.fromarray(noisy_frames(1)[0]).save(path, exif=TURNED, comment=b"\xff\xda", **options)
    with Image.open(path) as image:
        np.testing.assert_array_equal(read_image(path), image.transpose(Image.Transpose.ROTATE_270))


def test_ink_of_four_colours_stays_what_it_is(tmp_path):
    Image.fromarray(noisy_frames(1)[0]).convert("CMYK").save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), image.convert("RGB"))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "I;16"])
def test_a_picture_of_many_bands_is_flattened_as_one_of_few(tmp_path, mode):
    values = np.random.default_rng(0).integers(0, 256, [300, 400, 4], np.uint8)
    image = Image.fromarray(values[..., 0].astype(np.uint16) * 257) if mode == "I;16" else None
    image = image or Image.fromarray(values).convert("RGB" if mode == "P" else "RGBA").convert(mode)
    whole = np.asarray(flatten(image, "red"))
    parts = [flatten(image.crop((0, top, 400, top + 100)), "red") for top in (0, 100, 200)]
    np.testing.assert_array_equal(whole, np.concatenate([np.asarray(part) for part in parts]))


def test_a_picture_that_is_far_larger_than_its_file_is_refused(tmp_path):
    Image.new("RGBA", (4000, 4000)).save(tmp_path / "a.png")
    with pytest.raises(
        UserError, match=r"says that it has 4000x4000 pixels, in a file of \d+ bytes"
    ):
        read_image(tmp_path / "a.png")


def test_a_photo_of_12_megapixels_is_read(tmp_path):
    Image.effect_noise((4000, 3000), 20).convert("RGB").save(tmp_path / "a.jpg", exif=TURNED)
    assert read_image(tmp_path / "a.jpg").size == (3000, 4000)
