"""What agents told each other, so that nobody takes it for the word of whoever passes it on.

A message of one agent, the input of a handoff and what was read from shared memory reach another agent's model in a
message of the role ``user`` or ``system``. There they are hearsay: their origin is where they were seen before, and if
that is nowhere, they have none. Known are four words on end, single words that are no chance (with a digit, an at sign,
a slash or a dot inside), and texts of up to three words as a whole. Not known: what was said in other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from harness.assertion.leaves import Key, leaves_of
from harness.assertion.tokens import tokens_of

_RUN: Final = 4  # so many words on end are no chance
_TELLING: Final = re.compile(r"(?=.*[\d@/]|.*\w\.\w).{4}")
_WORD: Final = re.compile(r"\S+")
_CAPACITY: Final = 500_000

Words = tuple[str, ...]


class Hearsay:
    """Remember what agents told each other. Not thread-safe; one for each run.

    Two generations of at most ``capacity`` runs of words are kept: when the younger is full the older is forgotten.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._young: set[Words] = set()
        self._old: set[Words] = set()

    def hear(self, value: Any) -> None:
        """Remember what is said in a value. O(size of the value)."""
        for path, leaf in leaves_of(value, ()):
            if not path or type(path[-1]) is not Key:
                self._young.update(_runs(tokens_of(leaf if type(leaf) is str else str(leaf))))
        if len(self._young) > self._capacity:
            self._young, self._old = set(), self._young

    def rest(self, text: str) -> list[str]:
        """Give the parts of a text that nobody has told before, the text itself where that is all of it. O(text)."""
        if not self._young and not self._old:
            return [text]
        words = list(_WORD.finditer(text))
        tokens = [(token, number) for number, word in enumerate(words) for token in tokens_of(word.group())]
        told = set(self._told(tokens))
        if not told:
            return [text]
        parts: list[list[re.Match[str]]] = [[]]
        for number, word in enumerate(words):
            if number in told:
                parts.append([])
            else:
                parts[-1].append(word)
        return [text[part[0].start() : part[-1].end()] for part in parts if part]

    def _told(self, tokens: list[tuple[str, int]]) -> Iterator[int]:
        """Yield the numbers of the words that belong to something that was told."""
        for start in range(len(tokens)):
            for length in range(1, _RUN + 1):
                run = tokens[start : start + length]
                words = tuple(token for token, _ in run)
                if words in self._young or words in self._old:
                    yield from (number for _, number in run)


def _runs(tokens: list[str]) -> Iterator[Words]:
    if len(tokens) < _RUN:
        yield tuple(tokens)
    yield from ((token,) for token in tokens if _TELLING.match(token))
    yield from (tuple(tokens[start : start + _RUN]) for start in range(len(tokens) - _RUN + 1))
