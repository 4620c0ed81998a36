"""Where the elements of a case are drawn: from the top down, what is said beside an element at its right."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from harness.bench.case.argument import Case, Element
from harness.routing.draw.layers import Layout, Point, laid_out

LINE: Final = 17.0
SLANT: Final = 28.0
_LETTER: Final = 6.9
_WIDE: Final = 30  # letters of a line
_LINES: Final = 6  # more of a text is left to the page
_PAD: Final = 26.0
_BESIDE: Final = 40.0
_BELOW: Final = 14.0
_NARROW: Final = {"solution": 20, "context": 26, "assumption": 22, "justification": 22}


class Place(NamedTuple):
    """An element by its centre and its size, in pixels."""

    element: Element
    x: float
    y: float
    width: float
    height: float


class Placed(NamedTuple):
    """Places, and the points that arrows pass: of support from element to element, and to what is said beside."""

    places: tuple[Place, ...]
    supports: dict[tuple[str, str], list[Point]]
    asides: tuple[tuple[Point, Point], ...]
    width: float
    height: float


def wrapped(one: Element) -> list[str]:
    """Give the lines of what an element says, the last one cut where there are too many."""
    lines = textwrap.wrap(one.says, _NARROW.get(one.kind, _WIDE))
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], f"{lines[_LINES - 1][:-1]}…"]


def placed(case: Case) -> Placed:
    """Lay out a case; an element that is said beside several is drawn beside the first. O(as ``laid_out``)."""
    beside = _beside(case)
    blocks = {
        name: _block(one, beside.get(name, ()))
        for name, one in case.elements.items()
        if one.kind in ("goal", "strategy", "solution")
    }
    # layers are laid out from left to right: an argument goes down, so width and height change places
    sizes = {name: (height, width) for name, (width, height) in blocks.items()}
    arrows = [(one.id, name) for one in case.elements.values() for name in dict.fromkeys(one.by)]
    layout = laid_out(sizes, arrows)
    places = _places(case, layout, beside)
    left = _left(layout)
    supports = {
        (source, target): _path(
            places[source], [(y - left, x) for x, y in layout.bends.get((source, target), ())], places[target]
        )
        for source, target in arrows
    }
    asides = tuple(
        _to_side(places[one.id], places[name]) for one in case.elements.values() for name in dict.fromkeys(one.context)
    )
    return Placed(
        tuple(places.values()),
        supports,
        asides,
        max(place.x + place.width / 2 for place in places.values()),
        max(place.y + place.height / 2 + (20 if place.element.undeveloped else 0) for place in places.values()),
    )


def _places(case: Case, layout: Layout, beside: Mapping[str, Sequence[Element]]) -> dict[str, Place]:
    """Give where everything goes: elements of one layer begin at one height."""
    left = _left(layout)
    tops: dict[float, float] = {}
    for box in layout.boxes.values():
        tops[box.x] = min(tops.get(box.x, math.inf), box.x - box.width / 2)
    places: dict[str, Place] = {}
    for name, box in layout.boxes.items():
        start = box.y - box.height / 2 - left
        _put(case.elements[name], beside.get(name, ()), (start, tops[box.x]), places)
    return places


def _left(layout: Layout) -> float:
    return min(box.y - box.height / 2 for box in layout.boxes.values())


def _beside(case: Case) -> dict[str, list[Element]]:
    """Give what is drawn beside each element."""
    beside: dict[str, list[Element]] = {}
    drawn: set[str] = set()
    for one in case.elements.values():
        for name in one.context:
            if name not in drawn:
                drawn.add(name)
                beside.setdefault(one.id, []).append(case.elements[name])
    return beside


def _size(one: Element) -> Point:
    lines = wrapped(one)
    aside = one.kind in _NARROW and one.kind != "solution"
    high = LINE * (len(lines) + (1 if aside else 2))
    wide = _LETTER * max(16, len(one.id), *map(len, lines))
    if one.kind == "solution":
        across = math.hypot(wide, high) + 4
        return across, across
    if one.kind in ("assumption", "justification"):
        return wide * math.sqrt(2) + 8, high * math.sqrt(2) + 8
    return wide + _PAD + (SLANT if one.kind == "strategy" else 0), high + 18


def _block(one: Element, beside: Sequence[Element]) -> Point:
    width, height = _size(one)
    sizes = [_size(other) for other in beside]
    if not sizes:
        return width, height
    high = sum(size[1] for size in sizes) + _BELOW * (len(sizes) - 1)
    return width + _BESIDE + max(size[0] for size in sizes), max(height, high)


def _put(one: Element, beside: Sequence[Element], start: Point, places: dict[str, Place]) -> None:
    """Put an element at the left upper corner of its block, and what is said beside it into a column."""
    width, height = _size(one)
    places[one.id] = Place(one, start[0] + width / 2, start[1] + height / 2, width, height)
    left, top = start[0] + width + _BESIDE, start[1]
    for other in beside:
        wide, high = _size(other)
        places[other.id] = Place(other, left + wide / 2, top + high / 2, wide, high)
        top += high + _BELOW


def _path(source: Place, bends: Sequence[Point], target: Place) -> list[Point]:
    start = source.x, source.y + source.height / 2 + (18 if source.element.undeveloped else 0)
    return [start, *bends, (target.x, target.y - target.height / 2)]


def _to_side(source: Place, aside: Place) -> tuple[Point, Point]:
    slanted = SLANT / 2 if source.element.kind == "strategy" else 0
    return (source.x + source.width / 2 - slanted, source.y), (aside.x - aside.width / 2, aside.y)
