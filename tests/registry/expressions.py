"""Hypothesis strategies for expressions and the data they speak of."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.registry.naive import Told

KEYS = ["a", "b", "c"]
PASTS = st.sampled_from(["action", "result"])

Texts = st.SearchStrategy[str]


def say(form: str, *parts: Texts) -> Texts:
    """Fill a form with expressions."""
    return st.builds(form.format, *parts)


def numbers(depth: int) -> Texts:
    """Give expressions that are numbers, now and then of the wrong type."""
    leaves = st.sampled_from(
        ["0", "1", "-2", "2.5", "call.args.a", "call.args.a", "params.p", "step", "run.seed", "call.args.b"]
    )
    if not depth:
        return leaves
    inner = numbers(depth - 1)
    return leaves | st.one_of(
        say("({} {} {})", inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner),
        say("{}({})", st.sampled_from(["abs", "round", "sqrt", "log", "exp", "int", "float", "-"]), inner),
        say("{}({})", st.sampled_from(["len", "sum", "max", "min"]), lists(depth - 1)),
        say("min({}, {})", inner, inner),
        say("({}) ** {}", inner, st.sampled_from(["2", "-1", "0.5"])),
        say("({} if {} else {})", inner, truths(depth - 1), inner),
        say("default({}, {})", inner | st.just("call.args.x"), inner),
        say("{}[{}]", lists(depth - 1), inner),
        say("count({}, {}{})", PASTS, past_truths(), windows()),
        say("total({}, {}, {}{})", PASTS, past_numbers(), past_truths(), windows()),
        say("{}({}, {}{}).call.args.a", st.sampled_from(["first", "last"]), PASTS, past_truths(), windows()),
    )


def texts(depth: int) -> Texts:
    """Give expressions that are texts, now and then of the wrong type."""
    leaves = st.sampled_from(
        ['"a"', '"Yes!"', '""', "call.args.b", "call.args.b", "call.tool", "agent", "None", "call.args.a"]
    )
    if not depth:
        return leaves
    inner = texts(depth - 1)
    return leaves | st.one_of(
        say("({} + {})", inner, inner),
        say("{}.{}()", inner, st.sampled_from(["lower", "upper", "strip"])),
        say("str({})", numbers(depth - 1)),
        say("last(message, {}).text", st.sampled_from(['role == "user"', "text != '1'", "True"])),
    )


def lists(depth: int) -> Texts:
    """Give expressions that are lists, now and then of the wrong type."""
    leaves = st.sampled_from(
        ["[]", "[1, 2]", "call.args.c", "call.args.c", "{1, 1.0, True, 2}", '["a", "b"]', "call.args.b"]
    )
    if not depth:
        return leaves
    return leaves | st.one_of(
        say("[{}, {}]", numbers(depth - 1), numbers(depth - 1)),
        say("{{{}, {}}}", texts(depth - 1), numbers(depth - 1)),
        say("sorted({})", lists(depth - 1)),
        say("({} + {})", lists(depth - 1), lists(depth - 1)),
        say("[one * {} for one in {} if one < {}]", numbers(0), lists(depth - 1), numbers(depth - 1)),
    )


def past_truths() -> Texts:
    """Give conditions on past calls."""
    return st.sampled_from(
        [
            "call.args.a == now.call.args.a",
            "call.args.a > 0",
            "failed",
            "not default(failed, False)",
            "result.a != 1",
            "1",
            "True",
            "any(one == now.step for one in call.args.c)",
            "call.args.b == now.call.args.b and call.tool == now.call.tool",
            "call.args.a == now.call.args.a and call.args.b == now.call.args.b and call.args.c == now.call.args.c",
            "call.args.a == now.call.args.a and call.args.b != now.call.args.b",
            "now.call.args.a > 0 and call.args.b == now.call.args.b",
            "call.args == now.call.args or call.args.a == 1",
            "call.args.a > 0 and now.call.args.a in call.args.c",
        ]
    )


def past_routes(now: str = "call") -> Texts:
    """Give conditions on what routes did, seen from a call or from a route."""
    of_all = ["route.does == 'retry'", "tool.effect == 'write' or route.served", "seq > 2", "True"]
    joined = {
        "call": [
            "route.tool == now.call.tool",
            "exists(route.after) and route.after == now.seq",
            "route.cost > now.call.args.a",
        ],
        "route": [
            "default(route.action, -1) == default(now.route.action, -1)",
            "route.goal == now.route.goal and route.does != 'end'",
            "route.after == now.route.after and tool.name == now.tool.name",
            "route.cost > now.route.cost",
        ],
    }
    return st.sampled_from(of_all + joined[now])


def past_refusals() -> Texts:
    """Give conditions on what was refused."""
    return st.sampled_from(
        [
            "refusal.rule == 'A'",
            "refusal.times > 1 and tool.effect == 'write'",
            "call.tool == now.call.tool",
            "call.args.a == now.call.args.a and refusal.rule != 'A'",
            "refusal.times > now.call.args.a",
            "refusal.severity == 'high' and not refusal.retryable and seq > 2",
            "result.a > 0",
        ]
    )


def route_truths() -> Texts:
    """Give expressions about what a route does that are true or false, now and then without an answer."""
    leaves = st.sampled_from(
        [
            "route.does == 'plan'",
            "default(route.after, 0) > 1",
            "route.cost < 2 or route.served",
            "tool.name == 'pay'",
            "seq > step",
            "exists(tool.name)",
            "count(action, call.tool == now.route.tool) < 2",
            "happened(result, seq == now.route.after)",
            "happened(message, text == 'Yes!')",
        ]
    )
    asked = say("happened(route, {}{})", past_routes("route"), windows(since="route"))
    counted = say("count(route, {}{}) < 2", past_routes("route"), windows(since="route"))
    latest = say("last(route, {}{}).route.does == route.does", past_routes("route"), windows(since="route"))
    parts = leaves | asked | counted | latest
    return parts | say("({} {} {})", parts, st.sampled_from(["and", "or"]), parts) | say("(not {})", parts)


def past_numbers() -> Texts:
    """Give what can be added up over past calls."""
    return st.sampled_from(["1", "call.args.a", "call.args.a * 0.5", "result.a", "step"])


def windows(since: str = "call") -> Texts:
    """Give windows of the past, seen from a call or from a route."""
    joined = {
        "call": ", since=last(result, call.args.a == now.call.args.a)",
        "route": ", since=last(route, route.goal == now.route.goal and route.does == 'end')",
    }
    return st.sampled_from(
        [
            "",
            "",
            "",
            ", within=1",
            ", within=2",
            ', within="1500 ms"',
            ", within=params.p",
            ', since=last(message, role == "user")',
            ", since=last(message)",
            joined[since],
            ", within=2, since=last(action, result.a > 0)",
        ]
    )


def truths(depth: int) -> Texts:
    """Give expressions that are true or false, now and then of the wrong type."""
    leaves = st.one_of(
        say("({} {} {})", numbers(0), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), numbers(0)),
        say("({} {} {})", texts(0), st.sampled_from(["==", "!=", "<", "in"]), texts(0)),
        st.sampled_from(["True", "call.args.a", "exists(call.args.x)", "exists(call.args.a)"]),
    )
    if not depth:
        return leaves
    inner = truths(depth - 1)
    order = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    return leaves | st.one_of(
        say("({} {} {})", numbers(depth), order, numbers(depth)),
        say("({} {} {} {} {})", numbers(depth - 1), order, numbers(depth - 1), order, numbers(depth - 1)),
        say("({} {} {})", numbers(depth - 1) | texts(depth - 1), st.sampled_from(["in", "not in"]), lists(depth - 1)),
        say("({} {} {})", inner, st.sampled_from(["and", "or"]), inner),
        say("({} {} {})", lists(depth - 1), st.sampled_from(["==", "!="]), lists(depth - 1)),
        say("(not {})", inner),
        say("({}).matches('(?i)y|1')", texts(depth - 1)),
        say("({}).{}({})", texts(depth - 1), st.sampled_from(["startswith", "endswith", "contains"]), texts(0)),
        say("{}(one > {} for one in {})", st.sampled_from(["any", "all"]), numbers(depth - 1), lists(depth - 1)),
        say("{}([{}, {}])", st.sampled_from(["any", "all"]), inner, inner),
        say("exists({})", numbers(depth - 1)),
        say("happened({}, {}{})", PASTS, past_truths(), windows()),
        say("happened(message, role == 'user' and text == {})", texts(0)),
        say("happened(route, {}{})", past_routes(), windows()),
        say("count(route, {}{}) > {}", past_routes(), windows(), numbers(0)),
        say("happened(refusal, {}{})", past_refusals(), windows()),
        say("count(refusal, {}{}) > {}", past_refusals(), windows(), numbers(0)),
        say("last(refusal, {}{}).refusal.times > 1", past_refusals(), windows()),
        say("last(route, {}{}).route.does == 'retry'", past_routes(), windows()),
        say("({} if {} else {})", inner, inner, inner),
    )


atoms: st.SearchStrategy[Any] = st.sampled_from([None, True, False, 0, 1, 1.0, -2, 2.5, "", "a", "Yes!", "1"])
data = st.recursive(
    atoms, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner), max_leaves=9
)
regular = st.fixed_dictionaries(
    {
        "a": st.integers(-3, 3) | st.floats(-3, 3),
        "b": st.sampled_from(["", "a", "Yes!", "1"]),
        "c": st.lists(st.integers(-3, 3), max_size=3) | st.lists(st.sampled_from(["a", "1"]), max_size=3),
    }
)
arguments = regular | st.dictionaries(st.sampled_from(KEYS), data, max_size=3)


routes = st.fixed_dictionaries(
    {"does": st.sampled_from(["plan", "retry", "end"]), "goal": st.sampled_from(["paid", "told"])},
    optional={
        "tool": st.sampled_from(["pay", "look"]),
        "action": st.integers(0, 1),
        "after": st.integers(0, 6),
        "cost": st.integers(0, 2),
        "served": st.booleans(),
    },
)


@st.composite
def pasts_of_run(draw: st.DrawFn) -> list[Told]:
    """Give a short past of calls and messages, in the order of their numbers."""
    told: list[Told] = []
    for step, args in enumerate(draw(st.lists(arguments, max_size=4))):
        names = {"call": {"surface": "tool", "tool": "pay", "args": args}, "tool": {}, "agent": "main", "step": step}
        at = step * 10**9
        outcome = draw(st.sampled_from([{}, {"failed": True}, {"result": args, "failed": False}]))
        names |= outcome | {"seq": len(told) + 1}
        told.append(Told("action", len(told), step, at, names))
        if "result" in outcome:
            told.append(Told("result", len(told), step, at, names))
        for text in draw(st.lists(st.sampled_from(["Yes!", "no"]), max_size=1)):
            message = {"role": draw(st.sampled_from(["user", "assistant"])), "text": text, "tool_calls": []}
            told.append(Told("message", len(told), step, at, {**message, "message": message, "agent": "main"}))
        for body in draw(st.lists(routes, max_size=1)):
            seq, tool = len(told), {"tool": {"name": body["tool"], "effect": "write"}} if "tool" in body else {}
            told.append(Told("route", seq, step, at, {"route": body, "seq": seq, "agent": "main", **tool}))
    return told
