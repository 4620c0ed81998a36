"""What one node of a plan says that only another one should know.

Seen are whole texts of ``MIN_CHARACTERS`` characters or more, at any depth of a value, word for word or escaped as in
JSON text. Not seen: shorter texts, numbers, names of fields, what is paraphrased, cut, translated or encoded otherwise,
and what passes no door. A text that a node's own keys or instructions hold is its own, wherever else it stands. One
that a tool has told it is not: two nodes that share a value should declare it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from harness.converge.plan.plan import Node
from harness.determinism.canonical import escape

MIN_CHARACTERS: Final = 12  # shorter texts stand in many places by chance

Spelled = tuple[tuple[str, ...], ...]


class Leak(NamedTuple):
    """A value of an undeclared ``key`` at a JSON pointer of what is said."""

    key: str
    at: str


def leaks_in(said: Any, node: Node, facts: Mapping[str, Any], known: Mapping[str, Spelled]) -> tuple[Leak, ...]:
    """Give what is said of facts that a node has not declared, each key once for each place.

    ``known`` is each fact as ``spelled`` gives it. O(size of what is said × texts of such facts), each a plain search.
    """
    places = list(texts_in(said))
    whole = "\n".join(text for _, text in places)
    hidden = (key for key in sorted(known) if key not in node.inputs and key not in node.outputs)
    found = [(key, one) for key in hidden for one in known[key] if any(spelling in whole for spelling in one)]
    if not found:
        return ()
    own = [node.instructions, *(text for key in node.inputs if key in facts for _, text in texts_in(facts[key]))]
    leaks = {
        Leak(key, at): None
        for at, text in places
        for key, one in found
        if any(spelling in text for spelling in one) and not any(one[0] in mine for mine in own)
    }
    return tuple(leaks)


def spelled(value: Any) -> Spelled:
    """Give each text of a value that is long enough, followed by other ways in which JSON text spells it. O(size)."""
    every = (text for _, text in texts_in(value, names=False))
    texts = dict.fromkeys(text for text in every if len(text) >= MIN_CHARACTERS)
    return tuple(
        tuple(dict.fromkeys([text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]]))
        for text in texts
    )


def texts_in(value: Any, at: str = "", *, names: bool = True) -> Iterator[tuple[str, str]]:
    """Yield every text in JSON data with its JSON pointer, ``names`` of fields too."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for name, item in value.items():
            below = f"{at}/{escape(name)}"
            if names:
                yield below, name
            yield from texts_in(item, below, names=names)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from texts_in(item, f"{at}/{place}", names=names)
