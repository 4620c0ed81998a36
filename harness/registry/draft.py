"""Read one registry file as far as it can be read, keeping everything that is wrong with it.

What is broken is left out, so that the rest can still be checked and all mistakes be told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from harness.errors import Mistake
from harness.registry.complaint import ExpressionError
from harness.registry.document import DocumentError, Source, Written, read
from harness.registry.invariant import Examples, Expression, Invariant, Shape
from harness.registry.parse import parse
from harness.registry.program import validator
from harness.registry.registry import Default, Unknown
from harness.registry.schema import TOOL_KEYS, mistakes_in
from harness.registry.template import Template, read_template

Read = TypeVar("Read", Expression, Template)


@dataclass
class Draft:
    """A registry in the making; see ``registry.Registry`` for the fields.

    ``rules`` may hold an id twice; ``overrides`` are the ids that are meant to replace one. ``whole`` tells that no
    name is missing because something could not be read.
    """

    document: Written
    mistakes: list[Mistake] = field(default_factory=list)
    whole: bool = False
    name: str = ""
    version: str = ""
    default: Default = "refuse"
    unknown: Unknown = "block_writes"
    extends: tuple[Written, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    stated: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, Written] = field(default_factory=dict)
    rules: list[Invariant] = field(default_factory=list)
    overrides: set[str] = field(default_factory=set)


def read_draft(text: str, file: str) -> Draft:
    """Read the text of one file, not what it extends."""
    try:
        document = read(text, file)
    except DocumentError as error:
        return Draft(Written(Source(file, ()), 0, 0, (0, 0)), [error.mistake])
    found = list(mistakes_in(document))
    draft = Draft(document, [mistake for _, mistake in found])
    if document.entries is None:
        return draft
    broken = {path[:2] for path, _ in found if path}
    heads = {path[0] for path in broken if len(path) == 1 or path[0] == "extends"}
    _read_head(draft, heads)
    draft.whole = heads.isdisjoint(("tools", "parameters", "extends"))
    for name, node in _entries(document, "parameters", heads):
        value = None if ("parameters", name) in broken else node.plain()
        draft.parameters[name] = value["value"] if isinstance(value, dict) else value
        draft.places[f"parameters.{name}"] = node
    for name, node in _entries(document, "tools", heads):
        draft.stated[name] = {} if ("tools", name) in broken else _tool(draft, node)
        draft.places[f"tools.{name}"] = document.find(["tools"]).keys[name]
    for index, node in enumerate(document.find(["invariants"]).items or ()):
        if ("invariants", index) not in broken:
            _add_rule(draft, node)
    return draft


def _read_head(draft: Draft, broken: set[Any]) -> None:
    head = {key: node for key, node in (draft.document.entries or {}).items() if key not in broken}
    draft.name = head["registry"].value if "registry" in head else ""
    draft.version = str(head["version"].value) if "version" in head else ""
    draft.default = head["default"].value if "default" in head else "refuse"
    draft.unknown = head["unknown"].value if "unknown" in head else "block_writes"
    draft.extends = (head["extends"].items or ()) if "extends" in head else ()


def _entries(document: Written, part: str, broken: set[Any]) -> Iterator[tuple[str, Written]]:
    if part not in broken and part in document.keys:
        yield from (document.find([part]).entries or {}).items()


def _tool(draft: Draft, node: Written) -> dict[str, Any]:
    """Give the fields of a ToolSpec that a registry states."""
    stated = {key: value for key, value in (node.plain() or {}).items() if key in TOOL_KEYS}
    result = stated.pop("result", {})
    stated |= {name: result[key] for key, name in (("schema", "result"), ("format", "result_format")) if key in result}
    stated |= {key: tuple(stated[key]) for key in ("needs", "gives", "unordered") if key in stated}
    if "arguments" in stated:
        _check_schema(draft, node.find(["arguments"]))
    if "result" in stated:
        _check_schema(draft, node.find(["result", "schema"]))
    return stated


def _add_rule(draft: Draft, node: Written) -> None:
    data = node.plain()
    draft.mistakes += _misplaced(node, data)
    before = len(draft.mistakes)
    when = _parsed(draft, node, "when", _expression)
    require = _shape(draft, node) if "schema" in data else _parsed(draft, node, "require", _expression)
    says = _parsed(draft, node, "says", lambda at: read_template(at.value))
    if require is None or len(draft.mistakes) > before:
        return
    if data.get("override"):
        draft.overrides.add(data["id"])
    tools = data.get("tool", ())
    optional = {key: data[key] for key in ("title", "severity", "otherwise", "retryable", "source") if key in data}
    draft.rules.append(
        Invariant(
            id=data["id"],
            on=data["on"],
            require=require,
            at=node,
            tools=(tools,) if isinstance(tools, str) else tuple(tools),
            when=when,
            says=says,
            examples=_examples(data.get("examples", {})),
            **optional,
        )
    )


def _examples(data: dict[str, Any]) -> Examples:
    return Examples(*(tuple(map(tuple, data.get(kind, ()))) for kind in ("holds", "violated")))


def _expression(at: Written) -> Expression:
    return Expression(at.value, parse(at.value), at)


def _parsed(draft: Draft, node: Written, key: str, read_text: Callable[[Written], Read]) -> Read | None:
    if key not in (node.entries or {}):
        return None
    at = node.find([key])
    try:
        return read_text(at)
    except ExpressionError as error:
        draft.mistakes.append(at.mistake(error.message, error.cure, start=error.span.start, end=error.span.end))
        return None


def _shape(draft: Draft, node: Written) -> Shape | None:
    schema = node.find(["schema"])
    part: Literal["arguments", "result"] = "arguments" if "arguments" in schema.keys else "result"
    place = schema.find([part])
    return Shape(part, place.plain()) if _check_schema(draft, place) else None


def _check_schema(draft: Draft, place: Written) -> bool:
    """Report a schema that is no JSON Schema (Draft 2020-12), at the part that is wrong."""
    from jsonschema import Draft202012Validator, SchemaError

    schema = place.plain()
    try:
        Draft202012Validator.check_schema(schema)
        validator(schema)
    except SchemaError as error:
        wrong = place.find(list(error.absolute_path))
        draft.mistakes.append(wrong.mistake(f"not a JSON Schema: {error.message}"))
        return False
    except ValueError as error:
        draft.mistakes.append(place.mistake(f"not a JSON Schema: {str(error).splitlines()[0]}"))
        return False
    return True


def _misplaced(node: Written, data: dict[str, Any]) -> Iterator[Mistake]:
    on = data["on"]
    if "tool" in data and on in ("message", "end"):
        yield node.keys["tool"].mistake(f"a rule on: {on} speaks of no tool", "leave 'tool' out")
    part = next(iter(data.get("schema", ())), None)
    right = {"arguments": "action", "result": "result", None: on}[part]
    if on != right:
        yield node.find(["on"]).mistake(f"the schema of {part} is checked on: {right}", f"write on: {right}")
