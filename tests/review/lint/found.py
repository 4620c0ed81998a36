"""What lint says of short registries."""

from __future__ import annotations

from harness.review.lint.diagnostic import Diagnostic
from harness.review.lint.lint import lint
from tests.review.registries import registry

PAY = (
    "tools:\n"
    "  pay: {effect: write, arguments: {type: object, required: [cents, to, rate],\n"
    "    properties: {cents: {type: integer, minimum: 1, maximum: 900}, to: {enum: [A, B]}, rate: {type: number}}}}\n"
    "  look: {effect: read, arguments: {type: object, properties: {q: {type: string}}},\n"
    "    result: {schema: {type: object, properties: {n: {type: integer}}}}}\n"
)


def rule(name: str, require: str, **fields: str) -> str:
    """Write a rule on calls of ``pay`` as a line of YAML."""
    stated = {"on": "action", "tool": "pay"} | fields
    stated |= {key: f"'{stated[key]}'" for key in ("when", "says") if key in stated}
    said = ", ".join(f"{key}: {value}" for key, value in stated.items())
    return f"- {{id: {name}, {said}, require: '{require}'}}\n"


def findings(check: str, rules: str, head: str = PAY) -> list[Diagnostic]:
    """Give the findings of one check."""
    return [one for one in lint(registry(rules, head)) if one.check == check]


def ids(check: str, *rules: str, head: str = PAY) -> list[str]:
    """Give the rules that one check names, in the order of their lines."""
    return [one.rule for one in findings(check, "".join(rules), head)]


def pointed(one: Diagnostic) -> str:
    """Give the characters that a finding points at."""
    at = one.mistake
    return at.source[at.column - 1 : at.column - 1 + at.length]
