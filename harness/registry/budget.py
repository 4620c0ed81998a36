"""What agents may use up, as rules: calls, tokens, and the sum of an argument.

What a call takes is reserved when it is proposed, so that calls which are under way at the same time cannot together go
beyond a limit, and settled when its outcome is known. Not verified: what a model call takes beyond the bound that its
request sets, above all for reading the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from fnmatch import fnmatchcase
from keyword import iskeyword
from typing import Any, Final, NamedTuple

from harness.errors import Mistake
from harness.registry.complaint import ExpressionError, nearest
from harness.registry.context import Context
from harness.registry.derived import Agent, escaped, in_id, make_rule, one_of, unknown_tool
from harness.registry.document import Written
from harness.registry.invariant import Invariant
from harness.registry.parse import parse
from harness.registry.plan import window_of
from harness.registry.tree import dotted

_AMOUNT: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kM]?)")
_TIMES: Final = {"": 1, "k": 1_000, "M": 1_000_000}
# what a model call takes at most by its request, and what it took: as much, where its answer does not say
_SETTLED: Final = "default(tokens(result), reserves(call.args)) if exists(result) else default(reserves(call.args), 0)"
AMOUNT_CURE: Final = "write a number such as 60, 200k or 1.5M"
_WINDOW_CURE: Final = "write within: 5 for steps, or a duration such as within: 90 s (ms, s, min, h, d)"


class _Budget(NamedTuple):
    """One entry of a budget: the agent, the entry, which of its keys, and the tools it is about, if not all."""

    agent: Agent
    at: Written
    key: str
    limit: str
    within: Any
    tools: tuple[str, ...]


def budget_rules(agent: Agent, entry: Written, context: Context, rules: list[Invariant]) -> Iterator[Mistake]:
    """Add one rule for each limit of an entry."""
    stated = entry.plain()
    tools = stated.get("tool", [])
    tools = tuple([tools] if isinstance(tools, str) else tools)
    for at in entry.find(["tool"]).items or ((entry.find(["tool"]),) if tools else ()):
        yield from unknown_tool(at, context)
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
    condition = _all(agent.is_it, one_of(budget.tools) if budget.tools else "")
    require = f"count(action, {condition}{_within(budget)}) < {budget.limit}"
    says = f"{escaped(agent.name)} may make at most {{{budget.limit}}} calls{_spoken(budget)}."
    return _limited(budget, "CALLS", require, says, budget.tools)


def _tokens(budget: _Budget) -> Invariant:
    """Give the rule on tokens: those that a request may take at most are reserved, and settled when it is answered.

    What a request does not bound is known only then, so one such call may go beyond the limit.
    """
    condition = f'call.surface == "model" and {budget.agent.is_it} and not default(failed, False)'
    spent = f"total(action, {_SETTLED}, {condition}{_within(budget)})"
    next_one = 'default(reserves(call.args), 1) if call.surface == "model" else 1'
    require = f"{spent} + ({next_one}) <= {budget.limit}"
    says = f"{escaped(budget.agent.name)} has used up its {{{budget.limit}}} tokens{_spoken(budget)}."
    return _limited(budget, "TOKENS", require, says)


def _total(budget: _Budget) -> Invariant:
    """Give the rule on the sum of an argument, over all tools that have it; a negative amount gives nothing back."""
    amount = f"max(default(call.args.{budget.key}, 0), 0)"
    condition = _all(budget.agent.is_it, one_of(budget.tools) if budget.tools else "")
    says = f"{escaped(budget.agent.name)} may spend at most {{{budget.limit}}} of {budget.key}{_spoken(budget)}."
    require = f"total(action, {amount}, {condition}{_within(budget)}) + {amount} <= {budget.limit}"
    return _limited(budget, f"TOTAL-{in_id(budget.key)}", require, says, budget.tools)


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
    tail = f"-ON-{in_id('-'.join(budget.tools))}" if budget.tools else ""
    tail += f"-WITHIN-{in_id(str(budget.within))}" if budget.within is not None else ""
    title = f"{budget.agent.name} stays within its budget of {budget.key}{_spoken(budget)}{budget.agent.spoken}"
    agent = budget.agent
    return make_rule(
        f"{agent.id}-{what}{tail}",
        title,
        budget.at,
        agent.unless_trusted(require),
        says,
        when=agent.is_it,
        tools=tools,
    )


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


def _all(*conditions: str) -> str:
    return " and ".join(filter(None, conditions))


def _within(budget: _Budget) -> str:
    return "" if budget.within is None else f", within={budget.within!r}"


def _spoken(budget: _Budget) -> str:
    if budget.within is None:
        return ""
    return f" in {budget.within} steps" if type(budget.within) is int else f" in {budget.within}"
