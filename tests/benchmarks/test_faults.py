"""The suite of faults on a part of its cells: what it counts is what teams do, and the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.suites import faults
from benchmarks.suites.faults.cells import run, twin
from benchmarks.suites.faults.figures import figures
from benchmarks.suites.faults.strikes import (
    BUDGETS,
    CLEAN,
    FAMILIES,
    SHARED,
    SINGLE,
    STRIKES,
    TEAMS,
    at_once,
    drawn,
    injected,
)
from harness.adapters.files import open_trace
from harness.bench.figures import SEED
from harness.bench.runner import run_cells
from harness.bench.task import Cell, Condition, Row, Task
from harness.faults.plan import KINDS
from harness.statistics.tolerance import Counts, Tier
from tests.statistics.test_tolerance import TEAMS as PUBLISHED
from tests.statistics.test_tolerance import TIER_FIXTURE

LETTERS = (0, 8, 16)  # a bill, an order, a journey
PART = (CLEAN, "H", "MC", "CIL")


@pytest.fixture(scope="module")
def rows() -> Sequence[Row]:
    """Give the rows of the line, the loop and the agent alone, for some letters, faults and budgets."""
    cells = [cell for cell in faults.SUITE.cells() if _is_part(cell)]
    result = run_cells(faults.SUITE, cells)
    assert not result.broken
    return result.rows


def _is_part(cell: Cell) -> bool:
    data = cell.task.data
    kind = data.get("fault", "budget" if "budget" in data else CLEAN)
    return data["letter"] in LETTERS and kind in (*PART, "budget") and cell.condition.name != "pair"


def of(rows: Sequence[Row], who: str, kind: str) -> list[Mapping[str, Any]]:
    """Give what was found of somebody under a fault."""
    return [row.found for row in rows if row.cell.condition.name == who and row.found["fault"] == kind]


# --- what is done ----------------------------------------------------------------------------------------------------


def test_every_team_is_given_the_fifteen() -> None:
    """No fault is left out in any team; the agent alone is given those that are not about peers."""
    fifteen = {kind for kind in KINDS if kind.isupper()}
    assert len(fifteen) == 15
    assert {kind for kinds in FAMILIES.values() for kind in kinds} == fifteen
    assert {team: set(STRIKES[team]) for team in TEAMS} == dict.fromkeys(TEAMS, fifteen)
    assert set(STRIKES[SINGLE]) == set(SHARED) == fifteen - {"RA", "BT", "MC", "MS", "MBA"}


def test_the_suite_has_all_its_cells() -> None:
    """Each letter without a fault, under each of those that somebody is given, and under one, two and three at once."""
    done = {(cell.condition.name, cell.task.name) for cell in faults.SUITE.cells()}
    each = {who: 24 * (1 + len(STRIKES[who]) + len(BUDGETS)) for who in STRIKES}
    assert {who: sum(name == who for name, _ in done) for who in STRIKES} == each


def test_blind_trust_has_somebody_to_trust() -> None:
    """Beside it one other fault is injected, by which a peer is wrong; beside all others nothing is."""
    for team, kinds in STRIKES.items():
        for kind in kinds:
            assert [one["fault"] for one in injected(team, kind, 0)] == [kind] + ["H"] * (kind == "BT")


def test_a_larger_budget_strikes_with_more_of_the_same() -> None:
    """The faults of a budget are among those of the next one, each once, and other ones for other letters and seeds."""
    for number in range(24):
        sets = [drawn(SEED, number, budget) for budget in BUDGETS]
        assert [len(set(one)) for one in sets] == list(BUDGETS)
        assert all(more[: len(less)] == less for less, more in pairwise(sets))
    assert len({drawn(SEED, number, 3) for number in range(24)}) > 12
    assert [drawn(SEED, n, 3) for n in range(24)] != [drawn(SEED + 1, n, 3) for n in range(24)]


# --- what is seen ----------------------------------------------------------------------------------------------------


def test_every_row_is_one_run(rows: Sequence[Row]) -> None:
    """It says whether the letter was done, why not, and what it took; what is struck is effective, or else inert."""
    for row in rows:
        found = row.found
        assert found["passed"] is ("why" not in found)
        assert 0 < found["turns"] < found["steps"]
        assert found["tokens"] > 0
        assert found["injected"] is (row.cell.task.group != CLEAN)
        if "effective" in found:
            assert found["fired"] >= found["effective"] >= found["detected"] >= found["mitigated"] >= found["contained"]
            assert found["passed"] >= found["contained"]
            assert found["harmed"] <= (not found["passed"])


def test_the_loop_mends_what_sinks_the_line(rows: Sequence[Row]) -> None:
    """A message that goes back sinks every task of the line and none of the loop, which contains it."""
    assert [one["passed"] for one in of(rows, "linear", "MC")] == [False] * 3
    assert [one["passed"] for one in of(rows, "iterative", "MC")] == [True] * 3
    assert all(one["detected"] and one["contained"] for one in of(rows, "iterative", "MC"))
    assert not any(one["contained"] or one["harmed"] for one in of(rows, "linear", "MC"))


def test_what_is_wrong_and_filed_is_harm(rows: Sequence[Row]) -> None:
    """A number that is made up is filed by the line, which does harm; what is not filed at all does none."""
    for one in of(rows, "linear", "H"):
        assert one["harmed"] is (not one["passed"] and "filed {}" not in one["why"])
    assert any(one["harmed"] for one in of(rows, "linear", "H"))


def test_a_call_that_a_role_does_not_allow_is_drift(rows: Sequence[Row]) -> None:
    """Whoever files for nobody, because the name was lost, does what no role allows; elsewhere all keep to theirs."""
    drifted = {(who, kind) for who in (*TEAMS, SINGLE) for kind in PART if _outside(of(rows, who, kind))}
    assert drifted == {(SINGLE, "CIL"), ("iterative", "CIL")}


def _outside(found: Sequence[Mapping[str, Any]]) -> int:
    return sum(held["outside"] for one in found for held in one["run"]["agents"].values())


def test_a_cell_leaves_its_trace(tmp_path: Path) -> None:
    """The row names it, it tells of the fault and of as many steps, and is the same, byte for byte, another time."""
    cell = next(one for one in faults.SUITE.cells() if one.task.name == "H bill Baker" and one.condition.name == SINGLE)
    found = run(cell, tmp_path)
    with open_trace(tmp_path / found["trace"]) as reader:
        events = list(reader)
    assert sum(event.kind == "action" for event in events) == found["steps"]
    assert [event.body["kind"] for event in events if event.kind == "fault"] == ["H"]
    before = (tmp_path / found["trace"]).read_bytes()
    assert run(cell, tmp_path) == found
    assert (tmp_path / found["trace"]).read_bytes() == before


def test_a_cell_finds_the_same_again(rows: Sequence[Row]) -> None:
    """Also where the twins are run again; under another seed chance picks other facts to be wrong."""
    before = next(row for row in rows if row.cell.task.name == "H bill Baker" and row.cell.condition.name == "linear")
    twin.cache_clear()
    others = [before.cell._replace(seed=SEED + more) for more in range(3)]
    again = run_cells(faults.SUITE, others)
    assert again.rows[0] == before
    assert len({str(row.found) for row in again.rows}) > 1


# --- what is counted -------------------------------------------------------------------------------------------------


def test_figures_are_counted_over_the_rows(rows: Sequence[Row]) -> None:
    """RS is passes over runs, the agent alone apart; the loop over the line is what it passes of what that fails."""
    told = figures(rows)
    linear, loop = ({row.cell.task.name: row.found for row in _struck(rows, who)} for who in ("linear", "iterative"))
    assert told["injections"].value == len(linear) + len(loop) == 2 * 3 * 3
    assert told["rs"].value == sum(one["passed"] for one in [*linear.values(), *loop.values()]) / 18
    assert told["single_rs"].value == sum(one["passed"] for one in of(rows, SINGLE, "H") + of(rows, SINGLE, "CIL")) / 6
    mended = [loop[task]["passed"] for task, one in linear.items() if not one["passed"]]
    assert told["iterative_over_linear"].value == sum(mended) / len(mended)
    triggered = sum("R" in one["tiers"] for one in linear.values())
    assert told["linear_o_r"].value == triggered / len(linear)
    assert all(figure.ok is not False for figure in told.values())


def _struck(rows: Sequence[Row], who: str) -> list[Row]:
    return [row for row in rows if row.cell.condition.name == who and row.cell.task.group in FAMILIES]


def test_the_curve_is_that_of_the_rows(rows: Sequence[Row]) -> None:
    """The area is by trapezoids over the shares of letters that are done with no fault, and with one, two and three."""
    curve = [sum(one["passed"] for one in of(rows, "linear", kind)) / 3 for kind in (CLEAN, *map(at_once, BUDGETS))]
    assert figures(rows)["linear_area"].value == pytest.approx((curve[0] / 2 + curve[1] + curve[2] + curve[3] / 2) / 3)


def fed(found: Sequence[Mapping[str, Any]], who: str, group: str = "reasoning", **data: Any) -> list[Row]:
    """Give rows of somebody that say no more than the suite counts, each letter in its turn."""
    usual = {"injected": True, "fired": True, "effective": True, "detected": False, "mitigated": False}
    usual |= {"contained": False, "harmed": False, "passed": True, "tiers": {}, "run": {"agents": {}}}
    usual |= {"steps": 10, "turns": 6, "tokens": 1000}
    tasks = [Task(f"{group} {number} {data}", group, {"letter": number % 24, **data}) for number in range(len(found))]
    return [Row(Cell(task, Condition(who), SEED), usual | one) for task, one in zip(tasks, found, strict=True)]


def test_fed_with_the_counts_of_a_vector_the_figures_are_its_own() -> None:
    """Containment, cost of a team, curve, lifetime and drift come out as the published definitions have it."""
    ten = [{"effective": n < 8, "contained": n < 6, "harmed": n == 6} for n in range(10)]
    told = figures(fed(ten, "linear"))
    shares = [told[name].value for name in ("linear_cr_injected", "linear_cr_effective", "linear_residual_harm")]
    assert shares == [0.6, 0.75, 1 / 8]
    clean = [*fed([{"tokens": 3850}], "pair", CLEAN), *fed([{"tokens": 1000}], SINGLE, CLEAN)]
    assert figures(clean)["pair_overhead"].value == 2.85
    hundred = [*fed([{"passed": n >= 34, "turns": 30} for n in range(100)], "pair")]
    alone = [*fed([{"passed": n >= 20, "turns": 6} for n in range(100)], SINGLE)]
    assert figures([*hundred, *alone])["pair_amplification"].value == pytest.approx(1.7)
    fifth = [*fed([{"passed": n < 6, "turns": 30} for n in range(10)], "pair"), *fed([{"turns": 6}] * 10, SINGLE)]
    assert figures(fifth)["pair_efficiency"].value == pytest.approx(0.12)
    assert "pair_amplification" not in figures(fifth)  # the agent alone makes no error
    curve = zip((0, 1, 2, 3), (10, 9, 6, 5), strict=True)
    at = [row for budget, done in curve for row in _budget(budget, [{"passed": n < done} for n in range(10)])]
    assert figures(at)["pair_area"].value == pytest.approx(0.75)
    four = [{"steps": 4, "passed": False}, {"steps": 7, "passed": False}, {"steps": 10}, {"steps": 10}]
    told = figures(fed(four, "pair"))
    assert (told["pair_mtbf_naive"].value, told["pair_mtbf_censored"].value) == (7.75, 15.5)
    held = [{"keeper": {"asked": 3, "outside": 1}}, {"keeper": {"asked": 1, "outside": 0}}]
    assert figures(fed([{"run": {"agents": one}} for one in held], "pair"))["keeper_drift"].value == 0.25


def _budget(budget: int, found: Sequence[Mapping[str, Any]]) -> list[Row]:
    return fed(found, "pair", "budget", budget=budget) if budget else fed(found, "pair", CLEAN)


@pytest.mark.parametrize(("team", "passes", "tasks"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_fed_with_published_passes_rs_is_the_published_one(
    team: str, passes: Mapping[str, tuple[int, int]], tasks: tuple[int, int]
) -> None:
    """Rows with the passes of arXiv 2602.19843 give its RS, exactly."""
    runs = [{"passed": number < done} for done, _ in passes.values() for number in range(tasks[0])]
    told = figures(fed(runs, team))
    share = sum(done for done, _ in passes.values()) / (len(passes) * tasks[0])
    assert told[f"{team}_rs"].value == told["rs"].value == share
    assert "iterative_over_linear" not in told  # of which nothing was fed


@pytest.mark.parametrize("key", TIER_FIXTURE, ids="-".join)
def test_fed_with_published_tiers_the_shares_are_the_published_ones(key: tuple[str, Tier]) -> None:
    """Rows with the counts of one tier give its O, L, S and S of what held, exactly."""
    (team, tier), (total, triggered, held, done, held_done) = key, TIER_FIXTURE[key]
    told = figures(fed(list(_runs_of(TIER_FIXTURE[key], tier)), team))
    shares = {"o": (triggered, total), "l": (held, triggered), "s": (done, triggered), "s_fixed": (held_done, held)}
    for name, (part, whole) in shares.items():
        assert told[f"{team}_{name}_{tier.lower()}"].value == told[f"{name}_{tier.lower()}"].value == part / whole


def _runs_of(counts: Counts, tier: Tier) -> list[Mapping[str, Any]]:
    """Give as many runs as counts tell of: those in which a tier held, those in which it failed, and all others."""
    total, triggered, held, done, held_done = counts
    runs: list[Mapping[str, Any]] = []
    for came, number, passes in (("held", held, held_done), ("failed", triggered - held, done - held_done)):
        runs += [{"tiers": {tier: came}, "passed": at < passes} for at in range(number)]
    return runs + list(islice([{}] * total, total - triggered))
