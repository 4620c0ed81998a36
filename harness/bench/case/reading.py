"""Read a case from YAML: every mistake at once, with its place and the likely cure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from harness.bench.case.argument import ASIDE, SUPPORTS, Case, Element, Kind
from harness.bench.case.form import CASE_SCHEMA, LINKS, SECTIONS
from harness.bench.figures import Figure
from harness.errors import CaseError, Mistake, UsageError
from harness.registry.complaint import nearest
from harness.registry.document import DocumentError, Written, read
from harness.registry.misfit import mistakes_in

_DIGEST: Final = re.compile("(sha256:)?[0-9a-f]{64}")


def read_case(text: str, file: str) -> Case:
    """Give the argument that a YAML text means; ``file`` is its name in messages. CaseError lists all mistakes.

    Not verified: what the argument says, and that its strategies are exhaustive. O(elements + connections).
    """
    try:
        document = read(text, file)
    except DocumentError as error:
        raise CaseError((error.mistake,)) from None
    _refuse(mistake for _, mistake in mistakes_in(document, CASE_SCHEMA))
    elements, places = _elements(document)
    _refuse(_twice(document))
    _refuse(mistake for one in elements.values() for mistake in _mistakes(one, elements))
    _refuse(_cycle(elements))
    roots = _roots(elements)
    _refuse(_stray(elements, roots, places))
    plain = document.plain()
    version = str(plain.get("version", ""))
    return Case(plain["case"], version, plain.get("title", plain["case"]), roots[0], elements)


def _refuse(mistakes: Iterable[Mistake]) -> None:
    found = tuple(dict.fromkeys(mistakes))
    if found:
        raise CaseError(tuple(sorted(found, key=lambda one: (one.line, one.column))))


def _elements(document: Written) -> tuple[dict[str, Element], dict[str, Written]]:
    elements: dict[str, Element] = {}
    places: dict[str, Written] = {}
    for section, kind in SECTIONS.items():
        node = (document.entries or {}).get(section)
        for name, stated in ((node.entries if node else None) or {}).items():
            elements[name] = _element(name, cast("Kind", kind), stated)
            places[name] = cast("Written", node).keys[name]
    return elements, places


def _element(name: str, kind: Kind, stated: Written) -> Element:
    said: dict[str, Any] = stated.plain()
    linked = next((link for link in ("rule", *LINKS) if link in said), "")
    return Element(
        name,
        kind,
        " ".join(said["says"].split()),
        tuple(said.get("by", ())),
        tuple(said.get("context", ())),
        said.get("undeveloped", False),
        linked,
        said.get(linked, {}),
        stated,
    )


def _twice(document: Written) -> Iterator[Mistake]:
    first: dict[str, Written] = {}
    for section in SECTIONS:
        node = (document.entries or {}).get(section)
        for name, key in (node.keys if node else {}).items():
            if first.setdefault(name, key) is not key:
                yield key.mistake(f"{name!r} names two elements", f"first in line {first[name].line + 1}")


# --- what is wrong with one element ----------------------------------------------------------------------------------


def _mistakes(one: Element, elements: Mapping[str, Element]) -> Iterator[Mistake]:
    yield from _references(one, "by", SUPPORTS.get(one.kind, ()), elements)
    yield from _references(one, "context", ASIDE, elements)
    if one.kind in SUPPORTS and bool(one.by) == one.undeveloped:
        if one.by:
            yield one.at.mistake(f"{one.id} is undeveloped and has support", "it is one of both")
        else:
            cure = "name what supports it under 'by:', or say 'undeveloped: true'"
            yield one.at.mistake(f"nothing supports {one.id}", cure)
    if one.kind == "solution":
        stated = [link for link in LINKS if link in (one.at.entries or {})]
        if len(stated) != 1:
            said = f"evidence rests on exactly one of {', '.join(LINKS)}; {one.id} on {' and '.join(stated) or 'none'}"
            yield one.at.mistake(said)
    yield from _link(one)


def _references(one: Element, key: str, kinds: tuple[Kind, ...], elements: Mapping[str, Element]) -> Iterator[Mistake]:
    for at, name in enumerate(getattr(one, key)):
        place = one.at.find([key, at])
        other = elements.get(name)
        if other is None:
            yield place.mistake(f"no element is called {name!r}", nearest(name, elements))
        elif other.kind not in kinds:
            said = f"{name} is a {other.kind}, and a {one.kind} cannot have one under {key!r}"
            yield place.mistake(said, f"what can stand there: {', '.join(kinds)}")


def _link(one: Element) -> Iterator[Mistake]:
    digest = one.link.get("digest")
    if digest is not None and not _DIGEST.fullmatch(digest):
        yield one.at.find([one.linked, "digest"]).mistake("not a digest", "sha256: and 64 hexadecimal digits")
    target = one.link.get("target")
    if target is not None:
        try:
            _ = Figure(0.0, "1", None, target).ok
        except UsageError as error:
            yield one.at.find([one.linked, "target"]).mistake(error.what, error.cure)


# --- what is wrong with the whole ------------------------------------------------------------------------------------


def _cycle(elements: Mapping[str, Element]) -> Iterator[Mistake]:
    import networkx as nx  # imported here: 96 ms that only a case needs

    graph = nx.DiGraph([(one.id, name) for one in elements.values() for name in one.by])
    try:
        ring = [source for source, _ in nx.find_cycle(graph)]
    except nx.NetworkXNoCycle:
        return
    last = elements[ring[-1]]
    place = last.at.find(["by", last.by.index(ring[0])])
    yield place.mistake(f"the argument goes in a circle: {' → '.join([*ring, ring[0]])}", "nothing supports itself")


def _roots(elements: Mapping[str, Element]) -> list[str]:
    """Give the goals that support nothing; there is one at least where there is no cycle."""
    named = {name for one in elements.values() for name in one.by}
    return [one.id for one in elements.values() if one.kind == "goal" and one.id not in named]


def _stray(elements: Mapping[str, Element], roots: list[str], places: Mapping[str, Written]) -> Iterator[Mistake]:
    for name in roots[1:]:
        cure = f"name it under 'by:' of what it supports; {roots[0]} is the first goal that supports nothing else"
        yield places[name].mistake(f"{name} is a second goal at the top", cure)
    named = {name for one in elements.values() for name in (*one.by, *one.context)}
    for one in elements.values():
        if one.kind != "goal" and one.id not in named:
            yield places[one.id].mistake(f"no goal and no strategy names {one.id}", "name it, or take it out")
