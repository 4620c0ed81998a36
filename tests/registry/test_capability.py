"""What an agent may do, judged as rules."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assertion.interface import Checker
from harness.errors import RegistryError
from harness.registry.capability import of_authority
from harness.registry.load import load
from harness.registry.publish import publish
from harness.registry.registry import Registry, join
from harness.trace.event import Event

HEAD = "registry: shop\nversion: 1\ndefault: {}\n"
TOOLS = """tools:
  pay:
    effect: write
    arguments: {type: object, properties: {cents: {type: integer, unit: cent}, to: {type: string}}}
  look: {effect: read, arguments: {type: object, properties: {id: {}}}}
  look_closer: {effect: read}
parameters: {limit: {value: 50, unit: cent, narrower: lower}, usd: {value: 1, unit: USD}}
"""


def agents(text: str, default: str = "refuse") -> Registry:
    """Load a registry of agents and nothing else; the first is in line 12."""
    return load(HEAD.format(default) + TOOLS + f"agents:\n{text}", "shop.yaml")


def mistakes(text: str) -> list[str]:
    """Give the mistakes of what is stated of agents, with their places and cures."""
    with pytest.raises(RegistryError) as caught:
        agents(text)
    return [f"{one.line}: {one.message} | {one.cure}" for one in caught.value.mistakes]


class Run:
    """A run under a registry, in which a violated rule keeps a call from being made."""

    def __init__(self, registry: Registry) -> None:
        self._checker = Checker(registry)
        self._seq = 0

    def call(self, agent: str, tool: str, args: dict[str, Any], ok: Any = None, *, at: int = 0) -> list[str]:
        """Make a call of a tool, or of a model by the tool ``chat``; give the ids of the rules that do not hold."""
        surface = "model" if tool == "chat" else "tool"
        body = {"surface": surface, "tool": tool, "args": args, "rules": []}
        judgement = self._checker.judge(self._event("action", agent, at, body))
        action = self._seq - 1
        if judgement.verdicts:
            self._checker.judge(
                self._event("decision", agent, at, {"action": action, "decision": "block", "rule": "any"})
            )
        else:
            self._checker.judge(self._event("observation", agent, at, {"action": action, "ok": ok}))
        return [f"{verdict.rule} {verdict.truth}" for verdict in judgement.verdicts]

    def _event(self, kind: Any, agent: str, at: int, body: dict[str, Any]) -> Event:
        self._seq += 1
        return Event(self._seq - 1, kind, agent, "0", (), at, body)


def test_rules_on_authority_are_told_from_budgets() -> None:
    """What an agent may do, and with which arguments, is its authority; how much of it is not."""
    grants = "may: [look, {tool: pay, args: {properties: {cents: {maximum: 5}}}}]"
    budget = "budget: {calls: 9, tokens: 10k, cents: 50}"
    trust = "trust: {tiers: [{below: 0.5, may: [look], writes: block, budget: {calls: 1}}]}"
    registry = agents(f"  clerk: {{{grants}, {budget}, {trust}}}\n")
    found = {rule.id: of_authority(rule.id) for rule in registry.invariants}
    assert {rule for rule, told in found.items() if told} == {
        "AGENT-DECLARED",
        "AGENT-clerk-MAY",
        "AGENT-clerk-ARGS-pay",
        "AGENT-clerk-BELOW-0.5-MAY",
        "AGENT-clerk-BELOW-0.5-WRITES",
    }
    assert len(found) == 9


def test_an_agent_uses_only_the_tools_it_may_use() -> None:
    """Names and globs; another agent has its own; a model call is no tool."""
    run = Run(agents("  support: {may: [look*]}\n  clerk: {may: [pay]}\n  idle: {may: []}\n  free:\n"))
    assert run.call("support", "look", {}) == run.call("support", "look_closer", {}) == []
    assert run.call("support", "pay", {}) == ["AGENT-support-MAY violated"]
    assert run.call("clerk", "pay", {}) == []
    assert run.call("clerk", "look", {}) == ["AGENT-clerk-MAY violated"]
    assert run.call("idle", "look", {}) == ["AGENT-idle-MAY violated"]
    assert run.call("free", "pay", {}) == run.call("support", "chat", {}) == []


@pytest.mark.parametrize("glob", ["get_*_by_*", "*_by_*", "get_[a-z]*_by_i?", "*"])
def test_a_glob_fits_what_it_fits_in_a_shell(glob: str) -> None:
    """The regular expression that is derived of it says the same as fnmatch, on names that end in a newline too."""
    run = Run(load(HEAD.format("allow") + f"agents: {{support: {{may: ['{glob}']}}}}\n", "shop.yaml"))
    for tool in ("get_order_by_id", "get_by_id", "xget_a_by_id", "get_a_by_id\n", "by", ""):
        assert (run.call("support", tool, {}) == []) == fnmatchcase(tool, glob), tool


def test_arguments_may_be_narrowed() -> None:
    """A grant with a schema holds for that agent's calls of the tool."""
    run = Run(
        agents("  support: {may: [{tool: pay, args: {properties: {cents: {maximum: 5}}}}]}\n  boss: {may: [pay]}\n")
    )
    assert run.call("support", "pay", {"cents": 5}) == []
    assert run.call("support", "pay", {"cents": 6}) == ["AGENT-support-ARGS-pay violated"]
    assert run.call("boss", "pay", {"cents": 6}) == []


def test_calls_are_counted_for_each_agent() -> None:
    """At most so many, blocked ones not among them, in all or within a window."""
    run = Run(agents("  a: {budget: {calls: 2, tool: look*}}\n  b: {budget: {calls: 1, within: 1 min}}\n"))
    assert [run.call("a", tool, {}) for tool in ("look", "pay", "look_closer")] == [[], [], []]
    assert run.call("a", "look", {}) == run.call("a", "look", {}) == ["AGENT-a-CALLS-ON-look violated"]
    assert run.call("a", "pay", {}) == []
    assert run.call("b", "pay", {}, at=10**9) == []
    assert run.call("b", "pay", {}, at=50 * 10**9) == ["AGENT-b-CALLS-WITHIN-1-min violated"]
    assert run.call("b", "pay", {}, at=62 * 10**9) == []


@given(st.lists(st.integers(-100, 100), max_size=20))
def test_an_argument_adds_up_as_it_is_written(amounts: list[int]) -> None:
    """Against adding up by hand: a call goes through if what went through and it are within the limit."""
    run = Run(SPENDER)
    spent = 0
    for cents in amounts:
        fits = spent + max(cents, 0) <= 50
        assert run.call("a", "pay", {"cents": cents}) == ([] if fits else ["AGENT-a-TOTAL-cents violated"])
        assert run.call("b", "pay", {"cents": 1}) == []
        spent += max(cents, 0) if fits else 0


SPENDER = agents("  a: {budget: {cents: params.limit}}\n  b:\n")


def test_a_call_without_the_argument_spends_nothing_and_one_of_another_type_is_unknown() -> None:
    """Unknown is not holds."""
    run = Run(SPENDER)
    assert run.call("a", "look", {}) == []
    assert run.call("a", "pay", {"cents": "many"}) == ["AGENT-a-TOTAL-cents unknown"]


def test_tokens_are_taken_from_recorded_model_responses() -> None:
    """The call that goes beyond is the last; other agents go on; a response without its tokens leaves it unknown."""
    run = Run(agents("  a: {budget: {tokens: 0.1k}}\n  b: {budget: {tokens: 1M}}\n"))
    answer = {"body": {"usage": {"total_tokens": 60}}}
    assert [run.call("a", "chat", {}, answer) for _ in range(2)] == [[], []]
    assert run.call("a", "chat", {}, answer) == run.call("a", "look", {}) == ["AGENT-a-TOKENS violated"]
    assert run.call("b", "chat", {}, {"chunks": []}) == []
    assert run.call("b", "look", {}) == ["AGENT-b-TOKENS unknown"]


def test_an_agent_that_is_not_declared_does_nothing_where_the_default_is_to_refuse() -> None:
    """With ``default: allow`` it is free."""
    assert Run(agents("  a:\n")).call("b", "look", {}) == ["AGENT-DECLARED violated"]
    assert Run(agents("  a: {may: [look]}\n", "allow")).call("b", "look", {}) == []


def test_what_is_granted_is_spoken_of() -> None:
    """A granted tool that nobody declares is not refused by default; another one is."""
    run = Run(load(HEAD.format("refuse") + "agents: {a: {may: [look_*]}, b: }\n", "shop.yaml"))
    assert run.call("a", "look_up", {}) == []
    assert run.call("b", "pay", {}) == ["DEFAULT-REFUSE violated"]


def test_every_derived_rule_says_where_it_comes_from() -> None:
    """Its place is the line of the agent or of the budget; it blocks, and says what is allowed."""
    registry = agents("  a:\n    may: [look]\n    budget:\n      - calls: 5\n      - {tokens: 10}\n")
    assert {rule.id: rule.place for rule in registry.invariants} == {
        "AGENT-a-MAY": "shop.yaml:12",
        "AGENT-a-CALLS": "shop.yaml:15",
        "AGENT-a-TOKENS": "shop.yaml:16",
        "AGENT-DECLARED": "shop.yaml:12",
    }
    assert all(rule.derived and rule.otherwise == "block" and rule.says for rule in registry.invariants)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  a: {may: [lok]}\n", "12: no declared tool is called 'lok' | did you mean 'look'?"),
        ("  a: {may: [{tool: pai}]}\n", "12: no declared tool is called 'pai' | did you mean 'pay'?"),
        ("  a: {may: [{tool: pay, args: {type: objekt}}]}\n", "12: not a JSON Schema"),
        (
            "  a: {budget: {call: 5}}\n",
            "nothing called 'call' to limit: no declared tool has such an argument | did you mean 'calls'?",
        ),
        ("  a: {budget: {cent: 5}}\n", "did you mean 'cents'?"),
        ("  a: {budget: {cents: 5, tool: look}}\n", "no declared tool has such an argument"),
        ("  a: {budget: {tokens: 5kk}}\n", "tokens: '5kk' is no amount | write a number"),
        ("  a: {budget: {calls: params.limt}}\n", "unknown field 'params.limt' | did you mean 'limit'?"),
        ("  a: {budget: {cents: params.usd}}\n", "cannot compare cent and USD: they differ by a factor of 100"),
        ("  a: {budget: {calls: 5, within: soon}}\n", "within: 'soon' is neither a number of steps nor a duration"),
        ("  a: {budget: {calls: 5, tool: lok}}\n", "no declared tool is called 'lok'"),
        ("  a: {budget: {within: 5}}\n", "nothing is limited here"),
        ("  a: {budget: [{calls: 5}, {calls: 6}]}\n", "this says the same twice: AGENT-a-CALLS"),
        ("  a b: {budget: {calls: 5}}\n  a-b: {budget: {calls: 6}}\n", "this says the same twice: AGENT-a-b-CALLS"),
        ("  a: {mai: [pay]}\n", "unknown key 'mai' | did you mean 'may'?"),
        ("  a: {budget: {calls: -1}}\n", "-1 is less than the minimum of 0"),
        ("  a: {override: true}\n", "nothing to override: no extended registry has the agent 'a'"),
        ("  a: {may: [pay]}\ninvariants: [{id: AGENT-a-MAY, on: end, require: 'True'}]\n", "follows from 'agents:'"),
        (
            "  a:\ninvariants: [{id: A, on: action, require: \"agent == 'aa'\"}]\n",
            "unknown agent 'aa' | did you mean 'a'?",
        ),
        ("  ab:\ninvariants: [{id: A, on: action, require: \"agent in ['bb', 'ab']\"}]\n", "unknown agent 'bb'"),
        (
            "  ab:\ninvariants: [{id: A, on: end, require: \"count(action, agent == 'aab') < 5\"}]\n",
            "did you mean 'ab'?",
        ),
    ],
)
def test_what_cannot_be_meant_is_a_mistake(text: str, message: str) -> None:
    """One mistake each, at its line, with the nearest name."""
    (found,) = mistakes(text)
    assert message in found


def test_agents_survive_publishing_and_joining() -> None:
    """Equal digests after writing and loading; joined registries know the agents of both."""
    one = agents("  a: {may: [look], budget: [{calls: 5, within: 3}, {cents: 7}]}\n")
    two = load(HEAD.format("allow").replace("shop", "bar") + "agents: {b: {may: [look]}}\n", "bar.yaml")
    both = join([one, two])
    for registry in (one, two, both):
        again = load(publish(registry), "again.yaml")
        assert (again.digest, again.agents) == (registry.digest, registry.agents)
    run = Run(both)
    assert run.call("b", "look", {}) == run.call("a", "look", {}) == []
    assert run.call("c", "look", {}) == ["AGENT-DECLARED violated"]
    assert join([one, one]).digest != one.digest  # another name, the same rules
    assert join([one, one]).invariants == one.invariants
    with pytest.raises(RegistryError, match=r"agents.a is .* here and"):
        join([one, agents("  a: {may: [pay]}\n")])
