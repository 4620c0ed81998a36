"""Random edits of a stored trace, chained anew so that it stays a sound trace."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from benchmarks.fuzz.edit_oracle import Expected, leaves, of_events
from harness.adapters.files import open_trace
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.history import Histories, restored
from harness.trace.writer import Writer


class Trace(NamedTuple):
    """A trace taken apart: the arguments of every action whole, so that actions can be moved."""

    run: dict[str, Any]
    host: dict[str, Any]
    events: list[Event]


def edited(trace: Path, random: Random, out: Path) -> tuple[str, Path, Expected]:
    """Edit a trace; give the kind of edit, the file it was written to, and where a replay of it has to stop."""
    whole = _read(trace)
    while True:
        name = random.choice(list(EDITS))
        edit = copy.deepcopy(whole)
        place = EDITS[name](edit, random)
        if place is None:
            continue
        expected = place if isinstance(place, Expected) else of_events(_plain(edit.events), _plain(whole.events))
        if expected is not None:
            _write(edit, out)
            return name, out, expected


def _read(trace: Path) -> Trace:
    with open_trace(trace) as reader:
        events = list(reader)
        args = {event.seq: whole for event, (_, whole) in restored(events)}
        moved = [
            event._replace(body=event.body | {"args": args[event.seq]}) if event.seq in args else event
            for event in events
        ]
        return Trace(reader.header.run, reader.header.host, moved)


def _write(trace: Trace, out: Path) -> None:
    """Write the events numbered, shortened and chained again."""
    writer, histories = Writer(Header(trace.run, trace.host)), Histories()
    lines = [writer.header_line]
    for event in trace.events:
        body = event.body
        if event.kind == "action" and body["surface"] == "model":
            body = body | {"args": histories.shorten(body["tool"], body["args"], event.seq)}
        lines.append(writer.append(event._replace(body=body)))
    lines.append(writer.footer_line("holds"))
    out.write_bytes(b"".join(lines))


def _plain(events: list[Event]) -> list[dict[str, Any]]:
    """Give events as the oracle reads them."""
    return [
        {
            "kind": event.kind,
            "tool": event.body.get("tool", ""),
            "value": _value(event),
            "about": {"task": event.task, "parents": list(event.parents)},
        }
        for event in events
    ]


def _value(event: Event) -> Any:
    if event.kind != "action":
        return event.body
    if event.body["surface"] == "model":
        return event.body["args"]
    return {"args": event.body["args"], "rules": list(event.body["rules"])}


def _renumbered(events: list[Event]) -> list[Event]:
    """Give events numbered anew, and what they say of each other with them; of a copy, the first is meant."""
    new: dict[int, int] = {}
    for number, event in enumerate(events):
        new.setdefault(event.seq, number)
    out, copies = [], dict[int, int]()
    for number, event in enumerate(events):
        body, parents = event.body, tuple(new[parent] for parent in event.parents if parent in new)
        if event.kind == "action":
            copies[event.seq] = number
        if "action" in body:
            body = body | {"action": copies[body["action"]]}
            parents = (body["action"],)
        out.append(event._replace(seq=number, parents=parents, body=body))
    return out


# --- edits: each changes a trace, and gives None where it cannot ------------------------------------------------------


def _actions(trace: Trace) -> list[int]:
    return [number for number, event in enumerate(trace.events) if event.kind == "action"]


def _leaf(trace: Trace, random: Random) -> bool | None:
    args = trace.events[random.choice(_actions(trace))].body["args"]
    return _change_leaf(args, random)


def _change_leaf(value: Any, random: Random) -> bool | None:
    path = random.choice(sorted(leaves(value), key=repr))
    if not path:
        return None
    for token in path[:-1]:
        value = value[token]
    old = value[path[-1]]
    choices = ["edited", 4711, -0.5, None, True, ["edited"], {"edited": 1}, f"{old}!"]
    value[path[-1]] = random.choice([new for new in choices if repr(new) != repr(old)])
    return True


def _message(trace: Trace, random: Random) -> bool | None:
    asked = [number for number in _actions(trace) if "messages" in trace.events[number].body["args"]]
    if not asked:
        return None
    messages = trace.events[random.choice(asked)].body["args"]["messages"]
    how = random.choice(("change", "drop", "add", "swap"))
    place = random.randrange(len(messages))
    if how == "change":
        messages[place]["content"] = f"{messages[place].get('content')} (edited)"
    elif how == "drop":
        del messages[place]
    elif how == "add":
        messages.insert(place, {"role": "user", "content": "edited " * 60})
    else:
        messages[place], messages[place - 1] = messages[place - 1], messages[place]
    return True


def _drop_argument(trace: Trace, random: Random) -> bool | None:
    args = trace.events[random.choice(_actions(trace))].body["args"]
    name = random.choice(sorted(args))
    if name == "messages":
        return None
    del args[name]
    return True


def _add_argument(trace: Trace, random: Random) -> bool:
    args = trace.events[random.choice(_actions(trace))].body["args"]
    args[random.choice(("aaa", "n/o~t", "zzz"))] = random.choice((1, "more", None, []))
    return True


def _pair(trace: Trace, number: int) -> list[int]:
    """Give the places of an action and of everything about it."""
    seq = trace.events[number].seq
    return [number, *(place for place, event in enumerate(trace.events) if event.body.get("action") == seq)]


def _drop_call(trace: Trace, random: Random) -> bool:
    gone = set(_pair(trace, random.choice(_actions(trace))))
    trace.events[:] = _renumbered([event for place, event in enumerate(trace.events) if place not in gone])
    return True


def _repeat_call(trace: Trace, random: Random) -> bool:
    pair = _pair(trace, random.choice(_actions(trace)))
    copies = [copy.deepcopy(trace.events[place]) for place in pair]
    trace.events[pair[-1] + 1 : pair[-1] + 1] = copies
    trace.events[:] = _renumbered(trace.events)
    return True


def _swap_calls(trace: Trace, random: Random) -> bool | None:
    actions = _actions(trace)
    place = random.randrange(len(actions) - 1)
    one, other = _pair(trace, actions[place]), _pair(trace, actions[place + 1])
    if max(one) > min(other):
        return None  # they overlap
    first, second = ([trace.events[number] for number in pair] for pair in (one, other))
    start, end = min(one), max(other)
    between = [trace.events[number] for number in range(start, end + 1) if number not in (*one, *other)]
    if between:
        return None
    trace.events[start : end + 1] = [*second, *first]
    trace.events[:] = _renumbered(trace.events)
    return True


def _tool(trace: Trace, random: Random) -> bool | None:
    number = random.choice(_actions(trace))
    if trace.events[number].body["surface"] == "model":
        return None
    trace.events[number].body["tool"] = random.choice(("look", "store", "send", "unheard_of"))
    return True


def _rules(trace: Trace, random: Random) -> bool | None:
    event = trace.events[random.choice(_actions(trace))]
    if event.body["surface"] == "model":
        return None
    event.body["rules"] = ["EDITED"]
    return True


def _declaration(trace: Trace, random: Random) -> Expected:
    name = random.choice(sorted(trace.run["tools"]))
    trace.run["tools"][name] = "0" * 64
    return Expected(-1, f"/tools/{name}")


def _registry(trace: Trace, random: Random) -> Expected:
    part = random.choice(("digest", "name", "version"))
    trace.run["registries"][0][part] = "edited"
    return Expected(-1, f"/registries/0/{part}")


def _result(trace: Trace, random: Random) -> bool:
    note = trace.events[-1]
    if not _change_leaf(note.body, random):
        note.body["returned"] = "edited"
    return True


EDITS: dict[str, Callable[[Trace, Random], bool | Expected | None]] = {
    "leaf": _leaf,
    "message": _message,
    "drop argument": _drop_argument,
    "add argument": _add_argument,
    "drop call": _drop_call,
    "repeat call": _repeat_call,
    "swap calls": _swap_calls,
    "tool": _tool,
    "rules": _rules,
    "declaration": _declaration,
    "registry": _registry,
    "result": _result,
}
