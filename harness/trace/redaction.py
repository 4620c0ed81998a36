"""Keep secrets out of a trace.

A secret is either a registered value (an API key) or the value of a field whose name says so. It is replaced by an
ordinal placeholder such as ``⟦secret:api_key:1⟧`` before a line is written, also inside JSON text such as the
arguments of a tool call; equal secrets get equal placeholders, so equality survives. What it does not find: a secret
that was encoded, encrypted, cut in two by a stream, stands under an undeclared name, or in an object under a declared
one: that is as often a schema, which says what such a field may hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from harness.determinism import canonical

PLACEHOLDER: Final = "⟦secret:".encode()  # how every placeholder begins
LEAST: Final = 8  # characters of a registered value
DEFAULT_FIELDS: Final = frozenset({"api_key", "authorization", "password", "secret", "access_token", "refresh_token"})


@lru_cache(maxsize=16)
def _patterns(fields: frozenset[str]) -> tuple[re.Pattern[str], tuple[bytes, ...], re.Pattern[bytes] | None]:
    """Give what finds such fields in text, the marks of their names, and what finds a mark; once for all runs."""
    names = sorted(fields)
    said = r'(?:"((?:[^"\\]|\\.)+)"|(-?\d[\d.eE+-]*))'  # a text, or a number
    quoted = re.compile(rf'"((?:[\w.]*\.)?(?:{"|".join(map(re.escape, names))}))"(\s*:\s*){said}', re.IGNORECASE)
    plain = tuple(re.escape(canonical.encode(name)[1:-1]) for name in names)
    marks = (*plain, rb"call\.args\.(?:%b)" % b"|".join(plain)) if plain else ()  # as the values of a refusal are named
    # the quote before a name, in JSON and in JSON text alike, lets the engine skip from quote to quote
    return quoted, marks, re.compile(b'"(?:%b)' % b"|".join(marks)) if marks else None


@lru_cache(maxsize=16)
def _spoken(fields: frozenset[str]) -> re.Pattern[str]:
    """Give what finds such fields in an expression."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(fields)))})(?!\w)", re.IGNORECASE)


class Redactor:
    """Replace secrets in JSON bodies. ``values`` maps a secret to its name; ``fields`` are names in lower case.

    ``marks`` are patterns of bytes, in lower case, one of which follows a quote wherever a field's name stands.
    """

    def __init__(self, fields: Iterable[str] = DEFAULT_FIELDS, values: Mapping[str, str] | None = None) -> None:
        self._fields = frozenset(name.lower() for name in fields)
        self._values: dict[str, str] = {}
        self._secrets: list[bytes] = []
        self._placeholders: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._quoted, self.marks, self._named = _patterns(self._fields)
        for secret, name in (values or {}).items():
            self.learn(secret, name)

    def learn(self, secret: str, name: str) -> None:
        """Replace a value from now on; one below ``LEAST`` would tear ordinary text, and is left alone."""
        if len(secret) >= LEAST and secret not in self._values:
            self._values[secret] = name
            self._secrets.append(canonical.encode(secret)[1:-1])

    def touches(self, encoded: bytes) -> bool:
        """Tell cheaply whether encoded JSON may hold a secret; never misses one that ``redact`` would replace."""
        return self.knows(encoded) or (self._named is not None and self._named.search(encoded.lower()) is not None)

    def knows(self, encoded: bytes) -> bool:
        """Tell whether encoded JSON holds a registered value."""
        return any(secret in encoded for secret in self._secrets) if self._secrets else False

    def redact(self, value: Any) -> Any:
        """Give the value with every secret replaced. O(size × secrets)."""
        kind = type(value)
        if kind is str:
            for secret, name in self._values.items():
                if secret in value:
                    value = value.replace(secret, self._placeholder(name, secret))
            return self._quoted.sub(self._in_text, value) if self._fields and '"' in value else value
        if kind is dict:
            return {key: self._field(key, item) for key, item in value.items()}
        if kind is list:
            return [self.redact(item) for item in value]
        return value

    def judged(self, body: dict[str, Any]) -> dict[str, Any]:
        """Give the body of a verdict without what its values say of secret fields, by name or through an expression.

        The distances to a boundary go too, from which such a number could be worked out. What a rule says in its own
        words is left as it is.
        """
        values, moves = body["values"], body.get("gradient", [])
        told = {text: name for text in values if (name := self._named_in(text))}
        if not told and not any(self._named_in(move["field"]) for move in moves):
            return body
        kept = {name: said for name, said in body.items() if name != "margin"}
        kept["values"] = {text: self._hidden(told.get(text, ""), value) for text, value in values.items()}
        if moves:
            kept["gradient"] = [{key: said for key, said in move.items() if key != "distance"} for move in moves]
        return kept

    def _named_in(self, text: str) -> str:
        """Give the name of the first secret field that an expression speaks of; empty where it speaks of none."""
        found = _spoken(self._fields).search(text) if self._fields else None
        return found.group().lower() if found else ""

    def _hidden(self, name: str, value: Any) -> Any:
        """Replace every text and number in a value that has been read from a secret field."""
        if type(value) is dict:
            return {key: self._hidden(name, item) for key, item in value.items()}
        if type(value) is list:
            return [self._hidden(name, item) for item in value]
        return self._placeholder(name, str(value)) if name and type(value) in (str, int, float) else value

    def _field(self, key: str, item: Any) -> Any:
        name = key.rpartition(".")[2].lower()
        if name not in self._fields:
            return self.redact(item)
        if type(item) is list:
            return [self._field(key, one) for one in item]
        return self._placeholder(name, str(item)) if type(item) in (str, int, float) else self.redact(item)

    def _in_text(self, match: re.Match[str]) -> str:
        name, colon, text, number = match.groups()
        return f'"{name}"{colon}"{self._placeholder(name.rpartition(".")[2].lower(), text or number)}"'

    def _placeholder(self, name: str, secret: str) -> str:
        known = self._placeholders.get((name, secret))
        if known is None:
            self._counts[name] = self._counts.get(name, 0) + 1
            known = self._placeholders[name, secret] = f"⟦secret:{name}:{self._counts[name]}⟧"
        return known
