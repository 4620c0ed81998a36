"""What agents of a run share, as it follows from events."""

from __future__ import annotations

from typing import Any

from harness.run.shared import Shared
from harness.trace.event import Event


def adopted(shared: Shared, seq: int, surface: str, args: dict[str, Any], task: str, outcome: dict[str, Any]) -> None:
    """Take over a call that was made inside an effect, with what came of it."""
    body = {"surface": surface, "tool": surface, "args": args, "rules": []}
    shared.adopt(Event(seq, "action", "expert", task, (), 0, body))
    shared.adopt(Event(seq + 1, "observation", "expert", task, (seq,), 0, {"action": seq, **outcome}))


def test_what_was_done_inside_an_effect_is_taken_over() -> None:
    """What was kept and said; not what failed, was only read, or is open."""
    shared = Shared()
    adopted(shared, 1, "memory", {"key": "a", "value": [1]}, "0/0", {"ok": None})
    adopted(shared, 3, "memory", {"key": "b", "value": 2}, "0/0", {"failed": {"error": {}, "retryable": False}})
    adopted(shared, 5, "memory", {"key": "c"}, "0/0", {"ok": 3})
    adopted(shared, 7, "message", {"to": "main", "content": "done"}, "0/0", {"ok": None})
    adopted(shared, 9, "tool", {"value": 1, "key": "d"}, "0/0", {"ok": None})
    body = {"surface": "message", "tool": "send", "args": {"to": "main", "content": "open"}, "rules": []}
    shared.adopt(Event(11, "action", "expert", "0/0", (), 0, body))
    assert shared.memory == {"a": [1]}
    assert [(one.sender, one.content) for one in shared.take("main")] == [("expert", "done")]
    assert shared.take("main") == []


def test_an_effect_that_is_performed_again_does_not_deliver_twice() -> None:
    """Its messages of the first time go when it sends again; those of others stay, however deep they were sent."""
    shared = Shared()
    adopted(shared, 1, "message", {"to": "a", "content": "first time"}, "0/0.1/5", {"ok": None})
    adopted(shared, 3, "message", {"to": "b", "content": "first time"}, "0/0", {"ok": None})
    adopted(shared, 5, "message", {"to": "a", "content": "of another"}, "0/9", {"ok": None})
    shared.deliver("main", {"to": "a", "content": "own"}, "0")
    shared.deliver("expert", {"to": "a", "content": "again"}, "0/0")
    shared.deliver("expert", {"to": "a", "content": "and more"}, "0/0.2")
    assert [one.content for one in shared.take("a")] == ["of another", "own", "again", "and more"]
    assert shared.take("b") == []
