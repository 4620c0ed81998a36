"""The monitors that a graph declares, and every mistake in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.registry import Registry, join
from harness.tool import ToolSpec
from tests.registry.graph.graphs import HEAD, graph_of, mistakes, registry

TOOLS = (
    "tools:\n"
    "  pay: {arguments: {type: object, properties: {cents: {type: integer}, land: {type: string}}}}\n"
    "  text: {arguments: {type: object, properties: {to: {type: string}}}}\n"
    "  look: {effect: read, arguments: {type: object, properties: {page: {type: integer}}}}\n"
)
PLAIN = (
    "  start: [cents, land]\n"
    "  goals: {paid: {needs: [done], arguments: {type: object, properties: {order: {}}}}}\n"
    "  tools: {pay: {needs: [cents, land], gives: [done]}}\n"
)


def with_monitors(text: str) -> str:
    """Give a graph with monitors, each on a line of its own."""
    return PLAIN + "  monitors:\n" + "".join(f"    {line}\n" for line in text.split("\n"))


def wrong(text: str) -> list[str]:
    """Give what is wrong with some monitors."""
    return mistakes(with_monitors(text), HEAD + TOOLS)


def test_all_that_can_be_said() -> None:
    """Settings are kept in one form: budgets and risks as lists, limits as numbers, what is empty as no settings."""
    text = (
        "tools:\nrate: {pay: {calls: 5, within_ms: 60000}}\nlatency: {pay: {expected_ms: 300}}\n"
        "budget: [{of: calls, limit: 50}, {of: tokens, limit: 200k}, {of: cents, limit: 1.5M, tools: [pay]}]\n"
        "risk: {amount: cents, above: 10, flags: {land: [XX], page: [1]}, tools: [pay, look, paid]}\n"
        "progress: {window: 3}\nloops: {window: 2}\nintent: {}\ninstability: {above: 0.8, weight: 2}"
    )
    assert graph_of(with_monitors(text), HEAD + TOOLS).monitors == {
        "tools": {},
        "rate": {"pay": {"calls": 5, "within_ms": 60000}},
        "latency": {"pay": {"expected_ms": 300}},
        "budget": [
            {"of": "calls", "limit": 50},
            {"of": "tokens", "limit": 200_000},
            {"of": "cents", "limit": 1_500_000, "tools": ["pay"]},
        ],
        "risk": [
            {"amount": "cents", "above": 10, "flags": {"land": ["XX"], "page": [1]}, "tools": ["pay", "look", "paid"]}
        ],
        "progress": {"window": 3},
        "loops": {"window": 2},
        "intent": {},
        "instability": {"above": 0.8, "weight": 2},
    }


def test_monitors_are_part_of_what_a_graph_means() -> None:
    """However they are written, and with the digest that a replay compares."""

    def digest(text: str) -> str:
        return registry(with_monitors(text), HEAD + TOOLS).digest

    assert digest("budget: {of: calls, limit: 2k}") == digest("budget: [{limit: 2000, of: calls}]")
    assert digest("budget: {of: calls, limit: 2k}") != digest("budget: {of: calls, limit: 3k}")
    assert digest("progress:") == digest("progress: {}")
    assert registry(PLAIN, HEAD + TOOLS).digest != digest("progress:")


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("progres:", "progres | unknown key 'progres' | did you mean 'progress'?"),
        ("progress: {windows: 2}", "windows | unknown key 'windows' | did you mean 'window'?"),
        ("loops: {window: 0}", "0 | 0 is less than the minimum of 1 | "),
        ("rate: {pay: {calls: 5}}", "{ | the key 'within_ms' is missing | "),
        ("rate: {pya: {calls: 5, within_ms: 1}}", "pya | the graph has no tool 'pya' | did you mean 'pay'?"),
        ("latency: {look: {expected_ms: 1}}", "look | the graph has no tool 'look' | it has: pay"),
        ("budget: {of: calls}", "{ | the key 'limit' is missing | "),
        ("budget: {of: calls, limit: 0}", "0 | 0 is less than or equal to the minimum of 0 | "),
        (
            "budget: {of: calls, limit: 5x}",
            "5x | budget: a limit of '5x' is nothing to spend | write a number such as 60, 200k or 1.5M",
        ),
        (
            "budget: {of: calls, limit: 0k}",
            "0k | budget: a limit of '0k' is nothing to spend | write a number such as 60, 200k or 1.5M",
        ),
        ("budget: {of: cent, limit: 1}", "cent | budget: no tool takes 'cent' | did you mean 'cents'?"),
        ("budget: [{of: calls, limit: 1, tools: [pya]}]", "pya | no tool is called 'pya' | did you mean 'pay'?"),
        ("risk:", "risk | risk: no tool takes 'amount' | arguments: cents, land, order, page, to"),
        ("risk: {amount: cents.euro, above: x}", "x | above: expected a number, got 'x' | "),
        ("risk: {flags: {lande: [XX]}}", "lande | risk: no tool takes 'lande' | did you mean 'land'?"),
        ("risk: {flags: {land: []}}", "[ | land: empty | "),
        ("risk: {amount: to, tools: [pay]}", "to | risk: no tool takes 'to' | arguments: cents, land"),
        ("intent: {goals: [x]}", "goals | unknown key 'goals' | known keys: "),
        ("instability: {above: -1}", "-1 | -1 is less than the minimum of 0 | "),
    ],
)
def test_every_mistake_is_told_where_it_is(text: str, mistake: str) -> None:
    """With what is wrong, and the likely cure."""
    assert wrong(text) == [mistake]


def test_all_mistakes_are_told_at_once() -> None:
    """In the order in which they stand."""
    found = wrong("rate: {pya: {calls: 5, within_ms: 1}}\nbudget: [{of: cent, limit: 5x}]\nrisk: {amount: cen}")
    assert [one.split(" | ")[0] for one in found] == ["pya", "cent", "5x", "cen"]


def test_what_tools_take_is_known_only_where_they_all_say_it() -> None:
    """A tool without a schema may take anything; what code declares is looked at when it is there."""
    head = HEAD + TOOLS.replace("text: {", "text: {}\n  mail: {")
    assert graph_of(with_monitors("risk: {amount: amout}"), head).monitors
    assert mistakes(with_monitors("risk: {amount: amout, tools: [pay, look]}"), head) == [
        "amout | risk: no tool takes 'amout' | arguments: cents, land, page"
    ]


def test_tools_of_code_can_be_watched() -> None:
    """A registry that declares none knows those of its graph, and those of code once they are there."""
    text = with_monitors("risk: {amount: cents, tools: [pay]}")
    loaded = registry(text)
    schema = {"type": "object", "properties": {"cents": {}, "land": {}}}
    assert loaded.with_tools([ToolSpec("pay", arguments=schema)]).graph is not None


def test_two_registries_state_a_monitor_once() -> None:
    """Each may bring its own; one that both state differently is a mistake."""
    shop = registry(with_monitors("progress: {window: 3}"), HEAD + TOOLS)

    def other(text: str) -> Registry:
        return registry(with_monitors(text), HEAD.replace("shop", "other") + TOOLS)

    joined = join([shop, other("loops:\nprogress: {window: 3}")]).graph
    assert joined is not None
    assert joined.monitors == {"progress": {"window": 3}, "loops": {}}
    with pytest.raises(RegistryError, match=r"monitors: 'progress' is stated in .* too"):
        join([shop, other("progress: {window: 4}")])


NAMES = st.sampled_from(["pay", "text", "look", "paid"])
PATHS = st.sampled_from(["cents", "land", "order.id", "page", "to"])
WHOLE = st.integers(1, 10**6)
LIMITS = WHOLE | st.sampled_from(["5k", "1.5M", 0.25])
BUDGET = st.fixed_dictionaries(
    {"of": PATHS | st.sampled_from(["calls", "tokens"]), "limit": LIMITS},
    optional={"tools": st.just(["pay", "text", "look", "paid"])},
)
RISK = st.fixed_dictionaries(
    {"amount": PATHS},
    optional={"above": st.integers(), "flags": st.dictionaries(PATHS, st.just(["XX", 1, None]), min_size=1)},
)
MONITORS = st.fixed_dictionaries(
    {},
    optional={
        "tools": st.none() | st.fixed_dictionaries({}, optional={"failures": WHOLE}),
        "rate": st.fixed_dictionaries({"pay": st.fixed_dictionaries({"calls": WHOLE, "within_ms": WHOLE})}),
        "latency": st.fixed_dictionaries({"pay": st.fixed_dictionaries({"expected_ms": WHOLE})}),
        "budget": BUDGET | st.lists(BUDGET, min_size=1, max_size=3),
        "risk": RISK | st.lists(RISK, min_size=1, max_size=2),
        "progress": st.fixed_dictionaries({}, optional={"window": WHOLE}),
        "instability": st.fixed_dictionaries({}, optional={"above": st.integers(0, 3), "weight": st.just(0.5)}),
    },
)


@given(MONITORS)
@settings(deadline=None, max_examples=60)
def test_what_is_declared_is_kept(monitors: dict[str, Any]) -> None:
    """It loads, is written, and loads again to the same meaning."""
    loaded = registry(f"{PLAIN}  monitors: {json.dumps(monitors)}\n", HEAD + TOOLS)
    assert loaded.graph is not None
    assert set(loaded.graph.monitors) == set(monitors)
    again = load(loaded.to_yaml(), "again.yaml")
    assert again.digest == loaded.digest
    assert again.graph == loaded.graph
