"""What has to be so when a task of a declared suite has come to its end: expressions over what is left.

What a judgement does not verify: that what is left was not there before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.registry.complaint import nearest
from harness.registry.explain import Explanation
from harness.registry.invariant import Expression
from harness.registry.tree import Each, Fold, Name, Node, walk
from harness.registry.values import Undefined


def judged(oracle: Expression, names: Mapping[str, Any]) -> str:
    """Tell why an expression is not true of a final state; empty where it is."""
    asked = Explanation(oracle.text, dict(names))
    try:
        if asked.value(oracle.tree) is True:
            return ""
    except Undefined as error:
        return f"{oracle.text}: {error}"
    parts = {text: repr(value) for text, value in asked.seen.items() if text != oracle.text}
    seen = ", ".join(f"{text} = {value}" for text, value in parts.items() if text != value)
    return f"not so: {oracle.text}" + (f" ({seen})" if seen else "")


def out_of_reach(tree: Node, known: set[str]) -> Iterator[tuple[Node, str, str]]:
    """Yield what an oracle cannot know, with what to say of it."""
    parts = list(walk(tree))
    if past := next((part for part in parts if isinstance(part, Fold)), None):
        yield past, "an oracle looks at what is left, not at the past", "say it as a rule, and expect its verdict"
        return
    bound = {part.name for part in parts if isinstance(part, Each)}
    for part in parts:
        if isinstance(part, Name) and part.name not in known | bound:
            yield part, f"there is no {part.name} here", _names(part.name, known)


def _names(wrong: str, known: set[str]) -> str:
    if wrong == "state":
        return "name the function that gives it: state: module:function"
    return nearest(wrong, known) or f"an oracle speaks of {', '.join(sorted(known))}"
