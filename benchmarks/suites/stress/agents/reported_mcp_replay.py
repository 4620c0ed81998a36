"""A client of a tool server that reconnects where a connection breaks, and sends the call again.

Family: duplicate side effect after a reconnect
Reported: https://github.com/zavora-ai/adk-rust/issues/504 -- where the connection fails after a tool call was sent,
the client reconnects and submits the same call once more, although the server may have done its work and only the
answer was lost. This reproduces the mechanism, not the framework's code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: invoices
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ONE-INVOICE
    title: A customer gets one invoice for an order
    on: action
    tool: create_invoice
    require: not happened(action, call.tool == "create_invoice" and call.args.order == now.call.args.order)
    severity: high
    otherwise: observe
    says: An invoice for {call.args.order} was asked for before.
"""
APP = Harness(load(RULES, "invoices.yaml"))
TOTALS = {"O-1": 1200, "O-2": 450}
INVOICES: list[dict[str, Any]] = []


def fresh() -> None:
    """Put the world back."""
    INVOICES.clear()


@APP.tool(effect="read")
def list_tools() -> list[dict[str, Any]]:
    """List what the server offers, with its hints."""
    return [{"name": "get_order", "read_only": True}, {"name": "create_invoice", "read_only": False}]


@APP.tool(effect="read")
def get_order(order: str) -> dict[str, Any]:
    """Look an order up."""
    return {"order": order, "cents": TOTALS[order]}


@APP.tool(effect="write")
def create_invoice(order: str, cents: int) -> dict[str, Any]:
    """Write an invoice."""
    INVOICES.append({"order": order, "cents": cents})
    return {"invoice": len(INVOICES)}


CALLS: dict[str, Callable[..., Any]] = {"get_order": get_order, "create_invoice": create_invoice}


class Client:
    """Call tools of a server; ``again`` says for which tools a call is sent again after a reconnect."""

    def __init__(self, again: Callable[[str], bool]) -> None:
        self._again = again

    def call(self, name: str, **args: Any) -> Any:
        """Call a tool."""
        try:
            return CALLS[name](**args)
        except (ConnectionError, InDoubt):
            if not self._again(name):
                raise
            list_tools()  # the handshake of a new connection
            return CALLS[name](**args)


def bill(client: Client, orders: list[str]) -> list[str]:
    """Write an invoice for every order, and say which could not be written."""
    failed = []
    for order in orders:
        try:
            client.call("create_invoice", order=order, cents=client.call("get_order", order=order)["cents"])
        except Exception:  # the other orders are billed all the same
            failed.append(order)
    return failed


@APP.agent
def agent(orders: list[str]) -> list[str]:
    """Bill orders."""
    return bill(Client(lambda name: True), orders)


@APP.agent
def mended(orders: list[str]) -> list[str]:
    """Bill orders, and send only those calls again that change nothing."""
    return bill(Client(lambda name: name == "get_order"), orders)


INPUT = {"orders": ["O-1", "O-2"]}
RULE = "ONE-INVOICE"
WITNESS = {"inject": [{"fault": "commit_then_timeout", "tool": "create_invoice", "nth": 1}]}
CAUSE = {"tool": "create_invoice", "nth": 1}
