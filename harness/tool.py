"""The one frozen declaration of a tool, whoever makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

Effect = Literal["read", "write"]
Trust = Literal["trusted", "untrusted", "unknown"]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """Declare what a tool takes, gives and does to the world.

    ``arguments`` and ``result`` are JSON Schemas (Draft 2020-12) or None where nothing is promised.
    ``result_format`` is ``json`` where the tool answers with JSON text that rules want to read as data.
    ``idempotency_key`` names the argument that carries the key, ``undo`` and ``probe`` name other tools. An
    asynchronous call that takes longer than ``timeout_ms`` is cancelled. An unknown effect is declared as ``write``:
    the harness never assumes that a call is harmless.
    """

    name: str
    effect: Effect = "write"
    idempotent: bool = False
    arguments: dict[str, Any] | None = field(default=None, hash=False)
    result: dict[str, Any] | None = field(default=None, hash=False)
    result_format: Literal["value", "json"] = "value"
    idempotency_key: str | None = None
    undo: str | None = None
    probe: str | None = None
    trust: Trust = "unknown"
    needs: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    cost: float = 1.0
    domain: str | None = None
    timeout_ms: int | None = None
    impact: str | None = None

    def keyed(self, args: Mapping[str, Any]) -> bool:
        """Tell whether a call carries its idempotency key; null or an empty text, such as a default, is none."""
        return self.idempotency_key is not None and args.get(self.idempotency_key) not in (None, "")

    def repeatable(self, args: Mapping[str, Any]) -> bool:
        """Tell whether a call may be made again with the same arguments without doing anything twice."""
        if self.effect == "read":
            return True
        return self.keyed(args) if self.idempotency_key is not None else self.idempotent

    def stated(self) -> dict[str, Any]:
        """Give the fields that are not as they would be by themselves, as JSON data: what a digest is taken of."""
        values = {one.name: (getattr(self, one.name), one.default) for one in fields(self) if one.name != "name"}
        return {
            name: list(value) if type(value) is tuple else value
            for name, (value, default) in values.items()
            if value != default
        }


SEND: Final = ToolSpec("send", idempotent=True)
HANDOFF: Final = ToolSpec("handoff", idempotent=True)
MEMORY_READ: Final = ToolSpec("memory.read", effect="read", idempotent=True)
MEMORY_WRITE: Final = ToolSpec("memory.write", idempotent=True)
BUS: Final = {spec.name: spec for spec in (SEND, HANDOFF, MEMORY_READ, MEMORY_WRITE)}
"""What agents do to each other: they say something, hand over, look up and keep what they share."""
