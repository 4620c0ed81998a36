"""Read YAML into plain data that remembers its places.

Only JSON data comes out: the scalars of YAML 1.2's core schema, lists, and objects with text keys (so ``on`` and
``yes`` are words). Anchors, aliases, tags, repeated keys and several documents are refused; size and depth are
bounded before anything is built, so a YAML bomb is an error of one line.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

import yaml

from harness.errors import Mistake

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 40

_MAX_SHOWN: Final = 400  # a longer line would bury the message that shows it

# libyaml is sixteen times faster; both give the same events
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Source(NamedTuple):
    """The text of a file, for messages that show a line of it."""

    file: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A value and its place: lines and columns count from 0 as in YAML's marks, the end is behind the value.

    ``value`` is a scalar, ``items`` a list's, ``entries`` an object's; ``keys`` are the places of its keys.
    """

    source: Source
    line: int
    column: int
    end: tuple[int, int]
    value: Any = None
    items: tuple[Written, ...] | None = None
    entries: dict[str, Written] | None = field(default=None, hash=False)
    keys: dict[str, Written] = field(default_factory=dict, hash=False)

    @property
    def place(self) -> str:
        """The file and line, counted from 1."""
        return f"{self.source.file}:{self.line + 1}"

    def plain(self) -> Any:
        """Give the value as JSON data."""
        if self.entries is not None:
            return {key: node.plain() for key, node in self.entries.items()}
        if self.items is not None:
            return [node.plain() for node in self.items]
        return self.value

    def find(self, path: list[str | int]) -> Written:
        """Give the node at a path of keys and positions, or the nearest one above it."""
        node = self
        for step in path:
            below = node.items[step] if node.items and type(step) is int else (node.entries or {}).get(str(step))
            if below is None:
                return node
            node = below
        return node

    def mistake(self, message: str, cure: str = "", *, start: int = 0, end: int | None = None) -> Mistake:
        """Make a mistake that points at this value, or at the characters ``start`` up to ``end`` of its text."""
        line, column = _locate(self, start)
        source = self.source.lines[line] if line < len(self.source.lines) else ""
        shown = source.rstrip() if len(source) <= _MAX_SHOWN else ""
        if end is None:
            last = self.end[1] if self.end[0] == line else len(source)
        else:
            last_line, last_column = _locate(self, max(end - 1, start))
            last = last_column + 1 if last_line == line else len(source)
        length = max(last - column, 1) if self.entries is None and self.items is None else 1
        return Mistake(self.source.file, line + 1, column + 1, message, shown, length, cure)


class DocumentError(ValueError):
    """Carry the one mistake that keeps a file from being read at all."""

    def __init__(self, mistake: Mistake) -> None:
        self.mistake = mistake
        super().__init__(mistake)


def read(text: str, file: str) -> Written:
    """Read one YAML document; DocumentError says what keeps it from being read. O(size)."""
    source = Source(file, tuple(re.split("\r\n|[\n\r\x85\u2028\u2029]", text)))
    if len(text) > MAX_BYTES:
        raise DocumentError(Mistake(file, 1, 1, f"larger than {MAX_BYTES} characters"))
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise DocumentError(Mistake(file, 1, 1, "not a text file", cure="a registry is YAML, written in UTF-8"))
    try:
        return _Reader(source, yaml.parse(text, Loader=_LOADER)).read()
    except yaml.YAMLError as error:
        raise DocumentError(_syntax(error, source)) from None


class _Reader:
    def __init__(self, source: Source, events: Iterator[Any]) -> None:
        self._source = source
        self._events = events

    def read(self) -> Written:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            cure = "an empty registry is never 'no rules'"
            raise DocumentError(Mistake(self._source.file, 1, 1, "the file is empty", cure=cure))
        node = self._node(next(self._events), 0)
        next(self._events)
        if not isinstance(after := next(self._events), yaml.StreamEndEvent):
            self._refuse(after, "a second document in one file", "one file is one registry")
        return node

    def _node(self, event: Any, depth: int) -> Written:
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            self._refuse(event, "anchors and aliases are not allowed", "write the value out")
        if event.tag not in (None, "!"):
            self._refuse(event, f"the tag {event.tag} is not allowed", "write plain YAML")
        if depth > MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels", "")
        if isinstance(event, yaml.ScalarEvent):
            return self._at(event, event, value=self._scalar(event))
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(inner, depth + 1))
            return self._at(event, inner, items=tuple(items))
        return self._mapping(event, depth)

    def _mapping(self, event: Any, depth: int) -> Written:
        entries: dict[str, Written] = {}
        keys: dict[str, Written] = {}
        while not isinstance(inner := next(self._events), yaml.MappingEndEvent):
            if not isinstance(inner, yaml.ScalarEvent) or inner.anchor or inner.tag:
                self._refuse(inner, "a key must be plain text", "quote it if it holds special characters")
            key = self._at(inner, inner, value=inner.value)
            if key.value in keys:
                first = keys[key.value].line + 1
                raise DocumentError(key.mistake(f"the key {key.value!r} stands here twice", f"first in line {first}"))
            keys[key.value] = key
            entries[key.value] = self._node(next(self._events), depth + 1)
        return self._at(event, inner, entries=entries, keys=keys)

    def _scalar(self, event: Any) -> Any:
        if not event.implicit[0]:
            return event.value
        try:
            return scalar(event.value)
        except ValueError as error:
            return self._refuse(event, str(error), "quote it if it is meant as text")

    def _at(self, start: Any, end: Any, **content: Any) -> Written:
        begin, after = start.start_mark, end.end_mark
        return Written(self._source, begin.line, begin.column, (after.line, after.column), **content)

    def _refuse(self, event: Any, message: str, cure: str) -> Any:
        raise DocumentError(self._at(event, event, value="").mistake(message, cure))


def scalar(text: str) -> Any:
    """Give the value of an unquoted YAML scalar by the core schema of YAML 1.2; ValueError for a number too big."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text[0] in "tT"
    if _INTEGER.fullmatch(text):
        if len(text) > 80:
            raise ValueError("a number of more than 80 digits")
        return int(text)
    if _FLOAT.fullmatch(text):
        if not math.isfinite(float(text)):
            raise ValueError("a number beyond what a computer can hold")
        return float(text)
    return text


_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def _locate(node: Written, offset: int) -> tuple[int, int]:
    """Find the line and column of a character of a scalar's text. O(1) but for the first of a text: O(its length)."""
    if type(node.value) is not str or not node.value:
        return (node.line, node.column)
    lines, columns = _places(node)
    offset = max(0, min(offset, len(lines) - 1))
    return (lines[offset], columns[offset])


@lru_cache(maxsize=4)  # the mistakes of one text come one after the other
def _places(node: Written) -> tuple[array[int], array[int]]:
    """Give the line and the column of each character of a scalar's text.

    The text stands in the file in its own order, with quotes, escapes, indentation and line ends between: each
    character that is no blank is the next equal one; a blank is where the character before it is.
    """
    text, source = node.value, node.source.lines
    line, column = node.line, node.column
    if source[line][column : column + 1] in ("|", ">"):
        line, column = line + 1, 0
    found = (line, column)
    lines, columns = array("L"), array("L")
    for char in text:
        at = column + 1 if char.isspace() else -1
        if at < 0:
            below, start = line, column
            while below < len(source) and (at := source[below].find(char, start)) < 0:
                below, start = below + 1, 0
            if at >= 0:
                line, found = below, (below, at)
                at += 1
        column = at if at >= 0 else column
        lines.append(found[0])
        columns.append(found[1])
    return lines, columns


def _syntax(error: yaml.YAMLError, source: Source) -> Mistake:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    shown = source.lines[line] if line < len(source.lines) else ""
    cure = "indent with spaces" if "\t" in shown else ""
    if "mapping values are not allowed" in problem:
        cure = "quote a text that holds ': '"
    return Mistake(source.file, line + 1, column + 1, f"not YAML: {problem}", shown.rstrip(), 1, cure)
