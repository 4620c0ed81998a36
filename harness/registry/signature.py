"""Check how the functions of the library are called."""

from __future__ import annotations

from harness.registry.complaint import ExpressionError, nearest
from harness.registry.library import FUNCTIONS, LIBRARY, METHODS, PatternError, searcher
from harness.registry.tree import VERBS, Constant, Node, Span, dotted


def check_count(name: str, given: int, span: Span) -> None:
    """Raise ExpressionError unless a function can have so many arguments."""
    function = LIBRARY[name]
    if given < function.fewest or (function.most is not None and given > function.most):
        shift = 1 if name in METHODS else 0  # the text before the dot is not counted by whoever wrote it
        fewest, most = function.fewest - shift, function.most
        wanted = f"{fewest} or more" if most is None else str(fewest)
        if most is not None and most - shift != fewest:
            wanted = f"{fewest} to {most - shift}"
        raise ExpressionError(f"{name}(…) takes {wanted} argument{'s' * (wanted != '1')}, got {given - shift}", span)


def check_pattern(pattern: Node, function: str) -> None:
    """Raise ExpressionError unless a node is the text of a regular expression, or a parameter that may hold one."""
    if dotted(pattern).startswith("params."):
        return  # what it holds is checked when it is known
    if not isinstance(pattern, Constant) or type(pattern.value) is not str:
        raise ExpressionError(f"the pattern of {function}(…) must be plain text or a parameter", pattern.span)
    if "\b" in pattern.value:
        cure = 'write \\\\b for the edge of a word, or the pattern as r"…"'
        raise ExpressionError("the pattern holds a backspace character", pattern.span, cure)
    try:
        searcher(pattern.value)
    except PatternError as error:
        cure = "the syntax is that of RE2: no look-around and no back-references"
        raise ExpressionError(f"invalid regular expression: {error}", pattern.span, cure) from None


def function_cure(name: str) -> str:
    """Say which function was probably meant."""
    if name in METHODS:
        return f"write text.{name}(…)"
    return nearest(name, [*FUNCTIONS, *VERBS]) or f"known functions: {', '.join([*FUNCTIONS, *VERBS])}"
