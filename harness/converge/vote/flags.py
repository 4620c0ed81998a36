"""Red flags: why a reply does not count as a vote. It is discarded then, never repaired: arXiv 2511.09030, section 4.

A reply that is long, or of the wrong form, is a sign that the model was confused while it wrote it, so what it says is
less likely to be right than what other replies say; put right it would still be.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from harness.assertion.interface import Checker
from harness.determinism import canonical
from harness.errors import UsageError
from harness.mediation.decision import decide
from harness.registry.complaint import nearest
from harness.registry.fault import fault
from harness.registry.invariant import Invariant
from harness.registry.program import validator
from harness.registry.registry import Registry
from harness.registry.tree import Call, Fold, mentions, walk
from harness.tool import ToolSpec
from harness.trace.event import Event

LONGEST: Final = 750
"""Tokens of a reply, beyond which it is not counted; arXiv 2511.09030."""

_BYTES_PER_TOKEN: Final = 4
_KEPT: Final = 4096
_OF_THE_RUN: Final = ("agent", "elapsed_s", "run", "step")


class Flag(NamedTuple):
    """Why a reply is discarded: in words, and the ``rule`` that says so, empty where it is its form or its length."""

    why: str
    rule: str = ""


class Flags:
    """Judge replies by the rules of a registry on one artifact, by its schema, and by their length.

    A reply is discarded where a rule would block an artifact, or have a person asked; what only warns lets it count.
    Rules that ask about the run, its past, its agent or its time, are left out: they are for what was decided.
    UsageError where the registry speaks of artifacts, and of none of this name. Not thread-safe.
    """

    def __init__(self, registry: Registry, artifact: str, longest: int = LONGEST) -> None:
        known = {rule.artifact for rule in registry.invariants if rule.artifact} | registry.artifacts.keys()
        if known and artifact not in known:
            cure = nearest(artifact, known) or f"declare it under artifacts:, or name one of {', '.join(sorted(known))}"
            raise UsageError(f"{registry.name} speaks of no artifact {artifact!r}", cure=cure)
        self._registry, self._artifact, self._longest = registry, artifact, longest
        self._schema = registry.artifacts.get(artifact, True)
        self._fits = validator(self._schema)
        self._later = frozenset(rule.id for rule in registry.invariants if _asks_the_run(rule))
        self._known: dict[bytes, Flag | None] = {}

    def against(self, written: bytes, tokens: int | None = None) -> Flag | None:
        """Say why a reply, written in canonical form, is discarded; None where it counts.

        Where its ``tokens`` are not stated, four bytes of what is written are taken for one.
        """
        length = len(written) / _BYTES_PER_TOKEN if tokens is None else tokens
        if length > self._longest:
            about = "about " if tokens is None else ""
            return Flag(f"{about}{length:.0f} tokens are more than {self._longest}")
        if written not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()  # a vote among so many different replies is decided by none of them
            self._known[written] = self._judged(canonical.decode(written))
        return self._known[written]

    def _judged(self, value: Any) -> Flag | None:
        wrong = fault(self._fits, self._schema, value)
        if wrong is not None:
            return Flag(f"{wrong.pointer or '/'}: {wrong.message}")
        event = Event(0, "note", "main", "0", (), 0, {"artifact": self._artifact, "data": value})
        judgement = Checker(self._registry).judge(event)
        now = tuple(one for one in judgement.verdicts if one.rule not in self._later)
        decision = decide(judgement._replace(verdicts=now), self._registry, ToolSpec(self._artifact), "enforce")
        return None if decision.decision == "allow" else Flag(decision.reason, decision.rule)


def _asks_the_run(rule: Invariant) -> bool:
    """Tell whether what a rule says of an artifact depends on the run that it is made in."""
    nodes = [node for tree in rule.trees() for node in walk(tree)]
    return (
        any(mentions(tree, name) for tree in rule.trees() for name in _OF_THE_RUN)
        or any(isinstance(node, Fold) for node in nodes)
        or any(isinstance(node, Call) and node.function == "source" for node in nodes)
    )
