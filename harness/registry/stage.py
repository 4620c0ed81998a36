"""What the examples of a file rest on: its tools and parameters, and what ``stage:`` adds for them alone.

``stage.tools`` are declared for examples and for nothing else: no rule is checked against them, no agent may call them.
``stage.parameters`` gives a parameter another value in examples, such as a limit that a short story can reach. Each
rule keeps the stage of the file it is written in, so that its examples show the same wherever it is taken over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.draft import Draft
from harness.registry.graph.assemble import assemble
from harness.registry.invariant import ExampleStage
from harness.registry.kinds import kind_of_value
from harness.tool import ToolSpec


def set_stage(own: Draft) -> Iterator[Mistake]:
    """Give the rules of a file their stage, once it is known what the file takes over; yield what is wrong with it."""
    yield from _mistakes(own)
    tools = {name: ToolSpec(name, **said) for name, said in (own.stage_tools | own.stated).items()}
    if own.graph is not None and own.rules:
        tools = assemble(own.name, own.graph.plain(), tools).tools
    stage = ExampleStage(
        tools,
        own.parameters | own.stage_parameters,
        frozenset(own.agents),
    )
    own.rules = [replace(rule, stage=stage) for rule in own.rules]


def _mistakes(own: Draft) -> Iterator[Mistake]:
    written = own.document.find(["stage", "tools"])
    known = own.stage_tools.keys() | own.stated.keys()
    for name, stated in own.stage_tools.items():
        place = written.keys[name]
        if name in own.stated:
            there = own.places[f"tools.{name}"].place
            yield place.mistake(f"the tool {name!r} is declared in {there}", "leave it out of 'stage'")
        for key in ("undo", "probe"):
            if own.whole and stated.get(key) not in (None, *known):
                said = f"{key} of {name} is the unknown tool {stated[key]!r}"
                yield place.mistake(said, nearest(stated[key], known))
    values = own.document.find(["stage", "parameters"])
    for name, value in own.stage_parameters.items() if own.whole else ():
        if name not in own.parameters:
            cure = nearest(name, own.parameters) or f"known: {', '.join(own.parameters) or 'none'}"
            yield values.keys[name].mistake(f"there is no parameter {name!r}", cure)
        elif _kind(value) != _kind(own.parameters[name]):
            said = f"{name}: {value!r} is of another type than {own.parameters[name]!r}"
            yield values.find([name]).mistake(said, "give the plain value")


def _kind(value: Any) -> str:
    return kind_of_value(value).type
