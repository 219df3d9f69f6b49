"""Pictures of characters."""

import io
from typing import ClassVar

import numpy as np

from tests.fuzz.kind import Kind, Mutant
from tests.fuzz.mutate import chunks, raw

# A picture takes memory by its pixels, of which a file may have many for each byte: as many as a
# video's frame may have are allowed, at what it takes to decode, turn and flatten them.
CHANGES = {
    "png": chunks.changed_png,
    "jpg": chunks.changed_jpeg,
    "webp": chunks.changed_riff,
    "bmp": chunks.changed_header,
    "gif": chunks.changed_header,
}


def read_picture(folder):
    """Read it as inference does."""
    from aa.data.pictures import flatten, has_transparent_pixels, load_image

    (file,) = folder.glob("picture.*")
    image = load_image(file)
    has_transparent_pixels(image)
    return flatten(image).size


class Pictures(Kind):
    """What a stranger gives as a picture."""

    targets: ClassVar = {"load_image": read_picture}

    def prepare(self):
        import aa.data.pictures  # noqa: F401

        self.seeds = _pictures()

    def honest(self):
        return [Mutant({f"picture.{kind}": file}, "load_image") for kind, file in self.seeds]

    def mutant(self, rng):
        kind, content = rng.choice(self.seeds)
        if rng.random() < 0.7:
            content = CHANGES[kind](rng, content)
        else:
            others = [file for other, file in self.seeds if other == kind]
            content = raw.changed(rng, content, others)
        return Mutant({f"picture.{kind}": content}, "load_image")

    def file_name(self, name):
        return f"picture.{name.rpartition('.')[2]}"


def _pictures():
    """(ending, bytes) of small pictures of many modes."""
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (24, 20, 4), np.uint8)
    rgba = Image.fromarray(noise)
    rgb, grey = rgba.convert("RGB"), rgba.convert("L")
    grey16 = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    palette = rgb.quantize(16)
    tags = Image.Exif()
    tags[0x0112], tags[0x010F], tags[0x011A] = 6, "maker", 72.0
    more = {"exif": tags, "save_all": True, "append_images": [rgb]}
    made = [
        *(("png", image, {}) for image in (rgba, rgb, grey, grey16, palette, grey.convert("1"))),
        *(("png", grey.convert("LA"), {}), ("png", rgb, {"exif": tags, "dpi": (72, 72)})),
        *(("png", palette, {"transparency": 3}), ("png", rgb, {"transparency": (1, 2, 3)})),
        *(("png", grey, {"transparency": 3, "bits": 8}), ("png", grey16, {"transparency": 300})),
        *(("jpg", rgb, {"exif": tags}), ("jpg", grey, {}), ("jpg", rgb.convert("CMYK"), {})),
        ("jpg", rgb, {"progressive": True, "icc_profile": b"x" * 200, "comment": b"hello"}),
        *(("webp", rgb, {"exif": tags}), ("webp", rgba, {"lossless": True}), ("webp", rgb, more)),
        *(("bmp", image, {}) for image in (rgb, grey, palette, grey.convert("1"), rgba)),
        ("gif", palette, {"transparency": 3, "comment": b"hello"}),
        ("gif", rgb, {"save_all": True}),
        ("gif", palette, {"save_all": True, "append_images": [palette]}),
    ]
    return [(kind, _saved(image, kind, options)) for kind, image, options in made]


def _saved(image, kind, options):
    file = io.BytesIO()
    image.save(file, {"jpg": "jpeg"}.get(kind, kind), **options)
    return file.getvalue()
