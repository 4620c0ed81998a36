"""Scripted proposers: they answer by a rule of their own and are no models, whatever they are put in the place of."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from harness.converge.loop.ask import Ask
from harness.registry.solve.coding import put
from harness.testing.model_server import ModelRequest, Reply, say
from harness.trace.verdict import Move

Propose = Callable[[Ask], Any]
Make = Callable[[random.Random], Propose]

CLAIM: Final = "All constraints are satisfied. The plan is final."


def good(draw: random.Random) -> Propose:
    """Begin in the middle, then take the first way that a gradient shows from what was accepted."""

    def propose(ask: Ask) -> Any:
        return _onwards(ask) if ask.accepted is not None else _middle(ask.schema)

    return propose


def sycophantic(draw: random.Random) -> Propose:
    """Propose something once, then say the same again, or that everything is well."""
    first: list[Any] = []

    def propose(ask: Ask) -> Any:
        if not first:
            first.append(drawn_from(ask.schema, draw))
        return CLAIM if ask.round % 3 == 0 else first[0]

    return propose


def oscillating(draw: random.Random) -> Propose:
    """Go from one end of every field to the other and back."""

    def propose(ask: Ask) -> Any:
        at = (ask.round - 1) % 2
        return _made(ask.schema, lambda kind: kind[-1] if at else kind[0])

    return propose


def at_random(draw: random.Random) -> Propose:
    """Propose any artifact at all."""
    return lambda ask: drawn_from(ask.schema, draw)


PROPOSERS: Final[Mapping[str, Make]] = {
    "good": good,
    "sycophantic": sycophantic,
    "oscillating": oscillating,
    "random": at_random,
}


def scripted_good(request: ModelRequest) -> Reply:
    """Answer as ``good`` does, with nothing but the text of the prompt to go by."""
    prompt = str(request.messages[-1]["content"])
    accepted = re.search(r"^Go on from (\{.*\}), of which", prompt, re.MULTILINE)
    if accepted is None:
        return say(json.dumps(_middle(json.loads(prompt.splitlines()[1]))))
    plan = json.loads(accepted[1])
    way = re.search(r"one way: (?:artifact\.)?(\S+): (?:in|de)crease by .* to (\S+)$", prompt, re.MULTILINE)
    if way is not None:
        return say(json.dumps(put(plan, way[1], json.loads(way[2]))))
    jump = re.search(r"this would do: (\{.*\})$", prompt, re.MULTILINE)
    return say(json.dumps(plan) if jump is None else jump[1])


def scripted_sycophant(request: ModelRequest) -> Reply:
    """Answer that everything is well, whatever is asked."""
    return say(CLAIM)


# --- artifacts --------------------------------------------------------------------------------------------------------


def _onwards(ask: Ask) -> dict[str, Any]:
    """Take the first step there is, or the jump; otherwise give in one rule for another."""
    assert ask.accepted is not None
    for way in ask.gradients:
        for step in way.steps:
            return _taken(ask.accepted, step)
        if way.jump is not None:
            return way.jump
    alone = [step for way in ask.gradients for step in way.alone]
    return _taken(ask.accepted, alone[0]) if alone else ask.accepted


def _taken(plan: dict[str, Any], step: Move) -> dict[str, Any]:
    to = step.one_of[0] if step.direction == "choose" else step.boundary
    return put(plan, step.field.removeprefix("artifact."), to)


def _kinds(schema: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, ...], bool]]:
    """Yield each field of an artifact: its values from first to last, and whether all between are values, too."""
    for name, one in schema["properties"].items():
        if "enum" in one:
            yield name, tuple(one["enum"]), False
        else:
            yield name, (one["minimum"], one["maximum"]), one["type"] == "number"


def _made(schema: Mapping[str, Any], pick: Callable[[tuple[Any, ...]], Any]) -> dict[str, Any]:
    return {name: pick(values) for name, values, _ in _kinds(schema)}


def _middle(schema: Mapping[str, Any]) -> dict[str, Any]:
    return _made(schema, lambda values: values[0] if isinstance(values[0], str) else (values[0] + values[-1]) // 2)


def drawn_from(schema: Mapping[str, Any], draw: random.Random) -> dict[str, Any]:
    """Draw any artifact that fits a schema."""
    found: dict[str, Any] = {}
    for name, values, real in _kinds(schema):
        if isinstance(values[0], str):
            found[name] = draw.choice(values)
        else:
            found[name] = round(draw.uniform(*values), 3) if real else draw.randint(*values)
    return found
