"""What an agent does besides calling tools: it hands over, speaks to others, and keeps what it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import harness
from harness.errors import Refused
from harness.registry.load import load
from harness.run.drive import call
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.event import ACTS
from harness.trace.outcome import Ok

HEAD = "registry: shop\nversion: 1\ndefault: refuse\n"
HANDOFF = Call("handoff", "handoff", {"to": "billing"}, ToolSpec("handoff", idempotent=True))
SEND = Call("message", "send", {"to": "billing", "content": "hello"}, ToolSpec("send", idempotent=True))
KEEP = Call("memory", "memory.write", {"key": "a", "value": 1}, ToolSpec("memory.write", idempotent=True))
LOOK_UP = Call("memory", "memory.read", {"key": "a"}, ToolSpec("memory.read", effect="read"))
THEIRS = [HANDOFF, SEND, KEEP, LOOK_UP]
OTHERS = [
    Call("model", "openai:chat/completions", {"messages": []}, ToolSpec("openai:chat/completions", effect="read")),
    Call("server", "mcp:tools/list", {}, ToolSpec("mcp:tools/list", effect="read")),
]


def refused_by(folder: Path, registry: str, *calls: Call, agent: str = "main") -> list[str]:
    """Give the rule that refuses each call of a session, empty where none does."""
    said = []
    with harness.Harness(load(registry, "shop.yaml"), traces=folder).session(agent=agent) as session:
        for wanted in calls:
            try:
                call(session.started(), wanted, lambda _: Ok(None))
                said.append("")
            except Refused as refused:
                said.append(refused.rule)
    return said


def test_what_nothing_speaks_of_is_refused(tmp_path: Path) -> None:
    """``default: refuse`` speaks of all that an agent does itself, and of nothing else."""
    rule = "invariants: [{id: A, on: action, tool: pay, require: 'True'}]\n"
    assert {one.surface for one in THEIRS} | {"tool"} == ACTS
    assert refused_by(tmp_path, HEAD + rule, *THEIRS, *OTHERS) == ["DEFAULT-REFUSE"] * 4 + ["", ""]


def test_it_is_declared_like_a_tool(tmp_path: Path) -> None:
    """Then rules name it, see its arguments, and count it."""
    text = """
tools:
  handoff: {effect: write, idempotent: true, arguments: {properties: {to: {type: string}}}}
  memory.read: {effect: read}
  memory.write: {effect: write}
invariants:
  - {id: TO, on: action, tool: handoff, require: call.args.to == "billing", otherwise: block}
  - {id: TWICE, on: action, tool: "*", require: count(action) < 3, otherwise: block}
"""
    away = HANDOFF._replace(args={"to": "elsewhere"})
    said = refused_by(tmp_path, HEAD + text, away, HANDOFF, KEEP, SEND, LOOK_UP, HANDOFF)
    assert said == ["TO", "", "", "DEFAULT-REFUSE", "", "TWICE"]


def test_an_agent_hands_over_only_where_it_may(tmp_path: Path) -> None:
    """What ``may`` does not name is refused, on every surface; what it names needs no declaration."""
    text = HEAD + "agents: {clerk: {may: [look, send, memory.*]}}\n"
    assert refused_by(tmp_path, text, *THEIRS, agent="clerk") == ["AGENT-clerk-MAY", "", "", ""]


@pytest.mark.parametrize("wanted", THEIRS)
def test_one_nobody_declared_may_write(tmp_path: Path, wanted: Call) -> None:
    """Rules on writes speak of it, as they do of an undeclared tool; looking something up is known to read."""
    text: Any = "registry: shop\nversion: 1\ndefault: allow\ninvariants:\n"
    text += '  - {id: READS, on: action, require: tool.effect == "read", otherwise: block}\n'
    expected = "" if wanted is LOOK_UP else "READS"
    assert refused_by(tmp_path, text, wanted, *OTHERS) == [expected, "", ""]
