"""What the scripted model says to each agent, after a delay by chance; it is no model."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace

from harness.testing.model_server import Answer, ModelRequest, Reply, call, call_tool, calls, say, script

_LOOKUPS = (call("get_order", order_id="W-77"), call("search_policy", topic="refunds"))
_MORE = (call("get_order", order_id="W-78"), call("search_policy", topic="limits"))
_REFUND = call_tool("refund", order_id="W-77", amount_cents=12_000)
_DONE = say("I have refunded 120.00; the money is with you in two days.")


def hesitant(policy: Callable[[ModelRequest], Reply]) -> Callable[[ModelRequest], Reply]:
    """Let every answer take some milliseconds by chance, and some more between the pieces of a stream."""

    def late(request: ModelRequest) -> Reply:
        reply = policy(request)
        assert isinstance(reply, Answer)
        return replace(reply, first_ms=random.uniform(1, 30), chunk_ms=random.uniform(0, 2))

    return late


def _last_tool(request: ModelRequest) -> str:
    """Name the tool that was called last, empty where none was."""
    called = [one["function"]["name"] for message in request.messages for one in message.get("tool_calls") or ()]
    return str(called[-1]) if called else ""


def _offered(request: ModelRequest) -> set[str]:
    return {tool["function"]["name"] for tool in request.tools if "function" in tool}


def _system(request: ModelRequest) -> str:
    content = request.messages[0].get("content")
    return content if isinstance(content, str) else json.dumps(content)


def _team(request: ModelRequest) -> Reply:
    """Lead, look up or pay, as the tools that are offered allow."""
    offered, last = _offered(request), _last_tool(request)
    if "transfer_to_researcher" in offered:  # the supervisor
        handed = {"": "transfer_to_researcher", "transfer_back_to_supervisor": "transfer_to_payer"}
        seen = json.dumps(request.messages)
        done = "transfer_to_payer" in seen and last == "transfer_back_to_supervisor"
        return _DONE if done or last not in handed else call_tool(handed[last])
    if "delegate_task_to_member" in offered:
        turn = request.number
        member = ("clerk", "payer")[turn] if turn < 2 else ""
        return call_tool("delegate_task_to_member", member_id=member, task="Help.") if member else _DONE
    if "get_order" in offered:
        if last in ("", "transfer_to_researcher"):
            return calls(*_LOOKUPS, *_MORE)
        return call_tool("transfer_to_payer") if "transfer_to_payer" in offered else say("Delivered; up to 200.00.")
    return say("Paid.") if last == "refund" else _REFUND


def _critic(request: ModelRequest) -> Reply:
    if not request.tools:
        return say("APPROVE") if "APPROVE" in _system(request) else _DONE
    return _REFUND if _last_tool(request) else calls(*_LOOKUPS)


def _research(request: ModelRequest) -> Reply:
    system = _system(request)
    if "come up with a set of web searches" in system:
        searches = [{"reason": f"Reason {number}", "query": f"Query {number}"} for number in range(8)]
        return say(json.dumps({"searches": searches}))
    if "search the web" in system:
        return say(f"Summary of {request.text}")
    return say(json.dumps({"short_summary": "Short.", "markdown_report": "# Long", "follow_up_questions": ["Why?"]}))


def _airline(request: ModelRequest) -> Reply:
    last = _last_tool(request)
    if last == "update_seat":
        return say("Your seat is 12A.")
    if "update_seat" in _offered(request):
        return call_tool("update_seat", confirmation_number="C-1", new_seat="12A")
    return call_tool("transfer_to_seat_booking_agent")


def _translators(request: ModelRequest) -> Reply:
    if "translate_to_french" not in _offered(request):
        return say(f"Translated: {request.text}")
    both = calls(call("translate_to_french", input="Hello"), call("translate_to_spanish", input="Hello"))
    return say("Both are there.") if _last_tool(request) else both


def _guarded(request: ModelRequest) -> Reply:
    if "Check if the user" in _system(request):
        return say(json.dumps({"reasoning": "Scripted.", "is_math_homework": "2x" in request.text}))
    return say("Sacramento.")


def _judge(request: ModelRequest) -> Reply:
    if "You evaluate" in _system(request):
        score = "pass" if request.number > 1 else "needs_improvement"
        return say(json.dumps({"response": {"feedback": "Shorter.", "score": score}}))
    return say(f"Outline {request.number}.")


def _roulette(request: ModelRequest) -> Reply:
    last = json.dumps(request.messages)
    if _last_tool(request) == "roulette_wheel":
        return call_tool("final_result", response="winner" in last.rsplit("roulette_wheel", 1)[-1])
    return call_tool("roulette_wheel", square=18 if "eighteen" in last else 5)


def _bank(request: ModelRequest) -> Reply:
    if _last_tool(request):
        return call_tool("final_result", support_advice="You have 123.45.", block_card=False, risk=1)
    return call_tool("customer_balance")


def _times(request: ModelRequest) -> Reply:
    if not _last_tool(request):
        return call_tool("get_current_time")
    return call_tool("final_result_TimeRangeBuilderError", error_message=f"Which time? {request.text}")


_CODE = """Thought: I look it up.
<code>
import random, time
order = get_order("W-77")
receipt = refund("W-77", 12000)
print(order, receipt, random.random(), time.time())
</code>"""
_ANSWER = 'Thought: done.\n<code>\nfinal_answer(f"{order} {receipt}")\n</code>'

shop = hesitant(script([calls(*_LOOKUPS, *_MORE), _REFUND, _DONE]))
calling = hesitant(script([calls(*_LOOKUPS, *_MORE), _REFUND, call_tool("final_answer", answer="Refunded.")]))
coding = hesitant(script([say(_CODE), say(_ANSWER)]))
team = hesitant(_team)
critic = hesitant(_critic)
research = hesitant(_research)
airline = hesitant(_airline)
translators = hesitant(_translators)
guarded = hesitant(_guarded)
judge = hesitant(_judge)
roulette = hesitant(_roulette)
bank = hesitant(_bank)
times = hesitant(_times)
