"""What MCP messages mean at the door, as laws over any JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.mcp.messages import (
    LOST,
    Malformed,
    declared,
    error_in,
    outcome_of,
    outcome_of_error,
    read_call,
    read_messages,
    refused_error,
    refused_result,
    result_in,
    with_args,
)
from harness.errors import Refused
from harness.tool import ToolSpec
from harness.trace.outcome import Failed, Ok, Unknown

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXT | st.just("$type"), JSON, max_size=4)


def same(spec: ToolSpec) -> ToolSpec:
    """Leave a declaration as it is."""
    return spec


@given(arguments=OBJECTS, number=st.integers() | TEXT)
def test_a_call_is_read_and_written_again_unchanged(arguments: dict[str, Any], number: Any) -> None:
    """What is judged of a call, put back in place of its arguments, gives the very same call."""
    params = {"name": "pay", "arguments": arguments, "_meta": {"progressToken": 1}}
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    line = json.dumps(message).encode()
    ((read, alone),) = read_messages(line)
    assert (read, alone) == (message, line)
    call = read_call("tools/call", read["params"], {}, same, "shop/")
    assert (call.surface, call.tool) == ("tool", "shop/pay")
    assert with_args(read, call.args) == message


@given(uri=TEXT, kept=OBJECTS)
def test_other_requests_keep_their_meta(uri: str, kept: dict[str, Any]) -> None:
    """Rewritten arguments leave ``_meta`` alone and replace nothing that was not judged."""
    read = {"method": "resources/read", "params": {"uri": uri, "_meta": kept}}
    call = read_call("resources/read", read["params"], {}, same, "")
    assert call.args == {"uri": uri}
    assert with_args(read, {"uri": "other"}) == {"method": "resources/read", "params": {"uri": "other", "_meta": kept}}
    listing = {"method": "tools/list", "params": {"cursor": uri, "_meta": kept}}
    assert read_call("tools/list", listing["params"], {}, same, "a/").tool == "mcp:a/tools/list"
    assert with_args(listing, {}) == {"method": "tools/list", "params": {"_meta": kept}}


@given(result=OBJECTS)
def test_a_result_comes_back_from_its_outcome(result: dict[str, Any]) -> None:
    """Whatever a server answers is given back as it was; a result that says so counts as failed."""
    assert result_in(outcome_of(result)) == result
    failed = {**result, "isError": True}
    assert isinstance(outcome_of(failed), Failed)
    assert result_in(outcome_of(failed)) == failed
    assert isinstance(outcome_of({**result, "isError": "yes"}), Ok)


@given(code=st.integers(-40000, 40000), message=TEXT, data=JSON)
def test_an_error_comes_back_from_its_outcome(code: int, message: str, data: Any) -> None:
    """An error keeps code, message and data; one that says no answer came is unknown, and keeps the first two."""
    outcome = outcome_of_error(code, message, data)
    assert isinstance(outcome, Unknown if code in LOST else Failed)
    expected = {"code": code, "message": message} | ({} if data is None or code in LOST else {"data": data})
    assert error_in(outcome) == expected
    assert result_in(outcome) is None


@given(line=st.binary(max_size=60) | st.builds(lambda one: json.dumps(one).encode(), JSON))
def test_any_line_is_messages_or_malformed(line: bytes) -> None:
    """Nothing else comes out of reading, whatever is read."""
    try:
        assert all(message["jsonrpc"] == "2.0" for message, _ in read_messages(line))
    except Malformed as error:
        assert error.code in (-32700, -32600, -32602)
        assert str(error)


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        (None, ("write", False, None)),
        ({"readOnlyHint": True, "destructiveHint": True}, ("read", True, None)),
        ({"destructiveHint": True}, ("write", False, "destructive")),
        ({"idempotentHint": True, "destructiveHint": False}, ("write", True, None)),
        ({"readOnlyHint": "true"}, ("write", False, None)),
        (["readOnlyHint"], ("write", False, None)),
    ],
)
def test_hints_declare_a_tool(hints: Any, expected: tuple[str, bool, str | None]) -> None:
    """Only a hint that is plainly true makes a tool a read, idempotent or destructive."""
    listed = [{"name": "x", "annotations": hints, "inputSchema": {"type": "object"}}, {"title": "no name"}, "nothing"]
    (spec,) = declared(listed, "a/").values()
    assert (spec.effect, spec.idempotent, spec.impact) == expected
    assert (spec.name, spec.arguments, spec.result) == ("a/x", {"type": "object"}, None)


def test_a_refusal_is_data_that_breaks_no_promise() -> None:
    """Structured content is there only where the tool promises none of its own."""
    refused = Refused("CAP", "too much", call="pay", alternative="pay less", values={"call.args.cents": 9})
    free, bound = ToolSpec("pay"), ToolSpec("pay", result={"type": "object"})
    facts = {"rule": "CAP", "reason": "too much", "alternative": "pay less", "retryable": False}
    facts |= {"times": 1, "values": {"call.args.cents": 9}}
    assert refused_result(refused, free)["structuredContent"] == {"refused": facts}
    assert "structuredContent" not in refused_result(refused, bound)
    assert json.loads(refused_result(refused, bound)["content"][1]["text"]) == {"refused": facts}
    assert refused_error(refused)["data"] == {"refused": facts}
