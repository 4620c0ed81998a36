"""The examples of a registry as its tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harness.registry.invariant import Invariant
from harness.registry.registry import Registry
from harness.review.stories import Example, alone, answer, examples_of, on_stage
from harness.trace.verdict import Verdict


class Failure(NamedTuple):
    """An example that does not show what it says: expected and found, and the verdict with the values that decided.

    ``verdict`` is None where the rule held or did not speak.
    """

    rule: Invariant
    example: Example
    found: str
    verdict: Verdict | None


class Trial(NamedTuple):
    """What came of a registry's examples: how many there are, those that failed, and the rules that lack a kind.

    ``derived`` counts the rules that follow from what is stated of agents; nobody writes them or examples of them.
    """

    examples: int
    failures: tuple[Failure, ...]
    never_hold: tuple[Invariant, ...]
    never_violated: tuple[Invariant, ...]
    derived: int = 0


def try_registry(registry: Registry) -> Trial:
    """Judge every example of every rule, each rule by itself. O(examples).

    Not shown: that a rule says what it should, beyond its examples; see ``mutate``.
    """
    rules = [rule for rule in registry.invariants if not rule.derived]
    return Trial(
        sum(len(rule.examples.holds) + len(rule.examples.violated) for rule in rules),
        tuple(failure for rule in rules for failure in _failures(rule, registry)),
        tuple(rule for rule in rules if not rule.examples.holds),
        tuple(rule for rule in rules if not rule.examples.violated),
        len(registry.invariants) - len(rules),
    )


def _failures(rule: Invariant, registry: Registry) -> Iterator[Failure]:
    own = on_stage(alone(rule, registry))
    for example in examples_of(rule):
        told = answer(example, own)
        if told.found != example.expected:
            yield Failure(rule, example, told.found, told.verdict)
