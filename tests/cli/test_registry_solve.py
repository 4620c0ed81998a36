"""``harness registry solve`` and ``verify-certificate``, on the registries that are shipped."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from harness.cli import execute

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "solve.md"
DRIVING: Final = ("driving_degradation", "--artifact", "driving_plan")
REACTOR: Final = ("flow_reactor", "--artifact", "operating_point")
CONFLICT: Final = ["CONVERSION-MINIMUM", "IMPURITY-LIMIT", "RESIDENCE-TIME-LIMIT"]

LOAN: Final = """\
registry: loan
version: 1
default: allow
artifacts:
  offer:
    schema:
      type: object
      required: [grade, insured, years]
      properties:
        grade: {enum: [low, mid, high]}
        insured: {type: boolean}
        years: {type: integer, minimum: 1, maximum: 30}
invariants:
- {id: LONG, on: artifact, artifact: offer, when: artifact.years > 10, require: artifact.grade == "high"}
- {id: INSURED, on: artifact, artifact: offer, when: artifact.grade == "high", require: artifact.insured}
- {id: LASTING, on: artifact, artifact: offer, require: artifact.years >= 8}
"""


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that runs a verb of ``harness registry`` in an empty folder: exit code and what was printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = execute(["registry", *arguments])
        said = capsys.readouterr()
        return code, json.loads(said.out) if "--json" in arguments else said.out + said.err

    return run


def relaxed(facts: dict[str, Any]) -> dict[str, float | None]:
    """Give where each parameter is feasible; None for never."""
    assert all(one["never"] != ("feasible_at" in one) for one in facts["relaxations"])
    return {one["parameter"]: one.get("feasible_at") for one in facts["relaxations"]}


def test_the_page_shows_what_happens(told: Any) -> None:
    """Every command of docs/solve.md prints the lines that stand under it; an ellipsis is anything."""
    blocks = re.findall(r"^    \$ harness registry (.*)\n((?:    .*\n)*)", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(blocks) == 3
    for command, shown in blocks:
        _, said = told(*shlex.split(command))
        lines = ".*".join(re.escape(part) for part in re.sub(r"(?m)^    ", "", shown).split("…"))
        assert re.fullmatch(lines, said), f"{lines}\nis not\n{said}"


def test_the_driving_case(told: Any) -> None:
    """At 30 m both rules are in conflict, and what has to give way is told to 1e-6; at 90 m there is a window."""
    code, facts = told("solve", *DRIVING, "--relax", "--json")
    assert (code, facts["verdict"]) == (1, "infeasible")
    assert facts["conflicts"] == [
        {"rules": ["FORWARD-BRAKING", "REAR-DECELERATION"], "minimal": "certified", "undecided": []}
    ]
    found = relaxed(facts)
    assert found["decel_max_mps2"] == pytest.approx(3.599420344, abs=1e-6)
    assert found["perception_m"] == pytest.approx(625 / 9, abs=1e-6)
    assert "gravity_mps2" not in found
    code, facts = told("solve", *DRIVING, "--set", "perception_m=90", "--region", "v_kmh", "--json")
    assert (code, facts["verdict"]) == (0, "feasible")
    (window,) = [one for one in facts["regions"]["v_kmh"] if one["state"] == "in"]
    assert window["exact"]["low"] == "84"
    assert window["high"] == pytest.approx(95.627276, abs=1e-6)


def test_the_reactor(told: Any) -> None:
    """Three rules are in conflict, three of their parameters and one of the kinetics help, the temperature never."""
    code, facts = told("solve", *REACTOR, "--all", "--relax", "--json")
    assert code == 1
    assert [one["rules"] for one in facts["conflicts"]] == [CONFLICT]
    assert sorted(facts["corrections"]) == [[one] for one in CONFLICT]
    assert facts["complete"]
    found = relaxed(facts)
    assert found["tau_max_s"] == pytest.approx(157.05221, abs=1e-5)
    assert found["impurity_max"] == pytest.approx(0.0261754, abs=1e-6)
    assert found["conversion_min"] == pytest.approx(0.927096, abs=1e-6)
    assert found["temperature_max_c"] is None


def test_a_region_with_another_field_fixed(told: Any) -> None:
    """At 175 s the temperatures that fit are those of an independent calculation."""
    asked = ("--set", "tau_max_s=180", "--region", "temperature_c", "--fix", "tau_s=175", "--json")
    code, facts = told("solve", *REACTOR, *asked)
    (fits,) = [one for one in facts["regions"]["temperature_c"] if one["state"] == "in"]
    assert (code, fits["low"], fits["high"]) == (
        0,
        pytest.approx(96.867132, abs=1e-6),
        pytest.approx(97.724475, abs=1e-6),
    )


def test_replicas(told: Any) -> None:
    """A whole number is relaxed to a whole number, and money exactly to what is needed."""
    _, facts = told("solve", "replicas", "--artifact", "deployment", "--relax", "--json")
    found = relaxed(facts)
    assert (found["replicas_min"], found["budget_usd"]) == (2, 2250)


def test_several_parameters_at_once(told: Any) -> None:
    """The same share of two and of three, up or down as it is found; the ends of a menu are the relaxations alone."""
    shares = ("--joint", "tau_max_s,impurity_max", "--joint", "tau_max_s,impurity_max,conversion_min")
    code, facts = told("solve", *REACTOR, *shares, "--pareto", "tau_max_s,impurity_max", "--json")
    assert code == 1
    two, three = facts["joint"]
    assert two["feasible_at"] == pytest.approx(0.144014, abs=1e-6)
    assert three["feasible_at"] == pytest.approx(0.020163, abs=1e-6)
    assert [one["value"] > one["stated"] for one in three["moves"]] == [True, True, False]
    (menu,) = facts["menus"]
    offers = [[move["value"] for move in offer["moves"]] for offer in menu["offers"]]
    assert offers[0] == pytest.approx([120, 0.0261754], abs=1e-6)
    assert offers[-1] == pytest.approx([157.0522074, 0.02], abs=1e-6)
    assert all(offer["tight"] for offer in menu["offers"])
    pair = "perception_m,decel_max_mps2"
    code, said = told("solve", *DRIVING, "--joint", pair, "--pareto", pair)
    assert "    47.2398 %   perception_m 30 -> 44.17194   decel_max_mps2 2 -> 2.944796   infeasible at" in said
    assert "    perception_m 30 -> 69.44444   decel_max_mps2 2 -> 2   no less would do\n" in said


def test_whole_numbers_stay_whole(told: Any) -> None:
    """On a menu and by a share too, and a question with a fraction is refused."""
    asked = ("replicas", "--artifact", "deployment", "--pareto", "replicas_min,budget_usd")
    _, facts = told("solve", *asked, "--joint", "replicas_min,budget_usd", "--json")
    offers = [[move["value"] for move in offer["moves"]] for offer in facts["menus"][0]["offers"]]
    assert offers == [[5, 2250], [4, 1800], [3, 1350], [2, 1200]]
    assert facts["joint"][0]["moves"][0]["value"] == 3
    assert facts["joint"][0]["feasible_at"] == pytest.approx(0.4, abs=1e-8)
    code, said = told("solve", "replicas", "--artifact", "deployment", "--set", "replicas_min=2.5")
    assert code == 2
    assert "replicas_min=2.5 is no whole number" in said


def test_rules_that_cannot_be_read_are_not_solved(told: Any, tmp_path: Path) -> None:
    """The registry was loaded all the same, so that is not what is said."""
    text = LOAN.replace("require: artifact.years >= 8", "require: len(text(artifact.years)) >= 8")
    (tmp_path / "loan.yaml").write_text(text)
    code, said = told("solve", "loan.yaml", "--artifact", "offer")
    assert code == 2
    assert said.endswith("1 mistake in 1 file; nothing was solved\n")


def test_bounds_of_the_schema_are_not_counted_as_rules(told: Any, tmp_path: Path) -> None:
    """Bounds that are not included are constraints beside the two rules that are written."""
    number = "{type: number, minimum: 0, exclusiveMaximum: 5}"
    (tmp_path / "open.yaml").write_text(
        "registry: open\nversion: 1\ndefault: allow\nartifacts:\n"
        f"  a: {{schema: {{type: object, required: [x, y], properties: {{x: {number}, y: {number}}}}}}}\n"
        "invariants:\n- {id: A, on: artifact, artifact: a, require: artifact.x >= 6}\n"
        "- {id: B, on: artifact, artifact: a, require: artifact.y >= 1}\n"
    )
    code, said = told("solve", "open.yaml", "--artifact", "a")
    assert code == 1
    assert said.startswith("infeasible: no a meets 2 rules (certificate replayed)\n")
    assert "in conflict, 1 rule\n    A   open.yaml:7\n" in said


def test_what_no_share_and_no_exchange_would_do(told: Any) -> None:
    """The temperature is in no conflict, so it is never what has to give way, alone or with another."""
    asked = ("--joint", "temperature_max_c,cooling_w", "--pareto", "temperature_max_c,cooling_w")
    code, facts = told("solve", *REACTOR, *asked, "--json")
    assert (code, facts["joint"][0]["never"], facts["menus"][0]["never"]) == (1, True, True)
    code, said = told("solve", *REACTOR, *asked)
    assert "never: infeasible up to" in said
    assert "never: infeasible with temperature_max_c from 0 to 200 and cooling_w from 0 to 100000" in said


def test_choices_are_told_by_their_values(told: Any, tmp_path: Path) -> None:
    """A witness holds texts and truth values as the artifact would; a field can be fixed at one of them."""
    (tmp_path / "loan.yaml").write_text(LOAN)
    asked = ("solve", "loan.yaml", "--artifact", "offer", "--region", "years", "--json")

    def years(*fixed: str) -> list[tuple[float, float]]:
        code, facts = told(*asked, *fixed)
        assert code == 0
        point = facts["point"]
        assert point["grade"] in {"low", "mid", "high"}
        assert type(point["insured"]) is bool
        assert point["years"] <= 10 or (point["grade"], point["insured"]) == ("high", True)
        return [(one["low"], one["high"]) for one in facts["regions"]["years"] if one["state"] == "in"]

    assert years() == [(8, 30)]
    assert years("--fix", "grade=low") == [(8, 10)]
    assert years("--fix", "grade=high", "--fix", "insured=false") == []
    code, said = told(*asked[:-1], "--fix", "grade=none")
    assert code == 2
    assert "it may be: 'low', 'mid', 'high'" in said


def test_a_certificate_proves_one_problem_only(told: Any, tmp_path: Path) -> None:
    """It is proven for what it was written for, and rejected for other values; the same bytes each time."""
    verify = ("verify-certificate", "proof", "--registry", *REACTOR)
    assert told("solve", *REACTOR, "--certificate", "proof")[0] == 1
    written = (tmp_path / "proof").read_bytes()
    told("solve", *REACTOR, "--certificate", "again")
    assert (tmp_path / "again").read_bytes() == written
    code, facts = told(*verify, "--json")
    assert (code, facts["proves"], facts["reason"]) == (0, True, "")
    code, said = told(*verify, "--set", "tau_max_s=180")
    assert code == 1
    assert said.startswith("rejected: ")
    (tmp_path / "proof").write_bytes(written[: written.rindex(b"[")])
    assert told(*verify)[0] == 2
    (tmp_path / "proof").write_text("{}")
    assert told(*verify)[0] == 2


def test_what_cannot_be_decided_is_exit_3(told: Any) -> None:
    """Where the rules all but touch, one box is not enough; nothing is called a conflict that was not certified."""
    code, facts = told("solve", *REACTOR, "--set", "tau_max_s=157.0522074645", "--boxes", "1", "--json")
    assert (code, facts["verdict"]) == (3, "undecided")
    assert facts["reason"]
    assert "conflicts" not in facts


EDGE: Final = """\
registry: edge
version: 1
default: allow
artifacts:
  pair:
    schema:
      type: object
      required: [a, b]
      properties:
        a: {type: number, minimum: 0, maximum: 4}
        b: {type: number, minimum: 0, maximum: 4}
invariants:
- {id: PRODUCT, on: artifact, artifact: pair, require: artifact.a * artifact.b > 4}
- {id: SUM, on: artifact, artifact: pair, require: artifact.a + artifact.b <= 4}
"""


def test_what_only_z3_says_is_told_as_evidence(told: Any, tmp_path: Path) -> None:
    """A product and a mean that touch where they must not: no certificate, exit 3, and what z3 says beside it."""
    (tmp_path / "edge.yaml").write_text(EDGE)
    code, facts = told("solve", "edge.yaml", "--artifact", "pair", "--json")
    assert (code, facts["verdict"], facts["leaning"], facts["evidence"]) == (3, "undecided", "infeasible", "z3")
    code, said = told("solve", "edge.yaml", "--artifact", "pair")
    assert code == 3
    assert "z3 says infeasible, which is evidence and not certified" in said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--set", "perception=90"), "did you mean 'perception_m'?"),
        (("--set", "perception_m=far"), "perception_m='far' is of another type"),
        (("--set", "perception_m"), "--set 'perception_m' is no pair"),
        (("--parameter", "friction_"), "did you mean 'friction'?"),
        (("--pareto", "friction"), "--pareto 'friction' is no pair"),
        (("--joint", "friction,window"), "did you mean 'window_s'?"),
        (("--region", "speed"), "variables: v_kmh"),
        (("--region", "v_kmh", "--fix", "speed=1"), "fields: v_kmh"),
        (("--region", "v_kmh", "--fix", "v_kmh=500"), "v_kmh=500 is no value of this field"),
        (("--fix", "v_kmh=50"), "add --region FIELD"),
        (("--certificate", "no/such/folder"), "no/such/folder: cannot be written"),
    ],
)
def test_mistakes_are_exit_2_with_a_cure(told: Any, asked: tuple[str, ...], said: str) -> None:
    """What is wrong is named, with what was probably meant."""
    code, text = told("solve", *DRIVING, *asked)
    assert code == 2
    assert said in text


def test_an_artifact_or_a_file_that_is_not_there(told: Any) -> None:
    """A misspelt artifact and a missing certificate are named."""
    code, text = told("solve", "driving_degradation", "--artifact", "driving")
    assert code == 2
    assert "'driving'" in text
    code, text = told("verify-certificate", "nowhere", "--registry", *DRIVING)
    assert code == 2
    assert "nowhere: cannot be read" in text


@pytest.mark.parametrize("verb", ["solve", "negotiate"])
def test_without_the_solver_it_says_what_to_install(told: Any, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """The packages that are missing are named before anything is asked."""
    monkeypatch.setitem(sys.modules, "flint", None)
    code, text = told(verb, *DRIVING)
    assert code == 2
    assert "this needs python-flint, which is not installed" in text
    assert "pip install" in text
