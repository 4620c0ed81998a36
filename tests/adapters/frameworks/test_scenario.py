"""The shared part of the framework tests, without any framework: its rules, and its model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import OpenAI

from harness.adapters.registries import load_registry
from harness.cli import execute
from harness.testing.model_server import ModelServer
from tests.adapters.frameworks.scenario.ledger import OBSERVED, REGISTRY
from tests.adapters.frameworks.scenario.model import ASKED, CAPPED, NOTE, policy

TRIAGE = ("find_order", "check_stock", "note", "refund", "transfer_to_billing")


def test_the_rules_hold_their_examples() -> None:
    """The registry's own examples come out as they are marked."""
    assert execute(["registry", "test", str(REGISTRY)]) == 0


def test_what_is_observed_is_the_same_rules() -> None:
    """Every rule of the scenario is there, and none of those that are written does anything."""
    enforced, observed = load_registry(REGISTRY), load_registry(OBSERVED)
    assert {rule.id for rule in enforced.invariants} == {rule.id for rule in observed.invariants}
    written = {rule.id: rule.otherwise for rule in observed.invariants if not rule.id.startswith("AGENT-")}
    assert written == dict.fromkeys(("NOTE-LENGTH", "REFUND-CAP", "REFUND-ASKED"), "observe")


@pytest.mark.parametrize(("refused", "then"), [(True, "refund"), (False, "transfer_to_billing")])
def test_the_model_goes_by_what_it_sees(refused: bool, then: str) -> None:
    """It asks for two lookups at once, a note and a refund, and for a smaller one only if that was refused."""
    asked: list[tuple[str, dict[str, Any]]] = []
    messages: list[Any] = [{"role": "user", "content": "Help!"}]
    tools: list[Any] = [{"type": "function", "function": {"name": name}} for name in TRIAGE]
    with ModelServer(policy) as server, OpenAI(base_url=server.base_url, api_key="none-needed") as client:
        while not asked or asked[-1][0] != "transfer_to_billing":
            said = client.chat.completions.create(model="scripted", messages=messages, tools=tools).choices[0].message
            messages.append(said.model_dump(exclude_none=True))
            for call in said.tool_calls or ():
                assert call.type == "function"
                args = json.loads(call.function.arguments)
                asked.append((call.function.name, args))
                result = "REFUND-CAP" if refused and args.get("cents") == CAPPED else "done"
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    assert [name for name, _ in asked[:4]] == ["find_order", "check_stock", "note", "refund"]
    assert asked[2][1]["text"] == NOTE
    assert asked[4][0] == then
    assert (asked[4][1].get("cents") == ASKED) is refused
