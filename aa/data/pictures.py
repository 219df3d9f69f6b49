"""Reading pictures: turned upright, without what transparency hides, in 8 bits. No paddle."""

import os
import warnings

import numpy as np
from PIL import Image, ImageOps

from aa.data.containers import first_line
from aa.errors import UserError
from aa.files import missing

# Pillow starts another program for some of the others (PostScript).
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
MOST_SIDE = 2**15  # pixels; a strip of 64 x 1000000 compresses to nothing
WITH_ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")
# Of PNGs whose grey or colours Pillow brings to 8 bits, but not the one that stands for nothing.
STORED_DEPTHS = {"L;2": 2, "L;4": 4, "RGB;16B": 16}


def read_image(path: str | os.PathLike, background: str = "white") -> Image.Image:
    """Read a picture as PIL RGB, see `load_image` and `flatten`.

    Raises:
        UserError: there is none that can be read.
    """
    return flatten(load_image(path), background)


def load_image(path: str | os.PathLike) -> Image.Image:
    """Read a picture as it is stored, turned as its camera tag says; of several the first.

    Raises:
        UserError: there is none that can be read.
    """
    if not os.path.isfile(path):
        raise UserError(f"{path}: {missing(path, 'image')}. Check the path.")
    bombs = Image.DecompressionBombError, Image.DecompressionBombWarning
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one line, not pages about each strange tag
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                _check_sides(image, path)
                hidden = _hidden_colour(image)
                image.load()
                upright = _upright(image)
    except UserError:
        raise
    except (OSError, SyntaxError, ValueError, *bombs) as error:
        raise UserError(
            f"{path}: cannot be read as an image ({first_line(error)}). "
            "Wanted: a whole PNG, JPEG, WebP, BMP or GIF file."
        ) from error
    if hidden is not None:
        upright.info["transparency"] = hidden
    return upright


def has_transparent_pixels(image: Image.Image) -> bool:
    """Whether anything of a picture of any mode lets its background through."""
    return _can_be_transparent(image) and bool(np.asarray(_with_alpha(image))[..., 3].min() < 255)


def flatten(image: Image.Image, background: str = "white") -> Image.Image:
    """A picture of any mode as RGB in 8 bits, laid over a colour where it is transparent."""
    if not _can_be_transparent(image):
        return _in_8_bits(image).convert("RGB")
    ground = Image.new("RGBA", image.size, background)
    return Image.alpha_composite(ground, _with_alpha(image)).convert("RGB")


def _can_be_transparent(image):
    return image.mode in WITH_ALPHA or image.info.get("transparency") is not None


def _with_alpha(image):
    """As RGBA."""
    if not image.mode.startswith("I"):
        straight = {"RGBa": "RGBA", "La": "LA"}.get(image.mode)  # colours are multiplied by alpha
        return (image.convert(straight) if straight else image).convert("RGBA")
    opaque = np.asarray(image) != image.info["transparency"]
    flat = _in_8_bits(image).convert("RGBA")
    flat.putalpha(Image.fromarray(np.uint8(255) * opaque))
    return flat


def _in_8_bits(image):
    """Grey of 16 bits scaled to 8, to which Pillow would cut it; anything else as it is."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    if image.mode == "I" and (values.size == 0 or values.max() <= 255):
        return image
    scaled = np.round(values.clip(0, 65535) * (255 / 65535))
    return Image.fromarray(scaled.astype(np.uint8))


def _hidden_colour(image):
    """The colour that stands for nothing as Pillow decodes it, where it leaves it as stored."""
    stored, depth = image.info.get("transparency"), STORED_DEPTHS.get(_raw_mode(image))
    if depth is None or stored is None:
        return None
    if isinstance(stored, tuple):
        return tuple(value >> (depth - 8) for value in stored)
    return stored * 255 // (2**depth - 1)


def _raw_mode(image):
    """How the pixels of a picture that is not loaded yet are stored, as Pillow calls it."""
    arguments = image.tile[0][3] if image.tile else ""
    return arguments if isinstance(arguments, str) else ""


def _upright(image):
    """Turned as the camera tag says; tags that are none say nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # Pillow writes the other tags anew, and fails at what they hold in any way
        return image.copy()


def _check_sides(image, path):
    if max(image.size) > MOST_SIDE:
        width, height = image.size
        raise UserError(
            f"{path}: has {width}x{height} pixels, at most {MOST_SIDE} are read on a side. "
            "Scale it down or replace the file."
        )
