"""What a registry changes of what it takes over from another, and when that makes it weaker."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from harness.registry.invariant import RESPONSES, SEVERITIES, Invariant


class Override(NamedTuple):
    """One change of an inherited part: the part and its name, its place before and now, and the reason given.

    ``reason`` is empty where none is asked for. A rule that is left out is ``dropped``.
    """

    part: Literal["rule", "dropped", "parameter", "definition", "tool", "agent", "rollout"]
    name: str
    before: str
    now: str
    reason: str = ""


def weakened(base: Invariant, rule: Invariant) -> str:
    """Say how a rule answers more mildly than the one it replaces; empty where it does not.

    Not verified: whether it requires less, or speaks of fewer steps.
    """
    milder = []
    if RESPONSES.index(rule.otherwise) < RESPONSES.index(base.otherwise):
        milder.append(f"otherwise: {rule.otherwise} instead of {base.otherwise}")
    if SEVERITIES.index(rule.severity) < SEVERITIES.index(base.severity):
        milder.append(f"severity: {rule.severity} instead of {base.severity}")
    return ", ".join(milder)


def weakens_tool(name: str, before: Any, now: Any) -> bool:
    """Tell whether a word on a tool takes something back that was said before."""
    if name == "effect":
        return bool(before == "write" and now == "read")
    if name == "idempotent":
        return bool(now and not before)
    if name == "trust":
        return bool(before == "untrusted" and now == "trusted")
    return name in ("idempotency_key", "undo", "probe", "domain", "impact") and before not in (None, now)
