"""What two versions of a registry mean differently."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from harness.adapters.registries import load_registry
from harness.review.difference import differences
from harness.tool import ToolSpec
from tests.review.registries import SHIPPED, registry

HEAD = "parameters: {p: 1}\ntools: {pay: {effect: write, undo: pay}, look: {effect: read}}\n"
RULES = (
    "- {id: A, on: action, tool: pay, require: call.args.a < 5, severity: low}\n- {id: B, on: end, require: step > 1}\n"
)


def test_every_part_is_compared() -> None:
    """Rules, parameters, tools and words of the head: what was added, removed and changed, with places and texts."""
    old = registry(RULES, HEAD, "old.yaml")
    new = registry(
        "- {id: A, on: action, tool: [pay, see], when: step > 2, require: call.args.a <= 5, severity: high}\n"
        "- {id: C, on: end, when: step > 3, require: step > 1}\n",
        "unknown: block\nparameters: {p: 1.0, q: 2}\ntools: {pay: {effect: write, cost: 2}, see: }\n",
        "new.yaml",
    )
    told = [(one.what, one.part, one.name, one.field, one.before, one.after) for one in differences(old, new)]
    assert told == [
        ("changed", "registry", "r", "unknown", "block_writes", "block"),
        ("changed", "parameter", "p", "value", "1", "1.0"),
        ("added", "parameter", "q", "", "", "2"),
        ("changed", "tool", "pay", "cost", "", "2"),
        ("changed", "tool", "pay", "undo", '"pay"', ""),
        ("removed", "tool", "look", "", '{"effect": "read"}', ""),
        ("added", "tool", "see", "", "", "{}"),
        ("removed", "rule", "B", "", "step > 1", ""),
        ("changed", "rule", "A", "tools", "pay", "pay, see"),
        ("changed", "rule", "A", "when", "", "step > 2"),
        ("changed", "rule", "A", "require", "call.args.a < 5", "call.args.a <= 5"),
        ("changed", "rule", "A", "severity", "low", "high"),
        ("added", "rule", "C", "", "", "when step > 3: step > 1"),
    ]
    places = {(one.part, one.name): one.place for one in differences(old, new)}
    assert (places["rule", "B"], places["rule", "A"]) == ("old.yaml:8", "new.yaml:8")
    assert (places["tool", "look"], places["parameter", "q"]) == ("old.yaml:5", "new.yaml:5")


def test_what_enforces_rules_is_compared() -> None:
    """Shares, the kill switch, who may decide otherwise, and how trust moves; each changes the digest."""
    agents = "agents: {clerk: {trust: {recover: 0.01}}}\n"
    old = registry(RULES, f"rollout: {{A: 10 %, B: 5 %}}\n{agents}{HEAD}")
    rules = RULES.replace("severity: low", "severity: low, who: ann")
    new = registry(rules, f"rollout: {{A: 20 %}}\nkill: fail_open\n{agents.replace('0.01', '0.005')}{HEAD}")
    told = [(one.what, one.part, one.name, one.field) for one in differences(old, new)]
    assert told == [
        ("changed", "registry", "r", "kill"),
        ("changed", "rollout", "A", "value"),
        ("removed", "rollout", "B", ""),
        ("changed", "agent", "clerk", "value"),
        ("changed", "rule", "A", "who"),
    ]


def test_graphs_are_compared() -> None:
    """Arcs by what they need and give, goals and their order, and the policy; and no graph with one."""
    graph = "graph:\n  goals: {A: [a], B: [a]}\n  start: [s]\n  joins: {a: [s]}\n"
    other = graph.replace("{A: [a], B: [a]}", "{B: [a], A: [a, s]}").replace("a: [s]", "a: {needs: [s], cost: 2}")
    old, new = registry(RULES, HEAD + graph, "old.yaml"), registry(RULES, f"{HEAD}{other}  policy: {{retries: 9}}\n")
    told = {(one.what, one.part, one.name) for one in differences(old, new)}
    assert told == {
        ("changed", "graph", name) for name in ("order of goals", "goal A", "a join: s → a", "policy retries")
    }
    assert list(differences(old, registry(RULES, HEAD + graph))) == []
    added = list(differences(registry(RULES, HEAD), old))
    assert {one.what for one in added} == {"added"}
    assert {("tool", "A"), ("graph", "start"), ("graph", "goal B")} <= {(one.part, one.name) for one in added}
    assert {one.place for one in added if one.part == "graph"} == {"old.yaml:7"}


def test_layout_titles_and_examples_are_no_difference() -> None:
    """What the digest leaves out is left out here."""
    other = RULES.replace("call.args.a < 5", "(call.args.a  <  5), title: x, source: y")
    assert list(differences(registry(RULES, HEAD), registry(f"# a comment\n{other}", HEAD))) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_no_differences_exactly_where_the_digest_is_the_same(path: Path) -> None:
    """The law, over versions of a shipped registry with one thing changed each."""
    shipped = load_registry(path)
    first, *others = shipped.invariants
    tool = next(iter(shipped.tools.values()), ToolSpec("pay"))
    versions = [
        shipped,
        replace(shipped, invariants=(replace(first, title="another title"), *others)),
        replace(shipped, invariants=(*others, first)),
        replace(shipped, invariants=tuple(others)),
        replace(shipped, invariants=(replace(first, retryable=not first.retryable), *others)),
        replace(shipped, parameters=shipped.parameters | {"another": True}),
        replace(shipped, parameters=shipped.parameters | {"another": 1}),
        replace(shipped, tools=shipped.tools | {tool.name: replace(tool, cost=tool.cost + 1)}),
        replace(shipped, default="allow" if shipped.default == "refuse" else "refuse"),
    ]
    for old, new in permutations(versions, 2):
        assert (not list(differences(old, new))) == (old.digest == new.digest)
