"""Stored results are read, or it is said what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.bench.report.junit import junit_of
from harness.bench.report.stored import read_results
from harness.errors import UsageError
from tests.bench.report.made import ROWS, stored, write


def test_a_folder_and_a_file_are_the_same_result(tmp_path: Path) -> None:
    """A result is named by its folder or by its file; its traces are looked for beside it."""
    folder = write(tmp_path / "one", stored())
    (by_folder,), (by_file,) = read_results([folder]), read_results([folder / "result.json"])
    assert by_folder == by_file == stored(folder=folder)


def test_results_of_one_suite_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    """A label is the suite's name where that is enough."""
    one, two = write(tmp_path / "one", stored()), write(tmp_path / "two", stored())
    other = write(tmp_path / "other", stored(name="desk"))
    assert [result.label for result in read_results([one, two, other])] == [str(one), str(two), "desk"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "no JSON object"),
        ('{"name": "x", "rows": []}', "no 'figures' that is a JSON object"),
        ('{"name": "x", "figures": {}, "rows": {}}', "no 'rows' that is a JSON array"),
        ('{"name": "x", "figures": {"n": {"value": NaN}}, "rows": []}', "figure 'n' has no value"),
        ('{"name": "x", "figures": {}, "rows": [{}, 3]}', r"rows\[1\] is no JSON object"),
    ],
)
def test_what_is_no_result_is_said(tmp_path: Path, text: str, said: str) -> None:
    """The error names the file and what keeps it from being a result."""
    file = tmp_path / "result.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said) as caught:
        read_results([tmp_path])
    assert str(file) in str(caught.value)


def test_a_result_that_is_not_there_or_named_twice_is_a_mistake(tmp_path: Path) -> None:
    """Both are told before anything is written."""
    with pytest.raises(UsageError, match="cannot be read"):
        read_results([tmp_path / "nowhere"])
    folder = write(tmp_path / "one", stored())
    with pytest.raises(UsageError, match="named twice"):
        read_results([folder, folder / "result.json"])


def test_what_is_no_number_in_a_row_stays_readable(tmp_path: Path) -> None:
    """NaN, which Python writes and no browser reads, becomes its name."""
    (tmp_path / "result.json").write_text('{"name": "x", "figures": {}, "rows": [{"loss": NaN}]}', encoding="utf-8")
    (result,) = read_results([tmp_path])
    assert json.loads(json.dumps(result.rows, allow_nan=False)) == [{"loss": "NaN"}]


def test_times_are_put_back_where_they_belong(tmp_path: Path) -> None:
    """Figures and rows have what ``times.json`` holds, and no more than that; a time says nothing of another row."""
    folder = write(tmp_path / "shop", stored())
    cells = [{**{key: ROWS[at][key] for key in ("task", "condition", "seed")}, "wall_s": at / 4} for at in (3, 1)]
    times = {
        "figures": {"hours": {"value": 2, "unit": "h", "interval": None, "target": "", "ok": None}},
        "cells": cells,
    }
    (folder / "times.json").write_text(json.dumps(times), encoding="utf-8")
    (result,) = read_results([folder])
    assert [*result.figures] == [*stored().figures, "hours"]
    assert [row.get("wall_s") for row in result.rows] == [None, 0.25, None, 0.75, None, None]
    assert [{key: value for key, value in row.items() if key != "wall_s"} for row in result.rows] == [*ROWS]
    took = [case.get("time") for case in ElementTree.fromstring(junit_of([result])).iter("testcase")]
    assert [time for time in took if time] == ["0.25", "0.75"]


def test_times_that_cannot_be_read_are_a_mistake(tmp_path: Path) -> None:
    """A broken file is not passed over in silence."""
    folder = write(tmp_path / "shop", stored())
    (folder / "times.json").write_text('{"figures": {}}', encoding="utf-8")
    with pytest.raises(UsageError, match="no 'cells' that is a JSON array"):
        read_results([folder])
