"""The lines of an example: what stands in a story, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.document import Written
from harness.registry.invariant import ExampleStage, Invariant
from harness.registry.plan import window_of
from harness.trace.covered import STATUSES, SURFACE_KINDS, Covered
from harness.trace.event import BODIES, DOES

ROLES: Final = ("system", "user", "assistant")
MODEL: Final = "model"
ROUTE: Final = "route"
ARTIFACT: Final = "artifact"
SURFACE: Final = "surface"
REFUSED: Final = "refused"
OUTCOMES: Final = ("result", "failed", "unknown", "usage", REFUSED)
ASKS: Final = "asks"
AT: Final = "at"
AGENT: Final = "agent"
SERVES: Final = "serves"

_MAX_NS: Final = 1 << 62  # what a trace can hold
_BESIDES: Final = frozenset((AT, AGENT))  # what any line may say
_OF_CALLS: Final = (*OUTCOMES, ASKS, SERVES)
_CURE: Final = "write {user: text} or {name_of_tool: {argument: value}, result: value}"
_MODEL_CURE: Final = "write {model: NAME, usage: {total_tokens: 5}}"
_ROUTE_CURE: Final = "write {route: {does: plan, goal: NAME, path: [tool]}}"
_ARTIFACT_CURE: Final = "write {artifact: {NAME: value}}"
_SURFACE_CURE: Final = "write {surface: {kind: network, name: FUNCTION, status: observed}}"
_SERVES_CURE: Final = "write the number of the call that asked for the goal, such as serves: 0"
_TIME_CURE: Final = "write the time since the start, such as at: 90 s (ms, s, min, h, d)"


def subject(line: dict[str, Any]) -> str:
    """Give the role, tool, ``model``, ``route``, ``artifact`` or ``surface`` that a line is about; empty unless one."""
    said = [key for key in line if key not in (*_OF_CALLS, *_BESIDES)]
    return said[0] if len(said) == 1 else ""


def tools_of(line: dict[str, Any]) -> list[str]:
    """Give the tools that a line calls, asks for, or names as those of a route."""
    asked = [name for call in line.get(ASKS, ()) for name in call]
    said = subject(line)
    if said == ROUTE:
        return [line[ROUTE]["tool"]] if "tool" in line[ROUTE] else []
    return asked if said in (*ROLES, MODEL, ARTIFACT, SURFACE) else [said]


def moment_ns(line: dict[str, Any]) -> int | None:
    """Give a line's time in nanoseconds since the start, None where it has none; ValueError for what is no time."""
    if AT not in line:
        return None
    said = window_of(line[AT]).ns if type(line[AT]) is str else None
    if said is None or said > _MAX_NS:
        raise ValueError(f"{line[AT]!r} is no time since the start")
    return said


def mistakes_in_stories(rule: Invariant, stage: ExampleStage) -> Iterator[Mistake]:
    """Yield the lines of a rule's examples that are no step; ``stage`` is what they may name, where it names any."""
    for kind in ("holds", "violated"):
        for number, story in enumerate(getattr(rule.examples, kind)):
            places = [rule.at.find(["examples", kind, number, index]) for index in range(len(story))]
            for at, line in zip(places, story, strict=True):
                yield from _mistakes_besides(at, line, stage)
                yield from _mistakes(at, line, stage)
            yield from _backwards(places, story)


def _mistakes(at: Written, line: dict[str, Any], stage: ExampleStage) -> Iterator[Mistake]:
    said = subject(line)
    if not said or sum(outcome in line for outcome in OUTCOMES) > 1:
        yield at.mistake("a line of an example is one message, or one call and at most one outcome", _CURE)
    elif said in ROLES:
        if type(line[said]) is not str or set(line) - {said, ASKS, *_BESIDES} or (ASKS in line and said != "assistant"):
            yield at.mistake(f"{said}: expected the text of a message and nothing else", _CURE)
        elif ASKS in line:
            yield from _mistakes_in_asks(at.find([ASKS]), line[ASKS], stage)
    elif said == ROUTE:
        yield from _mistakes_of_route(at, line, stage)
    elif said == SURFACE:
        yield from _mistakes_of_surface(at, line)
    elif said == ARTIFACT:
        if type(line[ARTIFACT]) is not dict or len(line[ARTIFACT]) != 1 or set(line) - {ARTIFACT, *_BESIDES}:
            yield at.mistake("artifact: expected one name with its value and nothing else", _ARTIFACT_CURE)
    elif ASKS in line:
        yield at.keys[ASKS].mistake("only an assistant asks for calls", "write {assistant: text, asks: [{tool: {…}}]}")
    elif said == MODEL:
        yield from _mistakes_of_model(at, line)
    elif type(line.get(SERVES, 0)) is not int:
        yield at.find([SERVES]).mistake("serves: expected the number of an event", _SERVES_CURE)
    elif "usage" in line:
        yield at.keys["usage"].mistake("only a call of a model has a usage", _MODEL_CURE)
    elif line[said] is not None and type(line[said]) is not dict:
        yield at.mistake(f"{said}: expected the arguments of a call, an object", _CURE)
    elif stage.tools and said not in stage.tools:
        yield at.keys[said].mistake(f"unknown tool {said!r}", nearest(said, stage.tools))


def _mistakes_of_model(at: Written, line: dict[str, Any]) -> Iterator[Mistake]:
    if type(line[MODEL]) is not str:
        yield at.keys[MODEL].mistake("model: expected the name of a model", _MODEL_CURE)
    elif "result" in line:
        yield at.keys["result"].mistake("the answer of a model is told by its usage", _MODEL_CURE)
    elif "usage" in line and type(line["usage"]) is not dict:
        yield at.find(["usage"]).mistake("usage: expected an object", _MODEL_CURE)


def _mistakes_of_route(at: Written, line: dict[str, Any], stage: ExampleStage) -> Iterator[Mistake]:
    body = line[ROUTE]
    if type(body) is not dict or set(line) - {ROUTE, *_BESIDES}:
        yield at.mistake("route: expected what a route does and nothing else", _ROUTE_CURE)
        return
    required, optional = BODIES[ROUTE]
    if missing := required.keys() - body.keys():
        yield at.mistake(f"route: it is not said what it {'does' if 'does' in missing else 'goes to'}", _ROUTE_CURE)
    for name, value in body.items():
        wanted = required.get(name) or optional.get(name)
        if wanted is None:
            cure = nearest(name, (*required, *optional)) or f"known: {', '.join((*required, *optional))}"
            yield at.find([ROUTE]).keys[name].mistake(f"route: unknown field {name!r}", cure)
        elif not isinstance(value, wanted):
            yield at.find([ROUTE, name]).mistake(f"route: {name} is a {type(value).__name__}", _ROUTE_CURE)
    if "does" in body and body["does"] not in DOES:
        cure = nearest(str(body["does"]), DOES) or f"it does: {', '.join(DOES)}"
        yield at.find([ROUTE, "does"]).mistake(f"a route never does {body['does']!r}", cure)
    if stage.tools and type(tool := body.get("tool", "")) is str and tool and tool not in stage.tools:
        yield at.find([ROUTE, "tool"]).mistake(f"unknown tool {tool!r}", nearest(tool, stage.tools))


def _mistakes_of_surface(at: Written, line: dict[str, Any]) -> Iterator[Mistake]:
    said = line[SURFACE]
    if type(said) is not dict or set(line) - {SURFACE, *_BESIDES} or not all(type(one) is str for one in said.values()):
        yield at.mistake("surface: expected its kind, name and status and nothing else", _SURFACE_CURE)
        return
    if missing := {"kind", "name", "status"} - said.keys():
        yield at.mistake(f"surface: its {min(missing)} is missing", _SURFACE_CURE)
    for name in said.keys() - set(Covered._fields):
        yield at.find([SURFACE]).keys[name].mistake(f"surface: unknown field {name!r}", _SURFACE_CURE)
    for name, words in (("kind", SURFACE_KINDS), ("status", STATUSES)):
        if name in said and said[name] not in words:
            cure = nearest(said[name], words) or f"known: {', '.join(words)}"
            yield at.find([SURFACE, name]).mistake(f"no surface has the {name} {said[name]!r}", cure)


def _mistakes_besides(at: Written, line: dict[str, Any], stage: ExampleStage) -> Iterator[Mistake]:
    """Yield what is wrong with the time, the agent, the reason of an unknown outcome, and the rule of a refusal."""
    try:
        moment_ns(line)
    except ValueError as error:
        yield at.find([AT]).mistake(f"at: {error}", _TIME_CURE)
    name = line.get(AGENT, "")
    if type(name) is not str or (AGENT in line and not name):
        yield at.find([AGENT]).mistake("agent: expected the name of an agent", "write agent: NAME")
    elif name and stage.agents and name not in stage.agents:
        cure = nearest(name, stage.agents) or f"declared agents: {', '.join(sorted(stage.agents))}"
        yield at.find([AGENT]).mistake(f"unknown agent {name!r}", cure)
    if "unknown" in line and (type(line["unknown"]) is not str or not line["unknown"]):
        yield at.keys["unknown"].mistake("unknown: expected the reason", "write unknown: the connection broke")
    if REFUSED in line and (type(line[REFUSED]) is not str or not line[REFUSED]):
        yield at.keys[REFUSED].mistake("refused: expected the rule that blocked the call", "write refused: PAY-LIMIT")


def _backwards(places: list[Written], story: tuple[dict[str, Any], ...]) -> Iterator[Mistake]:
    """Yield the lines that happen before the line above them."""
    latest = 0
    for at, line in zip(places, story, strict=True):
        try:
            moment = moment_ns(line)
        except ValueError:
            continue
        if moment is not None and moment < latest:
            yield at.find([AT]).mistake(f"at: {line[AT]} is earlier than the line before", "put the lines in order")
        latest = max(latest, moment or 0)


def _mistakes_in_asks(at: Written, asks: Any, stage: ExampleStage) -> Iterator[Mistake]:
    if type(asks) is not list or not all(type(one) is dict and len(one) == 1 for one in asks):
        yield at.mistake("asks: expected a list of calls", "write asks: [{tool: {argument: value}}]")
        return
    for index, one in enumerate(asks):
        yield from _mistakes(at.find([index]), one, stage)
