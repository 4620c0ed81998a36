"""What a rule says: text with ``{expression}`` in it, checked when the registry is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from harness.determinism.canonical import encode
from harness.registry.complaint import ExpressionError
from harness.registry.parse import MAX_LENGTH, parse
from harness.registry.tree import Node, Span
from harness.registry.write import write

_MAX_BRACES: Final = 20  # in one hole
_DECIMALS: Final = re.compile(r":\.([0-9])f$")


@dataclass(frozen=True, slots=True)
class Hole:
    """A place for a value: its tree, its text, where that begins in the template, and a number of decimals.

    ``uses`` are the definitions that stand in the text by name and in the tree written out.
    """

    tree: Node
    text: str
    start: int
    decimals: int | None
    uses: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class Template:
    """A text cut into plain pieces and holes."""

    text: str
    pieces: tuple[str | Hole, ...]

    @property
    def spoken(self) -> str:
        """The text with the definitions in its holes written out."""
        text, end = "", 0
        for hole in self.pieces:
            if isinstance(hole, Hole) and hole.uses:
                written = write(hole.tree)
                blank = " " if written.startswith("{") else ""  # two braces stand for one
                text += self.text[end : hole.start] + blank + written
                end = hole.start + len(hole.text)
        return text + self.text[end:]

    def render(self, value_of: Callable[[Hole], Any]) -> str:
        """Fill the holes; one whose value is undefined, or cannot be spelled, shows its expression."""
        return "".join(piece if isinstance(piece, str) else _shown(piece, value_of) for piece in self.pieces)


def read_template(text: str) -> Template:
    """Cut a text at its ``{…}``; ``{{`` and ``}}`` stand for braces, ``{x:.2f}`` asks for two decimals.

    ExpressionError says what is wrong, with its place in the whole text.
    """
    pieces: list[str | Hole] = []
    at = 0
    for match in re.finditer(r"\{\{|\}\}|[{}]", text):
        if match.start() < at:
            continue
        pieces.append(text[at : match.start()])
        if len(match.group()) == 2:
            pieces.append(match.group()[0])
            at = match.end()
        else:
            if match.group() == "}" or "}" not in text[match.end() :]:
                cure = "write {{ or }} for a brace itself"
                raise ExpressionError("a brace without its partner", Span(*match.span()), cure)
            hole, at = _first_hole(text, match.end())
            pieces.append(hole)
    pieces.append(text[at:])
    return Template(text, tuple(piece for piece in pieces if piece))


def _first_hole(text: str, start: int) -> tuple[Hole, int]:
    """Read the hole that begins at a character, up to a brace that is no part of its expression, and give its end."""
    first: ExpressionError | None = None
    for match in islice(re.finditer("}", text[start : start + MAX_LENGTH]), _MAX_BRACES):
        end = start + match.start()
        try:
            return _hole(text[start:end], start), end + 1
        except ExpressionError as error:
            first = first or error
    raise first or ExpressionError(f"a hole of more than {MAX_LENGTH} characters", Span(start - 1, start))


def _hole(text: str, start: int) -> Hole:
    decimals = _DECIMALS.search(text)
    bare = text[: decimals.start()] if decimals else text
    try:
        return Hole(parse(bare), bare, start, int(decimals.group(1)) if decimals else None)
    except ExpressionError as error:
        span = Span(error.span.start + start, error.span.end + start)
        raise ExpressionError(error.message, span, error.cure) from None


def _shown(hole: Hole, value_of: Callable[[Hole], Any]) -> str:
    try:
        value = value_of(hole)
        if hole.decimals is not None and type(value) in (int, float):
            return f"{value:.{hole.decimals}f}"
        shown = value if type(value) is str else encode(value).decode()
    except Exception:  # noqa: BLE001 - undefined, or too big to be spelled: nobody's answer hangs on a text
        return f"⟨{hole.text}⟩"
    return shown if len(shown) <= 200 else shown[:199] + "…"
