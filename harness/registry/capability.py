"""What an agent may do, as rules: which tools, with which arguments, how often; and what while it is trusted less.

From what ``agents:`` states rules of the expression language follow, so that they are judged, explained and reported
like those somebody wrote. Not verified: that an agent is who it says it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from harness.errors import Mistake
from harness.registry.budget import budget_rules
from harness.registry.context import Context
from harness.registry.derived import Agent, escaped, expression, in_id, make_rule, one_of, unknown_tool
from harness.registry.document import Written
from harness.registry.invariant import Invariant, Shape
from harness.registry.json_schema import mistakes_in_schema
from harness.registry.template import read_template
from harness.registry.trust import mistakes_in_trust

UNDECLARED: Final = "AGENT-DECLARED"
_OF_AUTHORITY: Final = re.compile(r"AGENT-.+-(MAY|WRITES|ARGS-.+)")


def derive(
    agents: Mapping[str, Written], places: Mapping[str, Written], context: Context
) -> tuple[list[Invariant], list[Mistake]]:
    """Give the rules that follow from what is stated of agents, and what is wrong with it."""
    rules: list[Invariant] = []
    mistakes: list[Mistake] = []
    for name, node in agents.items():
        agent = Agent(name, places[f"agents.{name}"])
        mistakes += _stated(agent, node, context, rules)
        trust = (node.entries or {}).get("trust")
        if trust is not None:
            mistakes += mistakes_in_trust(trust)
            for tier in trust.find(["tiers"]).items or ():
                below = agent._replace(place=tier, below=float(tier.plain()["below"]))
                mistakes += _stated(below, tier, context, rules)
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


def of_authority(rule: str) -> bool:
    """Tell by the id of a rule whether it follows from what an agent may do, and not from how much (its budget)."""
    return rule == UNDECLARED or _OF_AUTHORITY.fullmatch(rule) is not None


def declared_only(place: Written, names: list[str]) -> Invariant:
    """Give the rule that no agent acts but those that are declared; it stands where ``default: refuse`` does."""
    says = f"The agent {{agent}} is not declared; declared agents: {', '.join(names)}."
    return make_rule(UNDECLARED, "Only declared agents act", place, f"agent in {names!r}", says)


def _stated(agent: Agent, node: Written, context: Context, rules: list[Invariant]) -> Iterator[Mistake]:
    """Add the rules that follow from what is stated of an agent, or of one that is trusted less."""
    stated = node.entries or {}
    if "may" in stated:
        yield from _grants(agent, stated["may"], context, rules)
    if "writes" in stated:
        rules.append(_writes(agent, stated["writes"]))
    budget = stated.get("budget")
    for entry in (budget.items or (budget,)) if budget else ():
        yield from budget_rules(agent, entry, context, rules)


def _writes(agent: Agent, how: Written) -> Invariant:
    """Give the rule that an agent which is trusted less changes nothing, or nothing by itself."""
    told = "a person decides on what it changes" if how.value == "escalate" else "it changes nothing"
    return make_rule(
        f"{agent.id}-WRITES",
        f"{agent.name} changes nothing by itself{agent.spoken}",
        how,
        f"trust >= {agent.below!r}",
        f"{escaped(agent.name)} is trusted {{trust:.2f}}, which is less than {agent.below:g}: {told}.",
        when=f'{agent.is_it} and tool.effect == "write"',
        otherwise=how.value,
    )


def _grants(agent: Agent, may: Written, context: Context, rules: list[Invariant]) -> Iterator[Mistake]:
    """Add the rules on which tools an agent may use, and with which arguments."""
    patterns = []
    for grant in may.items or ():
        at = grant.find(["tool"]) if grant.entries else grant
        yield from unknown_tool(at, context)
        patterns.append(at.value)
        args = (grant.entries or {}).get("args")
        if args is not None:
            yield from _narrowed(agent, at.value, args, rules)
    rules.append(
        make_rule(
            f"{agent.id}-MAY",
            f"{agent.name} uses only the tools it may use{agent.spoken}",
            agent.place,
            agent.unless_trusted(one_of(patterns)),
            f"{escaped(agent.name)} may not use {{call.tool}}{agent.spoken}; "
            f"it may use: {escaped(', '.join(patterns) or 'none')}.",
            when=agent.is_it,
            grants=tuple(patterns) if agent.below is None else (),
        )
    )


def _narrowed(agent: Agent, tool: str, args: Written, rules: list[Invariant]) -> Iterator[Mistake]:
    found = list(mistakes_in_schema(args))
    if found:
        yield from found
        return
    rules.append(
        Invariant(
            f"{agent.id}-ARGS-{in_id(tool)}",
            "action",
            Shape("arguments", args.plain()),
            args,
            title=f"{agent.name} uses {tool} only with the arguments it may use{agent.spoken}",
            tools=(tool,),
            when=expression(agent.speaks, args),
            severity="high",
            otherwise="block",
            says=read_template(f"{escaped(agent.name)} may use {{call.tool}} only with the arguments granted to it."),
            derived=True,
        )
    )
