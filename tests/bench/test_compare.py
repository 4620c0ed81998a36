"""Real or noise: two results of one suite, put side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.bench.compare import Bars, Comparison, compared, sources_of
from harness.bench.pairing import paired, read_report
from harness.errors import UsageError

Row = dict[str, Any]


def row(task: str, passed: object, condition: str = "us", seed: int = 1, **more: Any) -> Row:
    """Give the row of a cell."""
    return {"task": task, "group": "all", "condition": condition, "seed": seed, "passed": passed, **more}


def stored(folder: Path, file_name: str, rows: Sequence[Row], **more: Any) -> Path:
    """Store a result."""
    file = folder / f"{file_name}.json"
    file.write_text(json.dumps({"name": "suite", "version": "1", "commit": None, "figures": {}, "rows": rows} | more))
    return file


def compare(folder: Path, before: Sequence[Row], after: Sequence[Row], **bars: bool) -> Comparison:
    """Store both, read them again and compare."""
    one, other = read_report(stored(folder, "before", before)), read_report(stored(folder, "after", after))
    return compared(paired(one, other), Bars(**bars))


def outcomes(passed: Mapping[str, Sequence[bool]], **more: Any) -> list[Row]:
    """Give rows of tasks that were done several times."""
    return [row(task, found, seed=seed, **more) for task, runs in passed.items() for seed, found in enumerate(runs)]


def many(lost: int, gained: int, kept: int, **more: Any) -> tuple[list[Row], list[Row]]:
    """Give results in which so many tasks were lost, gained, and kept right."""
    tasks = [*[(True, False)] * lost, *[(False, True)] * gained, *[(True, True)] * kept]
    return tuple([row(f"t{n}", pair[side], **more) for n, pair in enumerate(tasks)] for side in (0, 1))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("counts", "answer"),
    [
        ((20, 2, 80), "worse"),
        ((0, 0, 100), "better or equal"),
        ((0, 30, 70), "better or equal"),
        ((3, 3, 24), "inconclusive"),
    ],
)
def test_the_answer_is_that_of_the_gate(tmp_path: Path, counts: tuple[int, int, int], answer: str) -> None:
    """Many lost tasks are worse, many kept ones better or equal, and a few of both say nothing."""
    assert compare(tmp_path, *many(*counts)).answer == answer


def test_a_group_can_be_worse_alone(tmp_path: Path) -> None:
    """Where forty of four hundred tasks are lost in one group, the whole may hide it and the group does not."""
    before, after = [], []
    for group, (lost, gained, kept) in {"hard": (15, 0, 25), "easy": (0, 15, 345)}.items():
        one, other = many(lost, gained, kept, group=group)
        before += [found | {"task": f"{group} {found['task']}"} for found in one]
        after += [found | {"task": f"{group} {found['task']}"} for found in other]
    found = compare(tmp_path, before, after)
    assert [(line.group, line.answer) for line in found.lines] == [
        (None, "better or equal"),
        ("hard", "worse"),
        ("easy", "better or equal"),
    ]
    assert found.answer == "worse"


def test_flips_are_named_by_task(tmp_path: Path) -> None:
    """What was lost comes first, with how often it was right; answers that are wrong in another way are counted."""
    before = outcomes({"a": (True, True), "b": (False, True), "c": (False, False)}, answer="x")
    after = outcomes({"a": (False, True), "b": (True, True), "c": (False, False)}, answer="y")
    (line,) = compare(tmp_path, before, after).lines
    assert list(line.changes.items()) == [("a", (2, 1, 2)), ("b", (1, 2, 2))]
    assert (line.flips.lost, line.flips.gained, line.flips.changed, line.flips.pairs) == (1, 1, 2, 6)
    assert line.several == (
        2,
        (pytest.approx(2 / 3), pytest.approx(2 / 3)),
        (pytest.approx(1 / 3), pytest.approx(1 / 3)),
    )


def test_without_chance_one_lost_task_is_worse(tmp_path: Path) -> None:
    """And none lost is equal, however few there are."""
    assert compare(tmp_path, *many(1, 5, 3), chance=False).answer == "worse"
    same = compare(tmp_path, *many(0, 0, 3), chance=False)
    assert (same.answer, same.lines[0].p, same.lines[0].interval) == ("better or equal", None, None)
    assert compare(tmp_path, *many(0, 0, 3)).answer == "inconclusive"


def test_runs_of_these_tasks_decide_of_them_and_not_of_others(tmp_path: Path) -> None:
    """Five tasks that were always right are right half the time: these are worse, of others five tasks tell nothing."""
    before = outcomes({f"t{n}": (True,) * 8 for n in range(5)})
    after = outcomes({f"t{n}": (True, False) * 4 for n in range(5)})
    (line,) = compare(tmp_path, before, after).lines
    assert (line.answer, line.beyond.answer if line.beyond else None) == ("worse", "inconclusive")
    (line,) = compare(tmp_path, before, after, beyond=True).lines
    assert (line.answer, line.beyond) == ("inconclusive", None)


def test_a_task_that_was_done_more_often_weighs_no_more(tmp_path: Path) -> None:
    """One run of a task is lost, nine of another are kept: half of what was right is lost, and the columns agree."""
    before = outcomes({"a": (True,), "b": (True,) * 9})
    after = outcomes({"a": (False,), "b": (True,) * 9})
    (line,) = compare(tmp_path, before, after).lines
    assert (line.before, line.after, line.difference) == (1, 0.5, -0.5)
    assert (line.flips.pairs, line.flips.lost) == (10, 1)


def test_a_plan_is_kept(tmp_path: Path) -> None:
    """What changes as often as before, as many runs as were planned, is decided as was planned."""
    found = compare(tmp_path, *many(2, 0, 8))
    (plan,) = found.plans
    assert (found.answer, plan.condition, plan.runs, plan.tasks) == ("inconclusive", "us", 10, 10)
    assert plan.worse is not None and plan.kept is not None
    more = -(-plan.worse // 10)
    assert compare(tmp_path, *many(2 * more, 0, 8 * more)).answer == "worse"
    assert compare(tmp_path, *many(0, 0, plan.kept)).answer == "better or equal"


def test_p_values_are_adjusted_for_all_lines(tmp_path: Path) -> None:
    """Two conditions with the same changes: both p-values are twice what either would be alone."""
    alone = compare(tmp_path, *many(6, 0, 10)).lines[0].p
    both = [many(6, 0, 10, condition=name) for name in ("us", "them")]
    found = compare(tmp_path, [*both[0][0], *both[1][0]], [*both[0][1], *both[1][1]])
    assert alone == pytest.approx(2 / 2**6)
    assert [line.p for line in found.lines] == pytest.approx([2 * alone] * 2)


def test_rules_and_numbers_are_compared_where_rows_have_them(tmp_path: Path) -> None:
    """Violations count runs, tokens are means over tasks; rows without them say nothing."""
    before = [row(f"t{n}", True, violations=[], tokens=100 + n) for n in range(8)]
    after = [row(f"t{n}", True, violations=["CAP"], tokens=110 + n + n % 2) for n in range(8)]
    found = compare(tmp_path, before, after)
    assert found.rules == [("CAP", 0, 8, 8, pytest.approx(2 / 2**8))]
    [(condition, what, old, new, interval)] = found.effort
    assert (condition, what, old, new) == ("us", "tokens", 103.5, 114.0)
    assert interval is not None
    assert 10 < interval.low < 10.5 < interval.high < 11
    assert compare(tmp_path, *many(1, 1, 1)).rules == compare(tmp_path, *many(1, 1, 1)).effort == []


def test_every_run_counts_for_a_rule_unless_others_are_asked_for(tmp_path: Path) -> None:
    """Two tasks done five times, violated in each run now: ten runs, and of all tasks like these two tasks."""
    before, after = (outcomes({"a": (True,) * 5, "b": (True,) * 5}, violations=rules) for rules in ([], ["CAP"]))
    assert compare(tmp_path, before, after).rules[0].p == pytest.approx(2 / 2**10)
    assert compare(tmp_path, before, after, beyond=True).rules[0].p == pytest.approx(2 / 2**2)


def test_variance_goes_to_task_agent_seed_and_judge(tmp_path: Path) -> None:
    """What differs between tasks alone is the task's; cells done twice that differ tell of the infrastructure."""
    rows = [row(task, task == "a", agent, seed) for task in "ab" for agent in ("us", "them") for seed in (1, 2)]
    found = sources_of(read_report(stored(tmp_path, "one", rows)))
    assert found == [("task", 0.5), ("agent", 0), ("seed", 0), ("judge", None), ("infrastructure", None)]
    again = [*rows, *(one | {"passed": not one["passed"]} for one in rows)]
    assert sources_of(read_report(stored(tmp_path, "two", again)))[-1] == ("infrastructure", 0.5)


def test_cells_are_paired_by_seed(tmp_path: Path) -> None:
    """A seed that is missing on one side is left out; where none is shared, their order counts."""
    before = outcomes({"a": (True, False, True)})
    one = read_report(stored(tmp_path, "before", before))
    other = read_report(stored(tmp_path, "after", [before[0], before[2]]))
    pairing = paired(one, other)
    assert [pair.difference for pair in pairing.conditions["us"]["a"]] == [0, 0]
    assert pairing.alone == 1
    later = read_report(stored(tmp_path, "later", [found | {"seed": found["seed"] + 10} for found in before]))
    assert [pair.difference for pair in paired(one, later).conditions["us"]["a"]] == [0, 0, 0]


def test_single_conditions_are_compared_whatever_their_names(tmp_path: Path) -> None:
    """Two models under one suite: each result has one condition, named after the model."""
    before, after = many(1, 0, 2, condition="small")[0], many(1, 0, 2, condition="large")[1]
    assert compare(tmp_path, before, after).lines[0].condition == "large"


def test_what_could_not_be_measured_is_no_failure(tmp_path: Path) -> None:
    """A broken cell is counted apart, and its row is not judged; neither is one that says neither right nor wrong."""
    rows = [row("a", True), row("b", None, infrastructure="no server"), row("c", [1, 2]), row("d", None, correct=False)]
    found = read_report(stored(tmp_path, "one", rows))
    assert (len(found.rows), found.broken, found.unjudged) == (2, 1, 1)


def test_a_folder_holds_its_result(tmp_path: Path) -> None:
    """A folder is read as its result.json, with the version of the suite from the manifest."""
    stored(tmp_path, "result", [row("a", True)], manifest={"suite": {"version": "2.0.0"}})
    assert read_report(tmp_path).suite_version == "2.0.0"


MANIFESTS = [{"manifest": {"suite": {"version": version}}} for version in ("1", "2")]


@pytest.mark.parametrize(
    ("after", "more", "reason"),
    [
        ([row("a", True)], {"name": "other"}, "a result of suite other, and the baseline one of suite"),
        ([row("a", True)], MANIFESTS[1], "of version 2 of the suite, and the baseline of 1"),
        ([row("b", True)], {}, "the judged tasks of us are not those of the baseline: a missing, b new"),
        ([row("a", True, "x"), row("a", True, "y")], {}, "no condition is in both: us before, x, y after"),
        ([row("a", None)], {}, "none of 1 rows says whether"),
        ([{"task": "a", "passed": True}], {}, "a row without 'condition'"),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path: Path, after: list[Row], more: dict[str, Any], reason: str) -> None:
    """Another suite, another version, other tasks or conditions, and rows that say nothing are UsageErrors."""
    before = read_report(stored(tmp_path, "before", [row("a", True)], **MANIFESTS[0]))
    with pytest.raises(UsageError, match=reason):
        paired(before, read_report(stored(tmp_path, "after", after, **more)))


@pytest.mark.parametrize(
    ("text", "reason"), [("{", "is not JSON"), ("[]", "is no JSON object"), (None, "cannot be read")]
)
def test_a_file_that_is_no_result_is_told(tmp_path: Path, text: str | None, reason: str) -> None:
    """UsageError names the file and says how to make one."""
    file = tmp_path / "x.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=reason) as caught:
        read_report(file)
    assert caught.value.where == str(file)
