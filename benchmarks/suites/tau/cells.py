"""One cell: one recorded conversation, how its agent went about it, and what a registry says of its writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.transcripts.conversation import Conversation
from harness.bench.task import Cell, Row
from harness.door.rules import NO_RULES
from harness.registry.registry import Registry

from .claims import Claims, claims_of
from .conduct import Conduct, conduct_of
from .data import JUDGED, Recordings, registry_of
from .traced import Traced
from .writes import Judged, Write, judged

TRACE: Final = "conversation.mat.jsonl"


class Run(NamedTuple):
    """One conversation as its row tells it; ``tokens``, ``claims`` and ``writes`` are None where nobody tells them."""

    of: str
    task: str
    agent: str
    passed: bool
    tokens: int | None
    conduct: Conduct
    claims: Claims | None
    writes: tuple[Write, ...] | None
    failures: tuple[Mapping[str, Any], ...]


class Judge(NamedTuple):
    """What does the cells of a folder's conversations."""

    recordings: Recordings

    def run(self, cell: Cell, folder: Path) -> Mapping[str, Any]:
        """Judge the conversation of a cell, and leave it in the folder as a trace."""
        conversation = self.recordings.of(cell)
        row, trace = found_in(conversation, cell.task.data["domain"])
        (folder / TRACE).write_bytes(trace)
        return {**row, "trace": TRACE}


def found_in(conversation: Conversation, domain: str) -> tuple[dict[str, Any], bytes]:
    """Judge one conversation, by a registry too where its domain has one; give its row and its trace.

    Its events are read more than once.
    """
    events, label = conversation.events, conversation.label
    registry = registry_of(domain) if domain in JUDGED else NO_RULES
    traced, claims = Traced(conversation, registry), claims_of(events)
    found = judged(traced, registry, label["gold"])
    row = {"passed": label["reward"] == 1, **conduct_of(events)._asdict()}
    if "tokens" in label:
        row["tokens"] = label["tokens"]
    if claims is not None:
        row |= {"claims": claims.stated, "unsupported": claims.unsupported, "used": claims.used}
    if registry is not NO_RULES:
        row |= _told(found, registry, label.get("failures", ()), passed=row["passed"])
    return row, traced.trace


def run_of(row: Row) -> Run:
    """Give back the conversation that a row tells of."""
    cell, found = row
    claims = Claims(found["claims"], found["unsupported"], found["used"]) if "claims" in found else None
    writes = tuple(Write(**one) for one in found["writes"]) if "writes" in found else None
    return Run(
        cell.task.group,
        cell.task.name,
        cell.condition.name,
        found["passed"],
        found.get("tokens"),
        Conduct(*(found[name] for name in Conduct._fields)),
        claims,
        writes,
        tuple(found.get("failures", ())),
    )


def _told(found: Judged, registry: Registry, annotated: Sequence[Mapping[str, Any]], *, passed: bool) -> dict[str, Any]:
    """Give what the registry says of the writes and of the annotated steps, and why a conversation may have failed."""
    blocking = {rule.id for rule in registry.invariants if rule.otherwise == "block"}
    at = found.violated
    failures = [
        {
            "step": failure["step_number"],
            "agent": failure["failed_agent"],
            "category": failure["failure_category"],
            "violated": sorted(at.get(failure["step_number"], ())),
            "stopped": not blocking.isdisjoint(at.get(failure["step_number"], ())),
        }
        for failure in annotated
    ]
    amiss = [f"{write.truth} {write.tool}" for write in found.writes if write.truth in ("wrong", "refused")]
    return {
        "violations": sorted(set(chain.from_iterable(at.values()))),
        "writes": [write._asdict() for write in found.writes],
        **({"why": ", ".join(amiss)} if amiss and not passed else {}),
        **({"failures": failures} if failures else {}),
    }
