"""Traces as GenAI spans: what the conventions say, and what nobody asked for left out."""

from __future__ import annotations

import base64
import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.otel import mapping
from harness.adapters.otel.export import otlp_json
from harness.errors import TamperedTrace
from harness.testing.model_server import ModelServer, fail, say, script
from harness.trace.event import Event
from tests.adapters.otel.steps import GOLDEN, ROOT, events_of, written

# what the conventions 1.41.1 ask of each span: its kind, the attributes it must have, and the name it is made of
REQUIRED = {
    "chat": (mapping.CLIENT, {"gen_ai.operation.name", "gen_ai.provider.name"}, "gen_ai.request.model"),
    "execute_tool": (mapping.INTERNAL, {"gen_ai.operation.name", "gen_ai.tool.name"}, "gen_ai.tool.name"),
    "invoke_agent": (mapping.INTERNAL, {"gen_ai.operation.name"}, "gen_ai.agent.name"),
}


def document(trace: Path, *, content: bool = False) -> dict[str, Any]:
    """Give the export of a trace as data."""
    said: dict[str, Any] = json.loads("".join(otlp_json(trace, "1.0", content=content)))
    return said


def spans_of(trace: Path, *, content: bool = False) -> list[dict[str, Any]]:
    """Give the spans of an export, their attributes as dicts, the run's last."""
    (scoped,) = document(trace, content=content)["resourceSpans"][0]["scopeSpans"]
    return [{**span, "attributes": plain(span)} for span in scoped["spans"]]


def plain(said: dict[str, Any]) -> dict[str, Any]:
    """Give attributes as a dict; a list as the list of its values."""
    values = {pair["key"]: next(iter(pair["value"].items())) for pair in said.get("attributes", [])}
    lists = {name: [next(iter(one.values())) for one in v["values"]] for name, (k, v) in values.items() if k[0] == "a"}
    return {name: value for name, (_, value) in values.items()} | lists


def trace_of(name: str) -> Path:
    """Give a golden trace."""
    return ROOT / "traces" / f"{name}.mat.jsonl"


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.name.partition(".")[0])
@pytest.mark.parametrize("content", [False, True])
def test_protobuf_reads_the_spans(trace: Path, content: bool) -> None:
    """OpenTelemetry's own definition of TracesData reads every export without an unknown field, and keeps it all."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    traces = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")
    said = document(trace, content=content)
    told = said["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for one in (*told, *(link for span in told for link in span.get("links", ()))):
        for name in ("traceId", "spanId", "parentSpanId"):  # OTLP JSON has hexadecimal here, protobuf's own JSON base64
            if name in one:
                one[name] = base64.b64encode(bytes.fromhex(one[name])).decode()
    read = json_format.ParseDict(said, traces.TracesData())
    spans = read.resource_spans[0].scope_spans[0].spans
    assert [(len(span.trace_id), len(span.span_id), len(span.parent_span_id)) for span in spans[:-1]] == [
        (16, 8, 8) for _ in spans[:-1]
    ]
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)
    back = json_format.MessageToDict(read)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [len(span["attributes"]) for span in back] == [len(span["attributes"]) for span in told]


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_every_name_is_one_of_the_pinned_conventions(trace: Path) -> None:
    """Every attribute that is not ours is one that the published list of the conventions holds."""
    semconv = pytest.importorskip("opentelemetry.semconv")
    known = {name for module in attribute_modules(semconv) for name in strings_of(module)}
    said = document(trace, content=True)["resourceSpans"][0]
    used = set(plain(said["resource"])) | {
        name for span in spans_of(trace, content=True) for name in span["attributes"]
    }
    used |= {n for s in spans_of(trace, content=True) for event in s.get("events", ()) for n in plain(event)}
    foreign = {name for name in used if not name.startswith("harness.")}
    assert foreign - known == set()
    assert {"gen_ai.operation.name", "gen_ai.agent.name", "service.name"} <= foreign


def attribute_modules(semconv: Any) -> list[Any]:
    """Give the modules of the package that list attributes."""
    lists = [importlib.import_module(f"{semconv.__name__}.{name}") for name in ("attributes", "_incubating.attributes")]
    found = [(one.__name__, module.name) for one in lists for module in pkgutil.iter_modules(one.__path__)]
    return [importlib.import_module(f"{package}.{name}") for package, name in found]


def strings_of(module: Any) -> set[str]:
    """Give the constants of a module that are text."""
    return {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}


def test_the_pinned_version_is_one_that_was_released() -> None:
    """The schema that the spans name is in the published list of schemas."""
    schemas = pytest.importorskip("opentelemetry.semconv.schemas")
    assert mapping.SCHEMA_URL in {schema.value for schema in schemas.Schemas}
    assert mapping.SCHEMA_URL == "https://opentelemetry.io/schemas/1.41.1"


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_each_span_is_what_its_operation_asks_for(trace: Path) -> None:
    """Kind, required attributes and name are those of the conventions; one span is the run's and above all others."""
    spans = spans_of(trace)
    ids = {span["spanId"] for span in spans}
    assert len(ids) == len(spans)
    assert [span["attributes"]["gen_ai.operation.name"] for span in spans].count("invoke_agent") == 1
    for span in spans:
        operation = span["attributes"]["gen_ai.operation.name"]
        kind, required, name = REQUIRED[operation]
        assert span["kind"] == kind
        assert required <= span["attributes"].keys()
        assert span["name"] == f"{operation} {span['attributes'][name]}"
        assert (span.get("parentSpanId") in ids) == (operation != "invoke_agent")
        assert all(link["spanId"] in ids for link in span.get("links", ()))


def test_a_model_call_says_what_the_conventions_ask(tmp_path: Path) -> None:
    """Model, tokens, reasons, id, server and API of a call to a real server are attributes of its span."""
    import openai

    import harness

    path = tmp_path / "call.mat.jsonl"
    with ModelServer(script([say("Good day.")])) as server, harness.session(trace=path) as session:
        client = session.app.wrap(openai.OpenAI(base_url=server.base_url, api_key="x", max_retries=0))
        hello = [{"role": "user", "content": "Hello."}]
        client.chat.completions.create(model="gpt-4o", messages=hello, temperature=0, max_tokens=9, stop="END", seed=4)  # type: ignore[arg-type,unused-ignore]
    span, _ = spans_of(path)
    found = span["attributes"]
    assert found["gen_ai.response.id"].startswith("chatcmpl-")
    expected = {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": "9",
        "gen_ai.request.seed": "4",
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.model": "gpt-4o",
        "openai.api.type": "chat_completions",
        "harness.outcome": "ok",
    }
    assert {name: found.get(name) for name in expected} == expected
    assert int(found["gen_ai.usage.input_tokens"]) > 0
    assert int(found["gen_ai.usage.output_tokens"]) > 0


def test_an_error_is_a_status(tmp_path: Path) -> None:
    """A model's HTTP error gives its status as the error's class; its message is content."""
    import openai

    import harness

    path = tmp_path / "call.mat.jsonl"
    with ModelServer(script([fail(429, "slow down")])) as server, harness.session(trace=path) as session:
        client = session.app.wrap(openai.OpenAI(base_url=server.base_url, api_key="x", max_retries=0))
        with pytest.raises(openai.RateLimitError):
            client.responses.create(model="gpt-4o", input="Hello.")
    span, _ = spans_of(path)
    assert (span["status"], span["attributes"]["error.type"]) == ({"code": 2}, "429")
    assert span["attributes"]["harness.outcome"] == "failed"
    assert spans_of(path, content=True)[0]["status"] == {"code": 2, "message": "HTTP 429"}


PARTS = {
    "text": {"type", "content"},
    "tool_call": {"type", "id", "name", "arguments"},
    "tool_call_response": {"type", "id", "response"},
}


@pytest.mark.parametrize("name", ["support", "bank", "newsroom"])
def test_messages_have_the_shape_of_the_conventions(name: str) -> None:
    """Messages are roles and parts of the kinds that the conventions list, each with what it must have."""
    models = [s["attributes"] for s in spans_of(trace_of(name), content=True) if s["name"].startswith("chat")]
    assert models
    for found in models:
        asked, answered = (json.loads(found[f"gen_ai.{side}.messages"]) for side in ("input", "output"))
        assert asked
        assert {message["role"] for message in asked} <= {"system", "user", "assistant", "tool"}
        assert all(message["finish_reason"] in ("stop", "tool_calls") for message in answered)
        for part in (part for message in (*asked, *answered) for part in message["parts"]):
            assert part.keys() == PARTS[part["type"]]


def test_a_refusal_is_told_where_it_happened() -> None:
    """A blocked call is an error of the class ``refused``, with the verdict and the decision as its events."""
    spans = spans_of(trace_of("bank"))
    (refused,) = [span for span in spans if span["attributes"].get("harness.outcome") == "refused"]
    assert (refused["name"], refused["status"]) == ("execute_tool transfer", {"code": 2})
    assert refused["attributes"]["error.type"] == "refused"
    verdict, decision = refused["events"]
    assert (verdict["name"], plain(verdict)["harness.verdict.rule"]) == ("harness.verdict", "TRANSFER-LIMIT")
    assert (decision["name"], plain(decision)["harness.decision.decision"]) == ("harness.decision", "block")


def test_a_rewritten_call_leads_to_the_one_that_was_made() -> None:
    """The call that a rule put right is over without an error; the one in its place is linked to it."""
    spans = spans_of(trace_of("ward"))
    (rewritten,) = [span for span in spans if span["attributes"].get("harness.outcome") == "rewritten"]
    (made,) = [span for span in spans if rewritten["spanId"] in {link["spanId"] for link in span.get("links", ())}]
    assert "status" not in rewritten
    assert made["name"] == rewritten["name"] == "execute_tool give_paracetamol"
    assert made["attributes"]["harness.outcome"] == "ok"


def test_calls_inside_a_call_are_below_it() -> None:
    """What a route calls for a goal is below the call that asked for the goal; everything else is below the run."""
    spans = spans_of(trace_of("checkout"))
    by_seq = {int(span["attributes"].get("harness.seq", -1)): span for span in spans}
    served = [span for span in spans if "harness.serves" in span["attributes"]]
    assert served
    for span in served:
        assert span["parentSpanId"] == by_seq[int(span["attributes"]["harness.serves"])]["spanId"]


def test_times_are_the_start_of_the_run_and_what_passed_since() -> None:
    """A span starts at the header's wall start plus the nanoseconds of its action."""
    first, *_, run = spans_of(trace_of("support"))
    assert run["startTimeUnixNano"] == "1795256010431000000"  # 2026-11-21T10:13:30.431Z
    assert int(first["startTimeUnixNano"]) - int(run["startTimeUnixNano"]) == 64_305_240
    assert int(first["endTimeUnixNano"]) - int(run["startTimeUnixNano"]) == 94_096_411
    assert first["attributes"]["gen_ai.response.time_to_first_chunk"] == (83_746_131 - 64_305_240) / 1e9


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_the_same_trace_gives_the_same_bytes(trace: Path) -> None:
    """Exporting twice gives equal bytes, and the trace's digest begins with the name of the spans' trace."""
    first, second = ("".join(otlp_json(trace, "1.0", content=True)) for _ in range(2))
    assert first == second
    resource = plain(json.loads(first)["resourceSpans"][0]["resource"])
    assert resource["harness.trace.digest"].startswith(spans_of(trace)[0]["traceId"])


def texts_in(value: Any) -> set[str]:
    """Give every text of some data that is long enough not to stand elsewhere by chance."""
    if isinstance(value, str):
        return {value} if len(value) >= 12 else set()
    if isinstance(value, dict):
        value = [item for name, item in value.items() if name not in ("id", "tool_call_id", "name")]
    items = value if isinstance(value, list) else ()
    return {text for item in items for text in texts_in(item)}


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_content_is_left_out_unless_it_is_asked_for(trace: Path) -> None:
    """No text of an argument, a message, a result or a reason stands in an export without content."""
    said = "".join(otlp_json(trace, "1.0"))
    bodies = [event.body for event in events_of(trace)]
    parts = [body.get("args", {}) for body in bodies if body.get("surface") != "model"]
    parts += [body.get("args", {}).get("messages") for body in bodies if body.get("surface") == "model"]
    parts += [body.get(name) for body in bodies for name in ("says", "reason", "alternative", "returned", "values")]
    parts += [body.get("ok") for body in bodies if not isinstance(body.get("ok"), dict) or "headers" not in body["ok"]]
    texts = {text for part in parts for text in texts_in(part)} - {body.get("tool") for body in bodies}
    assert [text for text in texts if json.dumps(text, ensure_ascii=False)[1:-1] in said] == []


def test_secrets_stay_redacted(tmp_path: Path) -> None:
    """An export with content holds the placeholder that the trace holds, and not the secret."""
    import harness

    path = tmp_path / "call.mat.jsonl"
    with harness.session(trace=path) as session:

        @session.app.tool(effect="read")
        def log_in(password: str) -> str:
            return "in"

        log_in(password="correct horse")
    said = "".join(otlp_json(path, "1.0", content=True))
    assert "⟦secret:password:1⟧" in said
    assert "correct horse" not in said


def action(seq: int, tool: str, at: int = 0) -> Event:
    """Give a call of a tool."""
    return Event(seq, "action", "main", "0", (), at, {"surface": "tool", "tool": tool, "args": {}, "rules": []})


def test_a_call_that_never_ended_ends_with_the_trace(tmp_path: Path) -> None:
    """A call without an outcome has none in its span either, and lasts as long as is known."""
    note = Event(1, "note", "main", "0", (), 70, {"text": "later"})
    span, run = spans_of(written(tmp_path, [action(0, "look", 5), note]))
    assert "harness.outcome" not in span["attributes"]
    assert int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]) == 65
    assert span["endTimeUnixNano"] == run["endTimeUnixNano"]


def test_what_is_said_of_an_answer_stands_in_its_span(tmp_path: Path) -> None:
    """A verdict on what came back is an event of the call that it came from, before the span is over."""
    said = {
        "action": 0,
        "rule": "R",
        "verdict": "violated",
        "severity": "low",
        "says": "",
        "values": {},
        "evidence": [],
    }
    events = [
        action(0, "look"),
        Event(1, "observation", "main", "0", (0,), 1, {"action": 0, "ok": None}),
        Event(2, "verdict", "main", "0", (1,), 1, said),
    ]
    look, run = spans_of(written(tmp_path, events))
    assert [event["name"] for event in look["events"]] == ["harness.verdict"]
    assert "events" not in run


def test_instructions_are_the_first_message(tmp_path: Path) -> None:
    """What a Responses request says as instructions is the system's message before its input."""
    import openai

    import harness

    path = tmp_path / "call.mat.jsonl"
    with ModelServer(script([say("Good day.")])) as server, harness.session(trace=path) as session:
        client = session.app.wrap(openai.OpenAI(base_url=server.base_url, api_key="x", max_retries=0))
        client.responses.create(model="gpt-4o", instructions="Be brief.", input="Hello.")
    span, _ = spans_of(path, content=True)
    found = span["attributes"]
    asked, answered = (json.loads(found[f"gen_ai.{side}.messages"]) for side in ("input", "output"))
    assert [(one["role"], one["parts"][0]["content"]) for one in (*asked, *answered)] == [
        ("system", "Be brief."),
        ("user", "Hello."),
        ("assistant", "Good day."),
    ]
    assert found["gen_ai.response.finish_reasons"] == ["completed"]
    assert found["openai.api.type"] == "responses"


def test_what_is_said_of_a_call_much_later_stands_in_the_run(tmp_path: Path) -> None:
    """An event about a call whose span is written already goes to the run's span, with the call's number."""
    said = {
        "action": 0,
        "rule": "R",
        "verdict": "violated",
        "severity": "low",
        "says": "",
        "values": {},
        "evidence": [],
    }
    events = [
        action(0, "look"),
        Event(1, "observation", "main", "0", (0,), 1, {"action": 0, "ok": None}),
        action(2, "look", 2),
        Event(3, "verdict", "main", "0", (0,), 3, said),
    ]
    look, again, run = spans_of(written(tmp_path, events))
    assert "events" not in look
    assert "events" not in again
    assert plain(run["events"][0])["harness.verdict.action"] == "0"


def test_a_changed_trace_is_not_exported(tmp_path: Path) -> None:
    """A trace with a changed line raises before the first piece is written."""
    changed = tmp_path / "changed.mat.jsonl"
    changed.write_bytes(trace_of("bank").read_bytes().replace(b"250000", b"250001"))
    with pytest.raises(TamperedTrace):
        next(otlp_json(changed, "1.0"))
