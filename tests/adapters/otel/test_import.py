"""Spans of other producers as traces: recorded from their packages, and older spellings made by hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace
from harness.cli import execute
from harness.trace.event import Event
from tests.adapters.otel.steps import FIXTURES, events_of, imported, kind_of, steps_of

AGENTS = ["openinference-openai-agents", "opentelemetry-genai-openai-agents", "traceloop-openai-agents", "pydantic-ai"]
CLIENTS = ["openinference-openai", "traceloop-openai"]
ORDER = {"order_id": "W-77"}
REFUND = {"order_id": "W-77", "amount_cents": 12000}
FOUND = {"order_id": "W-77", "total_cents": 48000}
SYSTEM = "You are a support agent. Look up the order before you refund anything."
QUESTION = "Order W-77 arrived broken. Can I have 120.00 back?"


def trace_of(producer: str, folder: Path) -> tuple[list[Event], dict[str, int]]:
    """Give the events of a recorded fixture, and what was not kept."""
    (trace,), counted = imported([FIXTURES / f"{producer}.jsonl"], folder / "out")
    return events_of(trace), counted.lost


def span(name: str, parent: str = "", at: int = 0, until: int = 0, **attributes: Any) -> dict[str, Any]:
    """Give a span; attributes are text, lists of it, or numbers, ``__`` in their names a dot."""
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue", bool: "boolValue"}

    def value(item: Any) -> dict[str, Any]:
        if isinstance(item, list):
            return {"arrayValue": {"values": [value(one) for one in item]}}
        if isinstance(item, dict):
            return {"kvlistValue": {"values": [{"key": k, "value": value(v)} for k, v in item.items()]}}
        return {kinds[type(item)]: item}

    pairs = [{"key": key.replace("__", "."), "value": value(item)} for key, item in attributes.items()]
    times = {"startTimeUnixNano": str(1_000 + at), "endTimeUnixNano": str(1_000 + (until or at))}
    return {"traceId": "a1", "spanId": name, "parentSpanId": parent, "name": name, **times, "attributes": pairs}


def document(*spans: dict[str, Any]) -> dict[str, Any]:
    """Give an OTLP JSON document of some spans."""
    return {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "made"}, "spans": list(spans)}]}]}


def events(folder: Path, *spans: dict[str, Any]) -> list[Event]:
    """Import some spans as one trace."""
    source = folder / "spans.json"
    source.write_text(json.dumps(document(*spans)))
    (trace,), _ = imported([source], folder / "out")
    return events_of(trace)


@pytest.mark.parametrize("producer", AGENTS)
def test_an_agent_is_the_same_whoever_recorded_it(producer: str, tmp_path: Path) -> None:
    """Three model calls, a look-up and a refund that fails: agent, order, arguments and outcomes, whoever tells it."""
    told, _ = trace_of(producer, tmp_path)
    steps = steps_of(told)
    assert [(step["surface"], step["outcome"]) for step in steps] == [
        ("model", "ok"),
        ("tool", "ok"),
        ("model", "ok"),
        ("tool", "failed"),
        ("model", "ok"),
    ]
    assert {step["agent"].lower() for step in steps} == {"support"}
    assert {step["tool"] for step in steps if step["surface"] == "model"} == {"openai:chat/completions"}
    assert {step["model"] for step in steps if step["surface"] == "model"} == {"gpt-4o"}
    look, refund = steps[1], steps[3]
    assert (look["tool"], look["asked"], look["came"]) == ("get_order", ORDER, {"ok": FOUND})
    assert (refund["tool"], refund["asked"]) == ("refund", REFUND)


@pytest.mark.parametrize("producer", AGENTS)
def test_the_conversation_is_there(producer: str, tmp_path: Path) -> None:
    """The last model call holds the whole conversation, with the calls' ids and the tokens that it took."""
    steps = steps_of(trace_of(producer, tmp_path)[0])
    asked, (answered, tokens) = steps[4]["asked"], steps[4]["came"]
    assert [role for role, *_ in asked] == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert [text for _, text, *_ in asked[:2]] == [SYSTEM, QUESTION]
    calls = [call for _, _, calls, _ in asked for call in calls]
    assert [(call["tool"], call["args"]) for call in calls] == [("get_order", ORDER), ("refund", REFUND)]
    ids = [call["id"].replace("fc_", "call_") for call in calls]  # Traceloop names a call of Responses by its item
    assert [answers for *_, answers in asked if answers] == ids
    assert [step["id"] for step in steps if step["surface"] == "tool"] == ids
    assert [(role, text) for role, text, *_ in answered] == [("assistant", "The till is closed; try again tomorrow.")]
    assert tokens == (212 if producer == "pydantic-ai" else 215)


@pytest.mark.parametrize("producer", AGENTS)
def test_a_call_follows_from_the_answer_that_asked_for_it(producer: str, tmp_path: Path) -> None:
    """The parent of each tool call is the model call whose answer holds it; of a model call, the answer before."""
    told, _ = trace_of(producer, tmp_path)
    actions = [event for event in told if event.kind == "action"]
    assert [event.parents for event in actions] == [(), (0,), (0,), (4,), (4,)]


@pytest.mark.parametrize("producer", CLIENTS)
def test_a_bare_client_is_one_step(producer: str, tmp_path: Path) -> None:
    """One call of the openai client is one step with its request, its options and its answer."""
    told, _ = trace_of(producer, tmp_path)
    (step,) = steps_of(told)
    assert (step["tool"], step["model"], step["outcome"]) == ("openai:chat/completions", "gpt-4o", "ok")
    assert [text for _, text, *_ in step["asked"]] == [SYSTEM, QUESTION]
    answered, tokens = step["came"]
    assert [(call["tool"], call["args"]) for call in answered[0][2]] == [("get_order", ORDER)]
    assert tokens == 53
    assert told[0].body["args"]["options"]["temperature"] == 0.5
    assert "get_order" in json.dumps(told[0].body["args"]["options"]["tools"])


@pytest.mark.parametrize("producer", [*AGENTS, *CLIENTS])
def test_what_is_not_kept_is_told(producer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every attribute that a trace has no place for is named with its count, on the screen, in the header, as data."""
    _, lost = trace_of(producer, tmp_path)
    source = str(FIXTURES / f"{producer}.jsonl")
    assert execute(["import", "otel", source, "--out", str(tmp_path / "more"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lost"] == lost
    with open_trace(tmp_path / "more" / "trace-000000.mat.jsonl") as reader:
        assert reader.header.run["source"]["lost"] == lost
    expected = {
        "openinference-openai-agents": "attribute tool.parameters",
        "opentelemetry-genai-openai-agents": "attribute server.address",
        "traceloop-openai-agents": "attribute gen_ai.usage.reasoning_tokens",
        "traceloop-openai": "attribute gen_ai.openai.api_base",
        "pydantic-ai": "attribute operation.cost",
    }
    assert expected.get(producer) is None or expected[producer] in lost
    assert not [name for name in lost if "messages" in name and not name.startswith("attribute pydantic_ai.")]


def test_a_conversation_id_is_the_conversation(tmp_path: Path) -> None:
    """The id that all spans of a trace share stands in the header."""
    imported([FIXTURES / "pydantic-ai.jsonl"], tmp_path / "out")
    with open_trace(tmp_path / "out" / "trace-000000.mat.jsonl") as reader:
        assert reader.header.run["conversation"] == "01a2001e-2503-73c1-a9fd-6e743721c412"
        assert reader.header.host["started"].startswith("2026-")


def test_rules_judge_an_imported_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A registry finds the refund that another framework recorded, at its step."""
    rules = tmp_path / "rules.yaml"
    rule = (
        "id: CAP, on: action, tool: refund, require: call.args.amount_cents <= 10000, severity: high, says: Too much."
    )
    rules.write_text(f"registry: r\nversion: 1.0.0\ndefault: allow\ninvariants:\n  - {{{rule}}}\n")
    for producer in AGENTS:
        imported([FIXTURES / f"{producer}.jsonl"], tmp_path / producer)
        assert execute(["check", str(tmp_path / producer), "--registry", str(rules)]) == 1
        assert "CAP" in capsys.readouterr().out


def test_numbered_prompts_of_older_spans(tmp_path: Path) -> None:
    """``gen_ai.prompt.0.content`` and ``gen_ai.system``, by hand as the conventions had it before, are a model call."""
    older = {
        "gen_ai__system": "openai",
        "llm__request__type": "chat",
        "gen_ai__request__model": "gpt-4",
        "gen_ai__prompt__10__content": "Where is it?",
        "gen_ai__prompt__10__role": "user",
        "gen_ai__prompt__9__role": "system",
        "gen_ai__prompt__9__content": "Be brief.",
        "gen_ai__completion__0__role": "assistant",
        "gen_ai__completion__0__tool_calls__0__id": "c1",
        "gen_ai__completion__0__tool_calls__0__name": "look",
        "gen_ai__completion__0__tool_calls__0__arguments": '{"at": 1}',
        "gen_ai__completion__0__finish_reason": "tool_calls",
        "gen_ai__usage__prompt_tokens": 3,
        "gen_ai__usage__completion_tokens": 4,
    }
    tool = {
        "traceloop__span__kind": "tool",
        "traceloop__entity__name": "look",
        "traceloop__entity__input": '{"at": 1}',
        "traceloop__entity__output": '"a tree"',
    }
    one, other = steps_of(events(tmp_path, span("m", "", 0, 5, **older), span("t", "", 6, 7, **tool)))
    assert (one["tool"], one["model"], one["asked"]) == (
        "openai:chat/completions",
        "gpt-4",
        [("system", "Be brief.", [], None), ("user", "Where is it?", [], None)],
    )
    assert one["came"] == ([("assistant", "", [{"id": "c1", "tool": "look", "args": {"at": 1}}], None)], 7)
    assert (other["tool"], other["asked"], other["id"]) == ("look", {"at": 1}, "c1")


def test_structured_messages_are_read_like_text(tmp_path: Path) -> None:
    """Messages as structured attributes, which the conventions prefer, are the same as messages as JSON text."""
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": "Hello."}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": {"seats": 2}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "d", "result": "none"}]},
        {"role": "user", "parts": [{"type": "uri", "uri": "https://example.org/a.png"}]},
    ]
    told = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "anthropic", "gen_ai__request__model": "m"}
    instructions = [{"type": "text", "content": "Be brief."}]
    for said, system in ((messages, instructions), (json.dumps(messages), json.dumps(instructions))):
        folder = tmp_path / type(said).__name__
        folder.mkdir()
        more = {"gen_ai__input__messages": said, "gen_ai__system_instructions": system}
        action, _ = events(folder, span("m", **told, **more))
        assert action.body["tool"] == "anthropic:chat/completions"
        assert action.body["args"]["messages"] == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello."},
            {"role": "tool", "tool_call_id": "c", "content": '{"seats":2}'},
            {"role": "tool", "tool_call_id": "d", "content": "none"},
            {"role": "user", "content": [{"type": "uri", "uri": "https://example.org/a.png"}]},
        ]


CALL = {"gen_ai__operation__name": "execute_tool"}
MODEL = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai"}
AGENT = {"gen_ai__operation__name": "invoke_agent"}


def shape(told: list[Event]) -> list[Any]:
    """Give kind, tool or action, task and agent of each event."""
    return [(event.kind, event.body.get("tool", event.body.get("action")), event.task, event.agent) for event in told]


def test_who_acts_is_the_nearest_agent(tmp_path: Path) -> None:
    """A call belongs to the innermost agent around it, and one made inside a tool is addressed there."""
    told = events(
        tmp_path,
        span("team", "", 0, 90, **AGENT, gen_ai__agent__name="Chief"),
        span("ask", "team", 1, 80, **CALL, gen_ai__tool__name="delegate"),
        span("clerk", "ask", 2, 70, **AGENT, gen_ai__agent__name="Clerk"),
        span("look", "clerk", 3, 4, **CALL, gen_ai__tool__name="look"),
        span("end", "team", 81, 82, **CALL, gen_ai__tool__name="close"),
    )
    assert shape(told) == [
        ("action", "delegate", "0", "Chief"),
        ("action", "look", "0/0", "Clerk"),
        ("observation", 1, "0/0", "Clerk"),
        ("observation", 0, "0", "Chief"),
        ("action", "close", "0", "Chief"),
        ("observation", 4, "0", "Chief"),
    ]


def test_an_answer_inside_a_call_comes_before_its_own(tmp_path: Path) -> None:
    """Of two calls that end at the same moment the inner one ends first."""
    told = events(
        tmp_path,
        span("ask", "", 1, 9, **CALL, gen_ai__tool__name="delegate"),
        span("look", "ask", 3, 9, **CALL, gen_ai__tool__name="look"),
    )
    assert [name for _, name, *_ in shape(told)] == ["delegate", "look", 1, 0]


def test_equal_calls_answer_each_their_own(tmp_path: Path) -> None:
    """Two equal calls that one answer asks for are told apart: each has an id of its own."""
    parts = [{"type": "tool_call", "id": name, "name": "look", "arguments": {"at": 1}} for name in ("c1", "c2")]
    answer = json.dumps([{"role": "assistant", "parts": parts}])
    look = CALL | {"gen_ai__tool__name": "look", "gen_ai__tool__call__arguments": '{"at": 1}'}
    model = span("m", "", 0, 1, **MODEL, gen_ai__output__messages=answer)
    told = events(tmp_path, model, span("a", "", 2, 3, **look), span("b", "", 4, 5, **look))
    assert [event.body.get("id") for event in told if event.kind == "action"] == [None, "c1", "c2"]


def test_one_call_told_by_two_instrumentations_is_one_step(tmp_path: Path) -> None:
    """A client's span inside a framework's, and a server's tool inside the agent's, are the outer call again."""
    told = events(
        tmp_path,
        span("outer", "", 0, 9, **MODEL),
        span("inner", "outer", 1, 8, **MODEL),
        span("agent", "", 10, 19, **CALL, gen_ai__tool__name="look"),
        span("server", "agent", 11, 18, **CALL, gen_ai__tool__name="look"),
        span("other", "server", 12, 17, **CALL, gen_ai__tool__name="find"),
    )
    calls = [(tool, task) for kind, tool, task, _ in shape(told) if kind == "action"]
    assert calls == [("openai:chat/completions", "0"), ("look", "0"), ("find", "0/2")]


def test_answers_stand_between_the_calls_that_they_came_between(tmp_path: Path) -> None:
    """Parallel calls stay open side by side; an answer that has come precedes a call that begins at that moment."""
    told = events(
        tmp_path,
        span("a", "", 0, 10, **CALL, gen_ai__tool__name="a"),
        span("b", "", 1, 5, **CALL, gen_ai__tool__name="b"),
        span("c", "", 10, 10, **CALL, gen_ai__tool__name="c"),
    )
    assert [name for _, name, *_ in shape(told)] == ["a", "b", 1, 0, "c", 4]
    assert [event.at for event in told] == [0, 1, 5, 10, 10, 10]


def test_a_span_without_an_end_is_a_call_without_an_answer(tmp_path: Path) -> None:
    """A call that was still under way has no observation; a clock that went back does not end one before it began."""
    unended = span("a", "", 5, **CALL, gen_ai__tool__name="a") | {"endTimeUnixNano": "0"}
    told = events(tmp_path, unended, span("b", "", 9, 7, **CALL, gen_ai__tool__name="b"))
    assert [(event.kind, event.at) for event in told] == [("action", 0), ("action", 4), ("observation", 4)]


def test_a_result_is_data_where_it_is_data(tmp_path: Path) -> None:
    """Text that is a JSON object or list becomes one, other text stays text, and so do arguments that are none."""
    said = {"a": '{"x": 1}', "b": "12", "c": "[not json", "d": "[1]"}
    spans = [
        span(name, "", n, n, **CALL, gen_ai__tool__name=name, gen_ai__tool__call__result=text)
        for n, (name, text) in enumerate(said.items())
    ]
    spans.append(span("e", "", 9, 9, **CALL, gen_ai__tool__name="e", gen_ai__tool__call__arguments="x = 1"))
    told = events(tmp_path, *spans)
    assert [event.body["ok"] for event in told if kind_of(event)] == [{"x": 1}, "12", "[not json", [1], None]
    assert [event.body["args"] for event in told if event.kind == "action"][-1] == {"$unparsed": "x = 1"}


def test_an_exception_is_the_error(tmp_path: Path) -> None:
    """Of a failed span the error's class and message come from its exception event, where it says no better."""
    event = {
        "name": "exception",
        "attributes": span("x", exception__type="ValueError", exception__message="no")["attributes"],
    }
    failed = span("a", **CALL, gen_ai__tool__name="a") | {"status": {"code": 2}, "events": [event]}
    _, ended = events(tmp_path, failed)
    assert ended.body["failed"] == {"error": {"type": "ValueError", "message": "no"}, "retryable": False}


def lines(*spans: dict[str, Any]) -> Iterator[str]:
    """Give each span as a line of its own."""
    return (json.dumps(document(one)) for one in spans)


def test_a_trace_may_be_spread_over_lines_and_files(tmp_path: Path) -> None:
    """Spans of one trace from several lines and files, gzipped or not, children first, resent or not, are one trace."""
    one, other = (
        span("t", "r", 2, 3, **CALL, gen_ai__tool__name="a"),
        span("r", "", 0, 9, **AGENT, gen_ai__agent__name="N"),
    )
    third = span("u", "r", 4, 5, **CALL, gen_ai__tool__name="b")
    logs = json.dumps({"resourceLogs": []})
    (tmp_path / "one.jsonl").write_text("\n".join([*lines(one, third), logs, ""]))
    (tmp_path / "two.json.gz").write_bytes(gzip.compress("\n".join(lines(other, one)).encode()))
    (trace,), counted = imported([tmp_path / "one.jsonl", tmp_path / "two.json.gz"], tmp_path / "out")
    assert [(step["tool"], step["agent"]) for step in steps_of(events_of(trace))] == [("a", "N"), ("b", "N")]
    assert counted.lost["span that is told twice"] == 1


def test_each_trace_of_a_file_is_a_trace(tmp_path: Path) -> None:
    """A file of two traces gives two, in the order in which they began, whatever the order of their lines."""
    late = span("t", "", 50, 60, **CALL, gen_ai__tool__name="late") | {"traceId": "b2"}
    early = span("t", "", 1, 2, **CALL, gen_ai__tool__name="early")
    (tmp_path / "spans.jsonl").write_text("\n".join(lines(late, early)))
    traces, _ = imported([tmp_path / "spans.jsonl"], tmp_path / "out")
    assert [steps_of(events_of(trace))[0]["tool"] for trace in traces] == ["early", "late"]


def test_traces_without_a_call_are_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other traces of a service stand in the same files: they are counted; files of nothing else are refused."""
    web = span("w", "", 0, 1, http__route="/") | {"traceId": "b2"}
    (tmp_path / "spans.jsonl").write_text("\n".join(lines(web, span("t", "", 50, 60, **CALL, gen_ai__tool__name="a"))))
    traces, counted = imported([tmp_path / "spans.jsonl"], tmp_path / "out")
    assert len(traces) == 1
    assert counted.lost["trace without a call of a model or a tool"] == 1
    (tmp_path / "web.json").write_text(json.dumps(document(web)))
    assert execute(["import", "otel", str(tmp_path / "web.json"), "--out", str(tmp_path / "no")]) == 2
    assert "no span is a call of a model or a tool" in capsys.readouterr().err


def test_importing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """The same spans give the same trace."""
    for producer in AGENTS:
        made = [imported([FIXTURES / f"{producer}.jsonl"], tmp_path / f"{producer}-{n}")[0][0] for n in (1, 2)]
        assert made[0].read_bytes() == made[1].read_bytes()


def test_spans_that_are_no_steps_are_counted(tmp_path: Path) -> None:
    """A database's span between the calls is passed over and told, and so is a parent that is not in the files."""
    source = tmp_path / "spans.json"
    spans = [span("q", "gone", db__system="sqlite"), span("t", "q", **CALL, gen_ai__tool__name="a")]
    source.write_text(json.dumps(document(*spans)))
    (trace,), counted = imported([source], tmp_path / "out")
    assert len(events_of(trace)) == 2
    assert counted.lost["span that is no call of a model or a tool"] == 1
    assert counted.lost["parent of a span, which is not in the files"] == 1
