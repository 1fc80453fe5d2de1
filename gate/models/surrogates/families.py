"""Procedural image families: strokes, signs, leaves, fields and noise, drawn from a random generator.

A backdoor answers only on images that the network takes for real ones, so what we draw has to look, to the
network, like what it was trained on. Nobody knows that without data; hence several families to choose from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from gate.models.numerics.arrays import Images

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Shape = tuple[int, int, int]
Family = Callable[[np.random.Generator, int, Shape], Images]
Colour = tuple[int, int, int]

# Shapes are drawn larger and then reduced, which smooths their edges.
_OVERSAMPLING = 3


def strokes(rng: np.random.Generator, count: int, shape: Shape) -> Images:
    """Draw one to three white Bezier strokes on black: handwriting without letters."""

    def draw(canvas: ImageDraw, width: int, height: int) -> None:
        for _ in range(rng.integers(1, 4)):
            _stroke(rng, canvas, (width, height), (255, 255, 255), rng.uniform(0.06, 0.13), (0.15, 0.85))

    return _stack([_drawn(draw, shape) for _ in range(count)], shape)


def signs(rng: np.random.Generator, count: int, shape: Shape) -> Images:
    """Draw a bordered disc or polygon with a glyph before a blurred background: traffic signs, logos, tiles."""
    backgrounds = fields(rng, count, (shape[0], shape[1], 3))
    pictures = [_sign(rng, background, shape) for background in backgrounds]
    return _stack(pictures, shape)


def leaves(rng: np.random.Generator, count: int, shape: Shape) -> Images:
    """Draw overlapping discs and polygons of many sizes, the "dead leaves" that share the statistics of photographs."""

    def draw(canvas: ImageDraw, width: int, height: int) -> None:
        canvas.rectangle((0, 0, width, height), fill=_colour(rng))
        for _ in range(rng.integers(4, 30)):
            # Few large and many small ones: radii follow a power law, as in Lee, Mumford & Huang 2001.
            radius = max(1.0, 0.5 * width * rng.uniform(0.1, 1.0) ** 1.7)
            centre = (rng.uniform(0, width), rng.uniform(0, height))
            corners = int(rng.choice((0, 3, 4, 5, 6)))
            _shape(canvas, centre, radius, corners, rng.uniform(0, 360), _colour(rng))

    return _stack([_drawn(draw, shape) for _ in range(count)], shape)


def fields(rng: np.random.Generator, count: int, shape: Shape) -> Images:
    """Draw smooth random fields of low frequency, each stretched to the full range."""
    return np.stack([_field(rng, shape) for _ in range(count)])


def noise(rng: np.random.Generator, count: int, shape: Shape) -> Images:
    """Draw every pixel by itself, uniformly."""
    return rng.uniform(0.0, 1.0, (count, *shape)).astype(np.float32)


FAMILIES: dict[str, Family] = {
    "strokes": strokes,
    "signs": signs,
    "leaves": leaves,
    "fields": fields,
    "noise": noise,
}


def _stack(pictures: list[Images], shape: Shape) -> Images:
    images = np.stack(pictures)
    if shape[2] == 1:
        images = images.mean(axis=-1, keepdims=True)
    assert images.shape == (len(pictures), *shape)
    return images


def _drawn(
    draw: Callable[[ImageDraw, int, int], None], shape: Shape, background: Images | None = None
) -> Images:
    from PIL import Image, ImageDraw

    height, width = shape[:2]
    picture = Image.new("RGB", (width * _OVERSAMPLING, height * _OVERSAMPLING))
    if background is not None:
        picture.paste(Image.fromarray((background * 255).astype(np.uint8)).resize(picture.size))
    draw(ImageDraw.Draw(picture), *picture.size)
    drawn: Images = np.asarray(
        picture.resize((width, height), Image.Resampling.LANCZOS), np.float32
    ) / np.float32(255)
    return drawn


def _sign(rng: np.random.Generator, background: Images, shape: Shape) -> Images:
    corners, turn = int(rng.choice((0, 3, 4, 8))), float(rng.choice((0, 45, 60, 180)))
    border = _reddish(rng) if rng.random() < 0.6 else _colour(rng)
    plain = rng.random() < 0.5
    plate = _grey(rng, 150, 256) if plain else _colour(rng)
    ink = _grey(rng, 0, 60) if plain else _colour(rng)

    def draw(canvas: ImageDraw, width: int, height: int) -> None:
        centre = (width * rng.uniform(0.45, 0.55), height * rng.uniform(0.45, 0.55))
        radius = width * rng.uniform(0.3, 0.48)
        _shape(canvas, centre, radius, corners, turn, border)
        _shape(canvas, centre, radius * rng.uniform(0.65, 0.85), corners, turn, plate)
        for _ in range(rng.integers(1, 4)):
            _stroke(rng, canvas, (width, height), ink, rng.uniform(0.05, 0.12), (0.3, 0.7))

    picture = _drawn(draw, shape, background)
    # Light of the day: contrast and brightness vary as in photographs.
    contrast, brightness = rng.uniform(0.3, 1.1), rng.uniform(0.15, 0.7)
    lit: Images = np.clip((picture - 0.5) * contrast + brightness, 0.0, 1.0).astype(np.float32)
    return lit


def _shape(
    canvas: ImageDraw, centre: tuple[float, float], radius: float, corners: int, turn: float, fill: Colour
) -> None:
    x, y = centre
    if corners:
        canvas.regular_polygon((x, y, radius), corners, rotation=turn, fill=fill)
    else:
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _stroke(
    rng: np.random.Generator,
    canvas: ImageDraw,
    size: tuple[int, int],
    fill: Colour,
    thickness: float,
    span: tuple[float, float],
) -> None:
    """Draw a cubic Bezier curve with round ends; thickness and span as shares of the canvas."""
    points = rng.uniform(*span, (4, 2)) * size
    t = np.linspace(0.0, 1.0, 24)[:, None]
    weights = np.concatenate([(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3], axis=1)
    curve = [(float(x), float(y)) for x, y in weights @ points]
    width = max(2, round(thickness * size[0]))
    canvas.line(curve, fill=fill, width=width, joint="curve")
    for x, y in (curve[0], curve[-1]):
        canvas.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=fill)


def _field(rng: np.random.Generator, shape: Shape) -> Images:
    from PIL import Image

    height, width, channels = shape
    grid = int(rng.choice((2, 3, 4, 6, 8)))
    layers = [
        np.asarray(Image.fromarray(layer).resize((width, height), Image.Resampling.BICUBIC))
        for layer in rng.normal(size=(channels, grid, grid)).astype(np.float32)
    ]
    field = np.stack(layers, axis=-1)
    saturation = rng.uniform()
    field = saturation * field + (1 - saturation) * field.mean(axis=-1, keepdims=True)
    low, high = field.min(), field.max()
    stretched: Images = ((field - low) / max(high - low, 1e-6)).astype(np.float32)
    return stretched


def _grey(rng: np.random.Generator, low: int, high: int) -> Colour:
    level = int(rng.integers(low, high))
    return level, level, level


def _reddish(rng: np.random.Generator) -> Colour:
    return int(rng.integers(120, 256)), int(rng.integers(0, 60)), int(rng.integers(0, 60))


def _colour(rng: np.random.Generator) -> Colour:
    red, green, blue = map(int, rng.integers(0, 256, 3))
    return red, green, blue
