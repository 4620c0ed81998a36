"""Hypothesis strategies for expressions and the data they speak of."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from harness.registry.scope import Past, Remembered

KEYS = ["a", "b", "c"]

numbers = st.sampled_from(["0", "1", "-2", "2.5", "call.args.a", "call.args.b", "params.p", "step", "x", "7"])
texts = st.sampled_from(['"a"', '"Yes!"', '""', "call.args.b", "call.args.c", "call.tool", "agent", "x", '"1"'])
lists = st.sampled_from(["[]", "[1, 2]", '["a", "b"]', "call.args.a", "call.args.c", "[x, 1]", "{1, 1.0, True}"])
anything = numbers | texts | lists | st.sampled_from(["None", "True", "call.args.d.e", "call.args", "run.seed", '{"a": 1}'])

comparisons = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])


def _number(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner),
        st.builds("{}({})".format, st.sampled_from(["len", "abs", "sum", "max", "min", "round", "int", "sqrt", "log"]), inner),
        st.builds("-({})".format, inner),
        st.builds("({}) ** 2".format, inner),
        st.builds("default({}, {})".format, inner, inner),
    )


def _truth(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, comparisons, inner),
        st.builds("({} {} {} {} {})".format, inner, comparisons, inner, comparisons, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("(not {})".format, inner),
        st.builds("exists({})".format, inner),
        st.builds("{}({})".format, st.sampled_from(["any", "all"]), inner),
        st.builds('({}).matches("(?i)y|1")'.format, inner),
        st.builds("({}).startswith({})".format, inner, inner),
    )


def _other(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("[{} for x in {} if {}]".format, inner, inner, inner),
        st.builds("any({} for x in {})".format, inner, inner),
        st.builds("all({} for x in {})".format, inner, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("{}({})".format, st.sampled_from(["sorted", "unique", "str", "bool", "float"]), inner),
    )


simple = st.recursive(anything, lambda inner: _number(inner) | _truth(inner) | _other(inner), max_leaves=16)

pasts = st.sampled_from(["action", "result"])
questions = st.one_of(
    st.builds("happened({}, {})".format, pasts, simple),
    st.builds("(count({}, {}) <= 1)".format, pasts, simple),
    st.builds("({}({}, {}).call.args.a == now_a)".format, st.sampled_from(["first", "last"]), pasts, simple),
    st.builds("(count({}, call.args.a == now.call.args.a) < 2)".format, pasts),
    st.builds('happened(message, role == "user" and {})'.format, simple),
).map(lambda text: text.replace("now_a", "call.args.a"))

expressions = st.recursive(simple | questions, lambda inner: _truth(inner) | _other(inner), max_leaves=10).map(
    lambda text: f"any(({text}) for x in [1])"  # so that x is always bound
)

atoms: st.SearchStrategy[Any] = st.sampled_from([None, True, False, 0, 1, 1.0, -2, 2.5, "", "a", "Yes!", "1"])
data = st.recursive(atoms, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner), max_leaves=9)
regular = st.fixed_dictionaries(
    {
        "a": st.integers(-3, 3) | st.floats(-3, 3),
        "b": st.sampled_from(["", "a", "Yes!", "1"]),
        "c": st.lists(st.integers(-3, 3), max_size=3) | st.lists(st.sampled_from(["a", "1"]), max_size=3),
    }
)
arguments = regular | st.dictionaries(st.sampled_from(KEYS), data, max_size=3)


@st.composite
def pasts_of_run(draw: st.DrawFn) -> Past:
    """Give a short past of calls and messages."""
    past = Past()
    for seq, args in enumerate(draw(st.lists(arguments, max_size=3))):
        names = {"call": {"surface": "tool", "tool": "pay", "args": args}, "tool": {}, "agent": "main", "step": seq}
        past.action.append(Remembered(seq, names))
        if draw(st.booleans()):
            names |= {"result": args, "failed": False}
            past.result.append(Remembered(seq, names))
    for text in draw(st.lists(st.sampled_from(["Yes!", "no"]), max_size=2)):
        message = {"role": draw(st.sampled_from(["user", "assistant"])), "text": text, "tool_calls": []}
        past.message.append(Remembered(9, {**message, "message": message, "agent": "main"}))
    return past
