"""Spoilt certificates are rejected, or are proofs still: by a second checker that was written from the format alone."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from fractions import Fraction
from math import inf
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.solve import certificates, planes, proof, slopes, spans
from benchmarks.fuzz.solve.certificates import passed_for_twin, proved, tried
from benchmarks.fuzz.solve.mutations import MUTATIONS
from benchmarks.fuzz.solve.proof import proves
from benchmarks.fuzz.solve.stock import Proved
from harness.registry.solve.ball import Balls, Inexact
from harness.registry.solve.bound import steps_of
from harness.registry.solve.certificate import dump, load
from harness.registry.solve.checker import check_certificate
from harness.registry.solve.plane import least_by_planes
from harness.registry.solve.problem import Apply, Below, Equal, Every, Problem, Some, Term, Variable
from tests.registry.solve.problems import X, driving, every, exp, integer, number, problem, real, some
from tests.registry.solve.terms import NoValue, a_box, a_number, a_point, a_term, exact

SEED = 6
EACH = 48  # times the 21 mutations are more than 1,000


@pytest.fixture(scope="module")
def stock() -> list[Proved]:
    """Give forty infeasible sets, their certificates and their feasible twins."""
    return proved(40)


def test_the_certificates_are_of_many_kinds(stock: list[Proved]) -> None:
    """At least twenty problems, with splits, refutations, weights and planes among their proofs, all with a twin."""
    text = b"".join(dump(one.certificate) for one in stock)
    assert len({one.problem.digest for one in stock}) >= 20
    assert min(text.count(word) for word in (b'"split"', b'"refuted"', b'"weights"', b'"planes"')) >= 10
    assert all(one.twin is not None for one in stock)


@pytest.mark.parametrize("kind", range(len(MUTATIONS)), ids=[one.__name__ for one in MUTATIONS])
def test_what_is_no_proof_is_rejected(stock: list[Proved], kind: int) -> None:
    """Whatever the checker accepts of what was spoilt, exact fractions and decimals prove too."""
    done = [tried(stock, SEED, kind + len(MUTATIONS) * number) for number in range(EACH)]
    outcomes = Counter(one.outcome for one in done)
    assert outcomes["accepted_without_proof"] == 0, [one for one in done if one.outcome == "accepted_without_proof"]
    assert outcomes["rejected"] > EACH // 3


def test_no_certificate_passes_for_the_feasible_twin(stock: list[Proved]) -> None:
    """With one parameter moved the set has a point, and the certificate is refused, its digest forged or not."""
    assert {one.name: how for one in stock if (how := passed_for_twin(one))} == {}


def test_untouched_certificates_are_proofs(stock: list[Proved]) -> None:
    """Both checkers follow all of them, also when they come from a file."""
    for one in stock:
        assert proves(one.problem, one.certificate) == "", one.name
        assert check_certificate(one.problem, load(dump(one.certificate))) == ""


def test_a_checker_that_is_too_kind_is_found_out(stock: list[Proved], monkeypatch: pytest.MonkeyPatch) -> None:
    """One that accepts everything is caught by every mutation, one that does not look at twins by every twin."""
    monkeypatch.setattr(certificates, "check_certificate", lambda *_: "")
    caught = Counter(
        one.mutation
        for one in (tried(stock, SEED, number) for number in range(10 * len(MUTATIONS)))
        if not one.reason and one.opinion and one.opinion != "no file"
    )
    assert set(caught) >= {one.__name__ for one in MUTATIONS} - {"file_cut", "file_lines"}  # hardly ever even loaded
    assert all(len(passed_for_twin(one)) == 2 for one in stock)


def test_the_second_opinion_shares_nothing() -> None:
    """Of harness it imports the language of problems, and of other packages nothing."""
    imported: set[str] = set()
    for module in (planes, proof, slopes, spans):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.ImportFrom):
                imported.add(str(node.module))
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    own = {name for name in imported if name.startswith(("harness", "benchmarks"))}
    assert own == {
        "harness.registry.solve.problem",
        *(f"benchmarks.fuzz.solve.{name}" for name in ("planes", "slopes", "spans")),
    }
    assert imported - own == {"__future__", "collections.abc", "decimal", "fractions", "math", "re", "typing"}


# --- the second opinion, by hand --------------------------------------------------------------------------------------

NEVER_BELOW = problem([real("x", -1, 1)], c=exp(X(0)) - X(0) - 1 <= Fraction(-1, 10**9))
WHOLE = problem([integer("n", 0, 9)], c=(X(0) * 2).equals(7))
LEFT = problem([real("x", 0, 9), real("y", -9, 9)], c=some(X(0) <= -1, every(X(0) + X(1) <= 1)), d=X(0) + X(1) >= 2)
DISC = problem([real("x", -2, 2), real("y", -2, 2)], c=X(0) ** 2 + X(1) * X(1) <= 1, d=3 * X(0) + 4 * X(1) > 5)
TOUCHING = problem([real("x", -2, 2), real("y", -2, 2)], c=X(0) ** 2 + X(1) * X(1) <= 1, d=3 * X(0) + 4 * X(1) >= 5)
FENCE = problem([real("x", 1, 3), real("y", 1, 3)], c=X(0) * X(1) <= X(0) + X(1) - Fraction(101, 100))
POLE = problem([real("x", -1, 1)], c=1 / X(0) <= -2, d=X(0) >= Fraction(-1, 4))
HOLLOW = Problem((Variable("n", "integer", Fraction(1, 3), Fraction(2, 3)),), ())


@pytest.mark.parametrize(
    ("of", "tree", "proof_of_it"),
    [
        (driving(30), ["split", 0, "70", ["refuted", 1], ["refuted", 0]], True),
        (driving(30), ["split", 0, "70", ["refuted", 0], ["refuted", 1]], False),
        (driving(90), ["split", 0, "70", ["refuted", 1], ["refuted", 0]], False),
        (driving(30), ["split", 0, "121", ["refuted", 1], ["refuted", 0]], False),
        (NEVER_BELOW, ["weights", [[0, [], "1"]]], False),
        (WHOLE, ["split", 0, "7/2", ["refuted", 0], ["refuted", 0]], True),
        (WHOLE, ["split", 0, "9", ["refuted", 0], ["refuted", 0]], False),
        (LEFT, ["weights", [[0, [1, 0], "1"], [1, [], "1"]]], True),
        (LEFT, ["weights", [[0, [0], "1"], [1, [], "1"]]], False),
        (LEFT, ["weights", [[0, [1, 0], "-1"], [1, [], "1"]]], False),
        (DISC, ["planes", ["3/5", "4/5"], [[0, [], "5/2"], [1, [], "1"]]], True),
        (DISC, ["planes", ["1/2", "4/5"], [[0, [], "5/2"], [1, [], "1"]]], False),
        (DISC, ["planes", ["3/5", "4/5"], [[0, [], "2"], [1, [], "1"]]], False),
        (DISC, ["planes", ["3/5"], [[0, [], "5/2"], [1, [], "1"]]], False),
        (DISC, ["planes", ["3/5", "4/5", "0"], [[0, [], "5/2"], [1, [], "1"]]], False),
        (DISC, ["planes", ["3/5", 0.8], [[0, [], "5/2"], [1, [], "1"]]], False),
        (DISC, ["weights", [[0, [], "5/2"], [1, [], "1"]]], False),
        (TOUCHING, ["planes", ["3/5", "4/5"], [[0, [], "5/2"], [1, [], "1"]]], False),
        (FENCE, ["planes", ["1", "1"], [[0, [], "1"]]], True),
        (FENCE, ["planes", ["3", "3"], [[0, [], "1"]]], False),
        (POLE, ["planes", ["0"], [[0, [], "1"], [1, [], "1"]]], False),
        (HOLLOW, ["hollow", 0], True),
        (HOLLOW, ["weights", []], False),
        (WHOLE, ["hollow", 0], False),
    ],
)
def test_proofs_by_hand(of: Problem, tree: Any, proof_of_it: bool) -> None:
    """Both checkers tell small proofs from what only looks like one."""
    certificate = {"format": "infeasible/1", "problem": of.digest, "tree": tree}
    assert (proves(of, certificate) == "") is proof_of_it
    assert (check_certificate(of, certificate) == "") is proof_of_it


def test_conditions_are_never_or_always_so() -> None:
    """What is undefined is false, also where it would differ, and a part decides for its whole."""
    box, at = ((Fraction(0), Fraction(1)),), spans.Spans(60).value
    log, root = (Apply(name, (X(0).term,)) for name in ("log", "sqrt"))
    below = Below((number(-1) * X(0) - 1).term)
    assert proof.always(below, box, at)
    assert not proof.never(below, box)
    assert proof.never(Below((X(0) + 1).term), box)
    assert not proof.always(Below(Apply("-", (log, number(5).term))), box, at)
    assert proof.never(Equal(Apply("log", ((X(0) - 2).term,)), differs=True), box)
    assert proof.never(Below(root, strict=True), box)
    assert not proof.never(Below(root), box)
    assert proof.never(Every((below, Below(number(1).term))), box)
    assert proof.always(Some((below, Below(number(1).term))), box, at)
    assert proof.never(Some(()), box)
    assert proof.always(Every(()), box, at)


# --- its planes -------------------------------------------------------------------------------------------------------

RATIONAL = ("+", "*", "-", "/", "abs", "min", "max")


def a_case(random: Random) -> tuple[list[tuple[Term, Fraction]], Any, Any]:
    """Give a weighted sum of rational terms, a box and a point of it."""
    terms = [a_term(random, random.randint(1, 4), RATIONAL) for _ in range(2)]
    box = a_box(random)
    return [(random.choice(terms), a_number(random)) for _ in range(3)], box, a_point(random, box)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**63).map(Random))
def test_no_value_is_below_the_planes_of_the_second_opinion(random: Random) -> None:
    """Of random terms, at two hundred points of a box, none is less than its planes allow, nor has one that is none."""
    weighted, box, point = a_case(random)
    try:
        low = planes.least_by_planes(spans.Spans(330), weighted, box, point)
    except planes.Untouched:
        return
    except planes.Nowhere:
        low = inf
    for _ in range(200):
        at = a_point(random, box)
        try:
            value = sum(weight * exact(term, at) for term, weight in weighted)
        except NoValue:
            continue
        assert value >= low


def test_the_second_opinion_has_planes_as_high_as_the_checker() -> None:
    """Of three hundred random sums, none is bounded lower by fractions than by the checker, hardly any higher."""
    outcomes = Counter[str]()
    for number_of_it in range(300):
        weighted, box, point = a_case(Random(number_of_it))
        try:
            theirs = least_by_planes(Balls(0), [(steps_of(term), weight) for term, weight in weighted], box, point)
            ours = planes.least_by_planes(spans.Spans(330), weighted, box, point)
        except (Inexact, planes.Nowhere, planes.Untouched):
            outcomes["without"] += 1
            continue
        outcomes["same" if ours == theirs else "higher" if ours > theirs else "lower"] += 1
    assert outcomes["lower"] == 0
    assert outcomes["same"] > 200
