"""The page is one file with everything inside, and holds what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bench.report import data
from harness.bench.report.html_page import html_page
from tests.bench.report.made import ROWS, TRACES, many, stored

BEGIN = '<script type="application/json" id="data">'


def data_of(page: str) -> Any:
    """Give the data that a browser would find in a page: all that stands before the next end of a script."""
    return json.loads(page.partition(BEGIN)[2].partition("</script")[0])


def test_nothing_is_fetched() -> None:
    """The page names no other file, and its policy would not let it load one."""
    page = html_page([stored()], "1.0.0")
    assert "default-src 'none'" in page
    markup = page.partition(BEGIN)[0] + page.partition(BEGIN)[2].partition("</script>")[2]
    assert re.findall(r"""(?:src|href|url|import|fetch)\s*[=(]\s*["'](?!#)[^"']*""", markup) == []
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", markup) == []


def test_equal_results_give_equal_pages() -> None:
    """Nothing of the moment is in a page."""
    assert html_page([many(40)], "1") == html_page([many(40)], "1")


@given(st.text(st.characters(codec="utf-8")) | st.sampled_from(["</script><script>alert(1)</script>", "<!--<script>"]))
def test_data_stays_data(text: str) -> None:
    """Whatever a row says comes back as it was, and ends no script."""
    found = data_of(html_page([stored([{"task": text, "passed": False, "why": text}])], "1"))
    (row,) = found["results"][0]["rows"]
    assert (row["facts"]["task"], row["why"]) == (text, text)


def test_a_page_holds_rows_figures_and_differences() -> None:
    """Every row comes with what became of it; later results are compared with the first."""
    found = data_of(html_page([stored(), stored(name="later")], "1"))
    assert [result["label"] for result in found["results"]] == ["shop", "later"]
    rows = found["results"][0]["rows"]
    assert [row["outcome"] for row in rows] == ["passed", "failed", "passed", "failed", "unjudged", "unmeasured"]
    assert [row["rules"] for row in rows if row["rules"]] == [["CAP"]]
    assert found["differences"][0]["alike"] == len(ROWS)


def test_traces_of_failed_rows_go_first_where_there_is_little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget is kept, up to the last trace; those without room are named with the command that shows them."""
    monkeypatch.setattr(data, "BUDGET_BYTES", 60_000)
    result = many(200)
    found = data_of(html_page([result], "1"))["results"][0]
    held = [int(number) for number, trace in found["traces"].items() if "lines" in trace]
    assert held
    assert {found["rows"][number]["outcome"] for number in held} == {"failed"}
    assert all(trace["show"].startswith("harness show ") for trace in found["traces"].values())
    assert len(found["traces"]) == sum("trace" in row for row in result.rows)
    assert len(json.dumps(found["traces"])) < 60_000 + 120_000


def test_pictures_are_kept_once() -> None:
    """Rows that went the same way share their picture."""
    (trace,) = [path for path in TRACES if path.name.startswith("checkout.")]
    rows = [{"task": f"{number}", "passed": True, "trace": trace.name} for number in range(5)]
    found = data_of(html_page([stored(rows, {}, folder=trace.parent)], "1"))
    assert len(found["pictures"]) == 1
    assert [one["routes"] for one in found["results"][0]["traces"].values()] == [0] * 5


def test_a_trace_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """The rest of the page stands."""
    row = {"task": "t", "passed": True, "trace": "gone.mat.jsonl"}
    found = data_of(html_page([stored([row], {}, folder=tmp_path)], "1"))
    assert "cannot be read" in found["results"][0]["traces"]["0"]["unreadable"]
