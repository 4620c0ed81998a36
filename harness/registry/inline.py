"""Shared schemas: what stands under ``schemas:`` is put in the place of each ``{$ref: "#/schemas/NAME"}``.

Whoever reads the document behind this sees plain schemas, whose parts are where they were written. References of other
forms are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.document import Written
from harness.registry.json_schema import DATA, NAMED

PREFIX: Final = "#/schemas/"
MAX_PARTS: Final = 20_000
MAX_NESTED: Final = 10

_Path = tuple[str, ...]
_EACH: Final = "*"
# where a registry holds schemas
_SCHEMAS: Final[tuple[_Path, ...]] = (
    ("schemas", _EACH),
    ("tools", _EACH, "arguments"),
    ("tools", _EACH, "result", "schema"),
    ("stage", "tools", _EACH, "arguments"),
    ("stage", "tools", _EACH, "result", "schema"),
    ("artifacts", _EACH, "schema"),
    ("agents", _EACH, "may", _EACH, "args"),
    ("graph", "goals", _EACH, "arguments"),
    ("invariants", _EACH, "schema", _EACH),
)


def inlined(document: Written) -> tuple[Written, list[Mistake]]:
    """Give a registry's document without references to shared schemas, and what is wrong with those it has.

    A reference that cannot be followed becomes an empty schema, which anything fits. O(size of what comes out), which
    is bounded.
    """
    if "schemas" not in document.keys and not any(PREFIX in line for line in document.source.lines):
        return document, []
    inline = _Inlining(document.find(["schemas"]).entries or {} if "schemas" in document.keys else {})
    changed = inline.below(document, _SCHEMAS)
    return (document if inline.mistakes_of_size else changed), inline.mistakes + inline.mistakes_of_size


class _Inlining:
    """Follow the references of one document; each shared schema is worked out once."""

    def __init__(self, shared: dict[str, Written]) -> None:
        self.mistakes: list[Mistake] = []
        self.mistakes_of_size: list[Mistake] = []
        self._shared = shared
        self._done: dict[str, Written] = {}
        self._sizes: dict[str, int] = {}
        self._open: list[str] = []  # the shared schemas that are being worked out
        self._parts = 0

    def below(self, node: Written, paths: tuple[_Path, ...]) -> Written:
        """Give a node with the references followed in the schemas at some paths below it."""
        if () in paths:
            return self._schema(node)

        def change(key: str, inner: Written) -> Written:
            further = tuple(path[1:] for path in paths if path[0] in (_EACH, key))
            return self.below(inner, further) if further else inner

        if paths == ((_EACH,),) and node.entries is self._shared:
            return _changed(node, lambda key, _: self._named(key))
        return _changed(node, change)

    def _schema(self, node: Written) -> Written:
        self._parts += 1
        reference = (node.entries or {}).get("$ref")
        if reference is not None and type(reference.value) is str and reference.value.startswith("#"):
            name = reference.value.removeprefix(PREFIX)
            if reference.value.startswith(PREFIX) or self._open:
                return self._followed(node, reference, name) or replace(node, entries={}, keys={})
        return _changed(node, self._keyword)

    def _keyword(self, key: str, inner: Written) -> Written:
        if key in NAMED:
            return _changed(inner, lambda _, named: self._schema(named))
        return inner if key in DATA else self._schema(inner)

    def _followed(self, node: Written, reference: Written, name: str) -> Written | None:
        """Give what a reference stands for; None where that cannot be said."""
        if name not in self._shared:
            known = f"shared schemas: {', '.join(self._shared) or 'none'}"
            self._wrong(reference, f"no shared schema is called {name!r}", nearest(name, self._shared) or known)
        elif len(node.keys) > 1:
            other = next(place for key, place in node.keys.items() if key != "$ref")
            self._wrong(other, f"{other.value!r} beside a reference to a shared schema", "write it into that schema")
        elif name in self._open:
            circle = " → ".join((*self._open[self._open.index(name) :], name))
            cure = "leave the inner one open: {type: object}"
            self._wrong(reference, f"the schema {name!r} contains itself: {circle}", cure)
        elif len(self._open) >= MAX_NESTED:
            said = f"shared schemas inside each other, more than {MAX_NESTED} deep"
            self._wrong(reference, said, "leave the inner one open: {type: object}")
        else:
            found = self._named(name)
            self._parts += self._sizes[name]
            if self._parts <= MAX_PARTS:
                return found
            if not self.mistakes_of_size:
                said = f"the schemas have more than {MAX_PARTS} parts, with the shared ones written out"
                self.mistakes_of_size.append(reference.mistake(said, "leave inner ones open: {type: object}"))
        return None

    def _named(self, name: str) -> Written:
        """Give a shared schema with the references in it followed."""
        if name not in self._done:
            before = self._parts
            self._open.append(name)
            self._done[name] = self._schema(self._shared[name])
            self._open.pop()
            self._sizes[name] = self._parts - before
        return self._done[name]

    def _wrong(self, at: Written, message: str, cure: str) -> None:
        self.mistakes.append(at.mistake(message, cure))


def _changed(node: Written, change: Callable[[str, Written], Written]) -> Written:
    """Give a node with what ``change`` makes of each entry or item."""
    if node.entries is not None:
        return replace(node, entries={key: change(key, inner) for key, inner in node.entries.items()})
    if node.items is not None:
        return replace(node, items=tuple(change("", inner) for inner in node.items))
    return node
