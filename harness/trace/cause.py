"""Why a replay is likely to differ from its record, and what may cure it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.trace.event import Event
from harness.trace.redaction import PLACEHOLDER

_FORK: Final = "replay with the code that was recorded, or fork to see what the new one does"
_RULES: Final = "replay with the recorded version of the registry, or judge the trace by the new one with harness check"
_GRAPH: Final = "replay with the graph, the tools and the policy that were recorded"
_HIDDEN: Final = "let rules ask whether a secret is there (exists), and not what it is"
_ASKING: Final = "replay with an app that has somebody to ask, or nobody, as when this was recorded"
_SCHEDULE: Final = "wait for tasks and threads only through asyncio, threading, queue or concurrent.futures"


class Case(NamedTuple):
    """One difference: two events, the values that were compared, the pointer into them, and the events around."""

    recorded: Event
    now: Event
    values: tuple[Any, Any]
    pointer: str
    before: Sequence[Event]
    later: Sequence[Event]


def likely_cause(case: Case) -> tuple[str, str]:
    """Give the likely cause of a difference and a cure, either of which may be empty. O(size of the run)."""
    if case.recorded.body != case.now.body and (_is_signal(case.recorded) or _is_signal(case.now)):
        return "monitors noticed something else when this was recorded", _RULES
    if _is_question(case.recorded) != _is_question(case.now):
        asked = "was" if _is_question(case.recorded) else "was not"
        return f"whoever can be asked {asked} asked when this was recorded", _ASKING
    if case.now.kind == "read" and case.recorded.kind == "action" and any(_same_reads(case, one) for one in case.later):
        return "a missing call, or one that is made later", ""
    if case.recorded.kind == "read" or case.now.kind == "read":
        return _reading(case), "replay with the code, and the packages, that were recorded"
    if case.now.kind == "action":
        return _calling(case)
    if case.now.kind in ("verdict", "decision") or case.recorded.kind in ("verdict", "decision"):
        return _judging(case)
    if case.now.kind == "route":
        return _routing(case)
    if case.now.kind == "state" and case.recorded.kind == "state":
        return f"the {case.now.body['machine']} comes to something else than when this was recorded", _FORK
    if is_end(case.now):
        return _ending(case)
    if case.now.kind == "observation" and case.recorded.kind == "observation":
        return _envelope(case) or _order(case) or ("something else came back from the same call", "")
    return _envelope(case) or _order(case) or ("what the agent says of itself changed", _FORK)


def is_end(event: Event) -> bool:
    """Tell whether an event is what the entry gave, the last thing a run says."""
    return event.kind == "note" and ("returned" in event.body or "raised" in event.body)


def _judging(case: Case) -> tuple[str, str]:
    judged = next((one for one in reversed(case.before) if one.kind in ("action", "observation", "message")), None)
    if judged is not None and PLACEHOLDER in canonical.encode(judged.body):
        return "a rule may have read a secret, of which a replay has the placeholder only", _HIDDEN
    return "the registry judges otherwise than when this was recorded", _RULES


def _calling(case: Case) -> tuple[str, str]:
    recorded, now = case.recorded, case.now
    if is_end(recorded):
        return "an extra call", ""
    if any(same_call(now, event) for event in case.later):
        return "calls were reordered, or one is missing", ""
    if recorded.kind != "action":
        return "an extra call, or one that is made earlier", ""
    if recorded.body["tool"] != now.body["tool"]:
        again = any(same_call(now, event) for event in case.before)
        return "an extra call: the same one was made before" if again else "another call was made", ""
    return _envelope(case) or _order(case) or _field(case)


def _field(case: Case) -> tuple[str, str]:
    pointer, model = case.pointer, case.now.body["surface"] == "model"
    if _within(pointer, "/rules"):
        return "the registry judges otherwise than when this was recorded", _RULES
    if not model:
        return ("the arguments changed" if _within(pointer, "/args") else "another call was made"), ""
    if _within(pointer, "/messages", "/input", "/instructions"):
        return "the prompt changed", _FORK
    if _within(pointer, "/tools"):
        return "a tool's definition changed", ""
    if _within(pointer, "/model"):
        return "the model changed", _FORK
    return "the options of the model call changed", _FORK


def _reading(case: Case) -> str:
    recorded, now = (event.body.get("reads", []) if event.kind == "read" else [] for event in (case.recorded, case.now))
    common = sum(1 for one, other in zip(recorded, now, strict=False) if one[0] == other[0])
    if len(now) > common:
        return f"an extra read of {now[common][0]}"
    if len(recorded) > common:
        return f"a missing read of {recorded[common][0]}"
    envelope = _envelope(case)
    return envelope[0] if envelope else "what was read is not what the record holds"


def _ending(case: Case) -> tuple[str, str]:
    if case.recorded.kind == "action":
        return "a missing call", ""
    kept, gave = (next((name for name in ("returned", "raised") if name in event.body), "") for event in case[:2])
    if kept != gave and kept:
        return f"the run {gave} where it had {kept}", _FORK
    return _envelope(case) or _order(case) or ("the run's result differs", _FORK)


def _is_signal(event: Event) -> bool:
    return event.kind == "route" and bool(event.body["does"] == "signal")


def _is_question(event: Event) -> bool:
    return event.kind == "action" and bool(event.body["surface"] == "escalation")


def _routing(case: Case) -> tuple[str, str]:
    if case.recorded.kind != "route":
        return "the router went on where it had not, or had waited", _GRAPH
    return _envelope(case) or (f"the route to {case.now.body['goal']} was found otherwise", _GRAPH)


def _envelope(case: Case) -> tuple[str, str] | None:
    """Explain a difference that is not in what was said but in who said it, after what, and when."""
    if case.recorded.kind != case.now.kind or case.recorded.body != case.now.body:
        return None
    if _within(case.pointer, "/task", "/parents"):
        return "tasks or threads took turns in another order", _SCHEDULE
    return (
        ("the time differs: something was waited for that is not in the record", _SCHEDULE)
        if (case.pointer == "/at")
        else None
    )


def _order(case: Case) -> tuple[str, str] | None:
    """Recognise the same things in another order: letters of a text, or items of a list around it."""
    recorded, now = case.values
    for token in [*_tokens(case.pointer), None]:
        if isinstance(recorded, list) and isinstance(now, list) and _same_items(recorded, now):
            return "the same items in another order: something iterates over a set", "sort before use"
        if isinstance(recorded, str) and isinstance(now, str) and Counter(recorded) == Counter(now):
            return "the same text in another order: something iterates over a set", "sort before joining"
        if token is None or type(recorded) is not type(now) or not isinstance(recorded, dict | list):
            return None
        recorded, now = _item(recorded, token), _item(now, token)
    return None


def _same_items(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and sorted(map(canonical.encode, one)) == sorted(map(canonical.encode, other))


def _item(value: Any, token: str) -> Any:
    if isinstance(value, dict):
        return value.get(token)
    return value[int(token)] if int(token) < len(value) else None


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _same_reads(case: Case, other: Event) -> bool:
    return (other.kind, other.task, other.body) == ("read", case.now.task, case.now.body)


def _within(pointer: str, *places: str) -> bool:
    return any(pointer == place or pointer.startswith(f"{place}/") for place in places)


def same_call(one: Event, other: Event) -> bool:
    """Tell whether two events are the same call."""
    keys = ("surface", "tool", "args")
    return one.kind == other.kind == "action" and all(one.body[key] == other.body[key] for key in keys)
