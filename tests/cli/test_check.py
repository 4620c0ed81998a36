"""``harness check``: traces judged by a registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import SUFFIX, trace_files
from harness.cli import execute
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.writer import Writer

REGISTRY = """\
registry: shop
version: 1.0.0
default: allow
parameters: {limit: 20}
invariants:
  - id: LIMIT
    title: At most the limit is paid back
    on: action
    tool: refund
    require: call.args.amount <= params.limit
    severity: high
    otherwise: block
    says: Pay back at most {params.limit}.
    source: "policy, line 3"
  - id: ASKED
    on: action
    tool: refund
    require: happened(message, role == "user" and text.matches("refund"))
  - id: NEVER
    on: action
    tool: other
    require: "False"
"""


def talk(amount: Any, said: str = "A refund, please.") -> list[dict[str, Any]]:
    """Give a conversation in which an amount is paid back."""
    call = {"id": "c", "function": {"name": "refund", "arguments": json.dumps({"amount": amount})}}
    return [
        {"role": "user", "content": said},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
    ]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Give a function that checks conversations: it takes them and options, and gives exit code, output and errors."""
    (tmp_path / "shop.yaml").write_text(REGISTRY)

    def check_talks(talks: list[Any], *options: str) -> tuple[int, str, str]:
        (tmp_path / "talks.json").write_text(json.dumps(talks))
        assert execute(["import", "openai", str(tmp_path / "talks.json"), "--out", str(tmp_path / "out")]) == 0
        capsys.readouterr()
        code = execute(["check", str(tmp_path / "out"), "--registry", str(tmp_path / "shop.yaml"), *options])
        told = capsys.readouterr()
        return code, told.out, told.err

    return check_talks


def rows(said: str) -> dict[str, list[str]]:
    """Give the cells of a printed table by rule."""
    return {line.split("  ")[0]: line.split()[1:] for line in said.splitlines()}


def test_a_violation_is_told_in_full(check: Any, tmp_path: Path) -> None:
    """One trace: the rule, the place, every value, the margin, what would be done, the source, and the next command."""
    code, said, _ = check([talk(25)])
    (trace,) = trace_files([tmp_path / "out"])
    assert code == 1
    assert said.splitlines()[:11] == [
        "LIMIT  violated by 5   high   At most the limit is paid back",
        f'    where     {trace}  step 0, agent main, event 2, refund({{"amount": 25}})',
        "    values    call.args.amount = 25",
        "              params.limit = 20",
        "              call.args.amount <= params.limit = false",
        "    nearest   call.args.amount: decrease by 5 to 20",
        "    says      Pay back at most 20.",
        "    done      nothing; this rule would block",
        f"    source    policy, line 3   {tmp_path / 'shop.yaml'}:6",
        f"    again     harness show {trace} --at seq:2",
        "",
    ]


def test_a_rule_that_cannot_be_decided_says_why(check: Any) -> None:
    """A missing value makes the rule unknown, with the reason, and the exit code 3."""
    code, said, _ = check([talk("many")])
    assert code == 3
    assert "LIMIT  unknown   high" in said
    assert "    reason    " in said


def test_what_holds_is_quiet(check: Any) -> None:
    """With nothing to tell there is only the table, and exit code 0."""
    code, said, _ = check([talk(10)])
    assert code == 0
    assert said.startswith("rule")
    assert "never spoke: NEVER" in said
    assert "verdict" not in said


def test_many_traces_give_one_table(check: Any) -> None:
    """The table counts traces and, in brackets, steps; no violation is told one by one."""
    code, said, _ = check([talk(25), talk(10), talk(30, "Hello.") + talk(40), talk("many")])
    assert code == 1
    assert "where" not in said
    table = rows(said)
    assert table["LIMIT"] == ["4", "(5)", "2", "(3)", "1", "(1)"]
    assert table["ASKED"] == ["4", "(5)", "1", "(1)", "·"]
    assert table["any rule that blocks"][-6:] == ["4", "(5)", "2", "(3)", "1", "(1)"]


DECIDED = """\
registry: shop
version: 1.0.0
default: allow
invariants:
  - {id: ONCE, on: action, tool: refund, require: "not happened(action, call.tool == now.call.tool)", otherwise: block}
  - {id: DONE, on: result, tool: refund, require: result == "done"}
"""


def test_a_recorded_decision_and_the_evidence_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the door did about a step is told beside it, and so are the earlier events that decided the rule."""
    call = {"surface": "tool", "tool": "refund", "args": {}, "rules": []}
    blocked = {"action": 2, "decision": "block", "rule": "ONCE", "reason": "again"}
    recorded = [
        Event(0, "action", "main", "0", (), 0, call),
        Event(1, "observation", "main", "0", (0,), 1, {"action": 0, "ok": "later"}),
        Event(2, "action", "main", "0", (), 2, call),
        Event(3, "decision", "main", "0", (2,), 3, blocked),
    ]
    trace = write_trace(tmp_path / f"t{SUFFIX}", recorded)
    (tmp_path / "shop.yaml").write_text(DECIDED)
    assert execute(["check", str(trace), "--registry", str(tmp_path / "shop.yaml")]) == 1
    on_result, on_action, _ = capsys.readouterr().out.split("\n\n")
    assert "event 1, the result of refund" in on_result
    assert "done      nothing; this rule would observe" in on_result
    assert "source    none given" in on_result
    assert "evidence  events 0" in on_action
    assert "done      block by ONCE" in on_action


def write_trace(path: Path, events: list[Event]) -> Path:
    """Write events as a sealed trace."""
    writer = Writer(Header({}, {}))
    lines = [writer.header_line, *map(writer.append, events)]
    path.write_bytes(b"".join([*lines, writer.footer_line("violated")]))
    return path


LABELLED = [
    {"messages": talk(25), "reward": 0},
    {"messages": talk(30), "reward": 1},
    {"messages": talk(10), "reward": 0.0},
    {"messages": talk(5), "reward": 1.0},
]


def test_labels_give_precision_and_recall(check: Any) -> None:
    """A violation predicts reward 0; both shares come with their counts and Wilson intervals."""
    code, said, _ = check(LABELLED, "--labels")
    assert code == 1
    line = next(line for line in said.splitlines() if line.startswith("LIMIT"))
    assert line.endswith("50.0% (1/2) [9.5, 90.5]  50.0% (1/2) [9.5, 90.5]")


def test_json_is_one_object_with_everything(check: Any) -> None:
    """--json prints one object: verdict, rows with agreement, and each finding with its values and place."""
    code, said, _ = check(LABELLED, "--labels", "--json")
    facts = json.loads(said)
    assert code == 1
    assert (facts["verdict"], facts["traces"], facts["unsealed"]) == ("violated", 4, [])
    assert [row["rule"] for row in facts["rules"]] == ["LIMIT", "ASKED", "NEVER", "any rule that blocks", "any rule"]
    assert facts["rules"][0]["steps"] == {"fired": 4, "violated": 2, "unknown": 0}
    assert facts["rules"][0]["agreement"] == {"hits": 1, "false_alarms": 1, "misses": 1, "silent": 1}
    assert facts["rules"][0]["precision"]["value"] == 0.5
    first = facts["findings"][0]
    assert (first["rule"], first["seq"], first["step"], first["margin"]) == ("LIMIT", 2, 0, -5)


def test_a_trace_that_was_cut_off_is_inconclusive(
    check: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A trace without its footer gives exit code 3 although every rule holds, and is named."""
    check([talk(10)])
    (trace,) = trace_files([tmp_path / "out"])
    trace.write_bytes(b"".join(trace.read_bytes().splitlines(keepends=True)[:-1]))
    assert execute(["check", str(trace), "--registry", str(tmp_path / "shop.yaml")]) == 3
    assert f"not sealed, so the end may be missing: {trace}" in capsys.readouterr().out


def test_a_tampered_trace_is_not_judged(check: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed line ends the check with its number and exit code 1."""
    check([talk(10)])
    (trace,) = trace_files([tmp_path / "out"])
    trace.write_bytes(trace.read_bytes().replace(b'"amount":10', b'"amount":11'))
    assert execute(["check", str(trace), "--registry", str(tmp_path / "shop.yaml")]) == 1
    assert f"{trace}:4:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (None, "cannot be read"),
        ("", "no label for conversation-000000"),
        ('{"trace": "x"}\n', "labels.jsonl:1: not a label with a reward"),
        ('\n"x"\n', "labels.jsonl:1: not a label with a reward"),
        ('{"trace": "x", "reward": "good"}\n', "not a label with a reward"),
    ],
)
def test_labels_that_are_missing_or_wrong_are_a_clear_error(
    check: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: str | None, reason: str
) -> None:
    """--labels without a usable label for each trace is exit code 2, and names the file."""
    check([talk(10)])
    if labels is not None:
        (tmp_path / "out" / "labels.jsonl").write_text(labels)
    assert execute(["check", str(tmp_path / "out"), "--registry", str(tmp_path / "shop.yaml"), "--labels"]) == 2
    assert reason in capsys.readouterr().err


def test_a_missing_registry_or_trace_is_exit_2(check: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not exist is named, with exit code 2."""
    check([talk(10)])
    assert execute(["check", str(tmp_path / "out"), "--registry", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml: no such registry" in capsys.readouterr().err
    assert execute(["check", str(tmp_path / "none"), "--registry", str(tmp_path / "shop.yaml")]) == 2
    assert "no such file or folder" in capsys.readouterr().err
