"""Plain Python behind the door: functions, and objects with methods."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from harness import Harness, Refused
from harness.adapters.files import open_trace
from harness.errors import UsageError


class Bank:
    """Keep balances in memory."""

    def __init__(self) -> None:
        self.balances = {"ann": 100}

    def balance(self, owner: str) -> int:
        return self.balances[owner]

    def pay(self, owner: str, cents: int) -> int:
        self.balances[owner] = self.balance(owner) - cents
        return self.balances[owner]

    async def audit(self) -> int:
        return sum(self.balances.values())

    def _secret(self) -> int:
        return 7


RULES = """
registry: bank
version: 1.0.0
default: allow
tools:
  bank.pay: {effect: write, arguments: {properties: {owner: {type: string}, cents: {type: integer}}}}
invariants:
  - {id: CAP, on: action, tool: bank.pay, require: call.args.cents <= 50, otherwise: block}
"""


def _actions(trace: Path) -> list[tuple[str, dict[str, Any]]]:
    with open_trace(trace) as reader:
        return [(one.body["tool"], one.body["args"]) for one in reader if one.kind == "action"]


def test_methods_of_an_object_pass_the_door(tmp_path: Path) -> None:
    """Calls from outside are recorded by name; what the object calls of itself is part of them."""
    app = Harness(traces=tmp_path)
    bank = app.wrap(Bank(), prefix="bank.", reads=["balance"])
    with app.session(trace=tmp_path / "t.mat.jsonl"):
        assert bank.pay("ann", cents=30) == 70
        assert bank.balance("ann") == 70
    assert _actions(tmp_path / "t.mat.jsonl") == [
        ("bank.pay", {"owner": "ann", "cents": 30}),
        ("bank.balance", {"owner": "ann"}),
    ]
    assert app.registry.tools["bank.balance"].effect == "read"
    assert app.registry.tools["bank.pay"].effect == "write"


def test_the_object_stays_what_it_is(tmp_path: Path) -> None:
    """Class, attributes and private methods are those of the object, and outside a session nothing is recorded."""
    inner = Bank()
    bank = Harness(traces=tmp_path).wrap(inner)
    assert isinstance(bank, Bank)
    bank.balances = {"bob": 1}
    assert inner.balances == {"bob": 1}
    assert bank._secret() == 7
    assert bank.pay("bob", 1) == 0
    assert not list(tmp_path.iterdir())


async def _audited(app: Harness, bank: Bank) -> int:
    async with app.session():
        return await bank.audit()


def test_an_asynchronous_method_is_an_asynchronous_tool(tmp_path: Path) -> None:
    """It is awaited as before, and recorded."""
    import asyncio

    app = Harness(traces=tmp_path)
    assert asyncio.run(_audited(app, app.wrap(Bank()))) == 100
    assert _actions(next(tmp_path.iterdir())) == [("audit", {})]


def test_a_rule_speaks_of_a_method(tmp_path: Path) -> None:
    """A blocked method is not run."""
    (tmp_path / "bank.yaml").write_text(RULES)
    app = Harness(tmp_path / "bank.yaml", traces=tmp_path)
    inner = Bank()
    bank = app.wrap(inner, prefix="bank.")
    with app.session(), pytest.raises(Refused):
        bank.pay("ann", 51)
    assert inner.balances == {"ann": 100}


def test_a_function_becomes_a_tool(tmp_path: Path) -> None:
    """Wrapping a function is decorating it."""
    app = Harness(traces=tmp_path)

    def shout(text: str) -> str:
        return text.upper()

    loud = app.wrap(shout, effect="read")
    with app.session(trace=tmp_path / "t.mat.jsonl"):
        assert loud("a") == "A"
    assert _actions(tmp_path / "t.mat.jsonl") == [("shout", {"text": "a"})]


@pytest.mark.parametrize("thing", [3, "text", object(), Bank, None])
def test_what_has_no_methods_of_its_own_is_refused(thing: Any) -> None:
    """The error names the type and says what can be wrapped."""
    with pytest.raises(UsageError, match="cannot wrap a"):
        Harness().wrap(thing)


def test_reads_names_methods() -> None:
    """A name that is no method is a mistake, told with the methods there are."""
    with pytest.raises(UsageError, match="audit, balance, pay"):
        Harness().wrap(Bank(), reads=["balances"])


def test_an_option_that_an_adapter_does_not_have_is_a_mistake() -> None:
    """It is told with what was wrapped and with the options there are, not as an error in a call of ours."""
    client = openai.OpenAI(api_key="none")
    with pytest.raises(UsageError, match=r"openai's OpenAI is wrapped without 'judge'\s+cure  it takes: judge_calls"):
        Harness().wrap(client, judge=True)


def test_an_object_of_a_package_of_ones_own_that_is_called_agents_is_plain_python(tmp_path: Path) -> None:
    """The name of a package does not make its classes those of a framework."""
    mine = type("Bank", (Bank,), {"__module__": "agents.bank"})
    with (app := Harness(traces=tmp_path)).session():
        assert app.wrap(mine()).pay("ann", 1) == 99


def test_a_version_that_an_adapter_does_not_know_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the adapter misses is named, and the command that brings it."""
    old = type("Agent", (), {"__module__": "pydantic_ai.agent"})
    monkeypatch.setitem(sys.modules, "harness.adapters.pydantic_ai", None)
    with pytest.raises(UsageError, match=r"this version of pydantic-ai cannot be wrapped.*\n.*\[pydantic-ai\]"):
        Harness().wrap(old())
