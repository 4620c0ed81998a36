"""The rules that ``check`` times, their hand-written counterparts, and the runs they are asked about.

A shop with ten tools, five that look things up and five that pay. Nothing in these runs is ever violated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from harness.registry.load import load
from harness.registry.registry import Registry
from harness.trace.event import Event

READS: Final = tuple(f"get_{number}" for number in range(5))
WRITES: Final = tuple(f"pay_{number}" for number in range(5))
TOOLS: Final = READS + WRITES
ACCOUNTS: Final = 1000

Check = Callable[[dict[str, Any]], bool]

# each a rule and the same test as a person writes it, with the fields that are read at the head of the function
_PREDICATES: Final = (
    ("call.args.cents <= {limit}", "cents <= {limit}"),
    ('call.args.currency == "EUR"', 'currency == "EUR"'),
    ("0 < call.args.cents < {limit}", "0 < cents < {limit}"),
    ('call.args.method in ["card", "cash", "m{limit}"]', 'method in ("card", "cash", "m{limit}")'),
    ("call.args.seats <= {limit}", "seats <= {limit}"),
    ("len(call.args.note) < {limit}", "len(note) < {limit}"),
    ('call.args.method != "m{limit}"', 'method != "m{limit}"'),
    ("call.args.cents + call.args.fee <= {limit}", "cents + fee <= {limit}"),
    ("call.args.urgent == False or call.args.fee >= 0", "not urgent or fee >= 0"),
    ("call.args.cents >= call.args.fee", "cents >= fee"),
)
_FIELDS: Final = ("cents", "currency", "method", "seats", "note", "fee", "urgent")
ARGUMENTS: Final = {
    "account": "A1",
    "cents": 500,
    "currency": "EUR",
    "method": "card",
    "seats": 2,
    "note": "thank you",
    "fee": 3,
    "urgent": False,
}


def predicates(rules: int) -> tuple[Registry, dict[str, Check]]:
    """Give so many predicate rules over ten tools, and a hand-written function for each tool."""
    lines: list[str] = []
    tests: dict[str, list[str]] = {tool: [] for tool in TOOLS}
    for number in range(rules):
        tool, limit = TOOLS[number % len(TOOLS)], 1000 + number
        said, written = _PREDICATES[number // len(TOOLS) % len(_PREDICATES)]
        lines.append(f"- {{id: P{number}, on: action, tool: {tool}, require: '{said.format(limit=limit)}'}}")
        tests[tool].append(written.format(limit=limit))
    registry = _registry(lines)
    return registry, {tool: _written(some) for tool, some in tests.items()}


def _written(tests: list[str]) -> Check:
    used = [name for name in _FIELDS if any(name in test for test in tests)]
    lines = ["def check(call):", "    args = call['args']"]
    lines += [f"    {name} = args['{name}']" for name in used]
    lines += [f"    if not ({test}): return False" for test in tests]
    space: dict[str, Any] = {}
    exec("\n".join([*lines, "    return True"]), space)
    check: Check = space["check"]
    return check


class AfterLogin:
    """A state machine as a person writes it: nothing is paid before a login."""

    def __init__(self) -> None:
        self.logged_in = False

    def result(self, call: dict[str, Any]) -> None:
        """Hear of a call that was answered."""
        if call["tool"] == "login":
            self.logged_in = True

    def pay(self, call: dict[str, Any]) -> bool:
        """Say whether something may be paid."""
        return self.logged_in


class AfterLook:
    """The same with data: nothing is paid to an account that was not looked up."""

    def __init__(self) -> None:
        self.looked: set[str] = set()

    def result(self, call: dict[str, Any]) -> None:
        """Hear of a call that was answered."""
        if call["tool"] == "look":
            self.looked.add(call["args"]["account"])

    def pay(self, call: dict[str, Any]) -> bool:
        """Say whether something may be paid to an account."""
        return call["args"]["account"] in self.looked


def after_login() -> Registry:
    """Give the rule that nothing is paid before a login."""
    return _registry(["- {id: LOGIN, on: action, tool: pay, require: 'happened(result, call.tool == \"login\")'}"])


def after_look() -> Registry:
    """Give the rule that nothing is paid to an account that was not looked up."""
    looked = 'happened(result, call.tool == "look" and call.args.account == now.call.args.account)'
    return _registry([f"- {{id: LOOKED, on: action, tool: pay, require: '{looked}'}}"])


def mixed(*, sources: bool = False) -> Registry:
    """Give fifty rules: predicates, joins, windows, sums; with ``sources`` ten of them ask where values come from."""
    rules: list[tuple[str, str]] = []
    for read, write in zip(READS, WRITES, strict=True):
        same = "call.args.account == now.call.args.account"
        rules += [
            (read, 'call.args.account.startswith("A")'),
            (read, f'count(action, call.tool == "{read}" and {same}, within=200) < 100'),
            (write, "0 < call.args.cents <= 100000"),
            (write, 'call.args.currency in ["EUR", "USD"]'),
            (write, f'happened(result, call.tool == "{read}" and {same})'),
            (write, f'not last(result, call.tool == "{read}" and {same}).result.frozen'),
            (write, f'count(action, call.tool == "{write}", within=50) <= 25'),
            (
                write,
                f'total(action, call.args.cents, call.tool == "{write}" and {same}, within="10 min") <= 1000000000',
            ),
            (write, f'not happened(action, call.tool == "{write}" and call.args == now.call.args, within=5)'),
        ]
    rules += [
        ("*", "count(action, call.tool == now.call.tool and call.args == now.call.args, within=20) < 5"),
        ("*", 'happened(message, role == "user")'),
        ("*", 'count(action, call.tool.startswith("pay_"), since=last(message, role == "user"), within=100) < 100'),
        ("*", "call.args.account.matches('^A[0-9]+$')"),
        ("pay_*", 'not happened(result, call.tool == now.call.tool and result == "declined", within=10)'),
    ]
    if sources:
        said = 'any(one.kind in ["user", "tool"] and one.grade != "part" for one in source(call.args.account))'
        clean = 'not any(one.trust == "untrusted" for one in source(call.args.account))'
        asked = [("pay_*", said) if at % 2 else ("*", clean) for at in range(10)]
        rules = [*rules[:-10], *asked]
    lines = []
    for number, (tool, require) in enumerate(rules):
        text = require.replace("'", "''")
        lines.append(f"- {{id: M{number}, on: action, tool: '{tool}', require: '{text}'}}")
    return _registry(lines)


def lookalikes() -> dict[str, Registry]:
    """Give the rules of ``check_peers`` as rules of ours."""
    return {
        "limit": _registry(["- {id: LIMIT, on: action, tool: pay, require: call.args.cents <= 100000}"]),
        "frozen": _registry(
            ["- {id: FROZEN, on: action, tool: pay, require: 'not happened(result, result.contains(\"frozen\"))'}"]
        ),
    }


def orders(steps: int = 1000) -> Iterator[Event]:
    """Yield the trace that the peers are given: orders are looked at and paid in turn."""
    yield Event(0, "message", "main", "0", (), 0, {"message": {"role": "user", "content": "pay the orders"}})
    for step in range(steps):
        tool, args = ("pay", {"order": f"A{step // 2}", "cents": step}) if step % 2 else ("look", {"order": f"A{step}"})
        body = {"surface": "tool", "tool": tool, "args": args, "id": str(step), "rules": []}
        yield Event(2 * step + 1, "action", "main", "0", (), step, body)
        yield Event(2 * step + 2, "observation", "main", "0", (), step, {"action": 2 * step + 1, "ok": "fine"})


def _registry(lines: list[str]) -> Registry:
    return load("\n".join(["registry: speed", "version: 1", "default: allow", "invariants:", *lines]), "speed.yaml")


def run(steps: int, start: int = 0) -> Iterator[Event]:
    """Yield the events of so many steps, each a call and its outcome, from a step on; the user speaks first."""
    if start == 0:
        said = {"role": "user", "content": "Please pay what is open, with a look at each account before."}
        yield Event(0, "message", "main", "0", (), 0, {"message": said})
    for step in range(start, start + steps):
        seq, at = 2 * step + 1, step * 10**9
        turn, account = step // 2, f"A{step // 2 * 7 % ACCOUNTS}"
        if step % 2 == 0:
            tool, args = READS[turn % 5], {"account": account}
            ok: Any = {"account": account, "frozen": False, "cents": 10_000 + step % 777}
        else:
            tool = WRITES[turn % 5]
            args, ok = ARGUMENTS | {"account": account, "cents": 1 + step % 997}, "paid"
        yield Event(seq, "action", "main", "0", (), at, {"surface": "tool", "tool": tool, "args": args, "rules": []})
        yield Event(seq + 1, "observation", "main", "0", (), at + 10**6, {"action": seq, "ok": ok})
