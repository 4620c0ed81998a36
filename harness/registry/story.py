"""The lines of an example: what stands in a story, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.document import Written
from harness.registry.invariant import Invariant

ROLES: Final = ("system", "user", "assistant")
OUTCOMES: Final = ("result", "failed")
ASKS: Final = "asks"

_CURE: Final = "write {user: text} or {name_of_tool: {argument: value}, result: value}"


def subject(line: dict[str, Any]) -> str:
    """Give the role or the tool that a line is about; empty unless there is exactly one."""
    said = [key for key in line if key not in (*OUTCOMES, ASKS)]
    return said[0] if len(said) == 1 else ""


def mistakes_in_stories(rule: Invariant, declared: Collection[str]) -> Iterator[Mistake]:
    """Yield the lines of a rule's examples that are no step; ``declared`` are the tools they may name, if any."""
    for kind in ("holds", "violated"):
        for number, story in enumerate(getattr(rule.examples, kind)):
            for index, line in enumerate(story):
                yield from _mistakes(rule.at.find(["examples", kind, number, index]), line, declared)


def _mistakes(at: Written, line: dict[str, Any], declared: Collection[str]) -> Iterator[Mistake]:
    said = subject(line)
    if not said or all(outcome in line for outcome in OUTCOMES):
        yield at.mistake("a line of an example is one message, or one call and at most one outcome", _CURE)
    elif said in ROLES:
        if type(line[said]) is not str or set(line) - {said, ASKS} or (ASKS in line and said != "assistant"):
            yield at.mistake(f"{said}: expected the text of a message and nothing else", _CURE)
        elif ASKS in line:
            yield from _mistakes_in_asks(at.find([ASKS]), line[ASKS], declared)
    elif ASKS in line:
        yield at.keys[ASKS].mistake("only an assistant asks for calls", "write {assistant: text, asks: [{tool: {…}}]}")
    elif line[said] is not None and type(line[said]) is not dict:
        yield at.mistake(f"{said}: expected the arguments of a call, an object", _CURE)
    elif declared and said not in declared:
        yield at.keys[said].mistake(f"unknown tool {said!r}", nearest(said, declared))


def _mistakes_in_asks(at: Written, asks: Any, declared: Collection[str]) -> Iterator[Mistake]:
    if type(asks) is not list or not all(type(one) is dict and len(one) == 1 for one in asks):
        yield at.mistake("asks: expected a list of calls", "write asks: [{tool: {argument: value}}]")
        return
    for index, one in enumerate(asks):
        yield from _mistakes(at.find([index]), one, declared)
