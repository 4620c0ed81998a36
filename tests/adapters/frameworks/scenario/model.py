"""What the scripted model says: it goes by the messages and the tools that a request has, so any framework may ask."""

from __future__ import annotations

import json
from typing import Any, Final

from harness.testing.model_server import ModelRequest, Reply, call, call_tool, calls, say
from harness.trace.chat import text_of

ORDER: Final = "W-77"
NOTE: Final = "The customer says that the mug came broken."
CAPPED, ASKED, CHARGED = 48_000, 15_000, 500


def policy(request: ModelRequest) -> Reply:
    """Be the agent ``billing`` where it can charge, and else ``triage``."""
    offered = {tool["function"]["name"] for tool in request.tools if "function" in tool}
    done = _done(request)
    if "charge" in offered:
        return _billing([one for one in done if one[0] == "charge"])
    return _triage(done, next((name for name in sorted(offered) if name.startswith("transfer_to_")), ""))


def _billing(charged: list[tuple[str, dict[str, Any], str]]) -> Reply:
    if not charged:
        return call_tool("charge", order_id=ORDER, cents=CHARGED)
    return say(f"Your order {ORDER} is settled: {charged[-1][2]}, the rest is on its way to you.")


def _triage(done: list[tuple[str, dict[str, Any], str]], handoff: str) -> Reply:
    last, args, result = done[-1] if done else ("", {}, "")
    if not last:
        return calls(call("find_order", order_id=ORDER), call("check_stock", sku="mug"))
    if last in ("find_order", "check_stock"):
        return call_tool("note", order_id=ORDER, text=NOTE)
    if last == "note":
        return call_tool("refund", order_id=ORDER, cents=CAPPED)
    if last == "refund" and args["cents"] == CAPPED and "REFUND-CAP" in result:
        return call_tool("refund", order_id=ORDER, cents=ASKED)
    return call_tool(handoff) if last == "refund" else say(result)


def _done(request: ModelRequest) -> list[tuple[str, dict[str, Any], str]]:
    """Give the calls that were answered, in order: tool, arguments and the text of the result."""
    answers = {
        message["tool_call_id"]: text_of(message.get("content"))
        for message in request.messages
        if message["role"] == "tool"
    }
    called = [one for message in request.messages for one in message.get("tool_calls") or ()]
    return [
        (one["function"]["name"], json.loads(one["function"]["arguments"]), answers[one["id"]])
        for one in called
        if one["id"] in answers
    ]
