"""Results of LangChain's tools and stores as JSON data: what is written comes back equal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("langgraph", reason="the extra [langgraph] is not installed")

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage
from langgraph.errors import GraphInterrupt, ParentCommand
from langgraph.types import Command, Interrupt, Send

from harness.adapters.langgraph.values import bubbled, read, rebuilt, result_written, written
from harness.determinism import canonical
from harness.errors import NotRecordable

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(), plain, max_size=2)
maybe = st.none() | st.text()
tool_calls = st.builds(lambda *of: {"name": of[0], "args": of[1], "id": of[2]}, st.text(), objects, maybe)
blocks = st.lists(st.text() | st.just({"type": "text", "text": "a"}), max_size=2)
messages = st.one_of(
    st.builds(lambda *of: HumanMessage(of[0], id=of[1], name=of[2]), st.text() | blocks, maybe, maybe),
    st.builds(
        lambda *of: AIMessage(of[0], tool_calls=of[1], response_metadata=of[2]),
        st.text(),
        st.lists(tool_calls, max_size=2),
        objects,
    ),
    st.builds(lambda content, more: SystemMessage(content, additional_kwargs=more), blocks, objects),
    st.builds(
        lambda *of: ToolMessage(of[0], tool_call_id=of[1], artifact=of[2], status="error"), st.text(), st.text(), plain
    ),
    st.builds(lambda name: RemoveMessage(id=name), st.text()),
)
documents = st.builds(lambda *of: Document(of[0], metadata=of[1], id=of[2]), st.text(), objects, maybe)


def sends(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw what sends a graph to a node."""
    return st.builds(lambda node, arg: Send(node, arg), st.text(), inner)


def commands(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw commands."""
    return st.builds(
        lambda *of: Command(update=of[0], graph=of[1], goto=of[2], resume=of[3]),
        st.none() | st.dictionaries(st.text(), inner, max_size=2),
        st.sampled_from([None, Command.PARENT]),
        st.text() | st.lists(st.text() | sends(inner), max_size=2),
        plain,
    )


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw what holds other things."""
    lists = st.lists(inner, max_size=3)
    return lists | lists.map(tuple) | st.dictionaries(st.text(), inner, max_size=3) | sends(inner) | commands(inner)


things = st.recursive(plain | messages | documents, containers, max_leaves=6)
interrupts = st.lists(st.builds(lambda value, name: Interrupt(value, id=name), plain, st.text(min_size=1)), max_size=2)


@given(things)
def test_what_is_written_comes_back_equal(value: Any) -> None:
    """Messages, documents, commands and data in each other come back equal, through the JSON of a trace."""
    try:
        data = written(value)
    except NotRecordable:
        assert "$type" in repr(value)  # a key that only data without objects may have
        return
    assert read(json.loads(canonical.encode(data))) == value


@given(things, st.booleans())
def test_a_result_that_is_shown_is_data_or_its_text(value: Any, in_parts: bool) -> None:
    """Of JSON data and of messages and commands nothing is lost by being shown to a model."""
    try:
        data = result_written(value, shown=True, in_parts=in_parts)
    except NotRecordable:
        assert "$type" in repr(value)
        return
    back = read(json.loads(canonical.encode(data)))
    assert back == value or back == json.dumps(value, ensure_ascii=False)


@given(interrupts)
def test_interrupts_come_back_as_they_were(interrupts: list[Interrupt[Any]]) -> None:
    """Their questions and ids are those by which a graph goes on."""
    outcome = bubbled(GraphInterrupt(tuple(interrupts)))
    assert outcome is not None
    again = rebuilt(json.loads(canonical.encode(outcome.error)))
    assert type(again) is GraphInterrupt
    assert again.args == (tuple(interrupts),)


def test_commands_to_a_parent_graph_come_back_as_they_were() -> None:
    """A tool that runs a graph may send the one around it elsewhere."""
    command: Command[Any] = Command(graph="team", goto="billing", update={"messages": [HumanMessage("hi")]})
    outcome = bubbled(ParentCommand(command))
    assert outcome is not None
    again = rebuilt(outcome.error)
    assert type(again) is ParentCommand
    assert again.args == (command,)
    assert bubbled(ValueError("wrong")) is None
    assert rebuilt({"type": "builtins:ValueError", "message": "wrong"}) is None


def test_what_does_not_come_back_is_refused_by_name() -> None:
    """An object of the program's inside a command would be another one on replay."""

    class Own:
        pass

    with pytest.raises(NotRecordable, match="Own"):
        written(Command(update={"own": Own()}))
