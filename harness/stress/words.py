"""Schedules, and what came of a run under one, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from harness.faults.plan import Fault
from harness.stress.schedule import Change, Element, Schedule, Turn
from harness.stress.seen import Made, Seen

_DOES: Final = {
    "timeout": "nothing happens, and no answer comes",
    "drop": "the request is lost, and no answer comes",
    "reset": "the connection is reset before anything happens",
    "rate_limit": "nothing happens: too many requests",
    "error": "nothing happens: the service answers with an error",
    "commit_then_timeout": "it happens, and no answer comes",
    "delay": "it happens, and the answer comes late",
    "duplicate": "it happens more than once",
    "partial": "only a part of the result comes",
    "truncate": "only the first items of the result come",
    "empty": "an empty result comes",
    "corrupt": "some values of the result are others",
    "schema_mismatch": "a field of the result has another name",
    "variant": "another value that the tool may give comes",
    "stale": "an earlier result comes again",
    "shuffle": "the items of the result come in another order",
    "near_duplicate": "an item of the result comes again, slightly changed",
    "inject": "somebody else's text stands in the result",
    "collide": "what comes is what another has written",
    "ML": "the model is asked without what was said before",
    "CLV": "the model is asked with more than it can read, or less than it needs",
    "RA": "the model is not told who does what",
    "BT": "the model is told to check nothing",
    "ILC": "the model is asked for the contrary too",
    "IA": "the model is asked without numbers and names",
    "IP": "the model plans what cannot be done",
    "CIL": "what tells most is missing in the model's answer",
    "H": "a number or a name in the model's answer is another",
    "TSE": "the model calls another tool",
    "PFE": "the model fills one argument wrongly",
    "TFE": "the model writes arguments that cannot be read",
    "MC": "the message goes back to its sender",
    "MS": "the message arrives more than once",
    "MBA": "the message goes to everybody",
}
_SHOWN: Final = 100


def in_words(schedule: Schedule) -> list[str]:
    """Say each element of a schedule in a line."""
    return [_element(one) for one in schedule.elements]


def story(seen: Seen) -> list[str]:
    """Tell what happened, a line for each call, the rules that were violated, and how the run ended."""
    struck = {one.action: one.kind for one in seen.struck}
    lines = [
        f"{step}  {_call(call)}{f'   struck by {struck[call.seq]}' if call.seq in struck else ''}"
        for step, call in enumerate(seen.calls)
    ]
    for one in seen.violated:
        where = f"at step {one.step}" if one.step >= 0 else "at the end"
        lines.append(f"{one.rule} is violated {where}{f': {one.says}' if one.says else ''}")
    ended = f"returned {short(seen.result)}" if seen.end == "returned" else seen.end or "did not come to an end"
    return [*lines, f"the agent {ended}"]


def short(value: Any) -> str:
    """Write a value as JSON, of a long one its beginning."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _element(element: Element) -> str:
    if isinstance(element, Turn):
        others = f"the {_ordinal(element.choice + 1)} of those that could go on does"
        return f"at the {_ordinal(element.place + 1)} place where several could, {others}"
    if isinstance(element, Change):
        return f"the input{f' {element.pointer}' if element.pointer else ''} is {short(element.value)}"
    return f"{_where(element)}: {_DOES[element.kind]} ({', '.join((element.kind, *_settings(element)))})"


def _where(fault: Fault) -> str:
    calls = [_ordinal(number) for number in fault.nth]
    counted = f"{_listed(calls)} call{'s' * (len(calls) > 1)}" if calls else "every call"
    said = f"{counted} of {_listed(fault.tools)}" if fault.tools != ("*",) else counted
    said += f" by {_listed(fault.agents)}" if fault.agents != ("*",) else ""
    said += f" where {fault.when.text}" if fault.when is not None else ""
    return said + (f", by chance in {fault.chance:.0%} of them" if fault.chance < 1 else "")


def _settings(fault: Fault) -> Iterator[str]:
    return (f"{name} {short(value)}" for name, value in fault.strength.items())


def _call(call: Made) -> str:
    if call.surface == "model":  # a request and an answer are for harness show
        return f"{call.tool} → {call.came}"
    args = ", ".join(f"{name}={short(value)}" for name, value in call.args.items())
    return f"{call.tool}({args}) → {call.came}{f' {short(call.value)}' if call.came == 'ok' else ''}"


def _listed(words: tuple[str, ...] | list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def _ordinal(number: int) -> str:
    tens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if tens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
