"""A picture as an SVG that stands alone: light or dark as the reader's system, and told to those who do not see it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from harness.routing.draw.layers import Box, Layout, Point, laid_out
from harness.routing.draw.picture import Arrow, Node, Picture

_LETTER: Final = 7.4
_SMALL: Final = 6.1
_LONGEST: Final = 34
_MARGIN: Final = 24.0
_TIP: Final = 7.0  # of an arrow, in front of the box
_LABEL: Final = 0.62  # where a label stands on its arrow's last curve
_LEGEND: Final = {
    "gate": "a circle asks for as many of its arrows as it says; elsewhere any one arrow is enough",
    "served": "✓ served, numbered in the order of the calls",
    "failed": "✕ did not serve",
    "undone": "↶ was taken back",
}
_LIGHT: Final = """\
svg{background:#fff}
.page{fill:#fff}
text{font:13px system-ui,sans-serif;fill:#1f2328;text-anchor:middle}
.below,.legend{font-size:11px;fill:#59636e}
.legend{text-anchor:start}
.cost{font-size:11px;fill:#59636e;paint-order:stroke;stroke:#fff;stroke-width:4px}
.box{fill:#f6f8fa;stroke:#59636e;stroke-width:1.2}
.start .box{fill:#fff}
.gate .box,.fact .box{fill:#fff}
.served .box{fill:#ddf4ff;stroke:#0550ae;stroke-width:3}
.failed .box{fill:#ffebe9;stroke:#cf222e;stroke-width:2;stroke-dasharray:6 4}
.undone .box{fill:#fff8c5;stroke:#7d4e00;stroke-width:2;stroke-dasharray:2 3}
.line{fill:none;stroke:#818b98;stroke-width:1.2}
.head{fill:#818b98}
.taken{stroke:#0550ae;stroke-width:3}
.taken-head{fill:#0550ae}"""
_DARK: Final = """\
svg{background:#0d1117}
.page{fill:#0d1117}
text{fill:#f0f6fc}
.below,.legend{fill:#b7bdc8}
.cost{fill:#b7bdc8;stroke:#0d1117}
.box{fill:#212830;stroke:#9198a1}
.start .box,.gate .box,.fact .box{fill:#0d1117}
.served .box{fill:#0c2d6b;stroke:#58a6ff}
.failed .box{fill:#5d0f12;stroke:#ff7b72}
.undone .box{fill:#4b2900;stroke:#d29922}
.line{stroke:#7d8590}
.head{fill:#7d8590}
.taken{stroke:#58a6ff}
.taken-head{fill:#58a6ff}"""


def svg(picture: Picture, *, styled: bool = True) -> str:
    """Give a picture as SVG; thick arrows were gone along. Equal pictures give equal bytes.

    One that is not ``styled`` leaves its colours to the page that it is put into.
    """
    sizes = {node.name: _size(node) for node in picture.nodes}
    layout = laid_out(sizes, [(arrow.source, arrow.target) for arrow in picture.arrows])
    return "\n".join(_lines(picture, layout, styled=styled)) + "\n"


def _lines(picture: Picture, layout: Layout, *, styled: bool) -> Iterator[str]:
    boxes = layout.boxes.values()
    legend = [said for key, said in _LEGEND.items() if any(key in (node.kind, node.state) for node in picture.nodes)]
    high = max((box.y + box.height / 2 for box in boxes), default=0.0)
    bottom = high + _MARGIN * (1.2 + len(layout.back))
    width = max([0.0, *(box.x + box.width / 2 for box in boxes), *(_SMALL * len(said) for said in legend)])
    left, top = -_MARGIN, min((box.y - box.height / 2 for box in boxes), default=0.0) - _MARGIN
    size = width + 2 * _MARGIN, bottom + 16 * len(legend) + _MARGIN / 2 - top
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.1f} {top:.1f} {size[0]:.1f} {size[1]:.1f}" '
        f'width="{size[0]:.0f}" height="{size[1]:.0f}" role="img" aria-label="{_text(picture.says)}">'
    )
    yield f"<title>{_text(picture.title)}</title>"
    yield f"<desc>{_text(picture.says)}</desc>"
    if styled:
        yield f"<style>\n{_LIGHT}\n@media (prefers-color-scheme: dark){{\n{_DARK}\n}}\n</style>"
    yield f"<defs>{_head('head')}{_head('taken-head')}</defs>"
    yield f'<rect class="page" x="{left:.1f}" y="{top:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}"/>'
    yield from _arrows([arrow for arrow in picture.arrows if arrow.source != arrow.target], layout, high)
    for node in picture.nodes:
        yield from _node(node, layout.boxes[node.name])
    for at, said in enumerate(legend):
        yield f'<text class="legend" x="0" y="{bottom + 16 * at:.1f}">{said}</text>'
    yield "</svg>"


# --- boxes -----------------------------------------------------------------------------------------------------------


def _node(node: Node, box: Box) -> Iterator[str]:
    yield f'<g class="{node.kind} {node.state}"><title>{_text(node.title)}</title>'
    yield _shape(node, box)
    if node.kind == "goal":
        yield _shape(node, box._replace(width=box.width - 8, height=box.height - 8))
    lines = [line for line in (node.label, node.below) if line]
    for at, line in enumerate(lines):
        y = box.y + 4.5 + (at - (len(lines) - 1) / 2) * 16
        below = ' class="below"' if at else ""
        yield f'<text{below} x="{box.x:.1f}" y="{y:.1f}">{_text(line if at else _short(line))}</text>'
    yield "</g>"


def _shape(node: Node, box: Box) -> str:
    if node.kind == "gate":
        radii = f'rx="{box.width / 2:.1f}" ry="{box.height / 2:.1f}"'
        return f'<ellipse class="box" cx="{box.x:.1f}" cy="{box.y:.1f}" {radii}/>'
    round_by = 5.0 if node.kind in ("tool", "goal") else box.height / 2
    return (
        f'<rect class="box" x="{box.x - box.width / 2:.1f}" y="{box.y - box.height / 2:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{round_by:.1f}"/>'
    )


def _size(node: Node) -> Point:
    wide = max(_LETTER * _letters(_short(node.label)), _SMALL * _letters(node.below))
    if node.kind == "gate":
        return wide + 26, 36.0
    return wide + (36 if node.kind == "goal" else 28), (46.0 if node.below else 34.0)


def _letters(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


# --- arrows ----------------------------------------------------------------------------------------------------------


def _arrows(arrows: Sequence[Arrow], layout: Layout, high: float) -> Iterator[str]:
    """Draw arrows, those that were taken above the others, and the labels above all of them."""
    curves = _curves(arrows, layout, high)
    for arrow in sorted(arrows, key=lambda arrow: arrow.taken):
        yield _arrow(arrow, curves[arrow], back=(arrow.source, arrow.target) in layout.back)
    for arrow in arrows:
        if arrow.label:
            yield _label(arrow, curves[arrow], back=(arrow.source, arrow.target) in layout.back)


def _curves(arrows: Sequence[Arrow], layout: Layout, high: float) -> dict[Arrow, list[Point]]:
    """Give the points of each arrow, from box to box; those that lead back pass below everything."""
    forth = [arrow for arrow in arrows if (arrow.source, arrow.target) not in layout.back]
    leave = _ports({arrow: (arrow.source, arrow.target) for arrow in forth}, layout)
    enter = _ports({arrow: (arrow.target, arrow.source) for arrow in forth}, layout)
    curves: dict[Arrow, list[Point]] = {}
    for arrow in forth:
        source, target = layout.boxes[arrow.source], layout.boxes[arrow.target]
        start = source.x + source.width / 2, source.y + leave[arrow]
        end = target.x - target.width / 2 - _TIP, target.y + enter[arrow]
        curves[arrow] = [start, *layout.bends.get((arrow.source, arrow.target), ()), end]
    for at, arrow in enumerate(arrow for arrow in arrows if arrow not in curves):
        source, target = layout.boxes[arrow.source], layout.boxes[arrow.target]
        deep = high + _MARGIN * (1 + at)
        start, end = (source.x, source.y + source.height / 2), (target.x, target.y + target.height / 2 + _TIP)
        curves[arrow] = [start, (start[0], deep), (end[0], deep), end]
    return curves


def _ports(ends: Mapping[Arrow, tuple[str, str]], layout: Layout) -> dict[Arrow, float]:
    """Give how far from its box's middle each arrow ends there, so that they come side by side and do not cross."""
    beside: dict[str, list[Arrow]] = {}
    for arrow, (here, _) in ends.items():
        beside.setdefault(here, []).append(arrow)
    ports: dict[Arrow, float] = {}
    for here, arrows in beside.items():
        arrows.sort(key=lambda arrow: _next(arrow, here, layout))
        apart = min(13.0, (layout.boxes[here].height - 10) / max(len(arrows) - 1, 1))
        ports |= {arrow: (at - (len(arrows) - 1) / 2) * apart for at, arrow in enumerate(arrows)}
    return ports


def _next(arrow: Arrow, here: str, layout: Layout) -> float:
    """Give the height to which an arrow goes on from one of its ends."""
    bends = layout.bends.get((arrow.source, arrow.target), ())
    if arrow.source == here:
        return bends[0][1] if bends else layout.boxes[arrow.target].y
    return bends[-1][1] if bends else layout.boxes[arrow.source].y


def _arrow(arrow: Arrow, points: Sequence[Point], *, back: bool) -> str:
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    if back:
        path += "C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in rest)
    else:
        for before, (x, y) in pairwise(points):
            middle = (before[0] + x) / 2
            path += f"C{middle:.1f} {before[1]:.1f} {middle:.1f} {y:.1f} {x:.1f} {y:.1f}"
    kind, head = ("line taken", "taken-head") if arrow.taken else ("line", "head")
    return f'<path class="{kind}" d="{path}" marker-end="url(#{head})"/>'


def _label(arrow: Arrow, points: Sequence[Point], *, back: bool) -> str:
    """Write what an arrow costs, nearer to where it leads than to where it comes from."""
    if back:
        x, y = (points[1][0] + points[2][0]) / 2, (points[0][1] + 3 * points[1][1]) / 4
    else:
        (x, y), (to_x, to_y) = points[-2:]
        x += (to_x - x) * (1.5 * _LABEL * (1 - _LABEL) + _LABEL**3)
        y += (to_y - y) * (3 * _LABEL**2 - 2 * _LABEL**3)
    return f'<text class="cost" x="{x:.1f}" y="{y - 4:.1f}">{_text(arrow.label)}</text>'


def _head(name: str) -> str:
    return (
        f'<marker id="{name}" class="{name}" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z"/></marker>'
    )


def _text(text: str) -> str:
    """Spell a text in XML; characters that XML cannot hold become question marks."""
    return escape("".join(char if char.isprintable() else "?" if char.strip() else " " for char in text))
