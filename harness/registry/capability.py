"""What an agent may do, as rules: the tools it may use, with which arguments, how often and how much.

From what ``agents:`` states rules of the expression language follow, so that they are judged, explained and reported
like those somebody wrote. Not verified: that an agent is who it says it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase, translate
from keyword import iskeyword
from typing import Any, Final, NamedTuple

from harness.errors import Mistake
from harness.registry.complaint import ExpressionError, nearest
from harness.registry.context import Context, tools_cure
from harness.registry.document import Written
from harness.registry.invariant import Expression, Invariant, Shape
from harness.registry.json_schema import mistakes_in_schema
from harness.registry.parse import parse
from harness.registry.plan import window_of
from harness.registry.template import read_template
from harness.registry.tree import dotted

UNDECLARED: Final = "AGENT-DECLARED"

_GLOB: Final = frozenset("*?[")
_AMOUNT: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kM]?)")
_TIMES: Final = {"": 1, "k": 1_000, "M": 1_000_000}
AMOUNT_CURE: Final = "write a number such as 60, 200k or 1.5M"
_WINDOW_CURE: Final = "write within: 5 for steps, or a duration such as within: 90 s (ms, s, min, h, d)"


class _Agent(NamedTuple):
    name: str
    place: Written

    @property
    def id(self) -> str:
        return f"AGENT-{re.sub('[^A-Za-z0-9_.-]', '-', self.name)}"

    @property
    def speaks(self) -> str:
        return f"agent == {self.name!r}"


class _Budget(NamedTuple):
    """One entry of a budget: the agent, the entry, which of its keys, and the tools it is about, if not all."""

    agent: _Agent
    at: Written
    key: str
    limit: str
    within: Any
    tools: tuple[str, ...]


def derive(
    agents: Mapping[str, Written], places: Mapping[str, Written], context: Context
) -> tuple[list[Invariant], list[Mistake]]:
    """Give the rules that follow from what is stated of agents, and what is wrong with it."""
    rules: list[Invariant] = []
    mistakes: list[Mistake] = []
    for name, node in agents.items():
        agent = _Agent(name, places[f"agents.{name}"])
        mistakes += _grants(agent, node.find(["may"]), context, rules) if "may" in (node.entries or {}) else ()
        budget = (node.entries or {}).get("budget")
        for entry in (budget.items or (budget,)) if budget else ():
            mistakes += _budgets(agent, entry, context, rules)
    if agents and context.default == "refuse":
        place = places[f"agents.{next(iter(agents))}"]
        rules.append(declared_only(place, list(agents)))
    first: dict[str, Invariant] = {}
    for rule in rules:
        if first.setdefault(rule.id, rule) is not rule:
            mistakes.append(
                rule.at.mistake(f"this says the same twice: {rule.id}", "state it once, or name agents apart")
            )
    return rules, mistakes


def declared_only(place: Written, names: list[str]) -> Invariant:
    """Give the rule that no agent acts but those that are declared; it stands where ``default: refuse`` does."""
    says = f"The agent {{agent}} is not declared; declared agents: {', '.join(names)}."
    return _rule(UNDECLARED, "Only declared agents act", place, f"agent in {names!r}", says)


def _grants(agent: _Agent, may: Written, context: Context, rules: list[Invariant]) -> Iterator[Mistake]:
    """Add the rules on which tools an agent may use, and with which arguments."""
    patterns = []
    for grant in may.items or ():
        at = grant.find(["tool"]) if grant.entries else grant
        yield from _unknown_tool(at, context)
        patterns.append(at.value)
        args = (grant.entries or {}).get("args")
        if args is not None:
            yield from _narrowed(agent, at.value, args, rules)
    rules.append(
        _rule(
            f"{agent.id}-MAY",
            f"{agent.name} uses only the tools it may use",
            agent.place,
            _one_of(patterns),
            f"{_escaped(agent.name)} may not use {{call.tool}}; it may use: {_escaped(', '.join(patterns) or 'none')}.",
            when=agent.speaks,
            grants=tuple(patterns),
        )
    )


def _narrowed(agent: _Agent, tool: str, args: Written, rules: list[Invariant]) -> Iterator[Mistake]:
    found = list(mistakes_in_schema(args))
    if found:
        yield from found
        return
    rules.append(
        Invariant(
            f"{agent.id}-ARGS-{_in_id(tool)}",
            "action",
            Shape("arguments", args.plain()),
            args,
            title=f"{agent.name} uses {tool} only with the arguments it may use",
            tools=(tool,),
            when=_expression(agent.speaks, args),
            severity="high",
            otherwise="block",
            says=read_template(f"{_escaped(agent.name)} may use {{call.tool}} only with the arguments granted to it."),
            derived=True,
        )
    )


def _budgets(agent: _Agent, entry: Written, context: Context, rules: list[Invariant]) -> Iterator[Mistake]:
    """Add one rule for each limit of an entry."""
    stated = entry.plain()
    tools = stated.get("tool", [])
    tools = tuple([tools] if isinstance(tools, str) else tools)
    for at in entry.find(["tool"]).items or ((entry.find(["tool"]),) if tools else ()):
        yield from _unknown_tool(at, context)
    within = stated.get("within")
    if within is not None:
        try:
            window_of(within)
        except ValueError as error:
            yield entry.find(["within"]).mistake(f"within: {error}", _WINDOW_CURE)
            return
    limits = [key for key in stated if key not in ("within", "tool")]
    if not limits:
        yield entry.mistake("nothing is limited here", "write calls: 60, tokens: 200k, or an argument and its limit")
    for key in limits:
        limit = _limit(stated[key])
        budget = _Budget(agent, entry.find([key]), key, limit or "0", within, tools)
        unknown = [] if key in ("calls", "tokens") else list(_unknown_argument(budget, entry.keys[key], context))
        yield from unknown
        if limit is None and not unknown:
            cure = f"{AMOUNT_CURE}, or a parameter such as params.limit"
            yield entry.find([key]).mistake(f"{key}: {stated[key]!r} is no amount", cure)
        elif not unknown:
            rules.append({"calls": _calls, "tokens": _tokens}.get(key, _total)(budget))


def _calls(budget: _Budget) -> Invariant:
    agent = budget.agent
    condition = _all(agent.speaks, _one_of(budget.tools) if budget.tools else "")
    require = f"count(action, {condition}{_within(budget)}) < {budget.limit}"
    says = f"{_escaped(agent.name)} may make at most {{{budget.limit}}} calls{_spoken(budget)}."
    return _limited(budget, "CALLS", require, says, budget.tools)


def _tokens(budget: _Budget) -> Invariant:
    """Give the rule on tokens: a model call states them when it is answered, so one may go beyond the limit."""
    condition = f'call.surface == "model" and {budget.agent.speaks}'
    require = f"total(result, tokens(result), {condition}{_within(budget)}) < {budget.limit}"
    says = f"{_escaped(budget.agent.name)} has used up its {{{budget.limit}}} tokens{_spoken(budget)}."
    return _limited(budget, "TOKENS", require, says)


def _total(budget: _Budget) -> Invariant:
    """Give the rule on the sum of an argument, over all tools that have it; a negative amount gives nothing back."""
    amount = f"max(default(call.args.{budget.key}, 0), 0)"
    condition = _all(budget.agent.speaks, _one_of(budget.tools) if budget.tools else "")
    says = f"{_escaped(budget.agent.name)} may spend at most {{{budget.limit}}} of {budget.key}{_spoken(budget)}."
    require = f"total(action, {amount}, {condition}{_within(budget)}) + {amount} <= {budget.limit}"
    return _limited(budget, f"TOTAL-{_in_id(budget.key)}", require, says, budget.tools)


def _unknown_argument(budget: _Budget, at: Written, context: Context) -> Iterator[Mistake]:
    """Report the name of an argument that no declared tool has, or that cannot be added up."""
    declared = [
        arguments["properties"]
        for name, spec in context.tools.items()
        if "properties" in (arguments := spec.arguments or {})
        and (not budget.tools or any(fnmatchcase(name, pattern) for pattern in budget.tools))
    ]
    schemas = [properties[budget.key] for properties in declared if budget.key in properties]
    units = {schema.get("unit") if isinstance(schema, dict) else None for schema in schemas}
    if not schemas:
        known = sorted({name for properties in declared for name in properties})
        cure = nearest(budget.key, ["calls", "tokens", "within", "tool", *known])
        said = f"there is nothing called {budget.key!r} to limit: no declared tool has such an argument"
        yield at.mistake(said, cure or "write calls, tokens, or the name of an argument")
    elif len(units) > 1 or not budget.key.isidentifier() or iskeyword(budget.key):
        why = "its unit differs from tool to tool" if len(units) > 1 else "its name is no word of the language"
        yield at.mistake(f"the argument {budget.key!r} cannot be added up: {why}", "write rules with total(…)")


def _limited(budget: _Budget, what: str, require: str, says: str, tools: tuple[str, ...] = ()) -> Invariant:
    tail = f"-ON-{_in_id('-'.join(budget.tools))}" if budget.tools else ""
    tail += f"-WITHIN-{_in_id(str(budget.within))}" if budget.within is not None else ""
    title = f"{budget.agent.name} stays within its budget of {budget.key}{_spoken(budget)}"
    agent = budget.agent
    return _rule(f"{agent.id}-{what}{tail}", title, budget.at, require, says, when=agent.speaks, tools=tools)


def _rule(
    name: str,
    title: str,
    at: Written,
    require: str,
    says: str,
    *,
    when: str = "",
    tools: tuple[str, ...] = (),
    grants: tuple[str, ...] = (),
) -> Invariant:
    return Invariant(
        name,
        "action",
        _expression(require, at),
        at,
        title=title,
        tools=tools,
        when=_expression(when, at) if when else None,
        severity="high",
        otherwise="block",
        says=read_template(says),
        derived=True,
        grants=grants,
    )


def _expression(text: str, at: Written) -> Expression:
    return Expression(text, parse(text), at)


def _limit(stated: Any) -> str | None:
    """Give the text of a limit as an expression; None where it is no amount."""
    if type(stated) in (int, float):
        return repr(stated)
    try:
        if stated.startswith("params."):
            return stated if dotted(parse(stated)) == stated else None
    except ExpressionError:
        return None
    amount = amount_of(stated)
    if amount is None:
        return None
    return str(int(amount) if amount == int(amount) else float(amount))


def amount_of(stated: float | str) -> Decimal | None:
    """Give the number that an amount such as 60, ``200k`` or ``1.5M`` means; None where it means none."""
    if not isinstance(stated, str):
        return Decimal(str(stated))
    found = _AMOUNT.fullmatch(stated)
    return Decimal(found[1]) * _TIMES[found[2]] if found else None


def _one_of(patterns: Sequence[str]) -> str:
    """Write the condition that a call is of one of some tools."""
    names = [pattern for pattern in patterns if _GLOB.isdisjoint(pattern)]
    globs = [f"call.tool.matches({_pattern(pattern)!r})" for pattern in patterns if pattern not in names]
    parts = ([f"call.tool in {names!r}"] if names or not globs else []) + globs
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"


def _pattern(glob: str) -> str:
    """Write a glob as a regular expression of RE2's syntax."""
    return f"^{translate(glob).removesuffix('Z')}z"


def _all(*conditions: str) -> str:
    return " and ".join(filter(None, conditions))


def _within(budget: _Budget) -> str:
    return "" if budget.within is None else f", within={budget.within!r}"


def _spoken(budget: _Budget) -> str:
    if budget.within is None:
        return ""
    return f" in {budget.within} steps" if type(budget.within) is int else f" in {budget.within}"


def _in_id(text: str) -> str:
    return re.sub("[^A-Za-z0-9_.-]+", "-", text).strip("-") or "ANY"


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _unknown_tool(at: Written, context: Context) -> Iterator[Mistake]:
    if context.declared and not any(fnmatchcase(name, at.value) for name in context.declared):
        yield at.mistake(f"no declared tool is called {at.value!r}", tools_cure(at.value, context))
