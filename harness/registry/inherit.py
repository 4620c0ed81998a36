"""What a registry takes over by ``extends``, from rules to artifacts, changed only in the open.

A rule, parameter, definition or agent of the same name needs ``override: true``; a rule that answers more mildly also
``weakens``, with the reason; a rule is left out by ``drop``, with the reason. What is stated of a tool may only get
stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from harness.errors import Mistake, UsageError
from harness.registry.complaint import nearest
from harness.registry.document import Written
from harness.registry.draft import Draft, read_draft
from harness.registry.graph.unite import stated_twice, united
from harness.registry.invariant import Invariant
from harness.registry.override import Override, weakened, weakens_tool
from harness.registry.rollout import stricter
from harness.registry.stage import set_stage

ReadText = Callable[[str], str]

_MAX_EXTENDS: Final = 20
_FORMS: Final = {"parameter": "{value: …, override: true}", "definition": "{is: …, override: true}"}


def with_bases(own: Draft, file: str, read: ReadText | None, below: tuple[str, ...] = ()) -> Draft:
    """Put what a draft extends before what it says itself. O(size of all of them)."""
    bases = [_base(own, node, read, (*below, file)) for node in own.extends]
    rules: dict[str, Invariant] = {}
    for base, node in zip(bases, own.extends, strict=True):
        own.mistakes += base.mistakes
        own.changes = base.changes + own.changes
        own.whole = own.whole and base.whole
        for rule in base.rules:
            known = rules.setdefault(rule.id, rule)
            if known.meaning() != rule.meaning():
                said = f"the rule {rule.id!r} of {node.value!r} is another one in {known.place}"
                own.mistakes.append(node.mistake(said))
    inherited = _together(own, bases)
    own.mistakes += _tools(own, inherited)
    own.mistakes += _parameters(own, inherited)
    own.mistakes += _definitions(own, inherited)
    own.mistakes += _agents(own, inherited)
    own.mistakes += stated_twice(inherited.graph, own.graph, alike=False)
    own.graph = united(inherited.graph, own.graph)
    own.artifacts = inherited.artifacts | own.artifacts
    _roll_out(own, inherited)
    own.places = inherited.places | own.places
    own.mistakes += set_stage(own)
    own.mistakes += _drop(own, rules)
    own.mistakes += _add_rules(own, rules)
    own.rules = list(rules.values())
    return own


def _base(own: Draft, node: Written, read: ReadText | None, below: tuple[str, ...]) -> Draft:
    """Read one of the registries that a draft extends; an empty draft where that cannot be done."""
    name = node.value
    if name in below or len(below) > _MAX_EXTENDS:
        own.mistakes.append(node.mistake(f"{name!r} extends itself: {' → '.join((*below, name))}"))
        return Draft(node)
    if read is None:
        own.mistakes.append(node.mistake(f"cannot extend {name!r}: there is no place to read it from"))
        return Draft(node)
    try:
        return with_bases(read_draft(read(name), name), name, read, below)
    except UsageError as error:
        own.mistakes.append(node.mistake(f"cannot extend {name!r}: {error.what}", error.cure))
        return Draft(node)


def _together(own: Draft, bases: list[Draft]) -> Draft:
    """Join what several bases say besides their rules; what two of them say differently is a mistake."""
    joined = Draft(own.document)
    for base, node in zip(bases, own.extends, strict=True):
        for part, before, after in _said_by_both(joined, base):
            if before != after:
                other = joined.places[part].place
                own.mistakes.append(
                    node.mistake(f"{part} of {node.value!r} is another one in {other}", "state it once")
                )
        joined.parameters |= base.parameters
        joined.about |= base.about
        joined.definitions |= base.definitions
        own.mistakes += stated_twice(joined.graph, base.graph, alike=True)
        joined.graph = united(joined.graph, base.graph)
        joined.agents |= base.agents
        joined.artifacts |= base.artifacts
        joined.rollout |= base.rollout
        joined.kill = stricter(joined.kill, base.kill)
        joined.stated |= {name: joined.stated.get(name, {}) | said for name, said in base.stated.items()}
        joined.places = base.places | joined.places
    return joined


def _said_by_both(one: Draft, other: Draft) -> Iterator[tuple[str, Any, Any]]:
    for name in one.parameters.keys() & other.parameters.keys():
        yield f"parameters.{name}", one.parameters[name], other.parameters[name]
    for name in one.definitions.keys() & other.definitions.keys():
        yield f"define.{name}", one.definitions[name], other.definitions[name]
    for name in one.agents.keys() & other.agents.keys():
        yield f"agents.{name}", one.agents[name].plain(), other.agents[name].plain()
    for name in one.artifacts.keys() & other.artifacts.keys():
        yield f"artifacts.{name}", one.artifacts[name], other.artifacts[name]
    for name in one.rollout.keys() & other.rollout.keys():
        yield f"rollout.{name}", one.rollout[name].plain(), other.rollout[name].plain()
    for tool in one.stated.keys() & other.stated.keys():
        was, now = one.stated[tool], other.stated[tool]
        both = was.keys() & now.keys()
        yield f"tools.{tool}", {name: was[name] for name in both}, {name: now[name] for name in both}


def _tools(own: Draft, inherited: Draft) -> Iterator[Mistake]:
    for tool in own.stated.keys() & inherited.stated.keys():
        before, now, place = inherited.stated[tool], own.stated[tool], own.places[f"tools.{tool}"]
        there = inherited.places[f"tools.{tool}"].place
        changed = [name for name, value in now.items() if name in before and before[name] != value]
        for name in changed:
            if weakens_tool(name, before[name], now[name]):
                said = f"{tool}: {name} is {now[name]!r} here and {before[name]!r} in {there}"
                yield place.mistake(said, "what is taken over of a tool may only get stricter")
        if changed:
            own.changes.append(Override("tool", f"{tool}: {', '.join(changed)}", there, place.place))
    stated = {name: said | own.stated.get(name, {}) for name, said in inherited.stated.items()}
    own.stated = stated | {name: said for name, said in own.stated.items() if name not in stated}


def _parameters(own: Draft, inherited: Draft) -> Iterator[Mistake]:
    for name in own.parameters:
        node, there = own.places[f"parameters.{name}"], inherited.places.get(f"parameters.{name}")
        yield from _restated(own, "parameter", name, node, there)
    own.parameters = inherited.parameters | own.parameters
    own.about = inherited.about | own.about


def _definitions(own: Draft, inherited: Draft) -> Iterator[Mistake]:
    for name in own.definitions:
        node, there = own.places[f"define.{name}"], inherited.places.get(f"define.{name}")
        yield from _restated(own, "definition", name, node, there)
    own.definitions = inherited.definitions | own.definitions


def _agents(own: Draft, inherited: Draft) -> Iterator[Mistake]:
    for name, node in own.agents.items():
        there = inherited.places.get(f"agents.{name}")
        yield from _restated(own, "agent", name, node, there)
    own.agents = inherited.agents | own.agents


def _roll_out(own: Draft, inherited: Draft) -> None:
    """Take over shares of rules and what the kill switch does; what is stated here goes before, and is listed."""
    for name in (*(f"rollout.{rule}" for rule in own.rollout), "kill"):
        if name in own.places and name in inherited.places:
            before, now = inherited.places[name], own.places[name]
            own.changes.append(Override("rollout", name.removeprefix("rollout."), before.place, now.place))
    own.rollout = own.rollout | {name: one for name, one in inherited.rollout.items() if name not in own.rollout}
    own.kill = own.kill or inherited.kill


def _restated(own: Draft, part: Any, name: str, node: Written, there: Written | None) -> Iterator[Mistake]:
    """Report a part of the same name as an inherited one that does not say so, or says so of nothing."""
    override = bool(node.entries and "override" in node.entries and node.entries["override"].value)
    if there is None and override:
        said = f"nothing to override: no extended registry has the {part} {name!r}"
        yield node.keys["override"].mistake(said)
    elif there is not None and not override:
        form = _FORMS.get(part, "override: true")
        yield node.mistake(f"the {part} {name!r} is taken by {there.place}", f"write {form} to replace it")
    elif there is not None:
        own.changes.append(Override(part, name, there.place, node.place))


def _drop(own: Draft, rules: dict[str, Invariant]) -> Iterator[Mistake]:
    for name, reason in own.drops.items():
        if name in rules:
            own.changes.append(Override("dropped", name, rules.pop(name).place, reason.place, reason.value))
        else:
            yield reason.mistake(f"nothing to drop: no extended registry has the rule {name!r}", nearest(name, rules))


def _add_rules(own: Draft, rules: dict[str, Invariant]) -> Iterator[Mistake]:
    inherited = set(rules)
    first: dict[str, int] = {}
    for rule in own.rules:
        at = rule.at.find(["id"])
        if rule.id in first:
            yield at.mistake(f"the id {rule.id!r} stands here twice", f"first in line {first[rule.id]}")
            continue
        first[rule.id] = at.line + 1
        if rule.id in inherited and rule.id not in own.overriding:
            cure = "give it another id, or write 'override: true' to replace that rule"
            yield at.mistake(f"the id {rule.id!r} is taken by {rules[rule.id].place}", cure)
        elif rule.id in inherited:
            yield from _overridden(own, rules[rule.id], rule)
        elif rule.id in own.overriding:
            cure = nearest(rule.id, inherited)
            yield at.mistake(f"nothing to override: no extended registry has the rule {rule.id!r}", cure)
        rules[rule.id] = rule


def _overridden(own: Draft, base: Invariant, rule: Invariant) -> Iterator[Mistake]:
    milder, reason = weakened(base, rule), own.weakens.get(rule.id, "")
    if milder and not reason:
        cure = "write weakens: with the reason"
        yield rule.at.find(["id"]).mistake(f"{rule.id!r} is weaker than in {base.place}: {milder}", cure)
    elif reason and not milder:
        said = f"{rule.id!r} is not weaker than in {base.place}"
        yield rule.at.find(["weakens"]).mistake(said, "leave 'weakens' out")
    own.changes.append(Override("rule", rule.id, base.place, rule.place, reason))
