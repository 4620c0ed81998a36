"""Write a registry as YAML that loads again to the same meaning.

What it extends and what it was joined of is written out; comments, layout and ``override`` are gone. What the
examples of rules taken over rest on is written under ``stage``; where two rules need different things of it, the later
one loses its examples. Text is left without quotes only where no reader of YAML could take it for something else.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

import yaml

from harness.registry.graph.assemble import without_goals
from harness.registry.invariant import Examples, ExampleStage, Expression, Invariant, Shape
from harness.registry.registry import Registry
from harness.registry.schema import TOOL_KEYS
from harness.registry.story import AGENT, tools_of
from harness.registry.tree import dotted, walk
from harness.registry.write import write
from harness.tool import ToolSpec

_WIDTH: Final = 110
_LONG: Final = 80  # an expression longer than this is folded over lines
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})  # not text in YAML 1.1 or 1.2


class _Folded(str):
    """A long text in which a line may end at any blank."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True  # registries have none

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        for key, _ in node.value:
            key.style = None if key.value == "on" else key.style
        return node

    def represent_text(self, data: str) -> yaml.Node:
        plain = _PLAIN.fullmatch(data) and data.lower() not in _WORDS
        style = None if plain else "'" if data.isprintable() and '"' in data else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)

    def represent_folded(self, data: str) -> yaml.Node:
        return self.represent_scalar("tag:yaml.org,2002:str", str(data), ">")


# "on" is a key of every rule, and to YAML 1.2 a word
_Dumper.yaml_implicit_resolvers = {
    first: known for first, known in yaml.SafeDumper.yaml_implicit_resolvers.items() if first != "o"
}
_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_representer(_Folded, _Dumper.represent_folded)


def publish(registry: Registry) -> str:
    """Give the YAML of a registry. Loading it gives a registry of the same digest. O(size)."""
    return yaml.dump(
        facts_of(registry),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=_WIDTH,
    )


def facts_of(registry: Registry) -> dict[str, Any]:
    """Give a registry as the data of a registry file, everything inherited written out."""
    facts: dict[str, Any] = {
        "registry": registry.name,
        "version": registry.version,
        "default": registry.default,
        "unknown": registry.unknown,
    }
    if registry.parameters:
        facts["parameters"] = {name: _parameter(registry, name) for name in registry.parameters}
    tools = without_goals(registry.tools, registry.graph)
    if tools:
        facts["tools"] = {name: _tool(registry, name) for name in tools}
    if registry.agents:
        facts["agents"] = registry.agents
    if registry.artifacts:
        facts["artifacts"] = {name: {"schema": schema} for name, schema in registry.artifacts.items()}
    if registry.graph:
        facts["graph"] = registry.places["graph"].plain()
    facts |= {"rollout": registry.rollout} if registry.rollout else {}
    facts |= {"kill": registry.kill} if registry.kill != "fail_closed" else {}
    stage = _Stage(registry)
    written = [rule for rule in registry.invariants if not rule.derived]
    rules = [facts_of_rule(rule if stage.fits(rule) else replace(rule, examples=Examples())) for rule in written]
    facts |= {"stage": stage.facts()} if stage.facts() else {}
    facts["invariants"] = rules
    return facts


class _Stage:
    """What the examples of a whole registry rest on besides its own tools and parameters, grown rule by rule."""

    def __init__(self, registry: Registry) -> None:
        self._own = ExampleStage(registry.tools, registry.parameters, frozenset(registry.agents))
        stages = [rule.stage or self._own for rule in registry.invariants]
        self._declared = any(stage.tools for stage in (self._own, *stages))
        self._tools: dict[str, ToolSpec | None] = dict(registry.tools)
        self._parameters: dict[str, Any] = {}

    def fits(self, rule: Invariant) -> bool:
        """Tell whether the examples of a rule mean the same here as in its file, and make room for them."""
        stage = rule.stage or self._own
        used = {dotted(node).removeprefix("now.") for tree in rule.trees() for node in walk(tree)}
        values = {name: value for name, value in stage.parameters.items() if f"params.{name}" in used}
        lines = [line for story in (*rule.examples.holds, *rule.examples.violated) for line in story]
        tools = {name: stage.tools.get(name) for line in lines for name in tools_of(line)}
        if any(self._tools.get(name, spec) != spec for name, spec in tools.items()):
            return False
        if self._declared and None in tools.values():
            return False
        if any(self._parameters.get(name, value) != value for name, value in values.items()):
            return False
        if self._own.agents and not {line[AGENT] for line in lines if AGENT in line} <= self._own.agents:
            return False
        self._tools = {**stage.tools, **self._tools, **tools}
        self._parameters |= values
        return True

    def facts(self) -> dict[str, Any]:
        """Give what stands under ``stage``."""
        own = self._own
        tools = {name: spec for name, spec in self._tools.items() if spec is not None and name not in own.tools}
        values = {name: one for name, one in self._parameters.items() if one != own.parameters[name]}
        stated = {name: _tool_facts(spec.stated()) for name, spec in tools.items()}
        return {part: said for part, said in (("tools", stated), ("parameters", values)) if said}


def facts_of_rule(rule: Invariant) -> dict[str, Any]:
    """Give an invariant as the data of a registry file."""
    require = rule.require
    stated: dict[str, Any] = {
        "id": rule.id,
        "title": rule.title,
        "on": rule.on,
        "tool": rule.tools[0] if len(rule.tools) == 1 else list(rule.tools),
        "artifact": rule.artifact,
        "when": _expression(rule.when) if rule.when else None,
        "require": _expression(require) if isinstance(require, Expression) else None,
        "schema": {require.part: require.schema} if isinstance(require, Shape) else None,
        "severity": rule.severity,
        "otherwise": rule.otherwise,
        "rewrite": {place: _expression(expression) for place, expression in rule.rewrite},
        "says": _folded(rule.says.spoken) if rule.says else None,
        "who": rule.who,
        "retryable": rule.retryable,
        "source": rule.source,
        "examples": {
            kind: [list(story) for story in stories]
            for kind, stories in (("holds", rule.examples.holds), ("violated", rule.examples.violated))
            if stories
        },
    }
    return {name: value for name, value in stated.items() if value not in (None, "", [], {}, False)}


def _parameter(registry: Registry, name: str) -> Any:
    place = registry.places.get(f"parameters.{name}")
    written = place.plain() if place else None
    described = written if isinstance(written, dict) else {}
    value = registry.parameters[name]
    stated = {**described, "value": value}
    stated.pop("override", None)
    return stated if len(stated) > 1 or value is None or isinstance(value, dict) else value


def _tool(registry: Registry, name: str) -> dict[str, Any]:
    """Give the declaration of a tool: what is stated of it, even where that goes without saying."""
    return _tool_facts(registry.tools[name].stated() | registry.stated.get(name, {}))


def _tool_facts(stated: dict[str, Any]) -> dict[str, Any]:
    fields = (("format", "result_format"), ("schema", "result"))
    result = {key: stated.pop(field) for key, field in fields if field in stated}
    stated |= {"result": result} if result else {}
    return {key: _plain(stated[key]) for key in TOOL_KEYS if key in stated}


def _plain(value: Any) -> Any:
    return list(value) if type(value) is tuple else value


def _expression(expression: Expression) -> str:
    """Give the text of an expression on one line, definitions written out, or one that the writer may fold."""
    text = write(expression.tree) if expression.uses else expression.text.replace("\n", " ").strip()
    return _folded(text)


def _folded(text: str) -> str:
    foldable = len(text) > _LONG and text.isprintable() and "  " not in text and text == text.strip()
    return _Folded(text) if foldable else text
