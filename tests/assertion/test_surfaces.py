"""Rules on surfaces: where they speak, what they stop, and what is wrong with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.assertion.interface import Checker
from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.trace.event import Event

SEARCH = {"type": "web_search"}


def registry(on: str = "surface", **rule: Any) -> Registry:
    """Give a registry with one rule, that on hosted tools if nothing is said."""
    rule = rule or {"when": 'surface.kind == "hosted"', "require": 'surface.status == "mediated"', "otherwise": "block"}
    invariants = json.dumps([{"id": "R", "on": on, **rule}])
    return load(f"registry: r\nversion: 1\ndefault: allow\ninvariants: {invariants}\n", "r.yaml")


def asked(seq: int, **args: Any) -> Event:
    """Give a call of a model."""
    body = {"surface": "model", "tool": "openai:responses", "args": {"messages": [], **args}, "rules": []}
    return Event(seq, "action", "main", "0", (), seq, body)


def test_a_rule_speaks_with_the_call_that_uses_the_surface() -> None:
    """So it can block the call; a retry is judged like the first try, although it repeats nothing."""
    checker = Checker(registry())
    first = checker.judge(asked(0, options={"tools": [SEARCH]}))
    assert [(one.rule, one.otherwise, one.truth) for one in first.verdicts] == [("R", "block", "violated")]
    refused = {"action": 0, "decision": "block", "rule": "R", "reason": ""}
    checker.judge(Event(1, "decision", "main", "0", (0,), 0, refused))
    again = checker.judge(asked(2, after=0, keep=0))
    assert [one.rule for one in again.verdicts] == ["R"]
    assert checker.judge(asked(3, after=2, keep=0, options={"tools": []})).verdicts == ()


def test_a_rule_speaks_at_the_end_of_what_never_came() -> None:
    """Only there is it known."""
    checker = Checker(registry(require='surface.status != "unseen"', says="{surface.name}: {surface.why}"))
    call = {"id": "c", "type": "function", "function": {"name": "pay", "arguments": "{}"}}
    said = {"role": "assistant", "content": "", "tool_calls": [call]}
    assert checker.judge(Event(0, "message", "main", "0", (), 0, {"message": said})).verdicts == ()
    (verdict,) = checker.finish().verdicts
    assert verdict.says == "pay: asked for, and no call came to the door"


def test_the_step_is_that_of_the_call_or_the_next_one() -> None:
    """As for every other occasion."""
    checker = Checker(registry(require="step == 0"))
    assert checker.judge(Event(0, "read", "main", "0", (), 0, {"reads": [["uncaptured:os.fork", "m:f"]]})) == (
        ("R",),
        (),
    )
    assert checker.judge(asked(1)) == (("R",), ())
    late = checker.judge(Event(2, "read", "main", "0", (), 0, {"reads": [["uncaptured:os.fork", "m:f"]]}))
    assert [one.rule for one in late.verdicts] == ["R"]


def test_the_past_is_there_for_a_rule_on_surfaces() -> None:
    """A socket may be opened once a check was made, and must then be followed by another one."""
    socket = Event(0, "read", "main", "0", (), 0, {"reads": [["uncaptured:socket.connect", "m:f"]]})
    look = Event(1, "action", "main", "0", (), 0, {"surface": "tool", "tool": "look", "args": {}, "rules": []})
    before = Checker(registry(require='happened(action, call.tool == "look")'))
    assert [one.truth for one in before.judge(socket).verdicts] == ["violated"]
    before.judge(look)
    assert before.judge(socket._replace(seq=2)).verdicts == ()
    follows = registry(when='surface.kind == "network"', require='must_follow(action, call.tool == "look", within=1)')
    after = Checker(follows)
    after.judge(socket)
    assert after.judge(look).verdicts == ()
    assert after.finish().verdicts == ()
    alone = Checker(follows)
    alone.judge(socket)
    assert [one.rule for one in alone.finish().verdicts] == ["R"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"require": 'surface.kind == "hostd"'}, "no surface is of the kind 'hostd'"),
        ({"require": 'surface.status in ["mediated", "seen"]'}, "no surface is 'seen'"),
        ({"require": "surface.knd"}, "knd"),
        ({"require": "True", "tool": "pay"}, "speaks of no tool"),
        ({"require": "happened(surface)"}, "surface"),
    ],
)
def test_a_misspelled_rule_is_refused(rule: dict[str, Any], message: str) -> None:
    """Kinds and statuses are words of the language."""
    with pytest.raises(RegistryError, match=message):
        registry(**rule)


def test_a_surface_is_no_name_elsewhere() -> None:
    """A rule on calls speaks of call.surface."""
    with pytest.raises(RegistryError, match="surface"):
        registry("action", require='surface.kind == "tool"')


def test_a_story_tells_of_surfaces_in_words_that_are_checked() -> None:
    """An example with a kind that no surface has is a mistake at its line."""
    known = {"kind": "network", "name": "f", "status": "observed"}
    for surface, said in [
        (known | {"kind": "nettwork"}, "no surface has the kind 'nettwork'"),
        ({name: known[name] for name in ("kind", "status")}, "its name is missing"),
        (known | {"whose": "m"}, "unknown field 'whose'"),
        (known | {"name": 5}, "expected its kind"),
    ]:
        with pytest.raises(RegistryError, match=said):
            registry(require='surface.status == "mediated"', examples={"violated": [[{"surface": surface}]]})
