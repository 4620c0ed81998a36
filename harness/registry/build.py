"""Registries made in code, of the same pieces and with the same errors as those of a file.

What is handed in is laid out as if it stood in a file, at the line of whoever calls, and then read as a file is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from harness.determinism.canonical import encode
from harness.errors import Mistake, RegistryError
from harness.registry.document import Source, Written
from harness.registry.draft import draft_of
from harness.registry.invariant import Invariant, Occasion
from harness.registry.load import finish
from harness.registry.registry import Default, Registry, Unknown
from harness.registry.rollout import Kill
from harness.trace.verdict import Response, Severity

_HEAD: Final = {"registry": "built", "version": "0", "default": "allow"}


def invariant(
    id: str,  # noqa: A002 - the word of the file format
    *,
    on: Occasion,
    require: str | None = None,
    schema: Mapping[str, Any] | None = None,
    title: str | None = None,
    tool: str | Sequence[str] | None = None,
    artifact: str | None = None,
    when: str | None = None,
    severity: Severity | None = None,
    otherwise: Response | None = None,
    rewrite: Mapping[str, str] | None = None,
    says: str | None = None,
    who: str | None = None,
    retryable: bool | None = None,
    source: str | None = None,
    examples: Mapping[str, Any] | None = None,
) -> Invariant:
    """Make one rule; the arguments are the keys of a rule in a file, expressions are texts.

    RegistryError lists what is wrong with it, at the line of the caller. Whether its names are those of tools and
    parameters is checked when ``build_registry`` puts it into a registry.
    """
    stated = {name: value for name, value in locals().items() if value is not None}
    at = _Place.of_caller()
    draft = draft_of(at.written({**_HEAD, "invariants": [stated]}))
    if draft.mistakes:
        raise RegistryError(tuple(draft.mistakes))
    return draft.rules[0]


def build_registry(
    name: str,
    version: str,
    *,
    default: Default,
    unknown: Unknown | None = None,
    parameters: Mapping[str, Any] | None = None,
    define: Mapping[str, Any] | None = None,
    schemas: Mapping[str, Any] | None = None,
    tools: Mapping[str, Any] | None = None,
    agents: Mapping[str, Any] | None = None,
    artifacts: Mapping[str, Any] | None = None,
    graph: Mapping[str, Any] | None = None,
    rollout: Mapping[str, str] | None = None,
    kill: Kill | None = None,
    invariants: Iterable[Invariant] = (),
) -> Registry:
    """Make a registry of rules; the arguments are the keys of a registry file.

    ``Registry.to_yaml`` writes it as a file that loads to the same digest. RegistryError lists what is wrong, at the
    line of the caller or, for a rule, at the line where it was made.
    """
    rules = list(invariants)
    at = _Place.of_caller()
    head = {"registry": name, "version": version, "default": default, "unknown": unknown}
    parts: dict[str, Any] = {
        "parameters": parameters,
        "define": define,
        "schemas": schemas,
        "tools": tools,
        "agents": agents,
    }
    parts |= {"artifacts": artifacts, "graph": graph, "rollout": rollout, "kill": kill}
    draft = draft_of(at.written({key: value for key, value in (head | parts).items() if value is not None}))
    draft.mistakes += _mistakes_twice(rules)
    draft.rules = rules
    return finish(draft, at.file)


def _mistakes_twice(rules: list[Invariant]) -> Iterable[Mistake]:
    first: dict[str, Invariant] = {}
    for rule in rules:
        if rule.id in first:
            place = first[rule.id].place
            yield rule.at.find(["id"]).mistake(f"the id {rule.id!r} is there twice", f"first in {place}")
        first.setdefault(rule.id, rule)


class _Place:
    """A line of code, for data that stands nowhere in a file."""

    def __init__(self, file: str, line: int) -> None:
        self.file, self._line = file, line

    @classmethod
    def of_caller(cls) -> _Place:
        """Give the line that called whoever calls this."""
        frame = sys._getframe(2)
        return cls(frame.f_code.co_filename, frame.f_lineno)

    def written(self, data: Any) -> Written:
        """Lay out JSON data as a document; NotRecordable names the place of anything else. O(size)."""
        encode(data)
        return self._node(data)

    def _node(self, data: Any) -> Written:
        if isinstance(data, Mapping):
            entries = {key: self._node(value) for key, value in data.items()}
            return self._at("", entries=entries, keys={key: self._at(key, value=key) for key in data})
        if isinstance(data, list | tuple):
            return self._at("", items=tuple(map(self._node, data)))
        return self._at(data if isinstance(data, str) else "", value=data)

    def _at(self, text: str, **content: Any) -> Written:
        """Give a value its place: the line of the caller, which then shows the value's own text."""
        lines = text.split("\n")
        above = ("",) * (self._line - 1)
        source = Source(self.file, (*above, *lines))
        return Written(source, self._line - 1, 0, (self._line - 2 + len(lines), len(lines[-1])), **content)
