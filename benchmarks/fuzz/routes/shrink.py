"""Make a case smaller as long as it goes wrong in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.fuzz.routes.case import Case, Tool


def shrunk(case: Case, wrong: Callable[[Case], bool]) -> Case:
    """Give a case from which nothing more can be taken without it going right; quadratic in its size at worst."""
    while True:
        smaller = next((one for one in _smaller(case) if wrong(one)), None)
        if smaller is None:
            return case
        case = smaller


def _smaller(case: Case) -> Iterator[Case]:
    for index in range(len(case.ways)):
        yield _tidy(case._replace(ways=case.ways[:index] + case.ways[index + 1 :]))
    plain = Case(case.start, case.goals, case.goal, case.ways, case.tools)
    for name in (
        "outages",
        "refusal",
        "forbidden",
        "asked",
        "person",
        "choice",
        "word",
        "wait_ms",
        "cool_ms",
        "deadline_ms",
        "cost_cap",
    ):
        if getattr(case, name) != getattr(plain, name):
            yield case._replace(**{name: getattr(plain, name)})
    if case.retries:
        yield case._replace(retries=case.retries - 1)
    for name, tool in case.tools.items():
        for simpler in _simpler(tool):
            yield case._replace(tools=case.tools | {name: simpler})
    for index, way in enumerate(case.ways):
        for at in range(len(way.needs) if len(way.needs) > 1 else 0):
            fewer = way._replace(needs=way.needs[:at] + way.needs[at + 1 :])
            yield case._replace(ways=(*case.ways[:index], fewer, *case.ways[index + 1 :]))


def _simpler(tool: Tool) -> Iterator[Tool]:
    simple = [Tool(), Tool("write"), tool._replace(does=("ok",)), tool._replace(does=tool.does[:1])]
    simple += [tool._replace(again=""), tool._replace(undo=()), tool._replace(probe=""), tool._replace(domain=None)]
    if tool.undo:
        simple.append(tool._replace(undo=("ok",)))
    return (one for one in simple if one != tool and tool != Tool())


def _tidy(case: Case) -> Case:
    """Leave out tools that no arc calls any more."""
    called = {way.tool for way in case.ways}
    return case._replace(
        tools={name: tool for name, tool in case.tools.items() if name in called},
        forbidden=tuple(name for name in case.forbidden if name in called),
        asked=tuple(name for name in case.asked if name in called),
    )
