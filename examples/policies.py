"""What the scripted model says to the examples: the n-th reply on the n-th turn of a conversation.

Use them with ``--model-script examples.policies:NAME``.
"""

from __future__ import annotations

from harness.testing.model_server import call, call_tool, calls, say, script

lookups = calls(call("get_order", order_id="W-77"), call("search_policy", topic="refunds"))
payment = call_tool("refund", order_id="W-77", amount_cents=12_000)
goodbye = say("I have refunded 120.00; the money is with you in two days.")

support = script([lookups, payment, goodbye])
"""One agent that looks things up and pays."""

desk = script([call_tool("transfer_to_refunds"), lookups, payment, goodbye])
"""An agent that hands over to one that does."""
