"""A case file is an argument, or every reason why it is none is told with its line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bench.case.reading import read_case
from harness.errors import CaseError

WHOLE = """\
case: refunds
version: 1
goals:
  G1: {says: Refunds are right, by: [S1], context: [C1]}
  G2: {says: Small ones, by: [E1]}
  G3: {says: Late ones, undeveloped: true}
strategies:
  S1: {says: Over all kinds, by: [G2, G3], context: [A1, J1]}
evidence:
  E1: {says: A run, trace: {file: run.mat.jsonl}}
contexts:
  C1: {says: Shops}
assumptions:
  A1: {says: Nobody lies}
justifications:
  J1: {says: There are two kinds}
"""


def refused(text: str) -> list[str]:
    """Give the lines and messages of what is wrong with a text."""
    with pytest.raises(CaseError) as error:
        read_case(text, "case.yaml")
    return [f"{one.line}: {one.message}" for one in error.value.mistakes]


def test_an_argument_is_read() -> None:
    """The goal that supports nothing is the top; every element has its kind, its text and its connections."""
    case = read_case(WHOLE, "case.yaml")
    assert (case.name, case.version, case.title, case.root) == ("refunds", "1", "refunds", "G1")
    assert {one.id: one.kind for one in case.elements.values()} == {
        **dict.fromkeys(["G1", "G2", "G3"], "goal"),
        "S1": "strategy",
        "E1": "solution",
        "C1": "context",
        "A1": "assumption",
        "J1": "justification",
    }
    assert case.elements["S1"].by == ("G2", "G3")
    assert (case.elements["E1"].linked, case.elements["E1"].link) == ("trace", {"file": "run.mat.jsonl"})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("by: [E1]", "by: [E2]", "5: no element is called 'E2'"),
        ("context: [C1]", "context: [G2]", "4: G2 is a goal, and a goal cannot have one under 'context'"),
        ("by: [S1]", "by: [S1, C1]", "4: C1 is a context, and a goal cannot have one under 'by'"),
        ("by: [G2, G3]", "by: [G2, G3, E1]", "8: E1 is a solution, and a strategy cannot have one under 'by'"),
        (", by: [E1]", "", "5: nothing supports G2"),
        (", undeveloped", ", by: [E1], undeveloped", "6: G3 is undeveloped and has support"),
        ("by: [E1]", "by: [E1, G1]", "5: the argument goes in a circle"),
        ("by: [G2, G3]", "by: [G2]", "6: G3 is a second goal at the top"),
        ("context: [A1, J1]", "context: [J1]", "14: no goal and no strategy names A1"),
        ("A1: {says", "E1: {says", "14: 'E1' names two elements"),
        (
            "trace: {file: run.mat.jsonl}",
            "figure: {result: a, name: b}, trace: {file: c}",
            "10: evidence rests on exactly",
        ),
        (", trace: {file: run.mat.jsonl}", "", "10: evidence rests on exactly one of"),
        ("file: run", "digest: abc, file: run", "10: not a digest"),
        ("trace: {file: run.mat.jsonl}", "figure: {result: a, name: b, target: 7}", "10: target: expected text"),
        ("trace: {file: run.mat.jsonl}", "figure: {result: a, name: b, target: '=> 7'}", "10: a target cannot be"),
        ("E1: {says", "E 1: {says", "10: evidence: 'E 1' is not a name"),
        ("says: Shops", "sais: Shops", "12: unknown key 'sais'"),
        ("case: refunds\n", "", "1: the key 'case' is missing"),
        ("case: refunds", "case: [", "3: not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, said: str) -> None:
    """One mistake in a file that is right otherwise is found, where it stands."""
    assert WHOLE.count(old) == 1
    assert any(one.startswith(said) for one in refused(WHOLE.replace(old, new))), refused(WHOLE.replace(old, new))


def test_all_mistakes_are_told_at_once() -> None:
    """Several mistakes are one error, in the order of their lines, with the nearest right name."""
    text = WHOLE.replace("by: [E1]", "by: [E11]").replace("[A1, J1]", "[A1, J2]")
    assert refused(text) == ["5: no element is called 'E11'", "8: no element is called 'J2'"]
    with pytest.raises(CaseError, match="did you mean 'E1'"):
        read_case(text, "case.yaml")


def test_a_circle_is_shown_whole() -> None:
    """The message names every element of the circle, in its order."""
    (said,) = [one for one in refused(WHOLE.replace("by: [E1]", "by: [E1, G1]")) if "circle" in one]
    assert said.endswith("G1 → S1 → G2 → G1")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14))
def test_an_argument_is_accepted_exactly_if_it_is_one_tree_like_whole(pairs: list[tuple[int, int]]) -> None:
    """Goals that support each other are accepted if and only if nothing is in a circle and there is one top."""
    by: dict[int, list[int]] = {at: [] for at in range(8)}
    for one, other in pairs:
        by[one].append(other)
    lines = []
    for at, below in by.items():
        support = f"by: [{', '.join(f'G{one}' for one in below)}]" if below else "undeveloped: true"
        lines.append(f"  G{at}: {{says: x, {support}}}")
    left, going = set(by), True
    while going:  # take away what rests on nothing that is left: in a circle something always does
        free = {at for at in left if not set(by[at]) & left}
        left, going = left - free, bool(free)
    tops = set(by) - {below for several in by.values() for below in several}
    text = "\n".join(["case: any", "goals:", *lines])
    if left or len(tops) != 1:
        assert refused(text)
    else:
        assert read_case(text, "case.yaml").root == f"G{tops.pop()}"
