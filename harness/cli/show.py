"""``harness show TRACE``: a trace for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from harness.adapters.files import open_trace
from harness.cli.output import console
from harness.errors import UsageError
from harness.trace.chat import messages_in
from harness.trace.event import Event, plain

_WIDTH = 100


def command(
    trace: Annotated[Path, typer.Argument(help="The trace to print.")],
    at: Annotated[str | None, typer.Option(metavar="STEP", help="Only this step, in full; seq:N for an event.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events as JSON lines, content in place.")] = False,
) -> None:
    """Print a trace: what was said, called, answered, judged and decided, one line each."""
    out = console()
    wanted = _wanted(at)
    with open_trace(trace) as reader:
        step, open_actions = -1, dict[int, Event]()
        shown = 0
        if not as_json and wanted is None:
            entry = reader.header.run.get("entry") or reader.header.run.get("importer") or "no entry"
            out.print(
                f"{trace}   {entry}   {json.dumps(reader.header.run.get('input'), ensure_ascii=False)}", markup=False
            )
        for event in reader:
            if event.kind == "action":
                step += 1
                open_actions[event.seq] = event
            action = open_actions.get(event.body.get("action", -1))
            if event.kind == "observation":
                open_actions.pop(event.body["action"], None)
            if wanted is not None and wanted not in (("seq", event.seq), ("step", step)):
                continue
            shown += 1
            if as_json or wanted is not None:
                print(json.dumps(plain(event), ensure_ascii=False, indent=None if as_json else 2))
            else:
                for line in _lines(event, action, step):
                    out.print(line)
        if wanted is not None and not shown:
            raise UsageError(f"there is no {wanted[0]} {wanted[1]}; the last step is {step}", where=str(trace))
        if not as_json and wanted is None:
            verdict = f"verdict {reader.footer.verdict}" if reader.footer else "not sealed"
            out.print(f"{reader.events} events   sha256:{reader.digest}   {verdict}", markup=False)


def _wanted(at: str | None) -> tuple[str, int] | None:
    if at is None:
        return None
    name, _, number = at.rpartition(":")
    if name not in ("", "seq") or not number.isdigit():
        raise UsageError(f"--at {at!r} is no step", cure="write a step's number, or seq:N for an event")
    return name or "step", int(number)


def _lines(event: Event, action: Event | None, step: int) -> list[str]:
    body = event.body
    seconds = f"{event.at / 1e9:9.4f}"
    head = f"[dim]{event.seq:5} {seconds}[/dim] "
    said = [
        f"{head}        [cyan]{message.role}[/cyan]  {_short(message.text)}"
        for message in messages_in(event, action)
        if message.text
    ]
    match event.kind:
        case "action":
            args = (
                body["args"].get("options", {}).get("model", "") if body["surface"] == "model" else _args(body["args"])
            )
            return [*said, f"{head}step {step:<3} [bold]{escape(body['tool'])}[/bold]({_short(args)})"]
        case "observation":
            return [*said, f"{head}        {_outcome(body, action)}"]
        case "verdict":
            return [f"{head}        [red]{escape(body['rule'])} {body['verdict']}[/red]  {_short(_told(body))}"]
        case "decision":
            return [f"{head}        [red]{body['decision']}[/red] by {escape(body['rule'])}: {_short(body['reason'])}"]
        case "message":
            return said or [f"{head}        [cyan]{escape(str(body['message'].get('role')))}[/cyan]"]
        case _:
            return [f"{head}        {_short(json.dumps(body, ensure_ascii=False))}"]


def _outcome(body: dict[str, Any], action: Event | None) -> str:
    if "failed" in body:
        return f"[red]failed[/red]  {_short(body['failed']['error'].get('message', ''))}"
    if "unknown" in body:
        return f"[yellow]unknown[/yellow]  {_short(body['unknown']['reason'])}"
    if action is not None and action.body["surface"] == "model":
        calls = [
            f"{call['tool']}({_args(call['args'])})"
            for message in messages_in(Event(0, "observation", "", "", (), 0, body), action)
            for call in message.tool_calls
        ]
        return f"[green]ok[/green]  wants {_short(', '.join(calls))}" if calls else "[green]ok[/green]"
    return f"[green]ok[/green]  {_short(json.dumps(body['ok'], ensure_ascii=False))}"


def _args(args: Any) -> str:
    if not isinstance(args, dict):
        return json.dumps(args, ensure_ascii=False)
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in args.items())


def _short(text: Any) -> str:
    line = " ".join(str(text).split())
    return escape(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…")


def _told(verdict: dict[str, Any]) -> str:
    """Say what a rule says, or of one that could not be decided, why."""
    return str(verdict.get("reason", "")) if verdict["verdict"] == "unknown" else str(verdict["says"])
