"""Draw a recovered trigger with characters, two pixels to a column's height."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from gate.core.evidence import Trigger

Rgb = tuple[int, int, int]

# Model inputs are smaller; a report is an untrusted file, and a PNG of a kilobyte can unpack to gigabytes.
_MAX_SIDE = 1024
_PNG = b"\x89PNG\r\n\x1a\n"
_FAINTEST_PEAK = 64
_GROUND: tuple[Rgb, Rgb] = ((58, 60, 66), (70, 72, 79))
_SHADES = " ░▒▓█"
_ASCII_SHADES = " .:+#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A thumbnail of a trigger.

    Attributes:
        width: Columns.
        mask: Opacities, 0..255, row by row; an even number of rows.
        colours: The trigger stamped on a grey chequered ground, as many.
    """

    width: int
    mask: tuple[int, ...]
    colours: tuple[Rgb, ...]

    def pairs(self) -> tuple[tuple[int, ...], ...]:
        """Return, for each line of text, the offsets of the upper pixels; the lower ones are `width` on."""
        step = 2 * self.width
        return tuple(tuple(range(row, row + self.width)) for row in range(0, len(self.mask), step))


def picture(trigger: Trigger, columns: int = 32) -> Picture | None:
    """Return a thumbnail, at most `columns` wide and half as many lines high; None without a readable mask.

    Args:
        trigger: Its PNGs may be hostile: a report is read back from a file.
        columns: Largest number of columns.
    """
    from PIL import Image

    mask = decode(trigger.mask_png, "L")
    if mask is None:
        return None
    pattern = decode(trigger.pattern_png, "RGB")
    if pattern is None or pattern.size != mask.size:
        pattern = Image.new("RGB", mask.size, (255, 255, 255))
    pattern.putalpha(mask)
    # Pillow averages RGBA weighted by opacity, so pixels outside the mask do not bleed into the trigger.
    stamp = _fit(pattern, columns)
    stamp.putalpha(strengthened(stamp.getchannel("A")))
    ground = _chequered(stamp.size)
    ground.paste(stamp, mask=stamp.getchannel("A"))
    return Picture(
        width=stamp.width, mask=tuple(stamp.getchannel("A").tobytes()), colours=_triples(ground.tobytes())
    )


def shaded(drawing: Picture, *, unicode: bool = True) -> tuple[str, ...]:
    """Return the mask as framed lines of text that need no colour."""
    cell = _cell if unicode else _ascii_cell
    corners, dash, bar = ("┌┐└┘", "─", "│") if unicode else ("++++", "-", "|")
    edge = dash * drawing.width
    lines = (
        "".join(cell(drawing.mask[i], drawing.mask[i + drawing.width]) for i in row)
        for row in drawing.pairs()
    )
    return (
        corners[0] + edge + corners[1],
        *(bar + line + bar for line in lines),
        corners[2] + edge + corners[3],
    )


def _cell(top: int, bottom: int) -> str:
    # Half blocks keep sharp edges; shades keep soft ones.
    if top - bottom > 127:
        return "▀"
    if bottom - top > 127:
        return "▄"
    return _SHADES[_step(top, bottom)]


def _ascii_cell(top: int, bottom: int) -> str:
    return _ASCII_SHADES[_step(top, bottom)]


def _step(top: int, bottom: int) -> int:
    return round((top + bottom) / 2 / 255 * (len(_SHADES) - 1))


def decode(png: bytes, mode: str) -> Image | None:
    """Return a PNG as an image of this mode; None if it is hostile, broken, or larger than any model's input."""
    import struct
    import zlib

    from PIL import Image

    if png[:8] != _PNG or len(png) < 24:
        return None
    if not all(1 <= side <= _MAX_SIDE for side in struct.unpack(">II", png[16:24])):
        return None
    try:
        return Image.open(BytesIO(png), formats=("PNG",)).convert(mode)
    # These are what Pillow raises on broken PNGs; the numbers in the report stand without a picture.
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error):
        return None


def _fit(image: Image, columns: int) -> Image:
    from PIL import Image

    longest = max(image.size)
    if longest <= columns:
        # Whole multiples keep pixels square.
        zoom = columns // longest
        size = (image.width * zoom, image.height * zoom)
        scaled = image.resize(size, Image.Resampling.NEAREST)
    else:
        size = (max(1, image.width * columns // longest), max(1, image.height * columns // longest))
        scaled = image.resize(size, Image.Resampling.BOX)
    even = Image.new("RGBA", (scaled.width, scaled.height + scaled.height % 2))
    even.paste(scaled)
    return even


def strengthened(alpha: Image) -> Image:
    """Return a mask with its strongest pixel opaque, or nearly so.

    A trigger of a few pixels fades when a large picture is shrunk, and a faint one cannot be seen at all.
    """
    peak = max(alpha.tobytes())
    gain = 255 / max(peak, _FAINTEST_PEAK)
    return alpha.point([min(255, round(value * gain)) for value in range(256)])


def _chequered(size: tuple[int, int]) -> Image:
    from PIL import Image

    width, height = size
    squares = (_GROUND[(x // 4 + y // 4) % 2] for y in range(height) for x in range(width))
    return Image.frombytes("RGB", size, bytes(channel for square in squares for channel in square))


def _triples(flat: bytes) -> tuple[Rgb, ...]:
    return tuple(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
