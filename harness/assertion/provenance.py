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

What agents tell each other, and what a run has kept in shared memory, is no origin of its own (``hearsay``, ``Past``).
True, false and null have no origin: anyone can name them. Not seen: paraphrases, translations, encodings, results of
arithmetic, and words inside a text without blanks.

Memory grows with what is said for the first time, never with repetitions: a leaf that the same tool says again is not
kept again, and of a token's leaves only the first four and the last four are. What tools said is kept in two
generations of at most ``capacity`` characters; when the younger is full the older is forgotten. What users, the system
and the registry said is kept.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

from harness.assertion.leaves import Key, Path, leaves_of, pointer
from harness.assertion.tokens import cut, tokens_of
from harness.tool import Trust

Kind = Literal["user", "system", "registry", "tool", "assistant"]
Grade = Literal["exact", "derived", "part"]

CAPACITY: Final = 32_000_000
MAX_ORIGINS: Final = 8
CONTEXT: Final = 2_000

_FIRST: Final = MAX_ORIGINS // 2
_RUN: Final = 4  # so many words on end are no chance
_MAX_PARTS: Final = 64
_MAX_WORDS: Final = 2_000  # of a text whose parts are looked for; what stands behind them is not seen
_GRADES: Final[tuple[Grade, ...]] = ("exact", "derived", "part")
_TELLING: Final = re.compile(r"(?=.*[\d@/]|.*\w\.\w).{4}")
_NUMBER: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?")


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


_EXACT, _DERIVED, _PART = range(3)


class _Said(NamedTuple):
    kind: Kind
    tool: str
    trust: Trust
    seq: int
    step: int


class _Leaf:
    """A text or number that was seen; ``path`` is its place, ``normal`` its tokens between single blanks."""

    __slots__ = ("normal", "path", "raw", "said")

    def __init__(self, said: _Said, path: Path, raw: str, normal: str) -> None:
        self.said, self.path, self.raw, self.normal = said, path, raw, normal


_Found = tuple[int, list[str], _Leaf]  # grade, the tokens that were found, where


class _Generation:
    """Leaves by what they say and by each of their tokens; ``known`` is what each source said already."""

    __slots__ = ("known", "size", "tokens", "wholes")

    def __init__(self) -> None:
        self.size = 0
        self.known: dict[tuple[str, str, str], set[Any]] = {}
        self.wholes: dict[Any, list[_Leaf]] = {}
        self.tokens: dict[str, list[_Leaf]] = {}

    def learn(self, value: Any, said: _Said) -> None:
        known = self.known.setdefault(said[:3], set())
        texts: list[tuple[Path, str]] = []
        for path, leaf in leaves_of(value, known):
            if leaf not in known:
                known.add(leaf)
                if type(leaf) is str:
                    texts.append((path, leaf))
                else:
                    _keep(self.wholes, leaf, _Leaf(said, path, "", ""))
        for (path, text), words in zip(texts, cut([text for _, text in texts]), strict=True):
            self._add(text, words, said, path)

    def _add(self, text: str, words: list[str], said: _Said, path: Path) -> None:
        whole, tokens = " ".join(words), self.tokens
        leaf = _Leaf(said, path, text, f" {whole} ")
        self.size += len(text) + len(whole)
        _keep(self.wholes, whole, leaf)
        for word in words if len(words) < 3 else set(words):
            leaves = tokens.get(word)
            if leaves is None:
                tokens[word] = [leaf]
            elif len(leaves) < MAX_ORIGINS:
                leaves.append(leaf)
            else:
                del leaves[_FIRST]
                leaves.append(leaf)

    def holding(self, words: list[str]) -> Iterable[_Leaf]:
        """Give the leaves in which these tokens stand side by side."""
        tokens = self.tokens
        rarest = tokens.get(words[0], ())
        if len(words) == 1:
            return rarest
        for word in words:
            leaves = tokens.get(word)
            if leaves is None:
                return ()
            if len(leaves) < len(rarest):
                rarest = leaves
        phrase = f" {' '.join(words)} "
        return [leaf for leaf in rarest if phrase in leaf.normal]


class Provenance:
    """Remember where values were seen, and tell it. Not thread-safe; one for each run.

    ``capacity`` bounds the characters of what tools said (twice that many are kept at most). Not verified: that a value
    was taken from the place where it also stands.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._lasting, self._young = _Generation(), _Generation()
        self._generations = [self._lasting, self._young]

    def learn(self, value: Any, kind: Kind, *, tool: str = "", trust: Trust = "unknown", seq: int, step: int) -> None:
        """Remember all that is said in a value. O(size of the value)."""
        said = _Said(kind, tool, trust, seq, step)
        if kind in ("user", "system", "registry"):
            self._lasting.learn(value, said)
            return
        self._young.learn(value, said)
        if self._young.size > self._capacity:
            old, self._young = self._young, _Generation()
            self._generations = [self._lasting, old, self._young]

    def origins(self, value: Any) -> tuple[Origin, ...]:
        """Tell where a value was seen: best grade first, then oldest, at most eight; empty if nowhere.

        O(size of the value), whatever was learnt before; a text of several words is searched in at most eight leaves.
        """
        if type(value) in (dict, list):
            return tuple(_origin(*found) for found in self._of_structure(value))
        return tuple(_origin(*found) for found in self._of_leaf(value))

    def _of_structure(self, value: Any) -> list[_Found]:
        """Find the leaves of a structure; the grade is lesser where what was said does not hold all of them."""
        leaves = [leaf for path, leaf in leaves_of(value, ()) if type(path[-1]) is not Key]
        grades: dict[int, list[int]] = {}
        places: dict[int, _Found] = {}
        for leaf in leaves:
            best: dict[int, int] = {}
            for found in self._of_leaf(leaf):
                seq = found[2].said.seq
                best.setdefault(seq, found[0])
                places.setdefault(seq, found)
            for seq, grade in best.items():
                grades.setdefault(seq, []).append(grade)
        found_in = [
            (max(held) if len(held) == len(leaves) else _PART, *places[seq][1:]) for seq, held in grades.items()
        ]
        return sorted(found_in, key=_rank)[:MAX_ORIGINS]

    def _of_leaf(self, value: Any) -> list[_Found]:
        if type(value) is str:
            words = tokens_of(value)
            seen = self._of_text(value, words) if words else ()
        elif type(value) in (int, float):
            seen = self._of_number(value)
        else:
            return []
        best: dict[int, _Found] = {}
        for found in seen:
            known = best.get(id(found[2]))
            if known is None or found[0] < known[0]:
                best[id(found[2])] = found
        return sorted(best.values(), key=_rank)[:MAX_ORIGINS]

    def _of_text(self, value: str, words: list[str]) -> list[_Found]:
        plain, whole = value.strip().casefold(), " ".join(words)
        seen: list[_Found] = []
        for generation in self._generations:
            seen += [(_DERIVED, words, leaf) for leaf in generation.holding(words)]
            for leaf in generation.wholes.get(whole, ()):
                seen.append((_EXACT if leaf.raw.strip().casefold() == plain else _DERIVED, words, leaf))
            if len(words) == 1:
                seen += _otherwise(generation, words[0])
        if not seen and len(words) > 1:
            for generation in self._generations:
                seen += ((_PART, part, leaf) for part in _parts(words, generation) for leaf in generation.holding(part))
        return seen

    def _of_number(self, value: float) -> list[_Found]:
        spelled = [tokens_of(spelling) for spelling in _spellings(value)]
        seen: list[_Found] = []
        for generation in self._generations:
            seen += [(_EXACT, [], leaf) for leaf in generation.wholes.get(value, ())]
            seen += ((_DERIVED, words, leaf) for words in spelled for leaf in generation.holding(words))
        return seen


def _otherwise(generation: _Generation, word: str) -> Iterator[_Found]:
    """Yield the leaves that spell a token in another way: a number as a number, an address without its scheme."""
    if _NUMBER.fullmatch(word):
        yield from ((_DERIVED, [word], leaf) for leaf in generation.wholes.get(float(word), ()))
    elif "." in word:
        bare = word.removeprefix("https://").removeprefix("http://").removeprefix("mailto:").rstrip("/")
        for spelling in {bare, f"http://{bare}", f"https://{bare}", f"{bare}/"} - {word}:
            yield from ((_DERIVED, [spelling], leaf) for leaf in generation.holding([spelling]) if bare)


def _spellings(value: float) -> set[str]:
    """Give the usual ways to write a number in a text."""
    spelled = {f"{value}", f"{value:,}"}
    if abs(value) > sys.float_info.max:
        return spelled  # an integer that has no decimals to be spelled with
    if value == round(value, 1):
        spelled |= {f"{value:.1f}", f"{value:,.1f}"}
    if value == round(value, 2):
        spelled |= {f"{value:.2f}", f"{value:,.2f}"}
    if value == round(value):
        spelled |= {f"{value:.0f}", f"{value:,.0f}"}
    return spelled


def _parts(words: list[str], generation: _Generation) -> Iterator[list[str]]:
    """Yield the parts of a text that are no chance: telling tokens, and four words on end; at most 64 of each."""
    words = words[:_MAX_WORDS]
    known = [word in generation.tokens for word in words]
    telling = (word for word, is_known in zip(words, known, strict=True) if is_known and _TELLING.match(word))
    yield from ([word] for word in islice(telling, _MAX_PARTS))
    runs = (start for start in range(len(words) - _RUN + 1) if all(known[start : start + _RUN]))
    yield from (words[start : start + _RUN] for start in islice(runs, _MAX_PARTS))


def _keep(table: dict[Any, list[_Leaf]], key: Any, leaf: _Leaf) -> None:
    leaves = table.get(key)
    if leaves is None:
        table[key] = [leaf]
        return
    if len(leaves) >= MAX_ORIGINS:
        del leaves[_FIRST]
    leaves.append(leaf)


def _rank(found: _Found) -> tuple[int, int]:
    return found[0], found[2].said.seq


def _origin(grade: int, words: list[str], leaf: _Leaf) -> Origin:
    return Origin(*leaf.said, _GRADES[grade], pointer(leaf.path), _context(leaf, words))


def _context(leaf: _Leaf, words: list[str]) -> str:
    """Give the text of a leaf, or of a long one the passage around the tokens."""
    raw = leaf.raw
    if len(raw) <= CONTEXT:
        return raw
    folded = raw.casefold()
    found = re.search(r"[\W_]+".join(re.escape(word) for word in words[:_RUN]), folded)
    place = found.start() if found else max(folded.find(words[0]), 0)
    start = max(0, min(place - CONTEXT // 2, len(raw) - CONTEXT))
    return raw[start : start + CONTEXT]
