"""Turn a judgement into what is done: allow, rewrite, block or escalate."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal

from harness.registry.invariant import SEVERITIES
from harness.registry.registry import Registry
from harness.tool import ToolSpec
from harness.trace.verdict import KILL_SWITCH, Judgement, Verdict

Mode = Literal["shadow", "warn", "enforce"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done about a step, and the rule that decided it (empty where nothing stands against it).

    ``alternative`` is the rule's own advice, or the nearest values that would be right; ``retryable`` says whether the
    same call may be allowed later; ``who`` may decide otherwise; ``changes`` are the new values of arguments where the
    call is rewritten.
    """

    decision: Literal["allow", "rewrite", "block", "escalate"]
    rule: str = ""
    reason: str = ""
    alternative: str = ""
    retryable: bool = False
    changes: dict[str, Any] | None = None
    who: str = ""


ALLOW: Final = Decision("allow")
STOPPED: Final = Decision("block", KILL_SWITCH, "the kill switch is thrown", "Stop. Nothing is done until it is back.")
LET_PASS: Final = Decision("allow", KILL_SWITCH, "the kill switch is thrown: rules only observe")


def decide(
    judgement: Judgement, registry: Registry, spec: ToolSpec, mode: Mode, observed: Collection[str] = ()
) -> Decision:
    """Give what is done about a judgement of a call of ``spec``, or of its result.

    Only ``enforce`` ever blocks, and no rule that is ``observed`` in this run. A block goes before an escalation, that
    before a rewrite, a violation before what is unknown, then the more severe rule, then the order of the registry.
    What was to be rewritten but cannot be is blocked; the reason of an escalation names every rule against the call.
    Whether an unknown verdict counts is the registry's word. Not verified: the judgement itself.
    """
    if mode != "enforce":
        return ALLOW
    standing = [
        verdict
        for verdict in judgement.verdicts
        if verdict.rule not in observed and _stands_against(verdict, registry, spec)
    ]
    if not standing:
        return ALLOW
    deciding = min(standing, key=_rank)
    rule = registry.invariant(deciding.rule)
    response = _response(deciding)
    # whoever is asked must know all that speaks against the call, or would allow what was not asked
    told = [one for one in standing if one is not deciding] if response == "escalate" else []
    return Decision(
        response,
        deciding.rule,
        "; also ".join([_reason(deciding, registry), *(f"{one.rule}: {_reason(one, registry)}" for one in told)]),
        deciding.says or "; ".join(map(str, deciding.gradient)),
        rule.retryable if rule else False,
        deciding.rewrite,
        rule.who if rule else "",
    )


def _response(verdict: Verdict) -> Literal["rewrite", "block", "escalate"]:
    if verdict.otherwise == "escalate":
        return "escalate"
    return "rewrite" if verdict.otherwise == "rewrite" and verdict.rewrite is not None else "block"


def _rank(verdict: Verdict) -> tuple[int, bool, int]:
    response = ("block", "escalate", "rewrite").index(_response(verdict))
    return response, verdict.truth != "violated", -SEVERITIES.index(verdict.severity)


def _stands_against(verdict: Verdict, registry: Registry, spec: ToolSpec) -> bool:
    if verdict.otherwise not in ("rewrite", "block", "escalate"):
        return False
    if verdict.truth == "unknown":
        return registry.unknown == "block" or (registry.unknown == "block_writes" and spec.effect == "write")
    return verdict.truth == "violated"


def _reason(verdict: Verdict, registry: Registry) -> str:
    rule = registry.invariant(verdict.rule)
    title = rule.title if rule else ""
    if verdict.truth == "unknown":
        return f"it could not be decided whether this holds: {title or verdict.rule} ({verdict.reason})"
    by = f" (by {-verdict.margin:g})" if verdict.margin is not None and verdict.margin < 0 else ""
    return f"{verdict.reason or title or 'the rule is violated'}{by}"
