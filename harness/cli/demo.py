"""``harness demo``: the tour in a few seconds, with nothing but this machine.

The model is scripted and called so; everything else is real: the official openai client over HTTP, the files, the
replay in another process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from harness.adapters.files import open_trace
from harness.cli.output import console, counted, write_files
from harness.door.replay import replay
from harness.errors import StoreError, TraceError
from harness.stress.words import in_words
from harness.testing.model_server import ModelServer, call_tool, calls, say, script
from harness.testing.model_server import call as tool_call

FOLDER = Path("harness-demo")
TRACE = FOLDER / "demo.mat.jsonl"
TAMPERED = FOLDER / "tampered.mat.jsonl"
LEDGER = FOLDER / "ledger.jsonl"

QUESTION = "Order W-77 arrived broken. I would like a refund of 480.00."
SCRIPT = script(
    [
        calls(tool_call("get_order", order_id="W-77"), tool_call("search_policy", query="refunds")),
        call_tool("get_customer", customer_id="C-3"),
        call_tool("refund", order_id="W-77", amount_cents=48_000),
        call_tool("refund", order_id="W-77", amount_cents=20_000),
        say("I have refunded 200.00 at once and asked a colleague to approve the rest."),
    ]
)


def command(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False) -> None:
    """Give the tour: record, block, heal, replay, tamper, diverge, shrink; no key, no network."""
    out = Console(file=sys.stderr if as_json else sys.stdout, highlight=False, soft_wrap=True)
    started = time.monotonic()
    _clean()
    facts: dict[str, Any] = {}
    for number, part in enumerate(_PARTS, start=1):
        with out.status(f"{part.__name__.strip('_')} …") if out.is_terminal else _silent():
            found, lines = part()
        facts |= found
        head, *rest = lines
        out.print(f"[bold]{number} {part.__name__.strip('_'):<9}[/bold] {head}")
        for line in rest:
            out.print(f"            {line}")
    facts["seconds"] = round(time.monotonic() - started, 2)
    more = (f"show {TRACE}", f"replay {TRACE} --break violation", f"show {TRACE} --graph routes.svg")
    out.print("Next:  " + "   ·   ".join(f"harness {verb}" for verb in more))
    if as_json:
        console().print(json.dumps(facts, ensure_ascii=False), markup=False)
    kept = facts["recorded_digest"] == facts["replayed_digest"] and facts["blocked"] and facts["tamper_detected"]
    paid = facts["payments"] == 1 and facts["heal"] is not None and facts["heal"]["served"]
    found = facts["divergence"] and facts["counterexample"]
    raise typer.Exit(0 if kept and paid and found else 1)


def _clean() -> None:
    """Remove what an earlier demo wrote; nothing else is touched."""
    for file in (TRACE, TAMPERED, LEDGER, *FOLDER.glob("stress-*"), *FOLDER.glob("**/test_found*")):
        file.unlink(missing_ok=True)


def _record() -> tuple[dict[str, Any], list[str]]:
    with ModelServer(SCRIPT) as server, _environment(OPENAI_BASE_URL=server.base_url, OPENAI_API_KEY="no-key-needed"):
        from harness.cli import demo_agent  # brings the openai client, which only this part and the last need

        session = demo_agent.app.session(trace=TRACE)
        answer = session.run(demo_agent.support, question=QUESTION)
        model_calls = len(server.requests)
    facts = {
        "trace": str(TRACE),
        "recorded_digest": session.trace.digest,
        "steps": session.steps,
        "verdict": session.verdict,
        "answer": answer,
        "payments": _payments(),
    }
    calls_made = f"{session.steps} steps · {model_calls} model calls over HTTP (scripted)"
    return facts, [f"support agent · {calls_made} · {TRACE} · {_short(session.trace.digest)}"]


def _block() -> tuple[dict[str, Any], list[str]]:
    with open_trace(TRACE) as reader:
        events = list(reader)
    verdict = next((event for event in events if event.kind == "verdict"), None)
    if verdict is None:
        return {"blocked": False}, ["no rule was violated"]
    refused = next(event for event in events if event.kind == "decision")
    action = events[verdict.body["action"]]
    step = sum(event.kind == "action" for event in events[: action.seq])
    args = ", ".join(f"{name}={value!r}" for name, value in action.body["args"].items())
    rule, margin = verdict.body["rule"], verdict.body.get("margin")
    values = "   ".join(f"{name} = {value}" for name, value in verdict.body["values"].items() if type(value) is int)
    lines = [
        f"step {step}  {action.body['tool']}({args})",
        f"{rule}  violated{f' by {-margin:g}' if margin is not None else ''}   {values}",
        f"the agent was told:  {refused.body['alternative']}",
    ]
    return {"blocked": refused.body["decision"] == "block", "rule": rule}, lines


def _heal() -> tuple[dict[str, Any], list[str]]:
    """Read from the trace what became of the payment whose tool was down, and from the ledger what was paid."""
    with open_trace(TRACE) as reader:
        events = list(reader)
    found = next((event for event in events if event.kind == "route" and event.body["does"] == "reroute"), None)
    if found is None:
        return {"heal": None}, ["nothing had to be gone around"]
    failed, routes = events[found.body["after"]], [event for event in events if event.kind == "route"]
    began = max(event.seq for event in routes if event.seq < found.seq and event.body["does"] == "plan")
    ended = next(event for event in routes if event.seq > found.seq and event.body["does"] == "end")
    model_calls = sum(event.body.get("surface") == "model" for event in events[began : ended.seq])
    replan_ms = (found.at - failed.at) / 1_000_000
    facts = {
        "down": found.body["tool"],
        "path": found.body["path"],
        "served": ended.body["served"],
        "model_calls": model_calls,
        "replan_ms": replan_ms,
    }
    around = f"stripe, behind {found.body['tool']}, is down → {' → '.join(found.body['path'])}"
    payments = counted(_payments(), "payment")
    told = f"{counted(model_calls, 'model call')}, planned again in {replan_ms:.2f} ms, {payments} in the ledger"
    return {"heal": facts}, [f"{around}   {told}"]


def _replay() -> tuple[dict[str, Any], list[str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    command = [sys.executable, "-m", "harness", "replay", str(TRACE), "--json", "--hash-seed", "any"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**environment, "PYTHONHASHSEED": "4711"}, check=False
    )
    if done.returncode not in (0, 4):
        raise StoreError(f"the replay could not be started:\n{done.stderr}")
    found = json.loads(done.stdout)
    payments = _payments()
    line = (
        f"fresh process, other hash seed, no network   {found['steps']}/{found['recorded_steps']} steps   "
        f"{_short(found['digest'])}   {'equal' if found['equal'] else 'NOT EQUAL'}   {payments} payment in the ledger"
    )
    return {"replayed_digest": found["digest"], "payments": payments}, [line]


def _tamper() -> tuple[dict[str, Any], list[str]]:
    lines = TRACE.read_bytes().splitlines(keepends=True)
    number = len(lines) // 2
    lines[number] = lines[number].replace(b'"at":', b'"at":1', 1)
    TAMPERED.write_bytes(b"".join(lines))
    try:
        with open_trace(TAMPERED) as reader:
            for _ in reader:
                pass
    except TraceError as error:
        return {"tamper_detected": True}, [f"one byte added in line {number + 1}   found: {error}"]
    return {"tamper_detected": False}, ["one byte added, and not found"]


def _diverge() -> tuple[dict[str, Any], list[str]]:
    with _environment(OPENAI_API_KEY="not-used"):
        found = replay(TRACE, entry="harness.cli.demo_agent:edited_support").divergence
    if found is None:
        return {"divergence": None}, ["the edited prompt was not noticed"]
    facts = {
        "step": found.step,
        "pointer": found.pointer,
        "recorded": found.recorded,
        "now": found.now,
        "cause": found.cause,
    }
    lines = [
        f"prompt edited → first difference at step {found.step}, {found.pointer}",
        f"recorded {_quote(found.recorded)}   now {_quote(found.now)}   cause: {found.cause}",
    ]
    return {"divergence": facts}, lines


def _shrink() -> tuple[dict[str, Any], list[str]]:
    """Let a second agent run under faults until it breaks a rule, and keep the least that does it, as a test."""
    from harness.cli.shrink import emitted
    from harness.door.stress import stress

    clerk, orders = "harness.cli.demo_clerk", ["W-77", "W-78"]
    before, rules = f"{clerk}:fresh", ["OUTCOME-ASKED"]
    found = stress(f"{clerk}:clerk", input={"orders": orders}, before=before, rules=rules, budget=200, out=FOLDER)
    small = next((one.small for one in found.counterexamples), None)
    if small is None:
        return {"counterexample": None}, ["nothing was found"]
    write_files(emitted(small, FOLDER / "test_found.py"), force=True)
    [words], runs = in_words(small.shrunk.schedule), counted(found.searched.runs, "run")
    facts = {
        "rule": small.shrunk.rule,
        "words": words,
        "input": small.shrunk.input,
        "test": str(FOLDER / "test_found.py"),
    }
    test = FOLDER / "test_found.py"
    lines = [
        f"a clerk under faults, {runs} → {words}   {len(orders)} orders → {len(small.shrunk.input['orders'])}",
        f"{small.shrunk.rule}  violated: it charges again what may have been charged   {test} written",
    ]
    return {"counterexample": facts}, lines


_PARTS: Final = (_record, _block, _heal, _replay, _tamper, _diverge, _shrink)


def _payments() -> int:
    return len(LEDGER.read_text(encoding="utf-8").splitlines()) if LEDGER.exists() else 0


def _short(digest: str) -> str:
    return f"sha256:{digest[:8]}…"


def _quote(value: Any) -> str:
    return f"“{str(value)[:24]}…”"


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _silent() -> Iterator[None]:
    yield
