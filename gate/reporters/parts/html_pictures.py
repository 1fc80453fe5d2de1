"""The HTML format's pictures of a trigger: decoded, and encoded anew, since a report is an untrusted file."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from gate.core.evidence import Trigger
from gate.reporters.parts.picture import decode, strengthened

if TYPE_CHECKING:
    from PIL.Image import Image

_Box = tuple[int, int, int, int]

# What weighs less than this beside the strongest pixel does not draw the close-up's frame wider.
_FAINT = 0.1
_MARGIN = 2
_CLOSE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """A trigger in pictures, each a `data:` address of a PNG.

    Attributes:
        width: Of the model's input, in pixels.
        height: Of the model's input, in pixels.
        stamp: Mask times pattern, transparent where the mask is.
        mask: In grey, white where it replaces the pixel.
        pattern: As it was found; "" if there is none.
        close_up: The stamp's neighbourhood; "" where the stamp fills most of the picture.
        examples: Images as they are, and below with the trigger; "" if there are none.
        is_strengthened: Whether mask and stamp are shown stronger than they are.
    """

    width: int
    height: int
    stamp: str
    mask: str
    pattern: str
    close_up: str
    examples: str
    is_strengthened: bool


def pictures(trigger: Trigger) -> Pictures | None:
    """Return a trigger's pictures; None without a readable mask."""
    from PIL import Image

    mask = decode(trigger.mask_png, "L")
    if mask is None:
        return None
    found = decode(trigger.pattern_png, "RGB")
    has_pattern = found is not None and found.size == mask.size
    pattern = found if found is not None and has_pattern else Image.new("RGB", mask.size, (255, 255, 255))
    shown = strengthened(mask)
    stamp = pattern.copy()
    stamp.putalpha(shown)
    box = _neighbourhood(shown)
    examples = decode(trigger.examples_png, "RGB")
    return Pictures(
        width=mask.width,
        height=mask.height,
        stamp=_address(stamp),
        mask=_address(shown),
        pattern=_address(pattern) if has_pattern else "",
        close_up=_address(stamp.crop(box)) if box else "",
        examples=_address(examples) if examples else "",
        is_strengthened=shown.tobytes() != mask.tobytes(),
    )


def _neighbourhood(mask: Image) -> _Box | None:
    """Return the smallest square around a mask with a margin; None if it holds most of the picture, or nothing."""
    threshold = _FAINT * max(mask.tobytes())
    box = mask.point([255 * (value > threshold) for value in range(256)]).getbbox()
    if box is None:
        return None
    side = max(box[2] - box[0], box[3] - box[1]) + 2 * _MARGIN
    if side > _CLOSE * min(mask.size):
        return None
    left = min(max((box[0] + box[2] - side) // 2, 0), mask.width - side)
    top = min(max((box[1] + box[3] - side) // 2, 0), mask.height - side)
    return left, top, left + side, top + side


def _address(image: Image) -> str:
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
