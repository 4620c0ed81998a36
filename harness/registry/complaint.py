"""How a mistake in an expression is told."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from harness.registry.tree import Span


class ExpressionError(ValueError):
    """Say what is wrong with an expression, where in its text, and the likely cure."""

    def __init__(self, message: str, span: Span, cure: str = "") -> None:
        self.message, self.span, self.cure = message, span, cure
        super().__init__(message, span, cure)


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the known name nearest to a misspelt one; empty where none is near."""
    close = get_close_matches(name, list(known), 1, 0.6)
    return f"did you mean {close[0]!r}?" if close else ""
