"""What is legal between an agent and its tools, as their declarations say."""

from __future__ import annotations

from typing import Any

from harness.stress.legal.protocol import ToolProtocol
from harness.stress.seen import Came, Made
from harness.tool import ToolSpec

ROOM = {
    "type": "object",
    "properties": {
        "state": {"enum": ["free", "taken"]},
        "beds": {"type": "integer", "minimum": 1, "maximum": 4},
        "smoking": {"type": "boolean"},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}
TOOLS = {
    "search": ToolSpec("search", effect="read", gives=("rooms",)),
    "hold": ToolSpec("hold", needs=("rooms", "day"), gives=("room",), undo="release", result=ROOM),
    "release": ToolSpec("release"),
    "pay": ToolSpec("pay", needs=("room",), gives=("receipt",), idempotency_key="key"),
    "note": ToolSpec("note", idempotent=True),
}
PROTOCOL = ToolProtocol(TOOLS)


def calls(*made: tuple[str, dict[str, Any], Came]) -> list[Made]:
    """Give calls with numbers of their own."""
    return [Made(seq, "tool", tool, "main", seq + 1, args, came) for seq, (tool, args, came) in enumerate(made)]


def why(*made: tuple[str, dict[str, Any], Came]) -> str:
    """Say why the first illegal call is one."""
    found = PROTOCOL.illegal(calls(*made))
    return "" if found is None else found[1]


def test_what_a_tool_needs_has_to_be_given() -> None:
    """Only a call that came back well gives; facts that no tool gives are the agent's own."""
    assert why(("search", {}, "ok"), ("hold", {"n": 1}, "ok"), ("pay", {"key": 1}, "ok")) == ""
    assert "needs room" in why(("search", {}, "ok"), ("hold", {"n": 1}, "failed"), ("pay", {"key": 1}, "ok"))
    assert "needs room" in why(("search", {}, "ok"), ("hold", {"n": 1}, "unknown"), ("pay", {"key": 1}, "ok"))
    assert "needs rooms" in why(("hold", {}, "ok"))


def test_a_write_is_not_made_twice() -> None:
    """Not with the same arguments or key, unless it did not happen, or is idempotent."""
    held = ("search", {}, "ok"), ("hold", {"n": 1}, "ok")
    assert "again" in why(*held, ("hold", {"n": 1}, "ok"))
    assert why(*held, ("hold", {"n": 2}, "ok")) == ""
    assert why(("search", {}, "ok"), ("hold", {"n": 1}, "failed"), ("hold", {"n": 1}, "ok")) == ""
    assert "again" in why(*held, ("pay", {"key": 1, "cents": 5}, "unknown"), ("pay", {"key": 1, "cents": 6}, "ok"))
    assert why(*held, ("pay", {"key": 1}, "unknown"), ("pay", {"key": 2}, "ok")) == ""
    assert why(("note", {}, "ok"), ("note", {}, "ok"), ("search", {}, "ok"), ("search", {}, "ok")) == ""


def test_no_more_is_undone_than_was_done() -> None:
    """What may have happened may be undone, once."""
    searched = ("search", {}, "ok")
    assert "undoes more" in why(searched, ("release", {}, "ok"))
    assert why(searched, ("hold", {}, "unknown"), ("release", {}, "ok")) == ""
    assert "undoes more" in why(searched, ("hold", {}, "ok"), ("release", {"n": 1}, "ok"), ("release", {"n": 2}, "ok"))


def test_less_is_allowed_where_less_has_come() -> None:
    """Freedom counts the tools that could be called; what failed leaves fewer than what came back well."""
    made = calls(("search", {}, "ok"), ("hold", {}, "ok"))
    begin = PROTOCOL.begin()
    searched = PROTOCOL.after(begin, made[0])
    assert [PROTOCOL.freedom(one) for one in (begin, searched)] == [2, 3]
    held = PROTOCOL.after(searched, made[1])
    assert PROTOCOL.freedom(PROTOCOL.after(searched, made[1]._replace(came="failed"))) == 3
    assert PROTOCOL.freedom(held) == 4  # search, release, pay, note; holding again would be a second time


def test_answers_are_those_that_the_declaration_allows() -> None:
    """An error, silence, and the values that the schema of the result names; never the one that came."""
    value = {"state": "free", "beds": 1, "smoking": False, "notes": ["x"]}
    held = Made(0, "tool", "hold", "main", 2, {}, "ok", value)
    answers = list(PROTOCOL.answers(held))
    assert [one.kind for one in answers if one.kind != "variant"] == ["error", "timeout", "commit_then_timeout"]
    assert [(one.strength["at"], one.strength["value"]) for one in answers if one.kind == "variant"] == [
        ("/state", "taken"),
        ("/beds", 4),
        ("/smoking", True),
        ("/notes", []),
    ]
    assert all((one.tools, one.nth) == (("hold",), (2,)) for one in answers)
    assert len({one.name for one in answers}) == len(answers)
    assert [one.kind for one in PROTOCOL.answers(Made(0, "tool", "search", "main", 1, {}, "ok"))] == [
        "error",
        "timeout",
    ]
    assert list(PROTOCOL.answers(Made(0, "tool", "other", "main", 1, {}, "ok"))) == []
