"""Read one registry file as far as it can be read, keeping everything that is wrong with it.

What is broken is left out, so that the rest can still be checked and all mistakes be told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from harness.errors import Mistake
from harness.registry.complaint import ExpressionError
from harness.registry.define import mistake_in_name
from harness.registry.document import DocumentError, Source, Written, read
from harness.registry.inline import inlined
from harness.registry.invariant import Examples, Expression, Invariant, Shape
from harness.registry.json_schema import mistakes_in_schema
from harness.registry.misfit import mistakes_in
from harness.registry.override import Override
from harness.registry.parameter import Parameter, mistakes_in_parameter, read_parameter
from harness.registry.parse import parse
from harness.registry.registry import Default, Unknown
from harness.registry.rollout import Kill, read_kill
from harness.registry.schema import SCHEMA, TOOL_KEYS
from harness.registry.template import Template, read_template

Read = TypeVar("Read", Expression, Template)


@dataclass
class Draft:
    """A registry in the making; see ``registry.Registry`` for the fields.

    ``rules`` may hold an id twice; ``overriding`` are the ids that are meant to replace one, ``weakens`` why that makes
    them weaker, ``drops`` the inherited ids to leave out and why. ``changes`` is what was done to inherited parts.
    ``stage_tools`` and ``stage_parameters`` are there for this file's examples only, see ``stage``.
    ``whole`` tells that no name is missing because something could not be read.
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
    graph: Written | None = None
    rules: list[Invariant] = field(default_factory=list)
    about: dict[str, Parameter] = field(default_factory=dict)
    definitions: dict[str, Expression | None] = field(default_factory=dict)
    agents: dict[str, Written] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    overriding: set[str] = field(default_factory=set)
    weakens: dict[str, str] = field(default_factory=dict)
    drops: dict[str, Written] = field(default_factory=dict)
    changes: list[Override] = field(default_factory=list)
    rollout: dict[str, Written] = field(default_factory=dict)
    kill: Kill | None = None
    stage_tools: dict[str, dict[str, Any]] = field(default_factory=dict)
    stage_parameters: dict[str, Any] = field(default_factory=dict)


def read_draft(text: str, file: str) -> Draft:
    """Read the text of one file, not what it extends."""
    try:
        return draft_of(read(text, file))
    except DocumentError as error:
        return Draft(Written(Source(file, ()), 0, 0, (0, 0)), [error.mistake])


def draft_of(document: Written) -> Draft:
    """Read one document, wherever it comes from, not what it extends."""
    found = list(mistakes_in(document, SCHEMA))
    document, others = inlined(document)
    draft = Draft(document, [*(mistake for _, mistake in found), *others])
    if document.entries is None:
        return draft
    broken = {path[:2] for path, _ in found if path}
    heads = {path[0] for path in broken if len(path) == 1 or path[0] == "extends"}
    _read_head(draft, heads)
    draft.whole = heads.isdisjoint(("tools", "parameters", "extends", "agents", "artifacts", "drop", "define", "graph"))
    for name, node in _entries(document, "parameters", heads):
        _add_parameter(draft, name, node, whole=("parameters", name) not in broken)
    for name, node in _entries(document, "define", heads):
        _add_definition(draft, name, node, whole=("define", name) not in broken)
    for name, node in _entries(document, "schemas", heads):
        if ("schemas", name) not in broken:
            _check_schema(draft, node)
    for name, node in _entries(document, "tools", heads):
        draft.stated[name] = {} if ("tools", name) in broken else _tool(draft, node)
        draft.places[f"tools.{name}"] = document.find(["tools"]).keys[name]
    _read_stage(draft, whole="stage" not in {path[0] for path in broken})
    for name, node in _entries(document, "agents", heads):
        if ("agents", name) not in broken:
            draft.agents[name] = node
        draft.places[f"agents.{name}"] = document.find(["agents"]).keys[name]
        draft.whole = draft.whole and name in draft.agents
    for name, node in _entries(document, "artifacts", heads):
        schema = node.find(["schema"])
        draft.artifacts[name] = {} if ("artifacts", name) in broken else schema.plain()
        draft.places[f"artifacts.{name}"] = node
        _check_schema(draft, schema)
    if "graph" in document.keys and "graph" not in heads:
        _add_graph(draft, document.find(["graph"]), whole=all(path[0] != "graph" for path in broken))
    draft.rollout = {
        name: node for name, node in _entries(document, "rollout", heads) if ("rollout", name) not in broken
    }
    draft.places |= {f"rollout.{name}": node for name, node in draft.rollout.items()}
    for node in () if "drop" in heads else document.find(["drop"]).items or ():
        draft.drops |= node.entries or {}
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
    if "kill" in head:
        draft.kill, draft.places["kill"] = read_kill(head["kill"].value), head["kill"]
    draft.extends = (head["extends"].items or ()) if "extends" in head else ()


def _entries(document: Written, part: str, broken: set[Any]) -> Iterator[tuple[str, Written]]:
    if part not in broken and part in document.keys:
        yield from (document.find([part]).entries or {}).items()


def _add_parameter(draft: Draft, name: str, node: Written, *, whole: bool) -> None:
    value = node.plain() if whole else None
    draft.parameters[name] = value["value"] if isinstance(value, dict) else value
    draft.places[f"parameters.{name}"] = node
    if whole:
        draft.about[name] = read_parameter(node)
        draft.mistakes += mistakes_in_parameter(node)


def _add_definition(draft: Draft, name: str, node: Written, *, whole: bool) -> None:
    draft.places[f"define.{name}"] = node
    if hides := mistake_in_name(name, draft.document.find(["define"]).keys[name]):
        draft.mistakes.append(hides)
        return
    draft.definitions[name] = _read(draft, node.find(["is"]), _expression) if whole else None


def _tool(draft: Draft, node: Written) -> dict[str, Any]:
    """Give the fields of a ToolSpec that a registry states."""
    stated = {key: value for key, value in (node.plain() or {}).items() if key in TOOL_KEYS}
    result = stated.pop("result", {})
    stated |= {name: result[key] for key, name in (("schema", "result"), ("format", "result_format")) if key in result}
    stated |= {key: tuple(stated[key]) for key in ("needs", "gives") if key in stated}
    if "arguments" in stated:
        _check_schema(draft, node.find(["arguments"]))
    if "result" in stated:
        _check_schema(draft, node.find(["result", "schema"]))
    return stated


def _read_stage(draft: Draft, *, whole: bool) -> None:
    """Read what is there for examples only."""
    draft.whole = draft.whole and whole
    stage = (draft.document.entries or {}).get("stage")
    if stage is not None and whole:
        tools = (stage.entries or {}).get("tools")
        draft.stage_tools = {name: _tool(draft, node) for name, node in ((tools and tools.entries) or {}).items()}
        draft.stage_parameters = stage.plain().get("parameters", {})


def _add_graph(draft: Draft, node: Written, *, whole: bool) -> None:
    goals = (node.entries or {}).get("goals")
    schemas = [(goal.entries or {}).get("arguments") for goal in ((goals and goals.entries) or {}).values()]
    sound = [_check_schema(draft, schema) for schema in schemas if schema is not None and whole]
    draft.graph = node if whole and all(sound) else None
    draft.whole = draft.whole and draft.graph is not None


def _add_rule(draft: Draft, node: Written) -> None:
    data = node.plain()
    draft.mistakes += _misplaced(node, data)
    before = len(draft.mistakes)
    when = _parsed(draft, node, "when", _expression)
    require = _shape(draft, node) if "schema" in data else _parsed(draft, node, "require", _expression)
    says = _parsed(draft, node, "says", lambda at: read_template(at.value))
    rewrite = _rewrite(draft, node)
    if require is None or len(draft.mistakes) > before:
        return
    if data.get("override"):
        draft.overriding.add(data["id"])
    if "weakens" in data:
        draft.weakens[data["id"]] = data["weakens"]
    tools = data.get("tool", ())
    optional = {
        key: data[key] for key in ("title", "severity", "otherwise", "who", "retryable", "source") if key in data
    }
    draft.rules.append(
        Invariant(
            id=data["id"],
            on=data["on"],
            require=require,
            at=node,
            tools=(tools,) if isinstance(tools, str) else tuple(tools),
            artifact=data.get("artifact", ""),
            when=when,
            rewrite=rewrite,
            says=says,
            examples=_examples(data.get("examples", {})),
            **optional,
        )
    )


def _examples(data: dict[str, Any]) -> Examples:
    return Examples(*(tuple(map(tuple, data.get(kind, ()))) for kind in ("holds", "violated")))


def _rewrite(draft: Draft, node: Written) -> tuple[tuple[str, Expression], ...]:
    places = node.entries["rewrite"].keys if node.entries and "rewrite" in node.entries else {}
    read = ((place, _parsed(draft, node.find(["rewrite"]), place, _expression)) for place in places)
    return tuple((place, expression) for place, expression in read if expression is not None)


def _expression(at: Written) -> Expression:
    return Expression(at.value, parse(at.value), at)


def _parsed(draft: Draft, node: Written, key: str, read_text: Callable[[Written], Read]) -> Read | None:
    if key not in (node.entries or {}):
        return None
    return _read(draft, node.find([key]), read_text)


def _read(draft: Draft, at: Written, read_text: Callable[[Written], Read]) -> Read | None:
    try:
        return read_text(at)
    except ExpressionError as error:
        draft.mistakes.append(at.mistake(error.message, error.cure, start=error.span.start, end=error.span.end))
        return None


def _shape(draft: Draft, node: Written) -> Shape | None:
    schema = node.find(["schema"])
    parts: tuple[Literal["arguments", "result", "artifact"], ...] = ("arguments", "result", "artifact")
    part = next(part for part in parts if part in schema.keys)
    place = schema.find([part])
    return Shape(part, place.plain()) if _check_schema(draft, place) else None


def _check_schema(draft: Draft, place: Written) -> bool:
    found = list(mistakes_in_schema(place))
    draft.mistakes += found
    return not found


def _misplaced(node: Written, data: dict[str, Any]) -> Iterator[Mistake]:
    on = data["on"]
    if "tool" in data and on not in ("action", "result", "route"):
        yield node.keys["tool"].mistake(f"a rule on: {on} speaks of no tool", "leave 'tool' out")
    if "artifact" in data and on != "artifact":
        yield node.keys["artifact"].mistake(f"a rule on: {on} speaks of no artifact", "write on: artifact")
    if "artifact" not in data and on == "artifact":
        yield node.find(["on"]).mistake("it is not stated which artifact the rule speaks of", "write artifact: NAME")
    part = next(iter(data.get("schema", ())), None)
    right = {"arguments": "action", "result": "result", "artifact": "artifact", None: on}[part]
    if on != right:
        yield node.find(["on"]).mistake(f"the schema of {part} is checked on: {right}", f"write on: {right}")
    rewrites = data.get("otherwise") == "rewrite"
    if on == "route" and data.get("otherwise", "observe") not in ("observe", "warn"):
        said = f"a route says what was done: there is nothing left to {data['otherwise']}"
        yield node.find(["otherwise"]).mistake(said, "write observe or warn, or a rule on its calls: on: action")
    elif rewrites and "rewrite" not in data:
        cure = "write rewrite: {args.NAME: expression}"
        yield node.find(["otherwise"]).mistake("it is not stated what the call is rewritten to", cure)
    elif "rewrite" in data and not rewrites:
        yield node.keys["rewrite"].mistake("'rewrite' needs otherwise: rewrite", "write otherwise: rewrite")
    elif rewrites and (on != "action" or "tool" not in data):
        yield node.keys["rewrite"].mistake(
            "only calls of named tools are rewritten", "write on: action, and tool: NAME"
        )
    if "weakens" in data and not data.get("override"):
        yield node.keys["weakens"].mistake("'weakens' needs override: true", "leave it out, or write override: true")
