"""What requests and answers of models say of tools, in the spellings of three APIs."""

from __future__ import annotations

from typing import Any

import pytest

from harness.trace.event import Event
from harness.trace.offered import Asked, answered_in, asked_in, hosted_in, offered

REQUEST: dict[str, Any] = {"surface": "model", "tool": "m", "args": {"messages": []}, "rules": []}
ACTION = Event(0, "action", "main", "0", (), 0, REQUEST)


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ({"type": "function", "function": {"name": "pay"}}, ("tool", "pay")),
        ({"type": "function", "name": "pay"}, ("tool", "pay")),
        ({"type": "custom", "name": "query"}, ("tool", "query")),
        ({"name": "pay", "input_schema": {}}, ("tool", "pay")),
        ({"type": "bash_20250124", "name": "bash"}, ("tool", "bash")),
        ({"type": "computer_use_preview"}, ("tool", "computer")),
        ({"type": "local_shell"}, ("tool", "local_shell")),
        ({"type": "web_search"}, ("hosted", "web_search")),
        ({"type": "web_search_preview_2025_03_11"}, ("hosted", "web_search")),
        ({"type": "web_search_20250305", "name": "web_search"}, ("hosted", "web_search")),
        ({"type": "code_interpreter", "container": {"type": "auto"}}, ("hosted", "code_interpreter")),
        ({"type": "mcp", "server_label": "crm", "server_url": "https://crm.example"}, ("hosted", "mcp:crm")),
        ({"type": "mcp_toolset", "mcp_server_name": "crm"}, ("hosted", "mcp:crm")),
        ({"type": "something_new"}, ("hosted", "something_new")),
    ],
)
def test_a_tool_is_hosted_unless_the_client_runs_it(tool: dict[str, Any], expected: tuple[str, str]) -> None:
    """What is not known counts as run by the provider: it is told rather than taken for a function."""
    assert list(offered({"tools": [tool]})) == [expected]


def test_options_outside_the_list_of_tools_offer_some_too() -> None:
    """Chat Completions search by an option, and Anthropic names servers beside the tools."""
    assert list(offered({"web_search_options": {}})) == [("hosted", "web_search")]
    assert list(offered({"mcp_servers": [{"type": "url", "name": "crm"}]})) == [("hosted", "mcp:crm")]


def test_an_answer_asks_for_calls_in_any_shape() -> None:
    """Function calls, custom tools, and the calls that the Responses API has a type of their own for."""
    output = [
        {"type": "function_call", "call_id": "c1", "name": "pay", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "query", "input": "…"},
        {"type": "local_shell_call", "call_id": "c3", "action": {}},
        {"type": "web_search_call", "id": "w1"},
        {"type": "mcp_call", "server_label": "crm", "name": "find"},
    ]
    event = Event(1, "observation", "main", "0", (0,), 0, {"action": 0, "ok": {"body": {"output": output}}})
    assert list(asked_in(event, ACTION)) == [Asked("c1", "pay"), Asked("c2", "query"), Asked("c3", "local_shell")]
    assert list(hosted_in(event, ACTION)) == ["web_search", "mcp:crm"]


def test_an_answer_of_anthropic_asks_for_calls_and_tells_of_hosted_ones() -> None:
    """Both are blocks of one message."""
    content = [
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "t1", "name": "pay", "input": {"cents": 5}},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "weather"}},
        {"type": "mcp_tool_use", "id": "s2", "name": "find", "server_name": "crm", "input": {}},
    ]
    body = {"type": "message", "role": "assistant", "content": content, "stop_reason": "tool_use"}
    event = Event(1, "observation", "main", "0", (0,), 0, {"action": 0, "ok": {"body": body}})
    assert list(asked_in(event, ACTION)) == [Asked("t1", "pay")]
    assert list(hosted_in(event, ACTION)) == ["web_search", "mcp:crm"]


def test_results_are_known_by_the_call_they_answer() -> None:
    """In a request's new messages, or in a message by itself."""
    said = [
        {"role": "tool", "tool_call_id": "c1", "content": "5"},
        {"type": "function_call_output", "call_id": "c2", "output": "5"},
        {"type": "custom_tool_call_output", "call_id": "c3", "output": "5"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c4", "content": "5"}]},
        {"role": "user", "content": "nothing"},
    ]
    request = ACTION._replace(body=REQUEST | {"args": {"messages": said}})
    assert list(answered_in(request)) == ["c1", "c2", "c3", "c4"]
    assert list(answered_in(Event(0, "message", "main", "0", (), 0, {"message": said[0]}))) == ["c1"]
