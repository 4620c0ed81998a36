"""What judging one call costs: ten predicate rules on one tool, nothing violated.

``compiled`` is the function the rules become, ``judge`` the public way to ask, which also keeps the call as the past;
``hand_written`` is the same ten comparisons as a person would write them in one Python function. ``other_tool`` is a
call of a tool no rule speaks of, ``asked_past`` the same ten rules and one that counts past calls of a short run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from benchmarks.speed.measure import measured, report, side_by_side, us_per_call
from harness.assertion.interface import Checker
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.trace.event import Event

RULES: Final = 10
CALLS: Final = 20_000
RUN_LENGTH: Final = 20

ARGS: Final = {f"a{number}": number for number in range(RULES)}


def registry(extra: str = "") -> Registry:
    """Load ten rules that each compare one argument with a limit."""
    rules = "".join(
        f"- {{id: R{number}, on: action, tool: pay, require: call.args.a{number} <= {100 + number}}}\n"
        for number in range(RULES)
    )
    return load(f"registry: speed\nversion: 1\ndefault: allow\ninvariants:\n{rules}{extra}", "speed.yaml")


def call_of(tool: str) -> dict[str, Any]:
    """Give the body of a call's event."""
    return {"surface": "tool", "tool": tool, "args": ARGS, "rules": ()}


def hand_written(call: dict[str, Any]) -> bool:
    """Check the same ten limits as one plain function."""
    args: dict[str, int] = call["args"]
    return (
        args["a0"] <= 100
        and args["a1"] <= 101
        and args["a2"] <= 102
        and args["a3"] <= 103
        and args["a4"] <= 104
        and args["a5"] <= 105
        and args["a6"] <= 106
        and args["a7"] <= 107
        and args["a8"] <= 108
        and args["a9"] <= 109
    )


def hand_written_loop(calls: int) -> None:
    """Run the plain function."""
    call = call_of("pay")
    for _ in range(calls):
        hand_written(call)


def compiled_loop(rules: Registry) -> Callable[[int], None]:
    """Give the loop of the compiled function alone."""
    group, call = rules.program.group("action", "tool", "pay"), call_of("pay")

    def loop(calls: int) -> None:
        for _ in range(calls):
            group.holds(call, group.tool, {}, {}, "main", 0, {}, None)

    return loop


def judge_loop(rules: Registry, tool: str) -> Callable[[int], None]:
    """Give the loop of the public way: runs of ``RUN_LENGTH`` calls, each judged and answered."""
    call = call_of(tool)
    actions = [Event(2 * at, "action", "main", "0", (), at, call) for at in range(RUN_LENGTH)]

    def loop(calls: int) -> None:
        for _ in range(calls // RUN_LENGTH):
            checker = Checker(rules)
            for action in actions:
                checker.judge(action)

    return loop


def main() -> None:
    """Time each path in turn and report."""
    rules = registry()
    counting = registry("- {id: COUNT, on: action, require: count(action) < 1000}\n")
    loops = {
        "hand_written_us": hand_written_loop,
        "compiled_us": compiled_loop(rules),
        "judge_us": judge_loop(rules, "pay"),
        "other_tool_us": judge_loop(rules, "look"),
        "asked_past_us": judge_loop(counting, "pay"),
    }
    runs = {name: lambda loop=loop: us_per_call(loop, CALLS) for name, loop in loops.items()}
    samples = side_by_side(runs, "us")
    figures = {name: measured(taken, "<= 3" if name == "judge_us" else "") for name, taken in samples.items()}
    ratio = samples["compiled_us"].over(samples["hand_written_us"])
    figures["compiled_ratio_hand_written"] = measured(ratio)
    report("rules", figures)


if __name__ == "__main__":
    main()
