"""The suite of paradoxes: what its oracle knows and follows, what the solver says, and what the suite would notice."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.fuzz import loops
from benchmarks.suites import paradox
from benchmarks.suites.paradox import exact
from benchmarks.suites.paradox.asking import asked, judged, registry_of_instance
from benchmarks.suites.paradox.cases import CASES, registry_of
from benchmarks.suites.paradox.cells import NEVER, run, wrong_in
from benchmarks.suites.paradox.exact import Ends, ends, slack, truth, value
from benchmarks.suites.paradox.families import FAMILIES
from benchmarks.suites.paradox.figures import figures
from benchmarks.suites.paradox.instance import ARTIFACT, Case, FieldOf, Instance, Rule, decimal
from benchmarks.suites.paradox.looping import Law, holds, in_a_session, lawful, led
from benchmarks.suites.paradox.oracle import met, prove
from benchmarks.suites.paradox.planted import FEW, GAPS, beyond, single, twins
from benchmarks.suites.paradox.proposers import PROPOSERS, scripted_good, scripted_sycophant
from benchmarks.suites.paradox.published import PRINTED, RULES, facts
from benchmarks.suites.paradox.sums import UnprovedError, constant
from harness.bench.runner import run_cells
from harness.bench.task import Cell, Condition, Row, Task
from harness.converge.ground import Ground, Judged
from harness.converge.loop import Convergence, Loop, Round
from harness.registry.solve.decide import Feasible, Infeasible, Undecided
from harness.registry.solve.extract import extract

SEED = 7
ROOT = Path(__file__).parents[2]


def every(count: int) -> Iterable[Instance]:
    """Give so many instances of each kind."""
    for number in range(count):
        yield from (*twins(SEED, number), single(SEED, number), beyond(SEED, number))


# --- the oracle -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module", ["exact", "instance", "sums", "oracle", "plant", "families", "curves", "discrete", "beyond", "published"]
)
def test_what_is_known_shares_no_code_with_the_solver(module: str) -> None:
    """What says the truth, and what plants it, import nothing of harness, and no library that the solver could use."""
    folder = Path(exact.__file__).parent
    tree = ast.parse((folder / f"{module}.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    own = {node.module for node in imports if isinstance(node, ast.ImportFrom) and node.level}
    assert own <= {"exact", "instance", "sums", "plant", "curves", "discrete"}
    named = [node.module or "" for node in imports if isinstance(node, ast.ImportFrom) and not node.level]
    named += chain.from_iterable([one.name for one in node.names] for node in imports if isinstance(node, ast.Import))
    assert all(name.partition(".")[0] in sys.stdlib_module_names for name in named)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("artifact.x / 3", Fraction(1, 2)),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("abs(-artifact.x) ** 2 - min(1, artifact.x) * max(2, 3)", Fraction(-3, 4)),
        ("sqrt(2.25) + exp(0) + log(1)", Fraction(5, 2)),
        ("1 / artifact.x", Fraction(2, 3)),
    ],
)
def test_terms_are_worked_out_exactly(text: str, expected: Fraction) -> None:
    """Decimals are what they are written as, and functions are exact where their values are fractions."""
    assert value(text, {"x": Fraction(3, 2)}) == ends(expected)


@pytest.mark.parametrize(("text", "digits"), [("exp(1)", "2.71828182845904523536"), ("log(10)", "2.30258509299404568")])
def test_functions_are_enclosed(text: str, digits: str) -> None:
    """The published digits lie between the two ends, which are sixty digits apart."""
    found = value(text, {})
    assert found is not None
    assert abs(found.low - Fraction(digits)) < Fraction(1, 10**16)
    assert 0 < found.high - found.low < Fraction(1, 10**58)


def test_undefined_terms_make_a_comparison_false() -> None:
    """A logarithm of nothing and a division by what may be nothing have no value, whatever they are compared with."""
    assert value("log(artifact.x)", {"x": Fraction(0)}) is None
    assert truth("1 / artifact.x <= 5", {"x": Fraction(0)}) is False
    assert truth("sqrt(artifact.x) <= 5", {"x": Fraction(-1)}) is False
    assert value("1 / artifact.x", {"x": Ends(Fraction(-1), Fraction(1))}) is None


def test_a_comparison_may_be_too_close_to_tell() -> None:
    """Strictness decides at the boundary, and an enclosure around it says nothing."""
    assert [truth(f"artifact.x {sign} 2", {"x": Fraction(2)}) for sign in ("<", "<=", ">", ">=")] == [False, True] * 2
    assert truth("artifact.x <= 2", {"x": Ends(Fraction(1), Fraction(3))}) is None
    assert slack("artifact.x >= 2", {"x": Fraction(5)}) == slack("2 < artifact.x", {"x": Fraction(5)}) == ends(3)


@pytest.mark.parametrize(
    ("number", "text"), [(Fraction(1, 8), "0.125"), (Fraction(-3, 2), "(-1.5)"), (Fraction(40), "40")]
)
def test_numbers_are_written_as_decimals(number: Fraction, text: str) -> None:
    """What is written is the number, and not one near it."""
    assert decimal(number) == text
    for none in (Fraction(1, 3), Fraction(1, 10**17) + 1):
        with pytest.raises(ValueError, match="no decimal"):
            decimal(none)


def test_every_kind_of_instance_is_proved() -> None:
    """The oracle follows what is known of each: witnesses, sums, minimality, single points and roots."""
    for one in every(2 * len(FAMILIES)):
        prove(one)


def wrong(one: Instance, **changed: Any) -> Instance:
    """Give an instance of which something is said that is not so, in its first core."""
    return replace(one, cores=(replace(one.cores[0], **changed), *one.cores[1:]))


def test_the_oracle_follows_no_wrong_proof() -> None:
    """Sums that vary, that are not negative, that use what may be negative or leave a case out, are no proofs."""
    rules = (Rule("LOW", "artifact.x >= 3"), Rule("HIGH", "artifact.x <= 2"))
    fields, listed = (FieldOf("x", Fraction(-5), Fraction(5)),), {rule.id: rule for rule in rules}
    assert constant(fields, listed, Case({"LOW": "1", "HIGH": "1"})) == ends(-1)
    for weights, more, said in (
        ({"LOW": "1", "HIGH": "2"}, (), "not the same everywhere"),
        ({"LOW": "artifact.x", "HIGH": "artifact.x"}, (), "may be negative"),
        ({"LOW": "1", "HIGH": "1"}, ("artifact.x - 1",), "may be negative"),
        ({"LOW": "1", "HIGH": "1"}, ("exp(artifact.x) - 2 - artifact.x",), "may be negative"),
    ):
        with pytest.raises(UnprovedError, match=said):
            constant(fields, listed, Case(weights, more))


def test_the_oracle_finds_what_is_not_so() -> None:
    """A truth of another kind, a missing contradiction, a witness out of bounds, a point with room: all are refused."""
    infeasible, feasible = twins(SEED, 2)
    mus, cases = next(iter(infeasible.cores[0].muses.items()))
    smaller = {frozenset(list(mus)[1:]): cases}
    for one in (
        replace(infeasible, truth="feasible"),
        replace(feasible, truth="infeasible"),
        wrong(infeasible, muses=smaller),
        wrong(infeasible, without=dict(list(infeasible.cores[0].without.items())[1:])),
        wrong(feasible, witness=dict.fromkeys(feasible.cores[0].witness or {}, Fraction(-1))),
        replace(wrong(feasible, alone=cases), truth="point"),
        wrong(beyond(SEED, 0), beyond=replace(beyond(SEED, 0).cores[0].beyond, coefficients=(-4, 0, 1))),  # type: ignore[type-var]
    ):
        with pytest.raises(UnprovedError):
            prove(one)


def test_a_fraction_is_not_taken_for_a_root_that_is_none() -> None:
    """x * x == 4 has a solution that can be written, so it does not count as one of the others."""
    one = beyond(SEED, 0)
    core = one.cores[0]
    assert core.beyond is not None
    rules = tuple(Rule(rule.id, f"artifact.x ** 2 {'>=' if rule.id == 'AT-LEAST' else '<='} 4") for rule in core.rules)
    known = replace(core.beyond, zero="artifact.t ** 2 - 4", coefficients=(-4, 0, 1))
    two = Instance("two", "root", "beyond", core.fields, rules, (replace(core, rules=rules, beyond=known),))
    with pytest.raises(UnprovedError, match="may be 0 at a fraction"):
        prove(two)


# --- the instances ----------------------------------------------------------------------------------------------------


def test_an_instance_is_drawn_by_its_seed_and_number_alone() -> None:
    """The same seed and number draw the same set, others another one."""
    assert twins(SEED, 3) == twins(SEED, 3)
    assert len({single(seed, number).rules for seed in (7, 8) for number in (0, 1)}) == 4


def test_families_gaps_and_sizes_are_spread() -> None:
    """Each family comes with each gap, some sets hold several contradictions, and sets are from small to large."""
    made = [twins(SEED, number)[0] for number in range(len(FAMILIES) * len(GAPS))]
    firsts = Counter(one.family.split("+")[0] for one in made)
    assert firsts == dict.fromkeys(FAMILIES, len(GAPS))
    assert sum(len(one.muses) > 1 for one in made) >= 15
    assert min(len(one.rules) for one in made) <= 4
    assert max(len(one.rules) for one in made) >= 30
    assert max(len(one.fields) for one in made) >= 8


def test_a_twin_differs_in_the_gap_alone() -> None:
    """Twins have the same fields and the same rules by name, and the rules that were added are the same in both."""
    for number in range(len(FAMILIES)):
        infeasible, feasible = twins(SEED, number)
        assert infeasible.fields == feasible.fields
        assert [rule.id for rule in infeasible.rules] == [rule.id for rule in feasible.rules]
        changed = [one.id for one, two in zip(infeasible.rules, feasible.rules, strict=True) if one != two]
        assert changed
        assert not [name for name in changed if name.startswith("ADDED")]


# --- the solver -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(FAMILIES)))
def test_the_solver_is_right_of_every_family(number: int) -> None:
    """A paradox and its minimal sets are found, room is found by a point that the oracle agrees with."""
    infeasible, feasible = (asked(one) for one in twins(SEED, number, FEW))
    assert (infeasible["verdict"], infeasible["mus_exact"]) == ("infeasible", True)
    assert (feasible["verdict"], feasible["witness_wrong"]) == ("feasible", False)
    assert asked(single(SEED, number, FEW))["verdict"] == "feasible"


@pytest.mark.parametrize("number", range(9))
def test_nothing_is_claimed_of_points_that_are_no_fractions(number: int) -> None:
    """The answer is that it is not decided, and what z3 leans to is not wrong."""
    told = asked(beyond(SEED, number, FEW))
    assert (told["verdict"], told["leaning_wrong"]) == ("undecided", False)


def test_wrong_answers_are_noticed() -> None:
    """Each way to be wrong is told apart, and a witness is judged by the oracle."""
    infeasible, feasible = twins(SEED, 4, FEW)  # a power below its root
    problems = {one.truth: extract(registry_of_instance(one), ARTIFACT) for one in (infeasible, feasible)}
    nowhere = Feasible(tuple(one.low for one in problems["feasible"].variables), "made up")
    proof = Infeasible({}, ())
    assert judged(feasible, problems["feasible"], proof)["false_paradox"]
    assert judged(feasible, problems["feasible"], nowhere)["witness_wrong"]
    assert judged(infeasible, problems["infeasible"], nowhere)["missed_paradox"]
    assert judged(infeasible, problems["infeasible"], Undecided("", None, leaning="feasible"))["leaning_wrong"]
    root = beyond(SEED, 0, FEW)
    problem = extract(registry_of_instance(root), ARTIFACT)
    assert judged(root, problem, Feasible((Fraction(1),), "made up"))["overclaimed"]
    assert judged(root, problem, proof)["false_paradox"]


# --- the published cases ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", PRINTED)
def test_formulas_give_the_numbers_as_they_are_printed(case: str) -> None:
    """Rounded to the printed digits, each number of the oracle is the printed one."""
    known = facts()[case]
    for name, printed in PRINTED[case].items():
        last = Decimal(1).scaleb(int(Decimal(printed).as_tuple().exponent))
        assert abs(Decimal(known[name]) - Decimal(printed)) <= last / 2 * Decimal("1.0001"), name


@pytest.mark.parametrize("case", CASES)
def test_the_oracle_reads_the_rules_that_are_shipped(case: str) -> None:
    """On points all over their fields the text of the oracle and the registry say the same, rule by rule."""
    ground, draw = Ground(registry_of(case), CASES[case][1]), Random(5)
    assert [one.id for one in ground.rules] == [one.id for one in RULES[case]]
    for _ in range(40):
        candidate = {
            name: draw.randint(one["minimum"], one["maximum"]) for name, one in ground.schema["properties"].items()
        }
        point = {name: Fraction(at) for name, at in candidate.items()}
        kept = frozenset(name for name, is_met in met(RULES[case], point).items() if is_met)
        assert ground.judge(candidate).satisfied == kept


@pytest.mark.parametrize("case", ["driving 30", "driving 90", "replicas", "replicas 2250"])
def test_published_numbers_come_out(case: str, tmp_path: Path) -> None:
    """Verdict, conflict, limits and relaxations are those of the formulas, to 1e-6."""
    task = next(one for one in paradox.SUITE.tasks if one.name == f"published {case}")
    assert run(Cell(task, Condition("solver"), 0), tmp_path)["wrong"] == []


# --- loops ------------------------------------------------------------------------------------------------------------


def test_locked_rules_let_the_speed_change() -> None:
    """At 90 m from v = 50, which meets one of two rules, following the gradient converges: the rule stays met."""
    ended, asks = led(registry_of("driving 90"), "driving_plan", _from_50)
    assert (ended.end, asks) == ("converged", 2)
    assert [one.candidate for one in ended.rounds] == [{"v_kmh": 50}, {"v_kmh": 84}]


def test_locked_values_would_not() -> None:
    """The same proposer whose fields of met rules are frozen, as published, stays at 50 and never converges."""

    def frozen(ask: Any) -> Any:
        return ask.accepted or _from_50(ask)  # the one field is that of the rule that is met

    ended, asks = led(registry_of("driving 90"), "driving_plan", frozen)
    assert (ended.end, asks, ended.accepted) == ("exhausted", 8, {"v_kmh": 50})


def _from_50(ask: Any) -> Any:
    return {"v_kmh": 50} if ask.accepted is None else PROPOSERS["good"](Random(0))(ask)


@pytest.mark.parametrize("case", ["driving 30", "replicas"])
@pytest.mark.parametrize("policy", [scripted_good, scripted_sycophant])
def test_no_model_is_asked_where_there_is_a_paradox(case: str, policy: Any, tmp_path: Path) -> None:
    """The server of a scripted model hears nothing before the paradox is told."""
    told = in_a_session(case, policy, tmp_path)
    assert (told["end"], told["requests"]) == ("infeasible", 0)


@pytest.mark.parametrize("case", ["driving 90", "replicas 2250"])
def test_a_scripted_model_converges_by_the_prompt_alone(case: str, tmp_path: Path) -> None:
    """One that reads the way out of the prompt gets there; one that claims success is asked to the end of the tries."""
    (tmp_path / "good").mkdir()
    (tmp_path / "bad").mkdir()
    good, bad = (
        in_a_session(case, scripted_good, tmp_path / "good"),
        in_a_session(case, scripted_sycophant, tmp_path / "bad"),
    )
    assert (good["end"], good["requests"], good["ended_wrong"]) == ("converged", 2, False)
    assert (bad["end"], bad["requests"]) == ("exhausted", 8)


def test_rounding_decides_nothing() -> None:
    """A rule that is missed by a hair in exact arithmetic is left to floats; farther away the oracle is sure."""
    rule = Rule("R", "artifact.x <= 2")
    assert [holds(rule, {"x": x}) for x in (1.9, 2, 2.0000000001, 2.1)] == [True, True, None, False]
    assert holds(Rule("S", "artifact.x < 2"), {"x": 2}) is False
    assert holds(Rule("G", "artifact.x <= 2", "artifact.mode == 'a'"), {"x": 9, "mode": "b"}) is True


def test_a_broken_law_is_noticed() -> None:
    """An accepted candidate that breaks what the one before it met is counted, and so is a wrong end."""
    rules = (Rule("LOW", "artifact.x >= 3"), Rule("HIGH", "artifact.y <= 2"))
    first, second = {"x": 4, "y": 5}, {"x": 1, "y": 1}
    rounds = (Round(1, first, accepted=True), Round(2, second, accepted=True))
    assert lawful(rules, Convergence("converged", second, rounds)) == Law(1, True)
    refused = (rounds[0], Round(2, second, accepted=False))
    assert lawful(rules, Convergence("exhausted", None, refused)) == Law(0, False)


def test_hostile_loops_keep_the_law() -> None:
    """Two hundred loops: nothing locked is ever broken, though it was tried more often than there are loops."""
    counts, faults = loops.campaign(200, 3)
    assert faults == []
    assert counts["refused"] > 200
    assert counts["no_artifact"] > 100
    assert counts["exhausted"] + counts["converged"] == 200


class Counting(Loop):
    """A loop as it should not be: it accepts what meets as many rules as before, and not the same ones."""

    def _judged(self, number: int, judged: Judged) -> Round:
        before = self._accepted.satisfied if self._accepted else frozenset[str]()
        if judged.fault or len(judged.satisfied) < len(before):
            return Round(number, judged.candidate, fault=judged.fault)
        self._accept(judged)
        return Round(number, judged.candidate, accepted=True)


def test_hostile_loops_find_out_who_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that goes by the number of rules that are met breaks the law, and the campaign says so."""
    monkeypatch.setattr(loops, "Loop", Counting)
    assert len(loops.campaign(40, 3)[1]) > 5


def test_the_campaign_prints_its_figures() -> None:
    """It ends with one JSON object, and with 0 where the law was kept."""
    command = [sys.executable, "-m", "benchmarks.fuzz.loops", "--n", "20", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    told = json.loads(done.stdout)["figures"]
    assert (done.returncode, told["locked_broken"]["value"], told["loops"]["value"]) == (0, 0, 20)


# --- the suite --------------------------------------------------------------------------------------------------------


def test_a_part_of_the_suite_meets_its_bars() -> None:
    """Every figure but those of time is met, but for how many sets and published numbers there are: few here."""
    cells = [cell for cell in paradox.SUITE.cells(first=SEED) if _is_small(cell.task)]
    result = run_cells(paradox.SUITE, cells)
    assert result.broken == ()
    assert all(row.found["passed"] for row in result.rows)
    found = paradox.SUITE.figures(result.rows)
    missed = {name for name, figure in found.items() if figure.ok is False and figure.unit != "ms"}
    assert missed == {"vectors", "instances", *(f"instances_{kind}" for kind in paradox.SETS)}
    assert found["loops"].value == sum(cell.task.group in ("loops", "sessions") for cell in cells)


def _is_small(task: Task) -> bool:
    if task.group in ("published", "sessions", "loops"):
        return task.data.get("case") in ("driving 30", "driving 90")
    return task.data["number"] in (0, 4, 6)


def test_one_wrong_row_misses_its_bar() -> None:
    """A single false paradox, an undecided set, or a call to a model is seen in the figure that speaks of it."""
    row = {
        "truth": "feasible",
        "verdict": "feasible",
        "overclaimed": False,
        "witness_wrong": False,
        "leaning_wrong": False,
        "ms": 1.0,
    }
    found = _figures([row, row | {"verdict": "infeasible"}])
    assert (found["false_paradox"].value, found["false_paradox"].ok) == (1, False)
    found = _figures([row, row | {"verdict": "undecided"}])
    assert (found["unknown_rate"].value, found["unknown_rate"].ok) == (0.25, False)
    found = _figures([row | {"truth": "beyond", "verdict": "undecided"}, row])
    assert (found["unknown_rate"].value, found["unknown_rate"].ok) == (0, True)
    assert (found["model_calls"].value, found["locked_broken"].ok, found["loops_false_paradox"].ok) == (1, False, False)


_SET = {"truth": "feasible", "verdict": "feasible", **dict.fromkeys(NEVER, False)}
_LOOP = {"truth": "feasible", "end": "converged", "asks": 2, "locked_broken": 0, "ended_wrong": False}


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        (_SET, []),
        (_SET | {"verdict": "undecided"}, ["undecided"]),
        (_SET | {"truth": "beyond", "verdict": "undecided"}, []),
        (_SET | {"false_paradox": True}, ["false paradox"]),
        (_SET | {"truth": "infeasible", "verdict": "infeasible", "mus_exact": False}, ["not the planted conflicts"]),
        ({"vectors": 2, "wrong": ["fastest: 1 and not 2"]}, ["fastest: 1 and not 2"]),
        (_LOOP, []),
        (_LOOP | {"end": "exhausted"}, []),  # of a proposer that never gets there
        (_LOOP | {"end": "infeasible", "asks": 0}, ["infeasible, and it is feasible"]),
        (_LOOP | {"truth": "infeasible"}, ["converged, and it is infeasible"]),
        (_LOOP | {"truth": "infeasible", "end": "infeasible"}, ["asked 2 times before it was told"]),
        (
            _LOOP | {"locked_broken": 1, "ended_wrong": True},
            ["1 locked rules broken", "converged to what breaks a rule"],
        ),
    ],
)
def test_a_row_says_what_is_wrong_with_it(found: dict[str, Any], wrong: list[str]) -> None:
    """A cell passes where everything is as it is known to be; each thing that is not is named."""
    assert wrong_in(found) == wrong


def test_a_share_of_nothing_is_left_out() -> None:
    """Where no set is among the cells, no share of sets is told."""
    assert "unknown_rate" not in figures([])
    assert figures([])["false_paradox"].value == 0


def _figures(found: list[dict[str, Any]]) -> Any:
    """Give the figures of rows of sets, of a planted one, of one published case, and of a loop that went wrong."""
    planted = {**found[0], "truth": "infeasible", "verdict": "infeasible", "mus_exact": True, "planted": 1}
    case = {"truth": "feasible", "verdict": "feasible", "vectors": 1, "correct": 1}
    loop = {"end": "infeasible", "truth": "feasible", "asks": 1, "locked_broken": 1, "ended_wrong": False}
    rows = [("feasible", one) for one in found] + [("infeasible", planted), ("published", case), ("loops", loop)]
    return figures([Row(Cell(Task(str(at), group), Condition("good"), 0), one) for at, (group, one) in enumerate(rows)])


def test_the_suite_has_all_its_tasks() -> None:
    """More than a hundred sets of each kind, the published cases, and loops over sets of each kind."""
    counts = Counter(task.group for task in paradox.SUITE.tasks)
    sets = {"infeasible": 120, "feasible": 120, "point": 100, "beyond": 108}
    assert counts == {**sets, "published": 6, "sessions": 6, "loops": 6 + sum(paradox.LOOPS.values())}
