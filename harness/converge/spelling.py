"""How data is spelled for people and models."""

from __future__ import annotations

import json
from typing import Any

_SHOWN = 60


def as_json(value: Any) -> str:
    """Spell JSON data as it would be answered, in its own letters."""
    return json.dumps(value, ensure_ascii=False)


def shortly(value: Any) -> str:
    """Spell anything in at most a line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
