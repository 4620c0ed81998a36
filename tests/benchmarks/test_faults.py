"""The suite of faults on a part of its cells: what it counts is what teams do, and the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from benchmarks.suites import faults
from benchmarks.suites.faults.cells import twin
from benchmarks.suites.faults.figures import figures
from benchmarks.suites.faults.strikes import CLEAN, STRIKES, injected
from harness.bench.figures import SEED
from harness.bench.runner import run_cells
from harness.bench.task import Cell, Row
from harness.faults.plan import KINDS
from harness.statistics.tolerance import TIERS, Counts, Tier
from tests.statistics.test_tolerance import TEAMS, TIER_FIXTURE

PART = (CLEAN, "H", "MC", "TFE")


@pytest.fixture(scope="module")
def rows() -> Sequence[Row]:
    """Give the rows of the line and of the loop under some faults."""
    cells = [cell for cell in faults.SUITE.cells() if cell.task.name in PART and cell.condition.name != "pair"]
    result = run_cells(faults.SUITE, cells)
    assert not result.broken
    return result.rows


def test_every_team_is_given_the_fifteen() -> None:
    """No fault is left out in any team."""
    fifteen = {kind for kind in KINDS if kind.isupper()}
    assert len(fifteen) == 15
    assert {team: set(places) for team, places in STRIKES.items()} == dict.fromkeys(STRIKES, fifteen)


def test_blind_trust_has_somebody_to_trust() -> None:
    """Beside it one other fault is injected, by which a peer is wrong; beside all others nothing is."""
    for team, kinds in STRIKES.items():
        for kind in kinds:
            assert [one["fault"] for one in injected(team, kind, 0)] == [kind] + ["H"] * (kind == "BT")


def test_every_injection_is_effective_or_marked(rows: Sequence[Row]) -> None:
    """Of each row's injections as many are effective, inert or unfired as there are, and the tiers are of them all."""
    for row in rows:
        if row.cell.task.name == CLEAN:
            assert row.found["passes"] == row.found["tasks"] == 24
            continue
        found = row.found
        assert found["injections"] == found["effective"] + found["inert"] + found["unfired"] == 24
        assert found["effective"] > 0
        assert len(found["passed"]) == found["passes"] == 24 - len(found["failed"])
        assert sum(found["behaviours"].values()) == 24
        assert {tier: counts[0] for tier, counts in found["tiers"].items()} == dict.fromkeys(TIERS, 24)


def test_the_loop_mends_what_sinks_the_line(rows: Sequence[Row]) -> None:
    """A message that goes back sinks every task of the line and none of the loop; a wrong number sinks fewer."""
    passes = {(row.cell.task.name, row.cell.condition.name): row.found["passes"] for row in rows}
    assert (passes["MC", "linear"], passes["MC", "iterative"]) == (0, 24)
    assert passes["H", "linear"] < passes["H", "iterative"]


def test_figures_are_counted_over_the_rows(rows: Sequence[Row]) -> None:
    """RS is passes over tasks, and the loop over the line is what it passes of what the line fails."""
    told = figures(rows)
    found = {(row.cell.condition.name, row.cell.task.name): row.found for row in rows}
    linear = [found["linear", kind] for kind in PART[1:]]
    assert told["injections"].value == 6 * 24
    assert told["linear_rs"].value == sum(one["passes"] for one in linear) / (3 * 24)
    failed = [(kind, task) for kind in PART[1:] for task in found["linear", kind]["failed"]]
    mended = [(kind, task) for kind, task in failed if task in found["iterative", kind]["passed"]]
    assert told["iterative_over_linear"].value == len(mended) / len(failed)
    assert told["iterative_over_linear"].target == "> 0.4"
    assert all(figure.ok is not False for figure in told.values())
    triggered = sum(one["tiers"]["R"][1] for one in linear)
    assert told["linear_o_r"].value == triggered / (3 * 24)


@pytest.mark.parametrize(("team", "passes", "tasks"), TEAMS, ids=[row[0] for row in TEAMS])
def test_fed_with_published_counts_the_figures_are_the_published_ones(
    team: str, passes: Mapping[str, tuple[int, int]], tasks: tuple[int, int]
) -> None:
    """Rows that hold the counts of arXiv 2602.19843 give its RS, O, L, S and S of what held, exactly."""
    published = {tier: counts for (name, tier), counts in TIER_FIXTURE.items() if name == team}
    fed = [
        row_of(team, kind, passes[kind][0], tasks[0], {} if number else published) for number, kind in enumerate(passes)
    ]
    told = figures(fed)
    total = len(passes) * tasks[0]
    assert told[f"{team}_rs"].value == told["rs"].value == sum(first for first, _ in passes.values()) / total
    for tier, (runs, triggered, held, done, held_done) in published.items():
        shares = {"o": (triggered, runs), "l": (held, triggered), "s": (done, triggered), "s_fixed": (held_done, held)}
        for name, (part, whole) in shares.items():
            assert told[f"{team}_{name}_{tier.lower()}"].value == told[f"{name}_{tier.lower()}"].value == part / whole
    assert "iterative_over_linear" not in told  # of which nothing was fed


def row_of(team: str, kind: str, passes: int, tasks: int, tiers: Mapping[Tier, Counts]) -> Row:
    """Give a row of the suite that says no more than counts."""
    task = next(task for task in faults.SUITE.tasks if task.name == kind)
    condition = next(one for one in faults.SUITE.conditions if one.name == team)
    found = {"injections": tasks, "effective": tasks, "inert": 0, "unfired": 0, "passes": passes}
    counts = {tier: tiers.get(tier, Counts(0, 0, 0, 0, 0)) for tier in TIERS}
    return Row(Cell(task, condition, SEED), {**found, "tiers": counts, "passed": [], "failed": []})


def test_a_cell_finds_the_same_again(rows: Sequence[Row]) -> None:
    """Also where the twins are run again; under another seed chance picks other facts to be wrong."""
    before = next(row for row in rows if row.cell.task.name == "H" and row.cell.condition.name == "linear")
    twin.cache_clear()
    again = run_cells(faults.SUITE, [before.cell, before.cell._replace(seed=SEED + 1)])
    assert again.rows[0] == before
    assert again.rows[1].found != before.found
