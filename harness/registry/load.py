"""Read a registry from text: every mistake at once, with its place and the likely cure.

Loading is pure. Whoever has a disk hands in the text, and a function that reads the registries named by ``extends``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.errors import Mistake, RegistryError, UsageError
from harness.registry.document import BadDocument, Node, read
from harness.registry.invariant import Examples, Expression, Invariant, Shape
from harness.registry.parse import BadExpression, nearest, parse
from harness.registry.program import validator
from harness.registry.registry import Default, Registry, Unknown
from harness.registry.resolve import Context, resolve
from harness.registry.schema import mistakes_in
from harness.registry.template import Template, read_template
from harness.tool import ToolSpec

ReadText = Callable[[str], str]


def load(text: str, file: str, *, read: ReadText | None = None) -> Registry:
    """Give the registry that a YAML text means.

    ``file`` is the name shown in messages. ``read`` gives the text of a registry named under ``extends``; what it
    raises as UsageError is reported at that line. RegistryError lists all mistakes, of the extended files too.
    O(size), with about 2 ms for each kilobyte.
    """
    draft = _draft(text, file, read, ())
    if not draft.mistakes and not draft.rules:
        draft.mistakes.append(draft.document.mistake(*_NO_RULES))
    if not draft.mistakes:
        context = Context(draft.parameters, draft.tools(), frozenset(draft.stated), draft.default)
        draft.mistakes += _tool_mistakes(draft)
        for rule in draft.rules.values():
            draft.mistakes += resolve(rule, context)
            draft.mistakes += _story_mistakes(rule, context)
    if draft.mistakes:
        raise RegistryError(tuple(dict.fromkeys(draft.mistakes)))
    return Registry(
        name=draft.name,
        version=draft.version,
        default=draft.default,
        unknown=draft.unknown,
        parameters=draft.parameters,
        tools=draft.tools(),
        invariants=tuple(draft.rules.values()),
        file=file,
        stated=draft.stated,
        places=draft.places,
    )


@dataclass
class _Draft:
    """A registry in the making, and what is wrong with it so far."""

    document: Node
    mistakes: list[Mistake] = field(default_factory=list)
    name: str = ""
    version: str = ""
    default: Default = "refuse"
    unknown: Unknown = "block_writes"
    parameters: dict[str, Any] = field(default_factory=dict)
    stated: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, Node] = field(default_factory=dict)
    rules: dict[str, Invariant] = field(default_factory=dict)

    def tools(self) -> dict[str, ToolSpec]:
        return {name: ToolSpec(name, **stated) for name, stated in self.stated.items()}


def _draft(text: str, file: str, read_text: ReadText | None, below: tuple[str, ...]) -> _Draft:
    try:
        document = read(text, file)
    except BadDocument as error:
        return _Draft(Node((file, ()), 0, 0, (0, 0)), [error.mistake])  # type: ignore[arg-type]
    draft = _Draft(document, list(mistakes_in(document)))
    if draft.mistakes:
        return draft
    data = document.plain()
    draft.name, draft.version, draft.default = data["registry"], str(data["version"]), data["default"]
    draft.unknown = data.get("unknown", "block_writes")
    for node in _entry(document, "extends").items or ():
        _extend(draft, node, read_text, (*below, file))
    _add_parameters(draft)
    _add_tools(draft)
    own: dict[str, Node] = {}
    for node in _entry(document, "invariants").items or ():
        _add_rule(draft, node, own)
    return draft


def _entry(node: Node, key: str) -> Node:
    """Give the value of a key, or an empty one."""
    return (node.entries or {}).get(key) or Node(node.source, node.line, node.column, node.end)


def _extend(draft: _Draft, node: Node, read_text: ReadText | None, below: tuple[str, ...]) -> None:
    name = node.value
    if name in below[1:] or len(below) > _MAX_EXTENDS:
        draft.mistakes.append(node.mistake(f"{name!r} extends itself: {' → '.join((*below, name))}"))
        return
    try:
        if read_text is None:
            raise UsageError("there is nothing to read it from")
        base = _draft(read_text(name), name, read_text, below)
    except UsageError as error:
        draft.mistakes.append(node.mistake(f"cannot extend {name!r}: {error.what}", error.cure))
        return
    draft.mistakes += base.mistakes
    draft.parameters |= base.parameters
    draft.places |= base.places
    draft.stated |= {tool: draft.stated.get(tool, {}) | stated for tool, stated in base.stated.items()}
    for rule in base.rules.values():
        known = draft.rules.get(rule.id)
        if known and known.meaning() != rule.meaning():
            draft.mistakes.append(node.mistake(f"the rule {rule.id!r} of {name!r} is another one in {_place(known.at)}"))
        draft.rules.setdefault(rule.id, rule)


def _add_parameters(draft: _Draft) -> None:
    for name, node in (_entry(draft.document, "parameters").entries or {}).items():
        value = node.plain()
        draft.parameters[name] = value["value"] if isinstance(value, dict) else value
        draft.places[f"parameters.{name}"] = node


def _add_tools(draft: _Draft) -> None:
    tools = _entry(draft.document, "tools")
    for name, node in (tools.entries or {}).items():
        stated = dict(node.plain() or {})
        result = stated.pop("result", {})
        if "schema" in result:
            stated["result"] = result["schema"]
        if "format" in result:
            stated["result_format"] = result["format"]
        for key in ("needs", "gives", "unordered"):
            if key in stated:
                stated[key] = tuple(stated[key])
        for path in (["arguments"], ["result", "schema"]):
            if (place := node.find(list(path))) is not node and place.entries is not None:
                _check_schema(draft, place)
        draft.stated[name] = draft.stated.get(name, {}) | stated
        draft.places[f"tools.{name}"] = tools.keys[name]


def _add_rule(draft: _Draft, node: Node, own: dict[str, Node]) -> None:
    data = node.plain()
    name, place = data["id"], node.find(["id"])
    if name in own:
        first = own[name].line + 1
        draft.mistakes.append(place.mistake(f"the id {name!r} stands here twice", f"first in line {first}"))
        return
    own[name] = place
    if name in draft.rules and not data.get("override"):
        cure = "give it another id, or write 'override: true' to replace that rule"
        draft.mistakes.append(place.mistake(f"the id {name!r} is taken by {_place(draft.rules[name].at)}", cure))
        return
    if data.get("override") and name not in draft.rules:
        draft.mistakes.append(place.mistake(f"nothing to override: no extended registry has the rule {name!r}"))
    draft.mistakes += _misplaced(node, data)
    rule = _rule(draft, node, data)
    if rule:
        draft.rules[name] = rule


def _rule(draft: _Draft, node: Node, data: dict[str, Any]) -> Invariant | None:
    when = _expression(draft, node, "when")
    require = _shape(draft, node) if "schema" in data else _expression(draft, node, "require")
    says = _template(draft, node)
    if require is None:
        return None
    tools = data.get("tool", [])
    examples = data.get("examples", {})
    return Invariant(
        id=data["id"],
        on=data["on"],
        require=require,
        at=node,
        title=data.get("title", ""),
        tools=(tools,) if isinstance(tools, str) else tuple(tools),
        when=when,
        severity=data.get("severity", "medium"),
        otherwise=data.get("otherwise", "observe"),
        says=says,
        retryable=data.get("retryable", False),
        source=data.get("source", ""),
        examples=Examples(*(tuple(map(tuple, examples.get(key, ()))) for key in ("holds", "violated"))),
    )


def _expression(draft: _Draft, node: Node, key: str) -> Expression | None:
    if key not in (node.entries or {}):
        return None
    at = node.find([key])
    try:
        return Expression(at.value, parse(at.value), at)
    except BadExpression as error:
        draft.mistakes.append(at.mistake(error.message, error.cure, start=error.span.start, end=error.span.end))
        return None


def _template(draft: _Draft, node: Node) -> Template | None:
    if "says" not in (node.entries or {}):
        return None
    at = node.find(["says"])
    try:
        return read_template(at.value)
    except BadExpression as error:
        draft.mistakes.append(at.mistake(error.message, error.cure, start=error.span.start, end=error.span.end))
        return None


def _shape(draft: _Draft, node: Node) -> Shape | None:
    (part, place), *_ = (node.find(["schema"]).entries or {}).items()
    return Shape(part, place.plain()) if _check_schema(draft, place) else None  # type: ignore[arg-type]


def _check_schema(draft: _Draft, place: Node) -> bool:
    """Report a schema that is no JSON Schema (Draft 2020-12), at the part that is wrong."""
    from jsonschema import Draft202012Validator, SchemaError

    schema = place.plain()
    try:
        Draft202012Validator.check_schema(schema)
        validator(Shape("arguments", schema))
    except SchemaError as error:
        wrong = place.find(list(error.absolute_path))
        draft.mistakes.append(wrong.mistake(f"not a JSON Schema: {error.message}"))
        return False
    except ValueError as error:
        draft.mistakes.append(place.mistake(f"not a JSON Schema: {str(error).splitlines()[0]}"))
        return False
    return True


def _misplaced(node: Node, data: dict[str, Any]) -> Iterator[Mistake]:
    on = data["on"]
    if "tool" in data and on in ("message", "end"):
        yield node.keys["tool"].mistake(f"a rule on: {on} speaks of no tool", "leave 'tool' out")
    part = next(iter(data.get("schema", ())), None)
    if part and on != {"arguments": "action", "result": "result"}[part]:
        right = "action" if part == "arguments" else "result"
        yield node.find(["on"]).mistake(f"a schema of {part} is checked on: {right}", f"write on: {right}")


def _tool_mistakes(draft: _Draft) -> Iterator[Mistake]:
    for name, stated in draft.stated.items():
        for key in ("undo", "probe"):
            if stated.get(key) not in (None, *draft.stated):
                place = draft.places[f"tools.{name}"]
                yield place.mistake(f"{name}: {key} names the unknown tool {stated[key]!r}", nearest(stated[key], draft.stated))


def _story_mistakes(rule: Invariant, context: Context) -> Iterator[Mistake]:
    """Report example lines that are no step: see ``assertion.examples``."""
    for kind in ("holds", "violated"):
        for number, story in enumerate(getattr(rule.examples, kind)):
            for line, step in enumerate(story):
                place = rule.at.find(["examples", kind, number, line])
                said = [key for key in step if key not in ("result", "failed")]
                if len(said) != 1 or ("result" in step and "failed" in step):
                    yield place.mistake("an example line is one message or one call, with 'result' or 'failed' if it has an outcome", _LINE)
                elif said[0] in _ROLES:
                    if not isinstance(step[said[0]], str) or len(step) > 1:
                        yield place.mistake(f"{said[0]}: expected the text of a message", _LINE)
                elif not isinstance(step[said[0]] or {}, dict):
                    yield place.mistake(f"{said[0]}: expected the arguments of a call as an object", _LINE)
                elif context.declared and said[0] not in context.declared:
                    yield place.keys[said[0]].mistake(f"unknown tool {said[0]!r}", nearest(said[0], context.declared))


def _place(node: Node) -> str:
    return f"{node.source.file}:{node.line + 1}"


_MAX_EXTENDS = 20
_ROLES = ("system", "user", "assistant")
_LINE = "write {user: text} or {tool_name: {argument: value}, result: value}"
_NO_RULES = ("the registry has no invariants", "an empty registry is never 'no rules': state at least one under 'invariants:'")
