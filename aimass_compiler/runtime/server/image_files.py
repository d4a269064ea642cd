"""Image files as the numbers that a model reads: the same code in training and in the server."""

from __future__ import annotations

import binascii
import io
import warnings
from typing import TYPE_CHECKING

import numpy
from PIL import Image, ImageOps, UnidentifiedImageError

from aimass_compiler.conventions import MOST_PIXELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What is decoded; other decoders of Pillow never see a byte that a caller sends.
_FORMATS = ("PNG", "JPEG")
#: By channels: grey, colour, colour with opacity.
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_WHITE = 255
#: Greys of 16 bits, which Pillow keeps in wider numbers and would cut off at 255.
_DEEP = 2**16 - 1


def pixels(content: bytes, shape: tuple[int, ...]) -> NDArray[numpy.float32]:
    """The pixels of a PNG or JPEG file from 0 to 1, float32 of `shape`: channels, rows, columns.

    The image is turned as its EXIF data say, converted to grey (1 channel), colour (3) or colour and opacity
    (4), and resized by bilinear interpolation. Raises ValueError, whose message says what the file is not.
    """
    channels, height, width = shape
    mode = _MODES.get(channels)
    if mode is None:
        raise ValueError(f"read into 1, 3 or 4 channels, not {channels}: grey, colour, colour with opacity")
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(content), formats=_FORMATS) as image,
        ):
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(
                    f"an image of at most {MOST_PIXELS:,} pixels, not {image.width} x {image.height}"
                )
            image.draft(mode, (width, height))  # JPEG decodes to an eighth in a fraction of the time
            upright = ImageOps.exif_transpose(image)
            flat = _deep(upright) if upright.mode.startswith("I") else upright
            fitted = flat.convert(mode).resize((width, height), Image.Resampling.BILINEAR)
    except (UnidentifiedImageError, OSError, TypeError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise ValueError("a PNG or JPEG file that can be decoded") from None
    values = numpy.asarray(fitted, dtype=numpy.float32) / numpy.float32(_WHITE)
    return numpy.ascontiguousarray(values.reshape(height, width, channels).transpose(2, 0, 1))


def _deep(image: Image.Image) -> Image.Image:
    """A grey image of 16 bits as one of 8."""
    values = numpy.asarray(image).astype(numpy.float64) * (_WHITE / _DEEP)
    return Image.fromarray(numpy.rint(values).clip(0, _WHITE).astype(numpy.uint8))


def pixels_of_base64(text: str, shape: tuple[int, ...]) -> NDArray[numpy.float32]:
    """The same of a file in base64, with or without `data:image/png;base64,` before it; raises ValueError."""
    head, comma, body = text.partition(",")
    try:
        content = binascii.a2b_base64(body if comma and head.startswith("data:") else text, strict_mode=True)
    except (binascii.Error, ValueError):
        raise ValueError("a PNG or JPEG file in base64") from None
    return pixels(content, shape)
