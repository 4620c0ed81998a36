"""What two versions of a registry mean differently; titles, sources, examples and layout do not count."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from harness.determinism.canonical import encode
from harness.registry.graph.values import Graph, meaning_of, told
from harness.registry.invariant import Expression, Invariant
from harness.registry.registry import Registry
from harness.registry.write import write

What = Literal["added", "removed", "changed"]


class Difference(NamedTuple):
    """One difference: the part (``rule``, ``parameter``, ``tool``, ``agent``, ``graph`` …), its name, the field.

    ``before`` and ``after`` are the two texts of the field, empty where there is none; for what was added or removed
    as a whole ``field`` is empty. ``place`` is in the new version, or in the old one for what was removed.
    """

    what: What
    part: str
    name: str
    field: str
    before: str
    after: str
    place: str


def differences(old: Registry, new: Registry) -> Iterator[Difference]:
    """Yield every difference: none if and only if the two have the same digest. O(size)."""
    for field in ("name", "version", "default", "unknown", "kill"):
        if getattr(old, field) != getattr(new, field):
            before, after = str(getattr(old, field)), str(getattr(new, field))
            yield Difference("changed", "registry", new.name, field, before, after, new.file)
    yield from _values("parameter", old.parameters, new.parameters, old, new)
    for one in _values("rollout", old.rollout, new.rollout, old, new):
        yield one._replace(place=_place(old if one.what == "removed" else new, f"rollout.{one.name}"))
    yield from _values("agent", _trust(old), _trust(new), old, new)
    yield from _tools(old, new)
    yield from _graphs(old, new)
    yield from _rules(old, new)


def _rules(old: Registry, new: Registry) -> Iterator[Difference]:
    before = {rule.id: rule for rule in old.invariants}
    after = {rule.id: rule for rule in new.invariants}
    for name, rule in before.items():
        if name not in after:
            yield Difference("removed", "rule", name, "", _said(rule), "", rule.place)
    for name, rule in after.items():
        if name not in before:
            yield Difference("added", "rule", name, "", "", _said(rule), rule.place)
        else:
            yield from _rule(before[name], rule)
    kept = [name for name in before if name in after]
    order = [name for name in after if name in before]
    if kept != order:
        yield Difference("changed", "registry", new.name, "order of rules", ", ".join(kept), ", ".join(order), new.file)


def _rule(old: Invariant, new: Invariant) -> Iterator[Difference]:
    was, now = old.meaning(), new.meaning()
    before, after = _texts(old), _texts(new)
    for field in was | now:
        if encode(was.get(field)) != encode(now.get(field)):
            place = new.at.find([field]).place
            texts = (before.get(field, _shown(was.get(field))), after.get(field, _shown(now.get(field))))
            yield Difference("changed", "rule", new.id, field, *texts, place)


def _said(rule: Invariant) -> str:
    texts = _texts(rule)
    guard = f"when {texts['when']}: " if rule.when else ""
    return f"{guard}{texts.get('require', 'schema')}"


def _texts(rule: Invariant) -> dict[str, str]:
    """Give the parts of a rule that are better read as text than as the data of their meaning."""
    texts = {"when": write(rule.when.tree) if rule.when else "", "says": rule.says.spoken if rule.says else ""}
    if isinstance(rule.require, Expression):
        texts["require"] = write(rule.require.tree)
    return texts


def _tools(old: Registry, new: Registry) -> Iterator[Difference]:
    before, after = ({name: spec.stated() for name, spec in one.tools.items()} for one in (old, new))
    both = before.keys() & after.keys()
    for name in sorted(both):
        for one in _values("tool", before[name], after[name], old, new):
            yield one._replace(what="changed", name=name, field=one.name, place=_place(new, f"tools.{name}"))
    gone, added = ({name: said for name, said in one.items() if name not in both} for one in (before, after))
    yield from _values("tool", gone, added, old, new)


def _graphs(old: Registry, new: Registry) -> Iterator[Difference]:
    before, after = (_parts_of(one.graph) if one.graph else {} for one in (old, new))
    for one in _values("graph", before, after, old, new):
        yield one._replace(place=_place(old if one.what == "removed" else new, "graph"))


def _parts_of(graph: Graph) -> dict[str, Any]:
    """Give what a graph means by what it is about, for all to see."""
    meaning = graph.meaning()
    arcs = {told(arc): meaning_of(arc) for arc in graph.arcs}
    goals = {f"goal {name}": said for name, *said in meaning["goals"]}
    parts = ("policy", "clean", "undo_args", "monitors")
    rest = {f"{part} {name}": said for part in parts for name, said in meaning[part].items()}
    return {"start": meaning["start"], "order of goals": list(graph.goals), **goals, **arcs, **rest}


def _trust(registry: Registry) -> dict[str, Any]:
    """Give how the trust in each agent moves; what else is stated of agents is in the rules that follow from it."""
    return {name: terms.facts() for name, terms in registry.trust.items()}


def _values(
    part: str, before: Mapping[str, Any], after: Mapping[str, Any], old: Registry, new: Registry
) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        was = _json(before[name]) if name in before else ""
        now = _json(after[name]) if name in after else ""
        if was != now:
            what: What = "changed" if was and now else "added" if now else "removed"
            field = "value" if what == "changed" else ""
            yield Difference(what, part, name, field, was, now, _place(new if now else old, f"{part}s.{name}"))


def _place(registry: Registry, key: str) -> str:
    return registry.places[key].place if key in registry.places else registry.file


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is list and all(type(item) is str for item in value):
        return ", ".join(value)
    return value if type(value) is str else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
