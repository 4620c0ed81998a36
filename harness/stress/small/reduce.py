"""What is one step simpler: than a value, than one element of a schedule, than a schedule with its input.

Each function yields simpler ones, the boldest step first. Every step leads down (fewer parts, or a part that is nearer
to nothing), so that taking one after the other ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

from harness.faults.file import STRENGTHS
from harness.faults.plan import Aim, Fault, Plan, Target
from harness.stress.schedule import Change, Element, Schedule, Turn
from harness.stress.seen import Made, Seen

S = TypeVar("S", str, list[Any], tuple[Any, ...])

KINDS: Final = (
    *("error", "timeout", "empty", "commit_then_timeout"),  # said in few words, and nothing in them is drawn
    *("reset", "rate_limit", "drop", "truncate", "partial", "stale", "duplicate", "delay"),
    *("schema_mismatch", "shuffle", "near_duplicate", "corrupt", "collide", "inject", "variant"),
)
"""Faults of services, the simplest first."""

_LEAST: Final = {"times": 1, "keep": 1, "pad": 1, "cut": 1}
_WORD: Final = 40  # letters; what is longer is no word but data
_WHOLE: Final = 1e15  # floats below it are told apart from their neighbours by whole numbers


class Case(NamedTuple):
    """What is made smaller: a schedule, and the input it is put to."""

    schedule: Schedule
    input: dict[str, Any]


def simpler_cases(case: Case, seen: Seen) -> Iterator[Case]:
    """Yield every case that is one step simpler; ``seen`` is what came of this one. O(size) candidates.

    Elements are left out, many at once first; then one element is simpler, then the seed, the names of faults, and the
    input.
    """
    schedule, given = case
    elements = schedule.elements
    for kept in shorter(elements):
        yield Case(schedule.of(kept), given)
    for place, element in enumerate(elements):
        for other in simpler_elements(element, place, seen):
            yield Case(schedule.of((*elements[:place], other, *elements[place + 1 :])), given)
    if schedule.seed:
        yield Case(replace(schedule, seed=0), given)
    named = tuple(replace(fault, name=_name(fault.kind, place)) for place, fault in enumerate(schedule.faults))
    if named != schedule.faults:
        yield Case(replace(schedule, faults=named), given)
    for value in simpler_values(given):
        yield Case(schedule, value)


# --- values ----------------------------------------------------------------------------------------------------------


def shorter(items: S) -> Iterator[S]:
    """Yield a sequence without some neighbours: without all, then halves, at last single ones, later ones first.

    O(length) of them.
    """
    size = len(items)
    while size:
        for start in reversed(range(0, len(items), size)):
            yield items[:start] + items[start + size :]
        size //= 2


def simpler_values(value: Any) -> Iterator[Any]:
    """Yield values of the same type that are one step simpler; of types not named here there are none.

    Texts have fewer words, and bytes, lists and objects fewer parts or one simpler part; numbers are nearer to 0 or
    have fewer digits; true becomes false. A word stays whole: half of an order's number is the number of nothing.
    """
    if isinstance(value, bool):
        yield from (False,) if value else ()
    elif isinstance(value, int):
        yield from _nearer(value)
    elif isinstance(value, float):
        yield from _plainer(value)
    elif isinstance(value, str):
        yield from _fewer_words(value)
    elif isinstance(value, bytes):
        yield from map(bytes, shorter(tuple(value)))
    elif isinstance(value, list):
        yield from shorter(value)
        for place, item in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in simpler_values(item))
    elif isinstance(value, tuple):
        yield from map(tuple, simpler_values(list(value)))
    elif isinstance(value, dict):
        for kept in shorter(list(value)):
            yield {key: value[key] for key in kept}
        for key, item in value.items():
            yield from (value | {key: other} for other in simpler_values(item))


def _fewer_words(text: str) -> Iterator[str]:
    words = text.split()
    if len(words) == 1 and len(text) > _WORD:
        yield from shorter(text)
    elif len(words) > 1:
        yield from map(" ".join, shorter(words))


def _nearer(number: int) -> Iterator[int]:
    """Yield numbers nearer to 0: itself, then ever closer to where it began; a negative one without its sign."""
    if number < 0:
        yield -number
    step = abs(number)
    while step:
        yield number - step if number > 0 else number + step
        step //= 2


def _plainer(number: float) -> Iterator[float]:
    if abs(number) >= _WHOLE:
        yield from (0.0, 1.0)
    elif number.is_integer():
        yield from map(float, _nearer(int(number)))
    else:
        yield 0.0
        if number < 0:
            yield -number
        yield float(int(number))
        for digits in range(1, 5):
            if len(repr(other := round(number, digits))) < len(repr(number)):
                yield other


# --- elements of a schedule ------------------------------------------------------------------------------------------


def simpler_elements(element: Element, place: int, seen: Seen) -> Iterator[Element]:
    """Yield elements that are one step simpler than the one at a place of a schedule of which ``seen`` came."""
    if isinstance(element, Fault):
        yield from _simpler_kinds(element, place)
        yield from _aimed_closer(element, seen)
        yield from _weaker(element)
    elif isinstance(element, Turn):
        yield from (Turn(element.place, choice) for choice in _nearer(element.choice) if choice)
        yield from (Turn(earlier, element.choice) for earlier in _nearer(element.place))
    else:
        yield from (Change(element.pointer, value) for value in simpler_values(element.value))


def _simpler_kinds(fault: Fault, place: int) -> Iterator[Fault]:
    if fault.kind not in KINDS:
        return
    for kind in KINDS[: KINDS.index(fault.kind)]:
        kept = {name: value for name, value in fault.strength.items() if name in STRENGTHS.get(kind, ())}
        yield replace(fault, name=_name(kind, place), kind=kind, strength=kept)


def _weaker(fault: Fault) -> Iterator[Fault]:
    """Leave settings out, which leaves them at their defaults, or bring them nearer to nothing."""
    if fault.kind == "variant":  # which value a tool may give is not for us to say
        return
    for kept in shorter(list(fault.strength)):
        yield replace(fault, strength={name: fault.strength[name] for name in kept})
    for name, value in fault.strength.items():
        if name in ("share", "status"):  # a smaller share is no weaker for every kind, and no status simpler than 500
            continue
        for other in simpler_values(value):
            if not isinstance(other, int | float) or other >= _LEAST.get(name, 0):
                yield replace(fault, strength={**fault.strength, name: other})


def _aimed_closer(fault: Fault, seen: Seen) -> Iterator[Fault]:
    """Aim at single calls of those that were struck, then at one tool, then at fewer calls, then at earlier ones."""
    struck = _struck(fault, seen)
    if not struck:
        return
    plain = replace(fault, agents=("*",), nth=(), chance=1.0, when=None, spare=())
    of_tools = [replace(plain, tools=(tool,)) for tool in sorted({call.tool for call in struck})]
    exact = of_tools == [replace(fault, nth=())]
    for call in struck if not exact or len(fault.nth) != 1 else ():
        yield _at(replace(plain, tools=(call.tool,)), [call], seen)
    for other in () if exact else of_tools if replace(fault, nth=()) == plain else (*of_tools, plain):
        yield from () if fault.nth else (other,)
        yield _at(other, struck, seen)
    if len(numbers := fault.nth or _at(fault, struck, seen).nth) > 1:
        yield from (replace(fault, nth=kept) for kept in shorter(numbers) if kept)
    for place, number in enumerate(fault.nth):
        for earlier in _nearer(number):
            if earlier and earlier not in fault.nth:
                yield replace(fault, nth=tuple(sorted((*fault.nth[:place], earlier, *fault.nth[place + 1 :]))))


def _struck(fault: Fault, seen: Seen) -> list[Made]:
    actions = {one.action for one in seen.struck if one.fault == fault.name}
    return [call for call in seen.calls if call.seq in actions]


def _at(fault: Fault, calls: list[Made], seen: Seen) -> Fault:
    """Aim a fault at some calls by their numbers among those that fit it."""
    wanted, numbers = {call.seq for call in calls}, list[int]()
    aim, fitted = Aim(Plan("", (replace(fault, nth=(), chance=1.0, spare=()),))), 0
    for call in seen.calls:
        if call.came != "refused" and any(aim.strikes(Target(call.surface, call.tool, call.args, call.agent))):
            fitted += 1
            if call.seq in wanted:
                numbers.append(fitted)
    return replace(fault, nth=tuple(numbers), chance=1.0)


def _name(kind: str, place: int) -> str:
    """Name a fault as one without a name is called, so that nobody has to read it."""
    return f"{kind}-{place + 1}"
