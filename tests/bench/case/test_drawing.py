"""A case as SVG and as one page: everything is there, nothing overlaps, nothing is fetched."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bench.case.argument import Finding
from harness.bench.case.drawing import SIGNS, drawn
from harness.bench.case.judge import Judged, judge
from harness.bench.case.page import html_page
from harness.bench.case.placing import placed
from harness.bench.case.reading import read_case

VOID = {"meta"}


def built(parents: list[int], beside: list[int], says: str = "What is said is long enough for lines") -> Judged:
    """Judge goals of which each supports an earlier one, with contexts beside some of them."""
    by: dict[int, list[int]] = {at: [] for at in range(len(parents) + 1)}
    for at, parent in enumerate(parents, 1):
        by[parent % at].append(at)
    lines = ["case: drawn", "goals:"]
    for at, below in by.items():
        support = f"by: [{', '.join(f'G{one}' for one in below)}]" if below else "undeveloped: true"
        contexts = ", ".join(f"C{number}" for number, one in enumerate(beside) if one % len(by) == at)
        lines.append(f"  G{at}: {{says: {says!r}, {support}, context: [{contexts}]}}")
    lines.append("contexts: {" + ", ".join(f"C{at}: {{says: {says!r}}}" for at in range(len(beside))) + "}")
    return judge(read_case("\n".join(lines), "case.yaml"), Path("case.yaml"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=9), st.lists(st.integers(0, 9), max_size=4))
def test_nothing_overlaps_and_support_stands_below(parents: list[int], beside: list[int]) -> None:
    """Whatever the argument, boxes are apart, inside the picture, and each below all that it supports."""
    judged = built(parents, beside)
    layout = placed(judged.case)
    places = {place.element.id: place for place in layout.places}
    assert places.keys() == judged.case.elements.keys()
    for one, other in combinations(layout.places, 2):
        apart = abs(one.x - other.x) >= (one.width + other.width) / 2
        assert apart or abs(one.y - other.y) >= (one.height + other.height) / 2, (one, other)
    for place in layout.places:
        assert place.x - place.width / 2 >= -1e-6
        assert place.y - place.height / 2 >= -1e-6
        assert place.x + place.width / 2 <= layout.width + 1e-6
        assert place.y + place.height / 2 <= layout.height + 1e-6
    for source, target in layout.supports:
        assert places[source].y + places[source].height / 2 < places[target].y - places[target].height / 2


def test_every_status_is_told_by_a_word() -> None:
    """The drawing is XML that names every element and says its status in words and by a sign."""
    judged = built([0, 0, 0, 0], [])
    statuses = dict(zip(("G1", "G2", "G3", "G4"), SIGNS, strict=True))
    judged = judged._replace(findings={**judged.findings, **{name: Finding(one) for name, one in statuses.items()}})
    root = ElementTree.fromstring(drawn(judged))
    told = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {*judged.case.elements, *SIGNS.values()} <= set(told)
    assert "prefers-color-scheme: dark" in drawn(judged)


@pytest.mark.parametrize("says", ["<script>alert(1)</script>", 'a "quoted" & <b>bold</b> text'])
def test_what_is_said_is_text(says: str) -> None:
    """Markup in a text of the case is shown, never run."""
    judged = built([0], [0], says)
    ElementTree.fromstring(drawn(judged))
    assert "<script" not in drawn(judged)
    assert html_page(judged).count("<script") == 1  # its own
    assert "<b>" not in drawn(judged) + html_page(judged)


class _Links(HTMLParser):
    """Collect ids and links of a page, and check that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.links += [value for key in ("href", "src") if (value := named.get(key))]
        self.ids += [named["id"] or ""] if "id" in named else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing() -> None:
    """Every element has its place, every link leads to one, and all links stay in the page."""
    judged = built([0, 1, 0], [0, 1])
    page = _Links()
    page.feed(html_page(judged))
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert judged.case.elements.keys() <= set(page.ids)
    assert {link for link in page.links if link.startswith("#")} == set(page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_equal_cases_give_equal_bytes() -> None:
    """Nothing of the time or the machine is in a drawing or a page."""
    one, other = built([0, 1], [0]), built([0, 1], [0])
    assert (drawn(one), html_page(one)) == (drawn(other), html_page(other))
