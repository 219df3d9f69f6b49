"""Reading images: turned upright, without what transparency hides, in 8 bits."""

import io
import os
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, UnidentifiedImageError

from aa.data.containers import first_line
from aa.data.picture_files import is_picture, picture_parts
from aa.errors import UserError, reason
from aa.files import missing

# Pillow starts another program for some of the others (PostScript).
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
MOST_BYTES = 2**30
MOST_SIDE = 2**15  # pixels; a strip of 64 x 1000000 compresses to nothing
# Bytes of memory that an image of any size may take, and for each byte of its file. A sheet of
# white of 4000x4000 has 47 kB and takes 64 MB; images that are one take some 20 for a byte.
MOST_MEMORY, MOST_FOR_A_BYTE = 64_000_000, 256
WITH_ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")
BAND = 2**16  # pixels that are worked on at once
# Of PNGs whose grey or colours Pillow brings to 8 bits, but not the one that stands for nothing.
STORED_DEPTHS = {"L;2": 2, "L;4": 4, "RGB;16B": 16}
WANTED = "Wanted: a whole PNG, JPEG, WebP, BMP or GIF file."
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(path: str | os.PathLike, background: str = "white") -> Image.Image:
    """Read an image as PIL RGB, see `load_image` and `flatten`.

    Raises:
        UserError: there is none that can be read.
    """
    return flatten(load_image(path), background)


def load_image(path: str | os.PathLike) -> Image.Image:
    """Read an image as it is stored, turned as its camera tag says; of several the first.

    It has no tags: its `info` says which colour is transparent, if one is, and nothing else.

    Raises:
        UserError: there is none that can be read, or it is far larger than its file.
    """
    if not os.path.isfile(path):
        raise UserError(f"{path}: {missing(path, 'image')}. Check the path.")
    try:
        with open(path, "rb") as file:
            if not is_picture(file.read(12)):
                raise ValueError("it is of another kind")
            if os.path.getsize(path) > MOST_BYTES:
                raise ValueError(f"it has more than {MOST_BYTES} bytes")
            file.seek(0)
            return _decode(path, file.read())
    except UserError:
        raise
    except UnidentifiedImageError as error:  # it would name our copy
        raise UserError(f"{path}: cannot be read as an image (it is damaged). {WANTED}") from error
    except Exception as error:  # strange bytes can fail in any way
        found = first_line(reason(error))
        raise UserError(f"{path}: cannot be read as an image ({found}). {WANTED}") from error


def _decode(path, content):
    parts, turned = picture_parts(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(parts), formats=FORMATS) as image:
            _check_size(path, image, turned, len(content))
            hidden, stored = _hidden_colour(image), image.info.get("transparency")
            image.load()
    image.info = {}
    if turned in TURNS:
        image = image.transpose(TURNS[turned])
    if stored is not None:
        image.info["transparency"] = stored if hidden is None else hidden
    flatten(image.crop((0, 0, 1, 1)))  # a colour of transparency may be none of the palette's
    return image


def has_transparent_pixels(image: Image.Image) -> bool:
    """Return whether anything of an image of any mode lets its background through."""
    return _can_be_transparent(image) and any(
        np.asarray(_with_alpha(band, is_deep=False))[..., 3].min() < 255
        for _, band in _bands(image)
    )


def flatten(image: Image.Image, background: str = "white") -> Image.Image:
    """An image of any mode as RGB in 8 bits, laid over a colour where it is transparent."""
    if not _can_be_transparent(image) and not image.mode.startswith("I"):
        return image if image.mode == "RGB" else image.convert("RGB")
    flat, is_deep = Image.new("RGB", image.size), _is_deep(image)
    for place, band in _bands(image):
        if _can_be_transparent(image):
            ground = Image.new("RGBA", band.size, background)
            band = Image.alpha_composite(ground, _with_alpha(band, is_deep))
        flat.paste(_in_8_bits(band, is_deep).convert("RGB"), place)
    return flat


def _bands(image: Image.Image) -> Iterator[tuple[tuple[int, int], Image.Image]]:
    """Yield an image in rows, and where they are: copies of all of it take much memory."""
    width, height = image.size
    rows = max(1, BAND // max(1, width))
    for top in range(0, height, rows):
        yield (0, top), image.crop((0, top, width, min(height, top + rows)))


def _can_be_transparent(image: Image.Image) -> bool:
    return image.mode in WITH_ALPHA or image.info.get("transparency") is not None


def _with_alpha(image: Image.Image, is_deep: bool) -> Image.Image:
    """As RGBA."""
    if not image.mode.startswith("I"):
        straight = {"RGBa": "RGBA", "La": "LA"}.get(image.mode)  # colours are multiplied by alpha
        return (image.convert(straight) if straight else image).convert("RGBA")
    opaque = np.asarray(image) != image.info["transparency"]
    flat = _in_8_bits(image, is_deep).convert("RGBA")
    flat.putalpha(Image.fromarray(np.uint8(255) * opaque))
    return flat


def _is_deep(image) -> bool:
    """Return whether an image is of grey in 16 bits."""
    return image.mode.startswith("I;16") or (image.mode == "I" and image.getextrema()[1] > 255)


def _in_8_bits(image: Image.Image, is_deep: bool) -> Image.Image:
    """Grey of 16 bits scaled to 8, to which Pillow would cut it; anything else as it is."""
    if not is_deep or not image.mode.startswith("I"):
        return image
    scaled = np.round(np.asarray(image).clip(0, 65535) * (255 / 65535))
    return Image.fromarray(scaled.astype(np.uint8))


def _hidden_colour(image):
    """The colour that stands for nothing as Pillow decodes it, where it leaves it as stored."""
    stored, depth = image.info.get("transparency"), STORED_DEPTHS.get(_raw_mode(image))
    if depth is None or stored is None:
        return None
    if isinstance(stored, tuple):
        return tuple(value >> (depth - 8) for value in stored)
    return stored * 255 // (2**depth - 1)


def _raw_mode(image) -> str:
    """Pillow's name for how the pixels of an image that is not loaded yet are stored."""
    arguments = image.tile[0][3] if image.tile else ""
    return arguments if isinstance(arguments, str) else ""


def _check_size(path, image, turned, size):
    width, height = image.size
    if max(width, height) > MOST_SIDE:
        raise UserError(
            f"{path}: has {width}x{height} pixels, at most {MOST_SIDE} are read on a side. "
            "Scale it down or replace the file."
        )
    memory = width * height * _bytes_per_pixel(image, turned)
    if memory > MOST_MEMORY + MOST_FOR_A_BYTE * size:
        raise UserError(
            f"{path}: says that it has {width}x{height} pixels, in a file of {size} bytes; to read "
            f"them would take {memory / 1e6:.0f} MB. Scale it down or replace the file."
        )


def _bytes_per_pixel(image, turned):
    """Memory that an image takes until it is RGB, as Pillow reads it."""
    if image.format == "WEBP":
        return 16  # four copies of all four bytes
    stored = {"1": 1, "L": 1, "P": 1}.get(image.mode, 2 if image.mode.startswith("I;16") else 4)
    is_final = image.mode == "RGB" and not _can_be_transparent(image)
    most = max(stored * 2 if turned in TURNS else stored, stored if is_final else stored + 4)
    if image.info.get("progressive"):
        return max(most, stored + 2 * len(image.getbands()))  # all values of its blocks
    return most + 2 if image.format == "BMP" else most  # what is coded by runs
