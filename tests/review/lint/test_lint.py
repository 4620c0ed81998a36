"""Lint as a whole: order, places, and the registries that are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapters.registries import load_registry
from harness.review.lint.diagnostic import CHECKS, LEVELS
from harness.review.lint.lint import lint
from tests.review.lint.found import PAY, rule
from tests.review.registries import SHIPPED, linted, registry

CLEAN = (
    "- {id: A, on: action, tool: pay, require: call.args.cents < 500, otherwise: block, says: Less., source: policy,\n"
    "   examples: {holds: [[{pay: {cents: 1}}]], violated: [[{pay: {cents: 500}}]]}}\n"
    "- {id: B, on: action, tool: look, require: 'len(call.args.q) < 99', source: policy,\n"
    "   examples: {holds: [[{look: {q: a}}]], violated: [[{look: {q: b}}]]}}\n"
)


def test_a_sound_registry_has_no_findings() -> None:
    """Nothing is said where nothing is wrong."""
    assert lint(registry(CLEAN, PAY)) == []


def test_findings_come_in_the_order_of_the_lines() -> None:
    """File, line, then what is more serious; each has a known check and level, and shows its line."""
    told = lint(
        registry(rule("A", "call.args.cents > 900") + rule("B", "count(action, call.id != now.call.id) < 3"), PAY)
    )
    keys = [(one.mistake.line, LEVELS.index(one.level)) for one in told]
    assert keys == sorted(keys)
    assert {one.rule for one in told} >= {"A", "B"}
    for one in told:
        assert one.check in CHECKS
        assert one.mistake.source == one.mistake.source.rstrip() != ""
        assert str(one).split("\n")[0].endswith(f"[{one.check}]")


def test_every_check_can_be_made(tmp_path: Path) -> None:
    """One small registry makes every check speak that is listed."""
    (tmp_path / "all.yaml").write_text(_EVERYTHING)
    told = {one.check for one in lint(load_registry(tmp_path / "all.yaml"))}
    assert told == set(CHECKS)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_registries_have_no_errors(file: Path) -> None:
    """What is shipped has nothing that is surely wrong."""
    assert [str(one) for one in linted(file.stem) if one.level == "error"] == []


_EVERYTHING = """\
registry: all
version: 1
default: refuse
unknown: allow
parameters: {idle: 1}
define: {idler: params.idle}
tools:
  pay:
    effect: write
    arguments:
      {type: object, required: [n], properties: {n: {type: integer, minimum: 0, maximum: 9}, x: {type: number}}}
  look: {effect: read}
  idle: {effect: read}
  send: {effect: write}
artifacts:
  plan:
    schema:
      type: object
      required: [x, y]
      properties: {x: {type: number, minimum: 0, maximum: 9}, y: {type: number, minimum: 0, maximum: 9}}
  page: {schema: {type: object, required: [text], properties: {text: {type: string}}}}
graph: {start: [a], goals: {g: [a]}, tools: {send: {needs: [a], gives: [b]}}}
invariants:
- {id: DEAD, on: action, tool: pay, when: tool.effect == 'read', require: step < 9}
- {id: PATTERN, on: action, tool: [look, pay], when: tool.effect == 'write', require: call.args.n < 8}
- {id: QUESTION, on: action, tool: pay, require: "not happened(message, role == 'human')"}
- {id: NEVER, on: action, tool: pay, require: call.args.n > 9}
- {id: ALWAYS, on: action, tool: pay, require: call.args.n >= 0}
- {id: ONE, on: action, tool: pay, require: call.args.n < 5, otherwise: block}
- {id: OTHER, on: action, tool: pay, require: call.args.n > 6, otherwise: block}
- {id: DOUBLE, on: action, tool: pay, require: 5 > call.args.n}
- {id: COST, on: action, tool: pay, require: "count(action, call.id != now.call.id) < 3"}
- {id: KEYS, on: action, tool: pay, require: "count(action, call.id == now.call.id) < 3"}
- {id: WORDS, on: action, tool: pay, require: "last(message).text.matches('.*yes')"}
- {id: FLOAT, on: action, tool: pay, require: call.args.x == 0.1}
- {id: SUM, on: artifact, artifact: plan, require: artifact.x + artifact.y <= 7, otherwise: block}
- {id: LESS, on: artifact, artifact: plan, require: artifact.x - artifact.y >= 7, otherwise: block}
- {id: TWICE, on: artifact, artifact: plan, require: artifact.x * 2 + artifact.y <= 15}
- {id: TITLE, on: artifact, artifact: page, require: artifact.text != ""}
- {id: MONEY, on: action, tool: look, require: call.args.amount < 0.5}
"""


def test_an_inherited_rule_that_is_not_for_these_tools_is_no_error(tmp_path: Path) -> None:
    """A registry for any tools holds rules on tools that this one does not have; written here it is an error."""
    base = (
        "registry: base\nversion: 1\ndefault: allow\ninvariants:\n- id: KEYS\n  on: action\n"
        "  when: tool.idempotency_key != None\n  require: call.id != None\n"
    )
    (tmp_path / "base.yaml").write_text(base, "utf-8")
    mine = "registry: mine\nversion: 1\ndefault: refuse\ntools: {look: {effect: read}}\n"
    (tmp_path / "mine.yaml").write_text(f"{mine}extends: [base]\n", "utf-8")
    (tmp_path / "whole.yaml").write_text(mine + base[base.index("invariants") :], "utf-8")
    inherited, own = (
        {one.check: one.level for one in lint(load_registry(tmp_path / name))} for name in ("mine.yaml", "whole.yaml")
    )
    assert inherited["dead-rule"] == "note"
    assert own["dead-rule"] == "error"
