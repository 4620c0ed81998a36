"""How a measurement is told: bars, intervals, and one JSON object."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bench.figures import Figure, counted, installed, report_of
from harness.errors import UsageError
from harness.statistics.interval import wilson


@pytest.mark.parametrize(
    ("target", "met"),
    [("<= 2", True), ("< 2", False), (">= 2", True), ("> 2", False), ("== 2", True), ("== 2.5", False), ("", None)],
)
def test_a_figure_knows_whether_its_bar_is_met(target: str, met: bool | None) -> None:
    """The target reads as it is written; without one there is nothing to meet."""
    assert Figure(2, "1", None, target).ok is met


@pytest.mark.parametrize("target", ["2", "=> 2", "<= two", "<=2"])
def test_a_target_that_cannot_be_read_is_told(target: str) -> None:
    """A bar that nobody can read is a mistake, and never counts as met."""
    with pytest.raises(UsageError, match="target"):
        _ = Figure(2, "1", None, target).ok


def test_a_count_has_wilson_s_interval_in_its_own_unit() -> None:
    """Nineteen of nineteen is between 15.8 and 19 of as many others."""
    low, high = counted(19, 19).interval or (0, 0)
    assert (round(low / 19, 5), high) == (0.83182, 19)


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_count_lies_in_its_interval(successes: int, failures: int) -> None:
    """The interval holds the count, stays within the trials, and is Wilson's share of them."""
    trials = successes + failures
    figure = counted(successes, trials)
    assert figure.interval is not None
    low, high = figure.interval
    assert 0 <= low <= successes <= high <= trials or trials == 0
    assert (low, high) == tuple(end * trials for end in wilson(successes, trials))


def test_a_report_has_the_keys_that_others_read() -> None:
    """The object holds what the design names, every figure with all five keys, and is plain JSON."""
    figures = {"correct": Figure(19, "1", (15.8, 19.0), "== 19"), "seconds": Figure(1.5, "s")}
    whole = report_of("few", "1.2", figures, [{"task": "one"}], seed=7, packages=("orjson", "no-such-package"))
    assert json.loads(json.dumps(whole)) == whole | {
        "figures": {
            **whole["figures"],
            "correct": {"value": 19, "unit": "1", "interval": [15.8, 19.0], "target": "== 19", "ok": True},
        }
    }
    assert list(whole) == ["name", "version", "commit", "seed", "environment", "figures", "rows"]
    assert (whole["name"], whole["version"], whole["seed"], whole["rows"]) == ("few", "1.2", 7, [{"task": "one"}])
    assert whole["figures"]["seconds"] == {"value": 1.5, "unit": "s", "interval": None, "target": "", "ok": None}
    assert whole["environment"]["packages"] == {"orjson": installed("orjson")}
