"""What questions about the past cost: what grows with the run, and what keeps it from being indexed.

Read off the plans that the monitors follow, see ``registry.plan``. Not measured: time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from harness.registry.invariant import Invariant
from harness.registry.plan import Plan, plan_of
from harness.registry.reduce import known_of, reduce
from harness.registry.registry import Registry
from harness.registry.tree import Compare, Fold, Node, walk
from harness.registry.write import write
from harness.review.lint.diagnostic import Diagnostic, diagnostic
from harness.review.lint.speaking import texts

_MAX_SHOWN: Final = 60  # the line itself is shown below the message


def costs(registry: Registry) -> Iterator[Diagnostic]:
    """Yield the questions of a registry's rules whose time or memory is not bounded; in each rule each only once."""
    known = known_of(None, registry.parameters)
    for rule in registry.program.rules:
        if not rule.derived:
            yield from _costs(rule, known)


def _costs(rule: Invariant, known: Mapping[str, Any]) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for key, tree, start in texts(rule):
        for node in walk(tree):
            if not isinstance(node, Fold) or write(node) in seen:
                continue
            seen.add(write(node))
            asked = reduce(replace(node, index=-1), known)
            assert isinstance(asked, Fold)
            plan = plan_of(asked)
            part, said, cure = _told(node, plan)
            if said:
                check = "unbounded-cost" if plan.cost == "history" else "growing-memory"
                begin, end = part.span
                yield diagnostic(check, rule.id, rule.at.find([key]), said, cure, start=start + begin, end=start + end)


def _told(node: Fold, plan: Plan) -> tuple[Node, str, str]:
    if plan.cost == "history":
        return _growing(node, plan)
    if plan.cost == "keys":
        said = f"one {plan.past} is remembered for each different {_keys(plan)}, as long as the run lasts"
        return node, said, "if that is too much, ask within=…"
    return node, "", ""


def _growing(node: Fold, plan: Plan) -> tuple[Node, str, str]:
    every = f"every {plan.past} that ever fitted is looked at again at each step"
    if plan.residual is not None:
        part = _first_part(plan.residual)
        said = f"{every}: {_short(write(part))} joins it to the present step by no equality"
        return part, said, _cure(part)
    if node.since is not None:
        said = f"{every}: since= begins elsewhere for each present step"
        return node.since or node, said, "ask since=last(…) without now, or within=…"
    return node, f"{every}: {node.verb}(…) needs all of them", "ask within=…"


def _first_part(residual: Node) -> Node:
    parts = getattr(residual, "parts", ())
    return parts[0] if parts else residual


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def _cure(part: Node) -> str:
    window = "or put a window around it: within=100"
    if isinstance(part, Compare) and part.operators[0] in ("!=", "not in"):
        return f"count what is equal and take it from all, {window}"
    if isinstance(part, Compare) and part.operators[0] in ("<", "<=", ">", ">="):
        return f"compare one number of the present step with last(…), first(…) or total(…), {window}"
    return f"write what joins the two as field == now.field, without calls around both, {window}"


def _keys(plan: Plan) -> str:
    return " and ".join(write(join.event) for join in plan.joins) or "step that waits"
