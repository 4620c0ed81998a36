"""Files that are no sound OTLP JSON: one clear error with its place, and nothing left behind."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.otel import read
from harness.adapters.otel.read import read_traces
from harness.adapters.otel.wire import attributes, plain
from harness.cli import execute
from harness.errors import UsageError
from tests.adapters.otel.steps import ROOT, exported
from tests.strategies import text

SPAN: dict[str, Any] = {
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "spanId": "b7ad6b7169203331",
    "name": "execute_tool look",
    "startTimeUnixNano": "1700000000000000000",
    "endTimeUnixNano": "1700000000000000001",
    "attributes": [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}},
        {"key": "gen_ai.tool.name", "value": {"stringValue": "look"}},
    ],
}


def document(*spans: Any) -> dict[str, Any]:
    """Give a document of some spans."""
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def attribute(value: Any, key: Any = "gen_ai.tool.call.arguments") -> dict[str, Any]:
    """Give a span with one attribute more."""
    return SPAN | {"attributes": [*SPAN["attributes"], {"key": key, "value": value}]}


def without(name: str) -> dict[str, Any]:
    """Give a span that lacks a field."""
    return {key: value for key, value in SPAN.items() if key != name}


def deep(levels: int) -> Any:
    """Give a value of nested lists."""
    value: Any = {"intValue": "1"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return value


FIRST = "resourceSpans 0, scopeSpans 0, span 0"
CHAT = [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]
SHOUT = {"key": "gen_ai.input.messages", "value": {"stringValue": '"Hello."'}}
BAD: list[tuple[str, Any, list[str]]] = [
    ("no document", [], ["no spans", "resourceSpans"]),
    ("no object", ["spans"], ["no object"]),
    ("another format", {"messages": []}, ["resourceSpans is missing"]),
    ("a console's spans", {"name": "chat", "context": {"trace_id": "0x1"}}, ["resourceSpans is missing", "exporter"]),
    ("no list", {"resourceSpans": {}}, ["resourceSpans is no list"]),
    ("no group", {"resourceSpans": [3]}, ["resourceSpans 0", "expected an object, not '3'"]),
    ("no scopes", {"resourceSpans": [{}]}, ["scopeSpans is missing"]),
    ("no span list", {"resourceSpans": [{"scopeSpans": [{}]}]}, ["scopeSpans 0", "spans is missing"]),
    ("no spans at all", document(), ["no spans"]),
    ("only logs", {"resourceLogs": []}, ["no spans"]),
    ("a span of text", document("x"), [FIRST, "expected an object, not 'x'"]),
    ("no trace", document(without("traceId")), [FIRST, "a span without traceId: None"]),
    ("no id", document(SPAN | {"spanId": ""}), [FIRST, "a span without spanId: ''"]),
    ("id of zeros", document(SPAN | {"spanId": "0" * 16}), ["a span without spanId"]),
    ("no start", document(without("startTimeUnixNano")), [FIRST, "b7ad6b7169203331", "no time of start", "None"]),
    ("start of zero", document(SPAN | {"startTimeUnixNano": "0"}), ["no time of start: startTimeUnixNano is '0'"]),
    ("start of text", document(SPAN | {"startTimeUnixNano": "today"}), ["no time of start", "'today'", "nanoseconds"]),
    ("negative start", document(SPAN | {"startTimeUnixNano": -5}), ["no time of start"]),
    ("attributes as object", document(SPAN | {"attributes": {"a": 1}}), [FIRST, "attributes are a list, not dict"]),
    ("attribute without key", document(attribute({"intValue": 1}, None)), ["an attribute is an object with a key"]),
    ("value without type", document(attribute("x")), ["a value is an object of its type"]),
    ("unknown type", document(attribute({"dateValue": "x"})), ["unknown type of value 'dateValue'", "stringValue"]),
    ("two types", document(attribute({"intValue": 1, "boolValue": True})), ["a value is an object of its type"]),
    ("no integer", document(attribute({"intValue": "1.5"})), ["'1.5' is no intValue"]),
    ("no double", document(attribute({"doubleValue": "x"})), ["'x' is no doubleValue"]),
    ("no text", document(attribute({"stringValue": 1})), ["is no text"]),
    ("no bytes", document(attribute({"bytesValue": "%%"})), ["is no bytesValue"]),
    ("no array", document(attribute({"arrayValue": []})), ["is no arrayValue"]),
    ("too deep", document(attribute(deep(260))), ["nested"]),
    ("a status of text", document(SPAN | {"status": "ERROR"}), ["expected an object, not 'ERROR'"]),
    ("events of text", document(SPAN | {"events": "x"}), ["events is no list"]),
    ("links of text", document(SPAN | {"links": ["x"]}), ["expected an object, not 'x'"]),
    ("told twice", document(SPAN, SPAN | {"name": "b"}), ["span 1", "stands at", "with other content"]),
    ("its own parent", document(SPAN | {"parentSpanId": SPAN["spanId"]}), ["go round", "b7ad6b7169203331 → b7ad"]),
    ("messages of text", document(SPAN | {"attributes": [*CHAT, SHOUT]}), [FIRST, "input.messages is no list"]),
]


@pytest.mark.parametrize(("said", "reasons"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: Any, reasons: list[str]
) -> None:
    """Exit 2, the file and the place in it, what is wrong; no folder is left behind."""
    source = tmp_path / "spans.json"
    source.write_text(json.dumps(said))
    assert execute(["import", "otel", str(source), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.startswith(str(source))
    assert [reason for reason in reasons if reason not in told] == []
    assert list(tmp_path.iterdir()) == [source]


def test_parents_that_go_round_are_named(tmp_path: Path) -> None:
    """A circle of parents is told as the way around, without the spans that only lead into it."""
    spans = [SPAN | {"spanId": name, "parentSpanId": parent} for name, parent in ("ab", "bc", "cd", "db")]
    (tmp_path / "spans.json").write_text(json.dumps(document(*spans)))
    with pytest.raises(UsageError, match="go round: b → c → d → b"):
        read_traces([tmp_path / "spans.json"])


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("s.json", b"", "the file is empty"),
        ("s.json", json.dumps(document(SPAN)).encode()[:-9], "not JSON"),
        ("s.json", json.dumps(document(SPAN), indent=1).encode()[:-9], "s.json: not JSON"),
        ("s.jsonl", json.dumps(document(SPAN)).encode() + b'\n{"resourceSpans', "s.jsonl:2: not JSON"),
        ("s.json", b"\xff\xfe\x00", "not JSON"),
        ("s.json", b'{"resourceSpans": NaN}', "not JSON"),
        ("s.json.gz", b"plain", "not a complete gzip file"),
        ("s.json.gz", gzip.compress(json.dumps(document(SPAN)).encode(), mtime=0)[:-9], "not a complete gzip file"),
        ("s.json", b'{"resourceSpans":' + b"[" * 3000 + b"]" * 3000 + b"}", "not JSON"),
    ],
)
def test_an_unreadable_file_is_one_clear_error(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    """A file that is cut off, empty, binary or nested without end is a UsageError with its line."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError) as told:
        read_traces([tmp_path / name])
    assert reason in str(told.value)
    assert str(tmp_path / name) in str(told.value)


def test_a_large_file_is_refused_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond the limit is refused, and so is a small one that unpacks to more."""
    assert read.MAX_BYTES == 100_000_000
    monkeypatch.setattr(read, "MAX_BYTES", 10_000)
    plainly, packed = tmp_path / "s.json", tmp_path / "s.json.gz"
    plainly.write_bytes(b" " * 10_001)
    packed.write_bytes(gzip.compress(b" " * 10_000_000))
    for path in (plainly, packed):
        with pytest.raises(UsageError, match=r"holds more than 10,000 bytes\n    cure  split it"):
            read_traces([path])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is a UsageError that names it."""
    with pytest.raises(UsageError, match=r"gone\.json: cannot be read: No such file"):
        read_traces([tmp_path / "gone.json"])


def changed(trace: str, folder: Path, change: Any) -> Path:
    """Export a golden trace, and change its spans."""
    source = exported(ROOT / "traces" / f"{trace}.mat.jsonl", folder)
    said = json.loads(source.read_text())
    change(said["resourceSpans"][0]["scopeSpans"][0]["spans"])
    source.write_text(json.dumps(said))
    return source


def renamed(pairs: list[dict[str, Any]], name: str, value: Any) -> None:
    """Put another value under a name."""
    next(pair for pair in pairs if pair["key"] == name)["value"] = value


def surface(spans: list[dict[str, Any]]) -> None:
    """Give a call a surface that does not exist."""
    renamed(spans[0]["attributes"], "harness.surface", {"stringValue": "roof"})


def number(spans: list[dict[str, Any]]) -> None:
    """Give a call the number of another."""
    renamed(spans[0]["attributes"], "harness.seq", {"intValue": "2"})


def arguments(spans: list[dict[str, Any]]) -> None:
    """Give a call arguments that are no object."""
    renamed(spans[1]["attributes"], "gen_ai.tool.call.arguments", {"stringValue": "[1]"})


def body(spans: list[dict[str, Any]]) -> None:
    """Give a decision a field that none has."""
    refused = next(span for span in spans if "events" in span)
    renamed(refused["events"][1]["attributes"], "harness.body", {"stringValue": '{"action": 6, "colour": "red"}'})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (surface, "on the surface 'roof' is none of ours"),
        (number, "two events have the number 2"),
        (arguments, "gen_ai.tool.call.arguments is no JSON object"),
        (body, "the body of this decision lacks"),
    ],
)
def test_an_export_that_was_changed_is_no_broken_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, reason: str
) -> None:
    """Spans that call themselves ours and are not give an error with their place, never a trace that cannot be read."""
    source = changed("bank", tmp_path, change)
    assert execute(["import", "otel", str(source), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert reason in told
    assert "span " in told


def test_an_export_that_lost_spans_is_still_read(tmp_path: Path) -> None:
    """A backend that samples may keep some spans only: the rest of the run comes back in its order."""

    def sampled(spans: list[dict[str, Any]]) -> None:
        del spans[1::3]

    source = changed("transfer", tmp_path, sampled)
    assert execute(["import", "otel", str(source), "--out", str(tmp_path / "out")]) == 0
    assert execute(["verify", str(tmp_path / "out" / "trace-000000.mat.jsonl")]) == 0


values = st.recursive(
    text | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(text, values, max_size=5))
def test_attributes_come_back(given_values: dict[str, Any]) -> None:
    """Attributes written and read are the same values of the same types."""
    back = plain(json.loads(json.dumps(attributes(given_values))))
    assert back == given_values
    assert {name: type(value) for name, value in back.items()} == {n: type(v) for n, v in given_values.items()}


junk: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SPAN, "values", "key"]), inner),
    max_leaves=8,
)


@given(st.data())
def test_any_damage_is_a_usage_error_or_a_trace(data: st.DataObject) -> None:
    """A sound document with any one part replaced by anything is read, or refused with its place; nothing else."""
    import tempfile

    said = document(copy.deepcopy(SPAN | {"status": {"code": 2}, "events": [], "links": [], "parentSpanId": "c"}))
    at: Any = said
    while isinstance(at, dict | list) and at:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if data.draw(st.booleans()) or not isinstance(at[key], dict | list):
            at[key] = data.draw(junk)
            break
        at = at[key]
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "spans.json"
        source.write_text(json.dumps(said))
        code = execute(["import", "otel", str(source), "--out", str(Path(name) / "out")])
        assert code in (0, 2)
        assert (Path(name) / "out").exists() == (code == 0)
