"""Where values come from."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from harness.tool import Trust

Kind = Literal["user", "system", "registry", "tool", "assistant"]


class Origin(NamedTuple):
    """Say where a value was seen."""

    kind: Kind
    tool: str
    trust: Trust
    seq: int
    step: int
    grade: Literal["exact", "derived"]
    field: str


class Provenance:
    """Remember values."""

    def learn(self, value: Any, kind: Kind, *, tool: str = "", trust: Trust = "unknown", seq: int, step: int) -> None:
        """Learn."""

    def origins(self, value: Any) -> tuple[Origin, ...]:
        """Give origins."""
        return ()
