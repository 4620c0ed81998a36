"""What the benchmark of the common registries counts, on a few runs and on a part of the real ones."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from benchmarks.real.common import (
    DATA,
    REGISTRIES,
    TIMED,
    Run,
    common_registry,
    figures_of,
    judged,
    registries_of,
    rows_of,
)
from harness.adapters.registries import load_registry
from harness.adapters.transcripts import tau
from tests.real_data import airline_transcripts

PAGE = Path(__file__).parents[2] / "docs" / "common.md"


def talk(task: int, trial: int, reward: float, *calls: str) -> dict[str, Any]:
    """Give a conversation of tau-bench's format that makes some calls without arguments."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]
    for number, name in enumerate(calls):
        call = {"id": f"c{number}", "function": {"name": name, "arguments": "{}"}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": "ok"})
    return {"task_id": task, "trial": trial, "reward": reward, "info": {"task": {"actions": []}}, "traj": messages}


def runs_of(tmp_path: Path, *talks: dict[str, Any]) -> list[Run]:
    """Judge conversations of tools that nobody declared."""
    (tmp_path / "talks.json").write_text(json.dumps(talks))
    return list(judged(tau.conversations(tmp_path / "talks.json"), {"": common_registry()}))


TALKS = (
    *(talk(1, 0, 1.0, "pay", "pay"), talk(1, 1, 1.0, "pay")),
    *(talk(2, 0, 1.0), talk(2, 1, 0.0, "pay", "pay")),
)


def test_runs_that_failed_are_left_out_and_the_others_counted(tmp_path: Path) -> None:
    """Of three solved runs of two tasks one repeats a write, which one rule blocks; a failed run is not looked at."""
    runs = runs_of(tmp_path, *TALKS)
    figures = dict(figures_of("few", runs, common_registry()))
    assert figures["few_solved"].value == 3
    assert figures["few_blocked"].value == pytest.approx(1 / 3)
    rows = {row["rule"]: row for row in rows_of("few", runs, common_registry())}
    assert {name: row["violated"] for name, row in rows.items() if row["violated"]} == {
        "WRITE-ONCE": 1,
        "VERIFIED-FIRST-NOTE": 2,
    }
    low, high = rows["WRITE-ONCE"]["interval"]
    assert low <= rows["WRITE-ONCE"]["share"] <= high
    assert rows["WRITE-ONCE"]["wilson"] == pytest.approx([0.0615, 0.7923], abs=1e-4)


def test_every_rule_has_its_row() -> None:
    """But those that need a clock, and the one for runs that only look."""
    names = (rule.id for name in REGISTRIES for rule in load_registry(f"common/{name}").invariants)
    assert [rule.id for rule in common_registry().invariants] == [name for name in names if name not in TIMED]


def test_the_documented_shares_of_the_airline_are_those_of_the_benchmark() -> None:
    """``docs/common.md`` shows for each rule what comes out on the real airline conversations."""
    folder = airline_transcripts().parents[1]
    (data,) = (one for one in DATA if one.name == "airline")
    registries = registries_of(data)
    runs = list(judged(chain.from_iterable(map(data.read, folder.glob(data.files))), registries))
    found = {row["rule"]: row for row in rows_of("airline", runs, registries[""])}
    documented = re.findall(r"^\| `([A-Z-]+)` \| (\w+) \| ([0-9.]+)", PAGE.read_text(), re.MULTILINE)
    assert len(documented) > 5
    assert len(runs) == 58
    for name, otherwise, per_cent in documented:
        assert (found[name]["otherwise"], round(100 * found[name]["share"], 1)) == (otherwise, float(per_cent)), name
    assert {name for name, row in found.items() if row["violated"]} <= {name for name, _, _ in documented}
    assert not any(row["unknown"] for row in found.values())
