"""Read a registry from text: every mistake at once, with its place and the likely cure.

Loading is pure. Whoever has a disk hands in the text, and a function that reads the registries named by ``extends``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.errors import Mistake, RegistryError
from harness.registry.capability import derive
from harness.registry.complaint import nearest
from harness.registry.context import Context
from harness.registry.define import Definitions
from harness.registry.document import Written
from harness.registry.draft import Draft, read_draft
from harness.registry.graph.assemble import assemble_at
from harness.registry.graph.values import Graph
from harness.registry.inherit import ReadText, with_bases
from harness.registry.invariant import ExampleStage
from harness.registry.registry import Registry, declared_tools
from harness.registry.resolve import resolve, unused
from harness.registry.rollout import mistakes_in_rollout, plain_shares
from harness.registry.story import mistakes_in_stories
from harness.tool import ToolSpec
from harness.trace.verdict import DEFAULT_REFUSE


def load(text: str, file: str, *, read: ReadText | None = None) -> Registry:
    """Give the registry that a YAML text means.

    ``file`` is the name shown in messages. ``read`` gives the text of a registry named under ``extends``; what it
    raises as UsageError is reported at that line. RegistryError lists all mistakes, those of extended files too.
    O(size): about 3 ms for each kilobyte.
    """
    return finish(with_bases(read_draft(text, file), file, read), file)


def finish(draft: Draft, file: str) -> Registry:
    """Make a registry of a draft that has everything it extends; RegistryError lists all mistakes."""
    if not draft.rules and not draft.agents and draft.graph is None and not draft.mistakes:
        draft.mistakes.append(_no_rules(draft.document))
    tools, graph = _with_graph(draft)
    definitions = Definitions(draft.definitions)
    draft.rules = [rule for rule in map(definitions.rule, draft.rules) if rule]
    draft.mistakes += definitions.mistakes
    if draft.whole:
        draft.mistakes += _undeclared_tools(draft)
        draft.mistakes += _undeclared_artifacts(draft)
        context = Context(
            draft.parameters,
            tools,
            declared_tools(draft.stated, graph),
            draft.default,
            draft.about,
            frozenset(draft.agents),
            draft.artifacts,
            definitions.whole,
            definitions.unread,
        )
        derived, mistakes = derive(draft.agents, draft.places, context)
        draft.mistakes += mistakes
        draft.mistakes += _taken(draft, {rule.id for rule in derived})
        draft.rules += () if mistakes else derived
        draft.mistakes += mistakes_in_rollout(draft.rollout, [*(rule.id for rule in draft.rules), DEFAULT_REFUSE])
        stage = ExampleStage(tools, draft.parameters, context.agents)
        draft.mistakes += unused(context, draft.rules)
        for rule in draft.rules:
            draft.mistakes += resolve(rule, context)
            draft.mistakes += mistakes_in_stories(rule, rule.stage or stage)
    if draft.mistakes:
        raise RegistryError(_in_order(draft.mistakes, file))
    return Registry(
        name=draft.name,
        version=draft.version,
        default=draft.default,
        unknown=draft.unknown,
        parameters=draft.parameters,
        tools=tools,
        invariants=tuple(draft.rules),
        file=file,
        stated=draft.stated,
        places=draft.places,
        about=draft.about,
        agents={name: _stated_of(node) for name, node in draft.agents.items()},
        artifacts=draft.artifacts,
        overrides=tuple(draft.changes),
        graph=graph,
        rollout=plain_shares(draft.rollout),
        kill=draft.kill or "fail_closed",
    )


def _with_graph(draft: Draft) -> tuple[dict[str, ToolSpec], Graph | None]:
    """Give the tools of a draft, and its graph, whose goals count among them."""
    tools = {name: ToolSpec(name, **stated) for name, stated in draft.stated.items()}
    if draft.graph is None:
        return tools, None
    whole, mistakes = assemble_at(draft.name, draft.graph, tools, draft.places, frozenset(draft.stated))
    draft.mistakes += mistakes if draft.whole else ()
    return whole.tools, whole.graph


def _stated_of(agent: Written) -> dict[str, Any]:
    return {key: value for key, value in (agent.plain() or {}).items() if key != "override"}


def _undeclared_tools(draft: Draft) -> Iterator[Mistake]:
    for name, stated in draft.stated.items():
        for key in ("undo", "probe"):
            other = stated.get(key)
            if other is not None and other not in draft.stated:
                place = draft.places[f"tools.{name}"]
                yield place.mistake(f"{key} of {name} is the unknown tool {other!r}", nearest(other, draft.stated))


def _undeclared_artifacts(draft: Draft) -> Iterator[Mistake]:
    for rule in draft.rules:
        if rule.artifact and rule.artifact not in draft.artifacts:
            known = f"declared artifacts: {', '.join(sorted(draft.artifacts)) or 'none'}"
            cure = nearest(rule.artifact, draft.artifacts) or known
            yield rule.at.find(["artifact"]).mistake(f"no declared artifact is called {rule.artifact!r}", cure)


def _taken(draft: Draft, derived: set[str]) -> Iterator[Mistake]:
    for rule in draft.rules:
        if rule.id in derived:
            said = f"the id {rule.id!r} is that of a rule that follows from 'agents:'"
            yield rule.at.find(["id"]).mistake(said, "give it another id")


def _no_rules(document: Written) -> Mistake:
    cure = "state at least one under 'invariants:'; an empty registry is never 'no rules'"
    return document.mistake("the registry has no invariants", cure)


def _in_order(mistakes: list[Mistake], file: str) -> tuple[Mistake, ...]:
    """Put the mistakes of the file itself first, then those of the others, each in the order of its lines."""
    unique = dict.fromkeys(mistakes)
    return tuple(sorted(unique, key=lambda one: (one.file != file, one.file, one.line, one.column)))
