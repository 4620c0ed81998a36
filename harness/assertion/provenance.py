"""Where a value came from: an index over everything a run has seen.

What is learnt is cut into leaves (the texts and numbers inside a value, and the keys of its objects), and a leaf into
tokens: lower case, without the punctuation around them, so that an address, a date or an account number is one token.
One table knows the leaves by the whole of what they say, another by each of their tokens. To ask for a value is to look
it up in both; a text of several tokens is then searched in the few leaves that hold its rarest one.

The grades, best first:

- ``exact``: the leaf says the value and nothing else (case and blanks at the ends aside; 5 and 5.0 are equal);
- ``derived``: the leaf holds the value inside a longer text, spells a number as text, or leaves out ``https://``;
- ``part``: only a part of the value was there: an address, a token with a digit, or four words on end. Of a structure:
  the origin does not hold all of its leaves. A part proves no authority; it may well be a leak.

True, false and null have no origin: anyone can name them. Not seen: paraphrases, translations, encodings, results of
arithmetic, and words inside a text without blanks.

Memory grows with what is said for the first time, never with repetitions: a leaf that the same tool says again is not
kept again, and of a token's leaves only the first four and the last four are. What tools said is kept in two
generations of at most ``capacity`` characters; when the younger is full the older is forgotten. What users, the system
and the registry said is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from harness.tool import Trust

Kind = Literal["user", "system", "registry", "tool", "assistant"]
Grade = Literal["exact", "derived", "part"]

CAPACITY: Final = 32_000_000
MAX_ORIGINS: Final = 8
CONTEXT: Final = 2_000

_FIRST: Final = MAX_ORIGINS // 2
_RUN: Final = 4  # so many words on end are no chance
_MAX_PARTS: Final = 64
_GRADES: Final[tuple[Grade, ...]] = ("exact", "derived", "part")
_BREAKS: Final = str.maketrans(dict.fromkeys(",;!?()[]{}<>\"'`|*=#$€£\\…“”‘’«»", " "))
_TELLING: Final = re.compile(r"(?=.*[\d@/]|.*\w\.\w).{4}")


class Origin(NamedTuple):
    """Say where a value was seen.

    ``kind`` is who said it; for a tool with its name and declared trust. ``field`` is the JSON pointer of the leaf in
    what was said; ``context`` at most 2,000 characters of the text around the value, as they stood there.
    """

    kind: Kind
    tool: str
    trust: Trust
    seq: int
    step: int
    grade: Grade
    field: str
    context: str


class _Said(NamedTuple):
    kind: Kind
    tool: str
    trust: Trust
    seq: int
    step: int


class _Leaf:
    """A text or number that was seen; ``normal`` is its tokens between single blanks, with one at either end."""

    __slots__ = ("field", "normal", "raw", "said")

    def __init__(self, said: _Said, field: str, raw: str, normal: str) -> None:
        self.said, self.field, self.raw, self.normal = said, field, raw, normal


class _Generation:
    """Leaves by what they say and by each of their tokens."""

    __slots__ = ("known", "size", "tokens", "wholes")

    def __init__(self) -> None:
        self.size = 0
        self.known: set[Any] = set()
        self.wholes: dict[Any, list[_Leaf]] = {}
        self.tokens: dict[str, list[_Leaf]] = {}

    def learn(self, value: Any, said: _Said) -> None:
        known, source = self.known, (said.kind, said.tool, said.trust)
        for field, leaf in _leaves(value):
            key = (leaf, source)
            if key not in known:
                known.add(key)
                self._add(leaf, said, field)

    def _add(self, value: Any, said: _Said, field: str) -> None:
        if type(value) is not str:
            _keep(self.wholes, value, _Leaf(said, field, "", ""))
            return
        words = tokens_of(value)
        normal = " ".join(words)
        leaf = _Leaf(said, field, value, f" {normal} ")
        self.size += len(value) + len(normal)
        _keep(self.wholes, normal, leaf)
        tokens = self.tokens
        for word in words if len(words) < 3 else set(words):
            leaves = tokens.get(word)
            if leaves is None:
                tokens[word] = [leaf]
            elif len(leaves) < MAX_ORIGINS:
                leaves.append(leaf)
            else:
                del leaves[_FIRST]
                leaves.append(leaf)

    def wholly(self, key: Any) -> list[_Leaf]:
        """Give the leaves that say this and nothing else."""
        return self.wholes.get(key, [])

    def holding(self, words: list[str]) -> Iterator[_Leaf]:
        """Yield the leaves in which these tokens stand side by side."""
        rarest: list[_Leaf] | None = None
        for word in words:
            leaves = self.tokens.get(word)
            if leaves is None:
                return
            if rarest is None or len(leaves) < len(rarest):
                rarest = leaves
        if len(words) == 1:
            yield from rarest or ()
            return
        phrase = f" {' '.join(words)} "
        yield from (leaf for leaf in rarest or () if phrase in leaf.normal)


class Provenance:
    """Remember where values were seen, and tell it. Not thread-safe; one for each run.

    ``capacity`` bounds the characters of what tools said (twice that many are kept at most). Not verified: that a value
    was taken from the place where it also stands.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._lasting, self._young, self._old = _Generation(), _Generation(), _Generation()

    def learn(self, value: Any, kind: Kind, *, tool: str = "", trust: Trust = "unknown", seq: int, step: int) -> None:
        """Remember all that is said in a value. O(size of the value)."""
        said = _Said(kind, tool, trust, seq, step)
        if kind in ("user", "system", "registry"):
            self._lasting.learn(value, said)
            return
        self._young.learn(value, said)
        if self._young.size > self._capacity:
            self._old, self._young = self._young, _Generation()

    def origins(self, value: Any) -> tuple[Origin, ...]:
        """Tell where a value was seen: best grade first, then oldest, at most eight; empty if nowhere.

        O(size of the value), whatever was learnt before; a text of several words is searched in at most eight leaves.
        """
        if type(value) in (dict, list):
            return _first(self._of_structure(value))
        return _first(self._of_leaf(value))

    def _of_structure(self, value: Any) -> dict[Grade, list[Origin]]:
        """Give the origins of the leaves of a structure; of a lesser grade where an origin does not hold all of them."""
        leaves = [leaf for field, leaf in _leaves(value) if not field.endswith("~")]
        held: dict[int, list[Grade]] = {}
        seen: dict[int, Origin] = {}
        for leaf in leaves:
            best: dict[int, Grade] = {}
            for grade, origins in self._of_leaf(leaf).items():
                for origin in origins:
                    best.setdefault(origin.seq, grade)
                    seen.setdefault(origin.seq, origin)
            for seq, grade in best.items():
                held.setdefault(seq, []).append(grade)
        found: dict[Grade, list[Origin]] = {grade: [] for grade in _GRADES}
        for seq, grades in held.items():
            grade: Grade = max(grades, key=_GRADES.index) if len(grades) == len(leaves) else "part"
            found[grade].append(seen[seq]._replace(grade=grade))
        return found

    def _of_leaf(self, value: Any) -> dict[Grade, list[Origin]]:
        found: dict[Grade, list[Origin]] = {grade: [] for grade in _GRADES}
        told: set[int] = set()
        for generation in (self._lasting, self._old, self._young):
            for grade, words, leaf in _seen(generation, value):
                if id(leaf) not in told:
                    told.add(id(leaf))
                    context = _context(leaf, words)
                    found[grade].append(Origin(*leaf.said, grade, leaf.field, context))
        return found


def tokens_of(text: str) -> list[str]:
    """Cut a text into tokens: lower case, without punctuation around them. O(text)."""
    words = text.casefold().translate(_BREAKS).split()
    if "." in text or ":" in text:
        words = [word.strip(".:") if word[-1] in ".:" else word for word in words]
        return [word for word in words if word]
    return words


def _seen(generation: _Generation, value: Any) -> Iterator[tuple[Grade, list[str], _Leaf]]:
    """Yield the leaves that hold a text or number, with the grade and the tokens that were found; some twice."""
    if type(value) is str:
        yield from _seen_text(generation, value)
    elif type(value) in (int, float):
        for leaf in generation.wholly(value):
            yield "exact", [], leaf
        for spelling in {f"{value}", f"{value:.2f}", f"{value:,}", f"{value:,.2f}", f"{value:.0f}"}:
            if float(spelling.replace(",", "")) == value:
                words = tokens_of(spelling)
                yield from (("derived", words, leaf) for leaf in generation.holding(words))


def _seen_text(generation: _Generation, value: str) -> Iterator[tuple[Grade, list[str], _Leaf]]:
    words = tokens_of(value)
    if not words:
        return
    plain = value.strip().casefold()
    for leaf in generation.wholly(" ".join(words)):
        yield "exact" if leaf.raw.strip().casefold() == plain else "derived", words, leaf
    yield from (("derived", words, leaf) for leaf in generation.holding(words))
    if len(words) == 1:
        yield from _seen_otherwise(generation, words[0])
    else:
        yield from (("part", part, leaf) for part in _parts(words) for leaf in generation.holding(part))


def _seen_otherwise(generation: _Generation, word: str) -> Iterator[tuple[Grade, list[str], _Leaf]]:
    """Yield the leaves that spell a token in another way: a number as a number, an address without its scheme."""
    bare = word.removeprefix("https://").removeprefix("http://").removeprefix("mailto:").rstrip("/")
    for spelling in {bare, f"http://{bare}", f"https://{bare}", f"{bare}/"} - {word} if "." in bare else ():
        yield from (("derived", [spelling], leaf) for leaf in generation.holding([spelling]))
    if _NUMBER.fullmatch(word):
        yield from (("derived", [word], leaf) for leaf in generation.wholly(float(word)))


def _parts(words: list[str]) -> Iterator[list[str]]:
    """Yield the parts of a text that are not there by chance: telling tokens, and four words on end; at most 64 each."""
    telling = [word for word in words if _TELLING.match(word)]
    yield from ([word] for word in telling[:_MAX_PARTS])
    for start in range(min(len(words) - _RUN, _MAX_PARTS)):
        yield words[start : start + _RUN]


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the texts and numbers inside a value with their JSON pointers; of a key the pointer and a ``~``."""
    if type(value) is str:
        yield "", value
        return
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        field, one = waiting.pop()
        kind = type(one)
        if kind is str or kind is int or kind is float:
            yield field, one
        elif kind is dict:
            for key, inner in one.items():
                place = f"{field}/{key.replace('~', '~0').replace('/', '~1')}"
                yield f"{place}~", key
                waiting.append((place, inner))
        elif kind is list:
            waiting += [(f"{field}/{index}", inner) for index, inner in enumerate(one)]


def _keep(table: dict[Any, list[_Leaf]], key: Any, leaf: _Leaf) -> None:
    leaves = table.setdefault(key, [])
    if len(leaves) >= MAX_ORIGINS:
        del leaves[_FIRST]
    leaves.append(leaf)


def _context(leaf: _Leaf, words: list[str]) -> str:
    """Give the text of a leaf, or of a long one the passage around the tokens."""
    raw = leaf.raw
    if len(raw) <= CONTEXT:
        return raw
    place = raw.casefold().find(words[0]) if words else 0
    if len(words) > 1:
        pattern = r"[\W_]+".join(re.escape(word) for word in words[:_RUN])
        found = re.search(pattern, raw.casefold())
        place = found.start() if found else place
    start = max(0, min(place - CONTEXT // 2, len(raw) - CONTEXT))
    return raw[start : start + CONTEXT]


def _first(found: dict[Grade, list[Origin]]) -> tuple[Origin, ...]:
    ordered = [origin for grade in _GRADES for origin in sorted(found[grade], key=_age)]
    return tuple(ordered[:MAX_ORIGINS])


def _age(origin: Origin) -> int:
    return origin.seq


_NUMBER: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
