"""Places of a town that routes lead through: a shop, a bank that knows no keys, a trip, a promise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.door.town import QUICK, Build, Town, registry_of

# --- a shop: an order is paid by one of two providers, and the customer is told ---------------------------------------

PAY = {"effect": "write", "undo": "refund", "idempotency_key": "key"}
SHOP_TOOLS = {
    "stripe": PAY,
    "paypal": PAY,
    "refund": {"effect": "write", "idempotent": True},
    "email": {"effect": "read"},
    "sms": {"effect": "read"},
}
TAKES = {"stripe": "order key", "paypal": "order key", "refund": "order", "email": "payment", "sms": "payment"}
SHOP = {
    "start": ["order"],
    "goals": {"paid": ["payment"], "told": ["message"]},
    "tools": {
        "stripe": {"needs": ["order"], "gives": ["payment"], "cost": 1},
        "paypal": {"needs": ["order"], "gives": ["payment"], "cost": 2},
        "email": {"needs": ["payment"], "gives": ["message"], "cost": 1},
        "sms": {"needs": ["payment"], "gives": ["message"], "cost": 3},
    },
    "policy": QUICK,
}


def shop(options: Mapping[str, Any] = {}, graph: Mapping[str, Any] = SHOP, **plans: Any) -> Build:
    """Give what builds a shop."""

    def build(folder: Path) -> Town:
        town = Town(registry_of(SHOP_TOOLS, graph), folder, **options)
        return town.with_tools(TAKES, plans, refund="stripe")

    return build


# --- dead ends --------------------------------------------------------------------------------------------------------

APART = {
    "start": ["order"],
    "goals": {"told": [{"any": ["mailed", "texted"]}]},
    "tools": {
        "stripe": {"needs": ["order"], "gives": ["s"], "cost": 1},
        "paypal": {"needs": ["order"], "gives": ["p"], "cost": 2},
        "email": {"needs": ["s"], "gives": ["mailed"], "cost": 1, "args": {"payment": "s"}},
        "sms": {"needs": ["p"], "gives": ["texted"], "cost": 3, "args": {"payment": "p"}},
    },
    "policy": QUICK,
}


def apart(options: Mapping[str, Any] = {}, undo: str | None = "refund", **plans: Any) -> Build:
    """Give what builds a shop in which each message needs its own provider."""
    tools = SHOP_TOOLS | {name: {k: v for k, v in PAY.items() if k != "undo" or undo} for name in ("stripe", "paypal")}

    def build(folder: Path) -> Town:
        town = Town(registry_of(tools, APART), folder, **options)
        return town.with_tools(TAKES, plans, refund="stripe")

    return build


# --- a shop whose wires carry no key ----------------------------------------------------------------------------------

BLIND = {
    "start": ["order"],
    "goals": {"told": ["message"]},
    "tools": {
        "look": {"needs": ["order"], "gives": ["price"], "cost": 1},
        "hold": {"needs": ["price"], "gives": ["held"], "cost": 1},
        "wire": {"needs": ["held"], "gives": ["payment"], "cost": 1},
        "cash": {"needs": ["held"], "gives": ["payment"], "cost": 5},
        "email": {"needs": ["payment"], "gives": ["message"], "cost": 1},
        "find": {"args": {"held": "held"}},
    },
    "policy": QUICK,
}
BLIND_TOOLS = {
    "look": {"effect": "read"},
    "hold": {"effect": "write", "undo": "free", "idempotent": True},
    "free": {"effect": "write", "idempotent": True},
    "wire": {"effect": "write"},
    "cash": {"effect": "write"},
    "find": {"effect": "read"},
    "email": {"effect": "read"},
}


def blind(options: Mapping[str, Any] = {}, probe: bool = False, **plans: Any) -> Build:
    """Give what builds a shop whose wires carry no key; ``probe`` tells whether ``find`` can look for one."""
    wire = {"effect": "write"} | ({"probe": "find"} if probe else {})
    graph = BLIND if probe else BLIND | {"tools": {k: v for k, v in BLIND["tools"].items() if k != "find"}}
    tools = BLIND_TOOLS | {"wire": wire}
    tools = tools if probe else {name: said for name, said in tools.items() if name != "find"}
    takes = {"look": "order", "hold": "price", "free": "price", "find": "held", "email": "payment"}

    def build(folder: Path) -> Town:
        town = Town(registry_of(tools, graph), folder, **options)
        return town.with_tools({name: takes.get(name, "held") for name in tools}, plans, free="hold")

    return build


# --- a trip: coroutines that need nothing of each other ---------------------------------------------------------------

TRIP_TOOLS = {
    "flight": {"effect": "read", "timeout_ms": 200},
    "train": {"effect": "read"},
    "hotel": {"effect": "read"},
    "book": {"effect": "write", "idempotency_key": "key", "timeout_ms": 200},
    "blind": {"effect": "write", "timeout_ms": 200},
}
TRIP = {
    "start": ["day"],
    "goals": {"booked": ["booking"], "blindly": ["wish"]},
    "tools": {
        "flight": {"needs": ["day"], "gives": ["ride"], "cost": 1},
        "train": {"needs": ["day"], "gives": ["ride"], "cost": 2},
        "hotel": {"needs": ["day"], "gives": ["bed"], "cost": 1},
        "book": {"needs": ["ride", "bed"], "gives": ["booking"], "cost": 1},
        "blind": {"needs": ["ride", "bed"], "gives": ["wish"], "cost": 1},
    },
    "policy": QUICK | {"parallel": 4},
}
TRIP_TAKES = {"flight": "day", "train": "day", "hotel": "day", "book": "ride bed key", "blind": "ride bed"}


def trip(policy: Mapping[str, Any] = {}, **plans: Any) -> Build:
    """Give what builds an app whose tools are coroutine functions."""
    graph = TRIP | {"policy": {**QUICK, "parallel": 4, **policy}}
    return lambda folder: Town(registry_of(TRIP_TOOLS, graph), folder).with_tools(TRIP_TAKES, plans, later=True)


# --- a tool that promises something of its result ---------------------------------------------------------------------


def promised(effect: str, *, key: str | None = None, **plans: Any) -> Build:
    """Give what builds an app of which one tool promises an object with a number."""
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    first = {"effect": effect, "result": {"schema": schema}} | ({"idempotency_key": key} if key else {})
    tools = {"first": first, "second": {"effect": "read"}}
    graph = {
        "start": ["order"],
        "goals": {"known": ["n"]},
        "tools": {
            "first": {"needs": ["order"], "gives": {"n": "n"}},
            "second": {"needs": ["order"], "gives": ["n"], "cost": 3},
        },
        "policy": QUICK,
    }

    def build(folder: Path) -> Town:
        town = Town(registry_of(tools, graph), folder)
        return town.with_tools({"first": "order key" if key else "order", "second": "order"}, plans)

    return build
