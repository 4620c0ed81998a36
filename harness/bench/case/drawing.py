"""A judged case as an SVG that stands alone: the shapes of GSN, light or dark as the reader's system.

Goals are rectangles, strategies parallelograms, evidence circles, contexts rounded boxes, assumptions and
justifications ellipses with an A or J; a filled arrow is "supported by", a hollow one "in the context of", a diamond
below an element says that it is not developed. The status is told by a word and a sign as well as by color.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import Final

from harness.bench.case.argument import Element, Status
from harness.bench.case.judge import Judged
from harness.bench.case.placing import LINE, SLANT, Place, Placed, placed, wrapped
from harness.routing.draw.layers import Point

SIGNS: Final[dict[Status, str]] = {
    "supported": "✓ supported",
    "inconclusive": "? inconclusive",
    "stale": "! stale",
    "unsupported": "✕ unsupported",
}
STYLE: Final = """\
.gsn{background:#fff}
.gsn .page{fill:#fff}
.gsn text{font:13px system-ui,sans-serif;fill:#1f2328;text-anchor:middle}
.gsn .id{font-weight:600}
.gsn .sign{font-size:11px;font-weight:600}
.gsn .box{fill:#f6f8fa;stroke:#59636e;stroke-width:1.4}
.gsn .supported .box{stroke:#1a7f37}
.gsn .supported .sign{fill:#116329}
.gsn .inconclusive .box{fill:#fff8c5;stroke:#7d4e00;stroke-dasharray:2 3;stroke-width:2}
.gsn .inconclusive .sign{fill:#7d4e00}
.gsn .stale .box{fill:#fff1e5;stroke:#bc4c00;stroke-dasharray:7 4;stroke-width:2}
.gsn .stale .sign{fill:#953800}
.gsn .unsupported .box{fill:#ffebe9;stroke:#cf222e;stroke-width:3}
.gsn .unsupported .sign{fill:#a40e26}
.gsn .aside .box{fill:#fff;stroke:#59636e;stroke-dasharray:none;stroke-width:1.2}
.gsn .line{fill:none;stroke:#59636e;stroke-width:1.3}
.gsn .full{fill:#59636e}
.gsn .hollow{fill:#fff;stroke:#59636e}
.gsn a:focus .box{stroke-width:5}"""
DARK: Final = """\
.gsn{background:#0d1117}
.gsn .page{fill:#0d1117}
.gsn text{fill:#f0f6fc}
.gsn .box{fill:#212830;stroke:#9198a1}
.gsn .supported .box{stroke:#3fb950}
.gsn .supported .sign{fill:#56d364}
.gsn .inconclusive .box{fill:#341a00;stroke:#d29922}
.gsn .inconclusive .sign{fill:#e3b341}
.gsn .stale .box{fill:#3d1300;stroke:#f0883e}
.gsn .stale .sign{fill:#ffa657}
.gsn .unsupported .box{fill:#490202;stroke:#ff7b72}
.gsn .unsupported .sign{fill:#ffa198}
.gsn .aside .box{fill:#0d1117;stroke:#9198a1}
.gsn .line{stroke:#9198a1}
.gsn .full{fill:#9198a1}
.gsn .hollow{fill:#0d1117;stroke:#9198a1}"""

_MARGIN: Final = 24.0
_TIP: Final = 9.0


def drawn(judged: Judged, *, linked: bool = False) -> str:
    """Give a case as SVG; ``linked`` makes each element a link to its id. Equal cases give equal bytes."""
    return "\n".join(_lines(judged, placed(judged.case), linked=linked)) + "\n"


def _lines(judged: Judged, layout: Placed, *, linked: bool) -> Iterator[str]:
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    says = f"Argument for {judged.case.title}: {SIGNS[judged.status][2:]}"
    yield (
        f'<svg class="gsn" xmlns="http://www.w3.org/2000/svg" viewBox="{-_MARGIN:g} {-_MARGIN:g} {width:.1f} '
        f'{height:.1f}" width="{width:.0f}" height="{height:.0f}" role="{"group" if linked else "img"}" '
        f'aria-label="{_text(says)}">'
    )
    yield f"<title>{_text(says)}</title>"
    yield f"<style>\n{STYLE}\n@media (prefers-color-scheme: dark){{\n{DARK}\n}}\n</style>"
    yield f"<defs>{_head('full')}{_head('hollow')}</defs>"
    yield f'<rect class="page" x="{-_MARGIN:g}" y="{-_MARGIN:g}" width="{width:.1f}" height="{height:.1f}"/>'
    for points in layout.supports.values():
        yield _curve(points)
    for start, end in layout.asides:
        yield _straight(start, end)
    for place in layout.places:
        yield from _element(judged, place, linked=linked)
    yield "</svg>"


# --- elements --------------------------------------------------------------------------------------------------------


def _element(judged: Judged, place: Place, *, linked: bool) -> Iterator[str]:
    one, finding = place.element, judged.findings[place.element.id]
    aside = one.kind in ("context", "assumption", "justification")
    sign = "" if aside else SIGNS[finding.status]
    name = f"{one.kind} {one.id}{f', {sign[2:]}' if sign else ''}"
    told = f"{one.id}: {one.says}" + (f" — {finding.told}" if finding.told else "")
    if linked:
        root = " data-root" if one.id == judged.case.root else ""
        yield f'<a href="#{_text(one.id)}" aria-label="{_text(name)}"{root}>'
    yield f'<g class="{"aside" if aside else finding.status}"><title>{_text(told)}</title>'
    yield _shape(one, place)
    texts = [("id", one.id), *(("", line) for line in wrapped(one)), *([("sign", sign)] if sign else [])]
    for at, (kind, line) in enumerate(texts):
        y = place.y + 4.5 + (at - (len(texts) - 1) / 2) * LINE
        styled = f' class="{kind}"' if kind else ""
        yield f'<text{styled} x="{place.x:.1f}" y="{y:.1f}">{_text(line)}</text>'
    yield from _mark(one, place)
    yield "</g></a>" if linked else "</g>"


def _shape(one: Element, place: Place) -> str:
    left, top = place.x - place.width / 2, place.y - place.height / 2
    right, bottom = left + place.width, top + place.height
    if one.kind in ("solution", "assumption", "justification"):
        radii = f'rx="{place.width / 2:.1f}" ry="{place.height / 2:.1f}"'
        return f'<ellipse class="box" cx="{place.x:.1f}" cy="{place.y:.1f}" {radii}/>'
    if one.kind == "strategy":
        corners = [(left + SLANT, top), (right, top), (right - SLANT, bottom), (left, bottom)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        return f'<polygon class="box" points="{points}"/>'
    round_by = place.height / 2 if one.kind == "context" else 0
    return (
        f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{place.width:.1f}" height="{place.height:.1f}" '
        f'rx="{min(round_by, 22):.1f}"/>'
    )


def _mark(one: Element, place: Place) -> Iterator[str]:
    """Draw what GSN puts at an element's lower edge: a diamond where it is not developed, an A or a J."""
    bottom = place.y + place.height / 2
    if one.undeveloped:
        x = place.x
        yield f'<path class="box" d="M{x:.1f} {bottom:.1f}l9 9l-9 9l-9 -9z"/>'
    if one.kind in ("assumption", "justification"):
        yield f'<text class="id" x="{place.x + place.width / 2 - 6:.1f}" y="{bottom:.1f}">{one.kind[0].upper()}</text>'


# --- arrows ----------------------------------------------------------------------------------------------------------


def _curve(points: list[Point]) -> str:
    (x, y), *_ = points
    path = f"M{x:.1f} {y:.1f}"
    points = [*points[:-1], (points[-1][0], points[-1][1] - _TIP)]
    for before, (x, y) in pairwise(points):
        middle = (before[1] + y) / 2
        path += f"C{before[0]:.1f} {middle:.1f} {x:.1f} {middle:.1f} {x:.1f} {y:.1f}"
    return f'<path class="line" d="{path}" marker-end="url(#full)"/>'


def _straight(start: Point, end: Point) -> str:
    (x, y), (to_x, to_y) = start, end
    left = 1 - _TIP / max(math.hypot(to_x - x, to_y - y), _TIP)  # the arrow's head takes the rest
    to_x, to_y = x + left * (to_x - x), y + left * (to_y - y)
    return f'<path class="line" d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" marker-end="url(#hollow)"/>'


def _head(name: str) -> str:
    return (
        f'<marker id="{name}" class="{name}" viewBox="-1 -1 10 10" refX="0" refY="4" markerWidth="10" '
        f'markerHeight="10" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z"/></marker>'
    )


def _text(text: str) -> str:
    """Spell a text in XML; characters that XML cannot hold become question marks."""
    return escape("".join(char if char.isprintable() else "?" if char.strip() else " " for char in text))
