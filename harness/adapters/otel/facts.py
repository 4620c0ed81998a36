"""The attributes of one span, and which of them were understood."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.determinism import canonical

_NUMBER: Final = re.compile(r"\.\d+(?=\.|$)")

# said again elsewhere in the span or of no use to a reader of traces: not worth telling that they were left out
_SILENT: Final = re.compile(
    r"(input|output)\.mime_type|gen_ai\.(system|tool\.type|is_streaming|usage\.total_tokens|operation\.name)"
    r"|llm\.token_count\.total|openinference\.span\.kind|traceloop\.span\.kind|llm\.request\.type"
    r"|logfire\.(msg|json_schema|span_type)|harness\..*"
)


class Facts:
    """Hand out the attributes of a span by name, and remember which were asked for."""

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        self._all = attributes
        self._used: set[str] = set()

    def get(self, *names: str) -> Any:
        """Give the first of these attributes that says anything; all of them count as understood."""
        self._used.update(names)
        return next((self._all[name] for name in names if self._all.get(name) is not None), None)

    def text(self, *names: str) -> str | None:
        """Give the first of these attributes that is a text, and no empty one."""
        self._used.update(names)
        return next((said for name in names if isinstance(said := self._all.get(name), str) and said), None)

    def number(self, *names: str) -> int | None:
        """Give the first of these attributes that is an integer."""
        self._used.update(names)
        return next((said for name in names if type(said := self._all.get(name)) is int), None)

    def data(self, *names: str) -> Any:
        """Give the first of these attributes as data: JSON where it is the text of some, else None."""
        said = self.get(*names)
        return as_data(said) if isinstance(said, str) else said

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        """Give ``PREFIX.N.REST`` as a list of ``{REST: value}``, by N; gaps are closed."""
        found: dict[int, dict[str, Any]] = defaultdict(dict)
        for name, value in self._all.items():
            number, dot, rest = name.removeprefix(f"{prefix}.").partition(".")
            if name.startswith(f"{prefix}.") and dot and number.isdecimal():
                self._used.add(name)
                found[int(number)][rest] = value
        return [found[number] for number in sorted(found)]

    def unread(self) -> Iterator[str]:
        """Yield the names that nobody asked for, numbers in them as ``*``."""
        for name in self._all:
            if name not in self._used and not _SILENT.fullmatch(name):
                yield _NUMBER.sub(".*", name)


def as_data(text: str) -> Any:
    """Give the value of a text that is JSON; None where it is none."""
    try:
        return canonical.decode(text.encode())
    except ValueError:
        return None


def arguments_of(said: Any) -> dict[str, Any]:
    """Give the arguments of a call; what is no JSON object stays as it stands under ``$unparsed``."""
    value = as_data(said) if isinstance(said, str) else said
    return value if isinstance(value, dict) else {"$unparsed": said}
