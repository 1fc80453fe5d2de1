"""The ROC curves as an SVG picture, readable on dark and on light pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from math import log10

from benchmarks.evaluation.evidence import Row
from benchmarks.evaluation.judges import GATE, NOISE, PAPER, Judge, alone
from benchmarks.evaluation.metrics import Floats, area, roc

_CURVES = (
    (GATE, "gate"),
    (alone("neural-cleanse"), "a"),
    (PAPER, "b"),
    (NOISE, "c"),
    (alone("maximum-margin"), "d"),
)
# The field that curves are drawn on, in pixels.
_LEFT, _TOP, _WIDTH, _HEIGHT = 62, 20, 520, 340
_LEGEND_LINE, _FOOT = 20, 60
_TICKS_UP = (0, 20, 40, 60, 80, 100)
_WATCHED = (0.01, 0.05)
_TICKS_ALONG = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; } .faint { fill: #57606a; }
.grid { stroke: #d0d7de; } .limit { stroke: #57606a; stroke-dasharray: 2 3; }
path { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .gate { stroke: #0969da; stroke-width: 3.2; }
.a { stroke: #1a7f37; } .b { stroke: #cf222e; stroke-dasharray: 7 3; }
.c { stroke: #9a6700; stroke-dasharray: 2 3; } .d { stroke: #8250df; stroke-dasharray: 9 3 2 3; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .faint { fill: #9198a1; } .grid { stroke: #3d444d; } .limit { stroke: #9198a1; }
.gate { stroke: #4493f8; } .a { stroke: #3fb950; } .b { stroke: #f85149; } .c { stroke: #d29922; } .d { stroke: #ab7df8; }
}
"""

Place = Callable[[float], float]


def picture(rows: list[Row], split: str) -> str:
    """Return the curves of all networks whose backdoors work, against all clean ones; steps, never interpolated.

    Args:
        rows: Networks, both kinds.
        split: Name of theirs, for the caption.
    """
    known = [row for row in rows if row.stratum != "weak"]
    clean = sum(row.is_clean for row in known)
    # To the left of one network in all, no clean network is blamed.
    along = _scale(min(0.01, 1 / max(clean, 1)))
    curves = [(judge, shade, judge.measured(known)) for judge, shade in _CURVES]
    drawn = [each for each in curves if len({row.is_clean for row in each[2]}) == 2]
    caption = f"The {split} split: {clean} clean networks, {len(known) - clean} with a backdoor that works."
    legend = _TOP + _HEIGHT + _FOOT + _LEGEND_LINE
    height = legend + _LEGEND_LINE * len(drawn) + 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 620 {height}" width="620" height="{height}" role="img">',
        f"<title>ROC curves. {escape(caption)}</title><style>{_STYLE}</style>",
        *_axes(along),
        *(_curve(judge, shade, members, along) for judge, shade, members in reversed(drawn)),
        _text(_LEFT, legend - _LEGEND_LINE // 2 - 2, f"{caption} Area (95 %):", "faint"),
    ]
    for place, (judge, shade, members) in enumerate(drawn):
        parts += _key(judge, shade, members, legend + _LEGEND_LINE * place + 10)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _scale(lowest: float) -> Place:
    """Return where a share of false alarms lies along the axis: logarithmic, all below the lowest at its left end."""

    def along(share: float) -> float:
        return _LEFT + _WIDTH * (1 - log10(max(share, lowest)) / log10(lowest))

    return along


def _up(share: float) -> float:
    return _TOP + _HEIGHT * (1 - share)


def _axes(along: Place) -> Iterable[str]:
    bottom = _up(0)
    for percent in _TICKS_UP:
        y = _up(percent / 100)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 8, y + 4, f"{percent} %", "faint", "end")
    for share in _TICKS_ALONG:
        x = along(share)
        kind = "limit" if share in _WATCHED else "grid"
        yield f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
        yield _text(x, bottom + 18, f"{100 * share:g} %", "faint", "middle")
    yield _text(_LEFT + _WIDTH / 2, bottom + 36, "clean networks blamed (false alarms)", "", "middle")
    yield (
        f'<text text-anchor="middle" transform="translate(14 {_TOP + _HEIGHT / 2}) rotate(-90)">backdoors caught</text>'
    )


def _curve(judge: Judge, shade: str, rows: list[Row], along: Place) -> str:
    points = roc(*_indices(judge, rows))
    path = [f"M{_LEFT} {_up(points[0][1]):.1f}"]
    path += [f"H{along(share):.1f}V{_up(caught):.1f}" for share, caught in points[1:]]
    return f'<path class="{shade}" d="{"".join(path)}"/>'


def _key(judge: Judge, shade: str, rows: list[Row], y: float) -> Iterable[str]:
    yield f'<path class="{shade}" d="M{_LEFT} {y - 4}h34"/>'
    clean, bad = _indices(judge, rows)
    yield _text(_LEFT + 44, y, f"{judge.name}: {area(clean, bad)}, n = {len(clean)} + {len(bad)}")


def _indices(judge: Judge, rows: list[Row]) -> tuple[Floats, Floats]:
    clean, bad = (judge.indices(row for row in rows if row.is_clean == kind) for kind in (True, False))
    return clean, bad


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    shown = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{shown}>{escape(text)}</text>'
