"""Write long text once: later uses point at the first.

Agents repeat themselves: a model's answer is sent back with the next request, a tool's answer becomes a message. The
second time a text of 256 characters or more is used, the line says ``{"$same": "SEQ:N"}`` instead: the N-th long text,
from 0, that event SEQ was the first to use. (An object that has such a key of its own is written as
``{"$same": [object]}``.) Writer and reader keep the same bounded window of
places in the same order, so that both need constant memory and a reader never seeks.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any, Final

from harness.determinism.canonical import digest

MIN_CHARS: Final = 256
MARKS: Final = (rb'\$same"', b'[^"]{%d}' % MIN_CHARS)  # one of these follows a quote in a body that has to be folded
_MARKED: Final = re.compile(b'"(?:%b)' % b"|".join(MARKS))
LARGE: Final = 1024  # from here on escaped quotes, behind which a long text may hide, are worth a look too
_WINDOW_ENTRIES: Final = 4096
_WINDOW_CHARS: Final = 16 << 20


class Window:
    """Remember where recent long texts stand, oldest forgotten first."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}
        self._texts: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._chars = 0
        self._seq = self._count = 0

    @staticmethod
    def concerns(body: bytes) -> bool:
        """Tell cheaply whether an encoded body can hold a long text or a reference at all.

        A body that holds neither is the same bytes folded and unfolded, so writer and reader decide alike.
        """
        return _MARKED.search(body) is not None or (len(body) >= LARGE and b'\\"' in body)

    def fold(self, body: dict[str, Any], seq: int, *, sorted_keys: bool) -> dict[str, Any]:
        """Replace known texts by their places and remember the new ones; gives ``body`` itself if nothing changed.

        ``sorted_keys`` says in which order the body will be written, and so in which order its texts are counted.
        """
        self._begin(seq)
        folded: dict[str, Any] = self._fold(body, sorted_keys)
        return folded

    def unfold(self, body: dict[str, Any], seq: int) -> dict[str, Any]:
        """Put the texts back; KeyError names a place that holds none."""
        self._begin(seq)
        unfolded: dict[str, Any] = self._unfold(body)
        return unfolded

    def _begin(self, seq: int) -> None:
        self._seq, self._count = seq, 0

    def _fold(self, value: Any, sorted_keys: bool) -> Any:
        kind = type(value)
        if kind is str:
            if len(value) < MIN_CHARS:
                return value
            key = digest(value.encode())
            known = self._places.get(key)
            if known is not None:
                return {"$same": known}
            self._remember(key, value)
        elif kind is dict:
            names = sorted(value) if sorted_keys else value
            folded = {name: self._fold(value[name], sorted_keys) for name in names}
            if "$same" in value:
                return {"$same": [folded]}
            return folded if any(folded[name] is not item for name, item in value.items()) else value
        elif kind is list:
            items = [self._fold(item, sorted_keys) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        return value

    def _unfold(self, value: Any) -> Any:
        kind = type(value)
        if kind is str and len(value) >= MIN_CHARS:
            self._remember(digest(value.encode()), value)
        elif kind is dict:
            said = value.get("$same")
            if type(said) is str:
                return self._texts[said][1]
            return {name: self._unfold(item) for name, item in (value if said is None else said[0]).items()}
        elif kind is list:
            return [self._unfold(item) for item in value]
        return value

    def _remember(self, key: str, text: str) -> None:
        place = f"{self._seq}:{self._count}"
        self._count += 1
        self._places[key] = place
        self._texts[place] = (key, text)
        self._chars += len(text)
        while len(self._texts) > _WINDOW_ENTRIES or self._chars > _WINDOW_CHARS:
            _, (old, gone) = self._texts.popitem(last=False)
            del self._places[old]
            self._chars -= len(gone)
