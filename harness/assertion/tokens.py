"""Texts as tokens: lower case words without the punctuation around them.

What has dots, dashes, slashes or an at sign inside stays one token: an address, a date, a number, a file name. A text
without blanks between its words, as in Chinese, is one token.
"""

from __future__ import annotations

import re
from typing import Final

_BREAKS: Final = re.compile("[,;!?()\\[\\]{}<>\"'`|*=#$€£\\\\…“”‘’«»\n\t\r]")
_BLANKS: Final = {code: " " for code in range(128) if _BREAKS.match(chr(code))}
_MARK: Final = "\x1f"  # ASCII calls it the separator of units; no text holds it
_ENDS: Final = re.compile(r"[.:]{2,}")


def tokens_of(text: str) -> list[str]:
    """Cut a text into tokens: lower case, without punctuation around them. O(text)."""
    return _plain(text).split()


def cut(texts: list[str]) -> list[list[str]]:
    """Cut many texts into tokens, at one go where none of them holds the mark between them. O(texts)."""
    plain = _plain(f" {_MARK} ".join(texts)).split(_MARK)
    return [part.split() for part in plain] if len(plain) == len(texts) else list(map(tokens_of, texts))


def _plain(text: str) -> str:
    """Put blanks for punctuation, whichever way is the faster one."""
    folded = text.casefold()
    plain = folded.translate(_BLANKS) if folded.isascii() else _BREAKS.sub(" ", folded)
    if ".." in plain or "::" in plain:
        plain = _ENDS.sub(" ", plain)
    if ". " in plain or ": " in plain or plain.endswith((".", ":")):
        plain = f"{plain} ".replace(": ", " ").replace(". ", " ")
    return plain
