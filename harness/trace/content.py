"""Write long text once: later uses point at the first.

Agents repeat themselves: a model's answer is sent back with the next request, a tool's answer becomes a message. The
second time a text of 256 characters or more is used, the line says ``{"$same": "SEQ/pointer"}`` instead. (An object
that has such a key of its own is written as ``{"$same": [object]}``.) Writer and reader keep the same bounded window of
places in the same order, so that both need constant memory and a reader never seeks.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any, Final

from harness.determinism.canonical import digest, escape

MIN_CHARS: Final = 256
_LONG: Final = re.compile(rb'"[^"]{%d}' % MIN_CHARS)
_LARGE: Final = 1024  # from here on escaped quotes, behind which a long text may hide, are worth a look too
_WINDOW_ENTRIES: Final = 4096
_WINDOW_CHARS: Final = 16 << 20


class Window:
    """Remember where recent long texts stand, oldest forgotten first."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}
        self._texts: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._chars = 0

    @staticmethod
    def concerns(body: bytes) -> bool:
        """Tell cheaply whether an encoded body can hold a long text or a reference at all.

        A body that holds neither is the same bytes folded and unfolded, so writer and reader decide alike.
        """
        if b'"$same"' in body:
            return True
        return len(body) >= MIN_CHARS and (_LONG.search(body) is not None or (len(body) >= _LARGE and b'\\"' in body))

    def fold(self, body: dict[str, Any], seq: int) -> dict[str, Any]:
        """Replace known texts by their places and remember the new ones; gives ``body`` itself if nothing changed."""
        folded: dict[str, Any] = self._fold(body, str(seq))
        return folded

    def unfold(self, body: dict[str, Any], seq: int) -> dict[str, Any]:
        """Put the texts back; KeyError names a place that holds none."""
        unfolded: dict[str, Any] = self._unfold(body, str(seq))
        return unfolded

    def _fold(self, value: Any, place: str) -> Any:
        kind = type(value)
        if kind is str:
            if len(value) < MIN_CHARS:
                return value
            key = digest(value.encode())
            known = self._places.get(key)
            if known is not None:
                return {"$same": known}
            self._remember(key, place, value)
        elif kind is dict:
            folded = {key: self._fold(item, f"{place}/{escape(key)}") for key, item in value.items()}
            return {"$same": [folded]} if "$same" in value else _rebuilt(value, folded)
        elif kind is list:
            return _rebuilt(value, [self._fold(item, f"{place}/{index}") for index, item in enumerate(value)])
        return value

    def _unfold(self, value: Any, place: str) -> Any:
        kind = type(value)
        if kind is str and len(value) >= MIN_CHARS:
            self._remember(digest(value.encode()), place, value)
        elif kind is dict:
            if "$same" in value:
                said = value["$same"]
                if type(said) is str:
                    return self._texts[said][1]
                value = said[0]
            return _rebuilt(value, {key: self._unfold(item, f"{place}/{escape(key)}") for key, item in value.items()})
        elif kind is list:
            return _rebuilt(value, [self._unfold(item, f"{place}/{index}") for index, item in enumerate(value)])
        return value

    def _remember(self, key: str, place: str, text: str) -> None:
        self._places[key] = place
        self._texts[place] = (key, text)
        self._chars += len(text)
        while len(self._texts) > _WINDOW_ENTRIES or self._chars > _WINDOW_CHARS:
            _, (old, gone) = self._texts.popitem(last=False)
            del self._places[old]
            self._chars -= len(gone)


def _rebuilt(old: Any, new: Any) -> Any:
    """Keep the old container where nothing inside it changed, so that identity tells whether to encode again."""
    items = zip(old.values(), new.values(), strict=True) if type(old) is dict else zip(old, new, strict=True)
    return old if all(before is after for before, after in items) else new
