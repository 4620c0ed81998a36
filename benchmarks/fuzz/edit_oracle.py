"""Where an edited run has to differ from its record, worked out apart from harness.

Values are compared as flat tables of their leaves, events as plain JSON, and what an edited source does by running it
over plain functions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmarks.fuzz.edit_agents import Said

ENDS = ("returned", "raised")


class Expected(NamedTuple):
    """The first difference: the number of the event (-1: before the first), the pointer, and the line of a call."""

    seq: int
    pointer: str
    line: int = 0


def of_events(recorded: list[dict[str, Any]], now: list[dict[str, Any]]) -> Expected | None:
    """Compare two runs, event by event; each event is ``{"kind", "tool", "value", "about"}``.

    Reads are left out: threads take turns as their calls make them.
    """
    numbered = [(seq, event) for seq, event in enumerate(recorded) if event["kind"] != "read"]
    others = [event for event in now if event["kind"] != "read"]
    for (seq, one), other in zip(numbered, others, strict=False):
        for part in ("kind", "tool"):
            if one[part] != other[part]:
                return Expected(seq, f"/{part}")
        place = first_place(one["value"], other["value"])
        if place is not None:
            return Expected(seq, place)
        if one["about"] != other["about"]:
            return Expected(seq, "/" + min(key for key in one["about"] if one["about"][key] != other["about"][key]))
    assert len(numbered) == len(others), "every edit of a trace shows before its end"
    return None


def of_sources(recorded: list[Said], now: list[Said], events: list[str]) -> Expected | None:
    """Compare what two sources do; ``events`` are the kinds of the recorded events."""
    for number, (one, other) in enumerate(zip(recorded, now, strict=False)):
        if one[:3] == other[:3]:
            continue
        seq = _position(events, number, min(one.known, other.known))
        ends = one.kind in ENDS, other.kind in ENDS
        line = other.line if other.known <= one.known else 0
        if one.known != other.known or ends[0] != ends[1]:
            return Expected(seq, "/kind", line)
        if not ends[0]:
            place = "/tool" if one.kind != other.kind else first_place(one.what, other.what)
            return Expected(seq, place or "", line)
        place = "/raised" if one.kind != other.kind else first_place({one.kind: one.what}, {other.kind: other.what})
        return Expected(seq, place or "", 0)
    return None


def _position(events: list[str], said: int, known: int) -> int:
    """Give the number of the event that follows so many actions and so many observations."""
    actions = observations = 0
    for seq, kind in enumerate(events):
        if (actions, observations) == (said, known) and kind != "read":
            return seq
        actions += kind == "action"
        observations += kind == "observation"
    return len(events)


def first_place(one: Any, other: Any) -> str | None:
    """Give the first pointer at which two JSON values differ, None where they do not."""
    left, right = leaves(one), leaves(other)
    differing = [path for path in left.keys() | right.keys() if left.get(path) != right.get(path)]
    places = [place for path in differing if (place := _shared(path, one, other)) is not None]
    if not places:
        return None
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in min(places))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], tuple[str, Any]]:
    """Give every leaf of a JSON value by its path; an empty container is a leaf."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {key: leaf for token, item in items for key, leaf in leaves(item, (*path, token)).items()}
    empty = isinstance(value, dict | list)
    return found or {path: (type(value).__name__, None if empty else value)}


def _shared(path: tuple[Any, ...], one: Any, other: Any) -> tuple[Any, ...] | None:
    """Shorten a path to the first place where the two values are not containers of one kind that both have it.

    None for a container that is empty on one side alone: its items tell.
    """
    for length, token in enumerate(path):
        if type(one) is not type(other) or not isinstance(one, dict | list):
            return path[:length]
        if not _has(one, token) or not _has(other, token):
            return path[: length + 1]
        one, other = one[token], other[token]
    return None if type(one) is type(other) and isinstance(one, dict | list) else path


def _has(container: Any, token: Any) -> bool:
    return token in container if isinstance(container, dict) else token < len(container)
