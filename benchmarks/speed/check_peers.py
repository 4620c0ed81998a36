"""Other checkers, timed on the rules of ``check``; prints what each took as one JSON object.

They want other versions of libraries than harness does, so this file runs by itself, in an environment of its own::

    python3 -m venv peers && peers/bin/pip install invariant-ai==0.3.5 reelay==25.0.0 rtamt==0.4.10
    python -m benchmarks.speed.check --peers peers/bin/python

``reelay`` and ``rtamt`` are asked at each event whether nothing was paid before a login, in microseconds for one event,
several times over. ``invariant`` is given a whole trace of so many steps, once, in seconds for each rule.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

STEPS = 1000
REPETITIONS = 9
EVENTS = [{"login": at == 0, "pay": at % 2 == 1} for at in range(2000)]

RULES = {
    "limit": "(call: ToolCall)\n    call is tool:pay\n    call.function.arguments.cents > 100000",
    "frozen": '(out: ToolOutput) -> (call: ToolCall)\n    "frozen" in out.content\n    call is tool:pay',
}


def trace(steps: int) -> list[dict[str, Any]]:
    """Give the messages of a run in which orders are looked at and paid in turn."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "pay the orders"}]
    for step in range(steps):
        tool, args = ("pay", {"order": f"A{step // 2}", "cents": step}) if step % 2 else ("look", {"order": f"A{step}"})
        call = {"id": str(step), "type": "function", "function": {"name": tool, "arguments": args}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": str(step), "content": "fine"})
    return messages


def timed(fresh: Callable[[], Callable[[int, dict[str, bool]], bool]]) -> list[float]:
    """Time a monitor on all events, several times; ValueError where it says that something is wrong."""
    taken = []
    for _ in range(REPETITIONS):
        ask = fresh()
        start = time.perf_counter_ns()
        answers = [ask(at, event) for at, event in enumerate(EVENTS)]
        taken.append((time.perf_counter_ns() - start) / len(EVENTS) / 1000)
        if not all(answers):
            raise ValueError("the monitor finds a mistake where there is none")
    return taken


def reelay_us() -> list[float]:
    """Time reelay's discrete monitor, its core in C++."""
    import reelay

    def fresh() -> Callable[[int, dict[str, bool]], bool]:
        pattern = "historically({pay} -> once{login})"
        monitor = reelay.discrete_timed_monitor(pattern=pattern, semantics="boolean", condense=False)
        return lambda _, event: monitor.update(event)["value"]

    return timed(fresh)


def rtamt_us() -> list[float]:
    """Time rtamt's online monitor of signal temporal logic."""
    import rtamt

    def fresh() -> Callable[[int, dict[str, bool]], bool]:
        monitor = rtamt.StlDiscreteTimeSpecification()
        for name in ("login", "pay", "out"):
            monitor.declare_var(name, "float")
        monitor.spec = "out = (pay <= 0.5) or once(login >= 0.5)"
        monitor.parse()
        return lambda at, event: monitor.update(at, [(name, float(there)) for name, there in event.items()]) >= 0

    return timed(fresh)


def invariant_s(rule: str) -> list[float]:
    """Time one rule of invariant-ai over a whole trace."""
    os.environ["INVARIANT_MAX_ITERATIONS"] = str(10**9)  # it gives up after 100 otherwise
    from invariant.analyzer import LocalPolicy

    policy = LocalPolicy.from_string(f'raise "{rule}" if:\n    {RULES[rule]}\n')
    messages = trace(STEPS)
    start = time.perf_counter()
    errors = policy.analyze(messages).errors
    taken = time.perf_counter() - start
    if errors:
        raise ValueError("it finds a mistake where there is none")
    return [taken]


def main() -> None:
    """Time what is installed."""
    peers: dict[str, Callable[[], list[float]]] = {"reelay_us": reelay_us, "rtamt_us": rtamt_us}
    peers |= {f"invariant_{rule}_s": lambda rule=rule: invariant_s(rule) for rule in RULES}
    taken = {}
    for name, run in peers.items():
        with contextlib.suppress(ImportError):
            taken[name] = run()
    json.dump(taken, sys.stdout)


if __name__ == "__main__":
    main()
