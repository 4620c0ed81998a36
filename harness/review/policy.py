"""The policy in force: what each agent may do with each tool, and which rules may stand in the way.

Worked out from what is known before any call: the tool's declaration, who acts, the parameters. A rule that always
holds there is left out; one that never does refuses the tool. Not verified: whether a rule that is listed ever speaks;
an app in mode ``shadow`` or ``warn`` only observes all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from harness.registry.invariant import Invariant, Shape
from harness.registry.program import NOT_A_TOOL, applies
from harness.registry.reduce import known_of, reduce
from harness.registry.registry import Registry
from harness.registry.rollout import percent_of
from harness.registry.scope import tool_names
from harness.registry.tree import Constant, Fold, Name, Node, rebuild
from harness.registry.trust import Terms
from harness.tool import Effect, ToolSpec
from harness.trace.event import Surface
from harness.trace.verdict import DEFAULT_REFUSE, Response, Severity

ANYBODY: Final = "any agent"
ANY_TOOL: Final = "any other tool"
MODELS: Final = "calls of models"

_WILD: Final = frozenset("*?[")


class Barrier(NamedTuple):
    """A rule that may stand against calls of a tool, or against their results: what it does, in how many per cent."""

    rule: str
    on: Literal["action", "result"]
    does: Response
    percent: float
    severity: Severity
    title: str
    who: str
    place: str


class Access(NamedTuple):
    """What an agent may do with a tool: ``allowed``, ``asked`` about or ``refused`` by itself (``by`` which rule).

    ``rules`` are those that may do something about a call, in their order.
    """

    tool: str
    effect: Effect
    access: Literal["allowed", "asked", "refused"]
    by: str
    rules: tuple[Barrier, ...]


class AgentPolicy(NamedTuple):
    """What holds of one agent; ``stated`` is what the registry says of it, ``terms`` how the trust in it moves."""

    agent: str
    stated: Mapping[str, Any]
    terms: Terms | None
    tools: tuple[Access, ...]

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data."""
        tools = [one._asdict() | {"rules": [rule._asdict() for rule in one.rules]} for one in self.tools]
        terms = None if self.terms is None else self.terms.facts()
        return {"agent": self.agent, "stated": dict(self.stated), "trust": terms, "tools": tools}


def policies(registry: Registry, agent: str | None = None) -> list[AgentPolicy]:
    """Give the policy of an agent, or of all that are declared; of any agent where none is. O(agents·tools·rules)."""
    names = [agent] if agent is not None else [*registry.agents] or [ANYBODY]
    return [_policy(registry, name) for name in names]


def _policy(registry: Registry, agent: str) -> AgentPolicy:
    tools = [_access(registry, agent, "tool", registry.tools.get(name, ToolSpec(name))) for name in _names(registry)]
    tools.append(_access(registry, agent, "tool", ToolSpec(NOT_A_TOOL))._replace(tool=ANY_TOOL))
    tools.append(_access(registry, agent, "model", ToolSpec(MODELS, effect="read")))
    return AgentPolicy(agent, registry.agents.get(agent, {}), registry.trust.get(agent), tuple(tools))


def _names(registry: Registry) -> list[str]:
    """Give the tools that a registry speaks of by name: declared ones, then those that are granted or in a rule."""
    named = [name for rule in registry.invariants for name in (*rule.grants, *rule.tools)]
    return list(dict.fromkeys([*registry.tools, *(name for name in named if not _WILD & set(name))]))


def _access(registry: Registry, agent: str, surface: Surface, spec: ToolSpec) -> Access:
    known = known_of(tool_names(spec) if surface == "tool" else None, registry.parameters) | {"call.surface": surface}
    standing: list[Barrier] = []
    access: Literal["allowed", "asked", "refused"] = "allowed"
    by = ""
    for rule, always in _speaking(registry, agent, surface, spec, known):
        barrier = _barrier(registry, rule)
        if always and rule.otherwise in ("block", "escalate") and barrier.percent == 100:
            stricter = access == "allowed" or (access == "asked" and rule.otherwise == "block")
            access, by = ("refused" if rule.otherwise == "block" else "asked", rule.id) if stricter else (access, by)
        standing.append(barrier)
    group = registry.program.group("action", surface, spec.name)
    if group.unspoken and registry.default == "refuse" and percent_of(registry.rollout, DEFAULT_REFUSE) == 100:
        access, by = "refused", DEFAULT_REFUSE
    return Access(spec.name, spec.effect, access, by, tuple(standing))


def _speaking(
    registry: Registry, agent: str, surface: Surface, spec: ToolSpec, known: Mapping[str, Any]
) -> Iterator[tuple[Invariant, bool]]:
    """Yield the rules that may be violated by a call of an agent, and whether each call violates them."""
    for rule in registry.invariants:
        if rule.on not in ("action", "result") or not applies(rule, surface, spec, registry.parameters):
            continue
        guard = _settled(rule.when.tree, agent, known) if rule.when else True
        require = None if isinstance(rule.require, Shape) else _settled(rule.require.tree, agent, known)
        if guard is not False and require is not True:
            yield rule, guard is True and require is False


def _settled(tree: Node, agent: str, known: Mapping[str, Any]) -> bool | None:
    """Work out a condition as far as it is known who acts; None where it depends on the call."""
    worked_out = reduce(tree if agent == ANYBODY else _of_agent(tree, agent), known)
    return worked_out.value if isinstance(worked_out, Constant) and type(worked_out.value) is bool else None


def _of_agent(node: Node, agent: str) -> Node:
    """Put an agent's name in its place, but for questions about the past, where it is that of the past event."""
    if isinstance(node, Fold):
        return node
    if isinstance(node, Name) and node.name == "agent":
        return Constant(node.span, agent)
    return rebuild(node, lambda child: _of_agent(child, agent))


def _barrier(registry: Registry, rule: Invariant) -> Barrier:
    on: Literal["action", "result"] = "result" if rule.on == "result" else "action"
    percent = percent_of(registry.rollout, rule.id)
    return Barrier(rule.id, on, rule.otherwise, percent, rule.severity, rule.title, rule.who, rule.place)
