"""``harness show TRACE``: a trace for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from harness.adapters.files import open_trace
from harness.cli.moment import at_action, told
from harness.cli.open_questions import lines_of_questions
from harness.cli.output import by_margin, console, counted, emit
from harness.errors import UsageError
from harness.run.questions import Questions
from harness.run.watch import Place, read_place
from harness.trace.chat import messages_in
from harness.trace.coverage import Known, coverage_of
from harness.trace.covered import STATUSES
from harness.trace.event import Event, plain
from harness.trace.reader import Reader

_WIDTH = 100
_FIRST = ("end", "round", "why", "accepted", "broken", "failed")
_SHADES = {
    "reroute": "[yellow]reroute[/yellow]",
    "settle": "[yellow]settle[/yellow]",
    "escalate": "[red]escalate[/red]",
    "served": "[green]served[/green]",
    "not served": "[red]not served[/red]",
}


def command(
    trace: Annotated[Path, typer.Argument(help="The trace to print.")],
    at: Annotated[
        str | None, typer.Option(metavar="STEP", help="What the agent saw at this step, in full; seq:N for an event.")
    ] = None,
    graph: Annotated[
        str | None, typer.Option(metavar="FILE.svg|-", help="Draw the routes instead: as SVG, or - for Mermaid text.")
    ] = None,
    registry: Annotated[
        str | None, typer.Option(help="The registry whose graph is drawn; by default that of the run.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this agent did, or this node of a plan.")
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="List every surface of the run instead: mediated, observed or unseen.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events as JSON lines, content in place.")] = False,
) -> None:
    """Print a trace: what was said, called, answered, judged and decided, one line each."""
    with open_trace(trace) as reader:
        if graph is not None:
            from harness.cli.travelled import draw_routes  # brings the registry's language, which a page does not need

            draw_routes(reader, trace, registry, graph)
            return
        if coverage:
            known = coverage_of(reader)
            emit({"surfaces": [one._asdict() for one in known]}, lines_of_coverage(known), as_json)
        elif at is not None:
            _show_place(reader, read_place(at), str(trace), as_json)
        elif as_json:
            for event in reader:
                if agent in (None, event.agent):
                    print(json.dumps(plain(event), ensure_ascii=False))
        else:
            _show_all(reader, trace, agent)


def _show_all(reader: Reader, trace: Path, agent: str | None) -> None:
    out, run = console(), reader.header.run
    name = run.get("entry") or run.get("importer") or "no entry"
    out.print(f"{trace}   {name}   {json.dumps(run.get('input'), ensure_ascii=False)}", markup=False)
    step, open_actions, ended = -1, dict[int, tuple[Event, int]](), -1
    questions = Questions()
    for entry in reader.entries():
        event = entry.event
        questions.heard(entry)
        if event.kind == "action":
            step += 1
            open_actions[event.seq] = event, step
        action, of = open_actions.get(event.body.get("action", -1), (None, step))
        if ended not in (-1, event.body.get("action")):
            open_actions.pop(ended, None)
        if event.kind == "observation":
            ended = event.body["action"]  # what rules say of it comes next
        if agent in (None, event.agent):
            for line in lines_of(event, action, of):
                out.print(line)
    verdict = f"verdict {reader.footer.verdict}" if reader.footer else "not sealed"
    out.print(f"{reader.events} events   sha256:{reader.digest}   {verdict}", markup=False)
    registry = next((one["digest"] for one in run.get("registries") or ()), "")
    for line in lines_of_questions(questions.open, registry) if reader.footer is None else ():
        out.print(line, markup=False)


def lines_of_coverage(known: Sequence[Known]) -> list[str]:
    """Give the lines that tell a run's surfaces, and how many there are of each status."""
    wide = max((len(one.name) for one in known), default=0)
    lines = [
        f"{one.status:9} {one.kind:10} {one.name:{wide}} {f'{one.times}×':>6}  {one.why}".rstrip() for one in known
    ]
    counts = Counter(one.status for one in known)
    said = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    return [*lines, f"{counted(len(known), 'surface')}{': ' if said else ''}{said}"]


def _show_place(reader: Reader, place: Place, trace: str, as_json: bool) -> None:
    events = list(reader)
    actions = [event.seq for event in events if event.kind == "action"]
    count = len(actions) if place.kind == "step" else len(events)
    if place.number >= count:
        raise UsageError(f"there is no {place.kind} {place.number}; the last is {count - 1}", where=trace)
    about = actions[place.number] if place.kind == "step" else _action_of(events[place.number])
    if about is None:
        print(json.dumps(plain(events[place.number]), ensure_ascii=False, indent=None if as_json else 2))
        return
    facts = at_action(events, about)
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    out = console()
    for line in told(facts):
        out.print(line, markup=False)


def _action_of(event: Event) -> int | None:
    return event.seq if event.kind == "action" else event.body.get("action")


def lines_of(event: Event, action: Event | None, step: int) -> list[str]:
    """Give the lines, in rich's markup, that tell an event; ``action`` is the one it is about, ``step`` its number."""
    body = event.body
    head = f"[dim]{event.seq:5} {event.at / 1e9:9.4f}[/dim] "
    free, numbered = f"{head}{'':9}", f"{head}[dim]{step:>6}[/dim]   "
    said = [
        f"{free}[cyan]{message.role}[/cyan]  {_short(message.text)}"
        for message in messages_in(event, action)
        if message.text
    ]
    match event.kind:
        case "action":
            model = body["surface"] == "model"
            args = body["args"].get("options", {}).get("model", "") if model else _args(body["args"])
            given = f"({_short(args)})" if args or not model else ""  # a request leaves out equal options
            return [*said, f"{head}step {step:<3} [bold]{escape(body['tool'])}[/bold]{given}"]
        case "observation":
            return [*said, f"{numbered}{_outcome(body, action)}"]
        case "verdict":
            return [f"{numbered}[red]{escape(body['rule'])} {body['verdict']}[/red]  {_short(_told(body))}".rstrip()]
        case "decision":
            answered = f", answered by {body['answer']['by']}" if "answer" in body else ""
            by = escape(body["rule"] + answered)
            return [f"{numbered}[red]{body['decision']}[/red] by {by}: {_short(body['reason'])}"]
        case "message":
            return said or [f"{free}[cyan]{escape(str(body['message'].get('role')))}[/cyan]"]
        case "route":
            return [f"{free}{_route(body)}"]
        case "state":
            head = f"[cyan]{escape(body['machine'])}[/cyan] {escape(body['name'])}"
            return [f"{free}{head}  {_short(_state(body['data']))}"]
        case "fault":
            return [f"{free}[magenta]fault {escape(body['fault'])}[/magenta]  {escape(body['kind'])}{_fault(body)}"]
        case "read":
            return [f"{free}[dim]reads  {_short(', '.join(_counted(source for source, _ in body['reads'])))}[/dim]"]
        case _:
            return [f"{free}{_note(body)}"]


def _fault(body: dict[str, Any]) -> str:
    """Tell where a fault has made a difference: what was sent there instead, or who got a message instead."""
    if not body["effective"]:
        return "  inert: nothing changed"
    at = escape(f" at {body['at']}") if "at" in body else ""
    sent = f"  sent {_short(_json(next(iter(body['sent'].values()))))}" if "sent" in body else ""
    return at + sent + (f"  goes to {_short(', '.join(body['to']) or 'nobody')}" if "to" in body else "")


def _state(data: dict[str, Any]) -> str:
    """Tell what a machine has come to: first where it is, then what follows from that."""
    first = {name: data[name] for name in _FIRST if name in data}
    return _args(first | data)


def _counted(sources: Iterable[str]) -> Iterator[str]:
    """Give each source once, with how often it was read."""
    return (source if times == 1 else f"{source} ×{times}" for source, times in Counter(sources).items())


def _route(body: dict[str, Any]) -> str:
    """Tell what a route does: about which tool, where it goes and at what cost, how long it waits, and why."""
    does = "served" if body.get("served") else "not served" if body["does"] == "end" else body["does"]
    parts = [f"{_SHADES.get(does, does)} {_short(body.get('tool', ''))}".rstrip()]
    if does == "reroute" and "tool" in body:
        parts = [f"{_SHADES[does]} around {_short(body['tool'])}"]
    if "path" in body:
        nothing = "nothing was called" if body["does"] == "end" else "nothing to call"
        after = "after " if does == "not served" and body["path"] else ""
        parts.append(_short(after + " → ".join(map(str, body["path"])) or nothing))
    if "cost" in body:
        parts.append(f"at {body['cost']:g}")
    if "until" in body:
        parts.append(f"not before {body['until'] / 1e9:.4f}")
    if "undo" in body:
        parts.append(f"undoing {_short(', '.join(map(str, body['undo'])))}")
    parts += [_short(_json(body[name])) for name in ("deadlock", "choice") if name in body]
    if "why" in body:
        parts.append(f"({_short(body['why'])})")
    to = f"route to {_short(body['goal'])}  " if body["goal"] else ""
    return f"{to}{'  '.join(parts)}"


def _note(body: dict[str, Any]) -> str:
    """Tell what a run says of itself: its end, an artifact, or a note with its data."""
    if "raised" in body:
        error = body["raised"]
        return f"[red]raised[/red]  {_short(error.get('type', ''))}: {_short(error.get('message', ''))}"
    if "returned" in body:
        return f"returned  {_short(_json(body['returned']))}"
    name, key = ("artifact", "artifact") if "artifact" in body else ("note", "text")
    data = f"  {_short(_json(body['data']))}" if "data" in body else ""
    return f"{name}  {_short(body[key])}{data}" if key in body else _short(_json(body))


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
    return f"[green]ok[/green]  {_short(_json(body['ok']))}"


def _args(args: Any) -> str:
    if not isinstance(args, dict):
        return _json(args)
    return ", ".join(f"{name}={_json(value)}" for name, value in args.items())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _short(text: Any) -> str:
    line = " ".join(str(text).split())
    return escape(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…")


def _told(verdict: dict[str, Any]) -> str:
    """Say what a rule says, or else by how much it is violated; of one that could not be decided, why."""
    return str(verdict.get("reason") if verdict["verdict"] == "unknown" else verdict["says"] or by_margin(verdict))
