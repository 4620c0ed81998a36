"""One rule, one step: the exact verdict, with everything that decided it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from harness.assertion.gradient import gradient, replaced
from harness.assertion.obligation import Obligation
from harness.assertion.past import Past
from harness.registry.explain import Explanation, shortened
from harness.registry.fault import fault
from harness.registry.invariant import Expression, Invariant, Shape
from harness.registry.margin import ValueOf, margin
from harness.registry.program import Program
from harness.registry.template import Hole
from harness.registry.tree import Node
from harness.registry.values import Undefined, truth
from harness.trace.verdict import Move, Truth, Verdict

MAX_MEASURED: Final = 300  # iterations of a requirement: beyond, how far it is from its boundary is not worked out


def examine(rule: Invariant, program: Program, names: dict[str, Any], past: Past) -> Verdict | None:
    """Give a rule's verdict on a step, or None where its guard does not hold.

    ``names`` is what expressions can speak of. A guard or requirement that lacks data, or that crashes, is unknown
    and says why; it is never taken for holding. Not verified: anything the rule does not state.
    """
    speaks = guard(rule, names, past)
    if speaks is not True:
        return speaks or None
    try:
        if isinstance(rule.require, Shape):
            return _shape(rule, rule.require, program, names, past)
        return _expression(rule, rule.require, names, past)
    except Exception as error:  # noqa: BLE001 - a rule must never bring a run down, and a crash is no answer: unknown
        return _crashed(rule, error)


def guard(rule: Invariant, names: dict[str, Any], past: Past) -> bool | Verdict:
    """Tell whether a rule speaks of a step; where that cannot be decided, the verdict ``unknown``."""
    if rule.when is None:
        return True
    try:
        explanation = Explanation(rule.when.text, names, past.asked, past)
        answer, reason = _answer(explanation, rule.when.tree)
        if answer != "unknown":
            return answer == "holds"
        return _verdict(rule, explanation, answer, f"when: {reason}", names, past)
    except Exception as error:  # noqa: BLE001 - as in examine
        return _crashed(rule, error)


def measure(rule: Invariant, names: dict[str, Any], past: Past) -> float | None:
    """Give the signed distance of a step from a rule's boundary, also where the rule holds.

    None where the rule does not speak of the step, or where nothing is compared by number.
    """
    try:
        if isinstance(rule.require, Shape) or guard(rule, names, past) is not True:
            return None
        found = margin(rule.require.tree, _values(rule.require.text, names, past))
        return None if found is None else float(found.value)
    except Exception:  # noqa: BLE001 - as in examine
        return None


def examine_undone(obligation: Obligation, past: Past) -> Verdict:
    """Give the verdict on a step after which what it obliged to did not come in time.

    Unknown where an event came of which it cannot be said whether it would have done.
    """
    rule, doubt = obligation.rule, obligation.doubt
    reason = str(doubt) if doubt else "what had to follow did not"
    truth: Truth = "unknown" if doubt else "violated"
    says, evidence = _says(rule, obligation.names, past), (obligation.seq,)
    return Verdict(rule.id, truth, rule.severity, says, rule.otherwise, evidence=evidence, reason=reason)


def _crashed(rule: Invariant, error: Exception) -> Verdict:
    reason = f"{type(error).__name__}: {error}"
    return Verdict(rule.id, "unknown", rule.severity, otherwise=rule.otherwise, reason=reason)


def _answer(explanation: Explanation, tree: Node) -> tuple[Truth, str]:
    try:
        return ("holds" if truth(explanation.value(tree)) else "violated"), ""
    except Undefined as error:
        return "unknown", str(error)


def _expression(rule: Invariant, require: Expression, names: dict[str, Any], past: Past) -> Verdict:
    explanation = Explanation(require.text, names, past.asked, past)
    answer, reason = _answer(explanation, require.tree)
    distance: float | None = None
    moves: tuple[Move, ...] = ()
    with suppress(Exception):  # what is told beside an answer must not change it: a violation would become unknown
        if explanation.spent <= MAX_MEASURED:
            value_of = _values(require.text, names, past)
            measured = margin(require.tree, value_of)
            distance = measured.value if measured else None
            moves = gradient(require.tree, value_of) if answer == "violated" else ()
    verdict = _verdict(rule, explanation, answer, reason, names, past, distance, moves)
    return replace(verdict, rewrite=_rewrite(rule, names, past)) if rule.rewrite and answer == "violated" else verdict


def _rewrite(rule: Invariant, names: dict[str, Any], past: Past) -> dict[str, Any] | None:
    """Give the values that put a call right, by the name of the argument; None where one has no value."""
    args: dict[str, Any] = names["call"]["args"]
    changed: dict[str, Any] = {}
    try:
        for place, one in rule.rewrite:
            _, name, *path = place.split(".")
            value = Explanation(one.text, names, past.asked, past).value(one.tree)
            changed[name] = _put(changed.get(name, args.get(name)), path, value)
    except Undefined:
        return None
    return changed


def _put(whole: Any, path: Sequence[str], value: Any) -> Any:
    """Give a value with another one at a path of keys; Undefined where the path leads through what is no object."""
    if not path:
        return value
    if type(whole) is not dict:
        raise Undefined(f"there is no {path[0]} to rewrite")
    return {**whole, path[0]: _put(whole.get(path[0]), path[1:], value)}


def _verdict(
    rule: Invariant,
    explanation: Explanation,
    answer: Truth,
    reason: str,
    names: dict[str, Any],
    past: Past,
    distance: float | None = None,
    moves: tuple[Move, ...] = (),
) -> Verdict:
    return Verdict(
        rule.id,
        answer,
        rule.severity,
        says=_says(rule, names, past),
        otherwise=rule.otherwise,
        values=explanation.seen,
        evidence=tuple(sorted(explanation.evidence)),
        margin=distance,
        reason=reason,
        gradient=moves,
    )


def _values(text: str, names: dict[str, Any], past: Past) -> ValueOf:
    def value_of(node: Node, changes: Mapping[str, Any]) -> Any:
        return Explanation(text, replaced(names, changes), past.asked, past).value(node)

    return value_of


def _says(rule: Invariant, names: dict[str, Any], past: Past) -> str:
    def value_of(hole: Hole) -> Any:
        return Explanation(hole.text, names, past.asked, past).value(hole.tree)

    return rule.says.render(value_of) if rule.says else ""


def _shape(rule: Invariant, shape: Shape, program: Program, names: dict[str, Any], past: Past) -> Verdict:
    where = "call.args" if shape.part == "arguments" else shape.part
    if shape.part == "result" and "result" not in names:
        return Verdict(rule.id, "unknown", rule.severity, otherwise=rule.otherwise, reason="there is no result here")
    instance = names["call"]["args"] if shape.part == "arguments" else names[shape.part]
    wrong = fault(program.validators[rule.id], shape.schema, instance)
    if wrong is None:
        return Verdict(rule.id, "holds", rule.severity, otherwise=rule.otherwise)
    place = where + wrong.pointer
    return Verdict(
        rule.id,
        "violated",
        rule.severity,
        says=_says(rule, names, past),
        otherwise=rule.otherwise,
        values={place: shortened(wrong.part)},
        reason=f"{place}: {wrong.message}",
    )
