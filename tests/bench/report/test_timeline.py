"""What a report shows of a trace is what the trace says."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.adapters.files import open_trace
from harness.bench.report import timeline
from harness.bench.report.timeline import timeline_of
from harness.bench.report.told import LONGEST
from harness.errors import TamperedTrace, TraceError
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.writer import Writer
from tests.bench.report.made import TRACES

NAMED = {trace.name.partition(".")[0]: trace for trace in TRACES}


@pytest.mark.parametrize("trace", TRACES, ids=NAMED)
def test_every_event_is_a_line(trace: Path) -> None:
    """Lines are the events in their order, each in one line of bounded length; calls and violations are all there."""
    with open_trace(trace) as reader:
        events = list(reader)
    found = timeline_of(trace)
    assert [line.seq for line in found.lines] == [event.seq for event in events]
    assert found.cut == 0
    assert all("\n" not in line.text and len(line.text) <= LONGEST and line.head for line in found.lines)
    assert len(found.spans) == sum(event.kind == "action" for event in events)
    assert all(span.from_ms <= span.to_ms for span in found.spans)
    verdicts = [event for event in events if event.kind == "verdict"]
    assert [(one.rule, one.seq) for one in found.violations] == [(one.body["rule"], one.seq) for one in verdicts]
    assert bool(found.routes) == any(event.kind == "route" for event in events)


def test_a_violation_has_what_decided_it() -> None:
    """A transfer above the limit: the rule's words, the call, the values, the margin, and what was done."""
    first = timeline_of(NAMED["bank"]).violations[0]
    assert (first.rule, first.step, first.margin) == ("TRANSFER-LIMIT", 3, -50000)
    assert first.call == 'transfer(cents=150000, source="DE-1", target="DE-2")'
    assert dict(first.values)["call.args.cents"] == "150000"
    assert first.nearest == ("call.args.cents: decrease by 50000 to 100000",)
    assert first.decision.startswith("block: ")


def test_evidence_is_told_by_its_lines() -> None:
    """The events that a verdict rests on come with what they say."""
    found = timeline_of(NAMED["team"])
    lines = {line.seq: line for line in found.lines}
    rested = [(seq, text) for one in found.violations for seq, text in one.evidence]
    assert rested
    assert all(text == f"{lines[seq].head}  {lines[seq].text}" for seq, text in rested)


def test_a_route_is_drawn_in_its_graph() -> None:
    """The picture is SVG without a style of its own, and names tools that were on no route."""
    drawn = timeline_of(NAMED["transfer"]).routes
    picture = ElementTree.fromstring(drawn)
    texts = {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"bed_south", "helicopter"} <= texts
    assert "<style" not in drawn


def test_a_long_trace_is_cut_and_keeps_its_bad_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the first lines only what went wrong is kept; the rest is counted."""
    monkeypatch.setattr(timeline, "LINES", 4)
    writer, lines = Writer(Header({"entry": "long"}, {})), []
    for step in range(10):
        body = {"surface": "tool", "tool": "ask", "args": {}, "rules": []}
        lines.append(writer.append(Event(2 * step, "action", "a", "0", (), step * 1_000_000, body)))
        said = {"unknown": {"reason": "lost"}} if step == 7 else {"ok": step}
        answer = {"action": 2 * step, **said}
        lines.append(writer.append(Event(2 * step + 1, "observation", "a", "0", (), step * 1_000_000, answer)))
    (tmp_path / "t.mat.jsonl").write_bytes(b"".join([writer.header_line, *lines]))
    found = timeline_of(tmp_path / "t.mat.jsonl")
    assert [line.seq for line in found.lines] == [0, 1, 2, 3, 15]
    assert (found.cut, found.verdict, found.entry) == (15, "not sealed", "long")
    assert (found.lines[-1].at_ms, found.lines[-1].step, found.lines[-1].head) == (7.0, 7, "unknown")


def test_a_changed_trace_is_not_shown(tmp_path: Path) -> None:
    """What is not what was written raises, as it does everywhere."""
    changed = tmp_path / "bank.mat.jsonl"
    changed.write_bytes(NAMED["bank"].read_bytes().replace(b"150000", b"150001"))
    with pytest.raises(TamperedTrace):
        timeline_of(changed)
    with pytest.raises(TraceError):
        timeline_of(tmp_path / "none")
