"""Two results are compared figure by figure and row by row."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.bench.figures import Figure
from harness.bench.report.difference import difference
from tests.bench.report.made import ROWS, stored

SAID = {"passed": {"passed": True}, "failed": {"passed": False}, "unmeasured": {"infrastructure": "x"}, "unjudged": {}}
OUTCOMES = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(sorted(SAID)))


def test_a_result_does_not_differ_from_itself() -> None:
    """All rows are alike and no figure has moved."""
    found = difference(stored(), stored())
    assert found.alike == len(ROWS)
    assert not any(found[1:6])
    assert [one.change for one in found.figures] == [0, 0, 0]


def test_figures_move() -> None:
    """The change is after less before; a figure that one side lacks has none."""
    before = stored((), {"gone": Figure(1, "1"), "both": Figure(4, "1")})
    after = stored((), {"both": Figure(1.5, "1"), "new": Figure(1, "1")})
    assert [(one.name, one.change) for one in difference(before, after).figures] == [
        ("gone", None),
        ("both", -2.5),
        ("new", None),
    ]


@given(OUTCOMES, OUTCOMES)
def test_every_row_is_on_one_side(before: dict[str, str], after: dict[str, str]) -> None:
    """Rows are worse, better, otherwise different, alike, or only in one; turned round, worse is better."""
    results = [stored([{"task": task, **SAID[one]} for task, one in said.items()], {}) for said in (before, after)]
    found, turned = difference(*results), difference(*reversed(results))
    both = before.keys() & after.keys()
    assert {flip.key.task for flip in found.worse} == {
        task for task in both if (before[task], after[task]) == ("passed", "failed")
    }
    assert {flip.key for flip in found.worse} == {flip.key for flip in turned.better}
    assert {flip.key for flip in found.other} == {flip.key for flip in turned.other}
    assert {key.task for key in found.only_before} == before.keys() - after.keys()
    assert {key.task for key in found.only_after} == after.keys() - before.keys()
    assert len(found.worse) + len(found.better) + len(found.other) + found.alike == len(both)
    for flip in (*found.worse, *found.better, *found.other):
        rows = (result.rows[number]["task"] for result, number in zip(results, flip.rows, strict=True))
        assert {*rows} == {flip.key.task}
