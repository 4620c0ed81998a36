"""Read a registry from text: every mistake at once, with its place and the likely cure.

Loading is pure. Whoever has a disk hands in the text, and a function that reads the registries named by ``extends``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from harness.errors import Mistake, RegistryError, UsageError
from harness.registry.complaint import nearest
from harness.registry.context import Context
from harness.registry.document import Written
from harness.registry.draft import Draft, read_draft
from harness.registry.invariant import Invariant
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.registry.story import mistakes_in_stories
from harness.tool import ToolSpec

ReadText = Callable[[str], str]

_MAX_EXTENDS: Final = 20


def load(text: str, file: str, *, read: ReadText | None = None) -> Registry:
    """Give the registry that a YAML text means.

    ``file`` is the name shown in messages. ``read`` gives the text of a registry named under ``extends``; what it
    raises as UsageError is reported at that line. RegistryError lists all mistakes, those of extended files too.
    O(size): about 3 ms for each kilobyte.
    """
    draft = _with_bases(read_draft(text, file), file, read, ())
    if not draft.rules and not draft.mistakes:
        draft.mistakes.append(_no_rules(draft.document))
    tools = {name: ToolSpec(name, **stated) for name, stated in draft.stated.items()}
    if draft.whole:
        draft.mistakes += _undeclared_tools(draft)
        context = Context(draft.parameters, tools, frozenset(draft.stated), draft.default)
        for rule in draft.rules:
            draft.mistakes += resolve(rule, context)
            draft.mistakes += mistakes_in_stories(rule, context.declared)
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
    )


def _with_bases(own: Draft, file: str, read: ReadText | None, below: tuple[str, ...]) -> Draft:
    """Put what a draft extends before what it says itself."""
    bases = [_base(own, node, read, (*below, file)) for node in own.extends]
    rules: dict[str, Invariant] = {}
    for base, node in zip(bases, own.extends, strict=True):
        own.mistakes += base.mistakes
        own.whole = own.whole and base.whole
        for rule in base.rules:
            known = rules.setdefault(rule.id, rule)
            if known.meaning() != rule.meaning():
                said = f"the rule {rule.id!r} of {node.value!r} is another one in {known.place}"
                own.mistakes.append(node.mistake(said))
    for base in reversed(bases):
        own.parameters = base.parameters | own.parameters
        own.places = base.places | own.places
        stated = {name: said | own.stated.get(name, {}) for name, said in base.stated.items()}
        own.stated = stated | {name: said for name, said in own.stated.items() if name not in stated}
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
        return _with_bases(read_draft(read(name), name), name, read, below)
    except UsageError as error:
        own.mistakes.append(node.mistake(f"cannot extend {name!r}: {error.what}", error.cure))
        return Draft(node)


def _add_rules(own: Draft, rules: dict[str, Invariant]) -> Iterator[Mistake]:
    inherited = set(rules)
    first: dict[str, int] = {}
    for rule in own.rules:
        at = rule.at.find(["id"])
        if rule.id in first:
            yield at.mistake(f"the id {rule.id!r} stands here twice", f"first in line {first[rule.id]}")
            continue
        first[rule.id] = at.line + 1
        if rule.id in inherited and rule.id not in own.overrides:
            cure = "give it another id, or write 'override: true' to replace that rule"
            yield at.mistake(f"the id {rule.id!r} is taken by {rules[rule.id].place}", cure)
        elif rule.id in own.overrides and rule.id not in inherited:
            yield at.mistake(f"nothing to override: no extended registry has the rule {rule.id!r}")
        rules[rule.id] = rule


def _undeclared_tools(draft: Draft) -> Iterator[Mistake]:
    for name, stated in draft.stated.items():
        for key in ("undo", "probe"):
            other = stated.get(key)
            if other is not None and other not in draft.stated:
                place = draft.places[f"tools.{name}"]
                yield place.mistake(f"{key} of {name} is the unknown tool {other!r}", nearest(other, draft.stated))


def _no_rules(document: Written) -> Mistake:
    cure = "state at least one under 'invariants:'; an empty registry is never 'no rules'"
    return document.mistake("the registry has no invariants", cure)


def _in_order(mistakes: list[Mistake], file: str) -> tuple[Mistake, ...]:
    """Put the mistakes of the file itself first, then those of the others, each in the order of its lines."""
    unique = dict.fromkeys(mistakes)
    return tuple(sorted(unique, key=lambda one: (one.file != file, one.file, one.line, one.column)))
