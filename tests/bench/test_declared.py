"""Suites as directories: what is read, what is judged, and how every mistake is told."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.bench import discover
from harness.bench.declared import FORM, read_declared
from harness.bench.manifest import differences, identity
from harness.bench.measures import SECONDS, TOOK
from harness.bench.oracle import judged
from harness.bench.runner import run_cells
from harness.bench.suite import load_suite
from harness.errors import PlanError, UsageError
from harness.registry.document import read
from harness.registry.invariant import Expression
from harness.registry.parse import parse
from harness.statistics.interval import wilson

AGENT = """
import harness

app = harness.Harness()
paid = []


@app.tool(effect="write")
def pay(cents: int) -> str:
    paid.append(cents)
    return "paid"


@app.agent
def main(cents: int) -> str:
    return pay(cents)


def state() -> list:
    return paid


def all_small(state, result):
    return result == "paid" and max(state) < 100
"""
RULES = """\
registry: desk
version: 1
default: allow
invariants:
  - {id: SMALL, on: action, tool: pay, require: call.args.cents < 1000, severity: high, otherwise: warn}
"""
SUITE = """\
suite: till
version: 1.0
rules: rules.yaml
agent: till_agent:main
state: till_agent:state
tasks:
  - {task: small, input: {cents: 5}, oracle: ["state == [5]", "till_agent:all_small"]}
  - {task: large, input: {cents: 5000}, expect: {SMALL: violated}, oracle: "state == [5000]"}
"""
WRONG = """\
suite: till
version: 1.0
rules: rules.yaml
agent: till_agent:mian
model: nowhere:policy
tasks:
  - {task: small, input: {cents: 5}, oracle: 'result == "paid" and state == [5]'}
  - {task: small, oracle: resullt == 5}
  - {task: large, expect: {SMAL: violated}, oracle: result ==, faults: plan.yaml}
  - {task: past, oracle: 'happened(action, call.tool == "pay")', faults: none.yaml}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a directory that is a suite."""
    for name, text in {"suite.yaml": SUITE, "rules.yaml": RULES, "till_agent.py": AGENT}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def rows(folder: Path, tmp: str = "cells") -> list[dict[str, Any]]:
    """Do every cell of a directory's suite and give what was found."""
    suite = load_suite(str(folder))
    found = []
    for number, cell in enumerate(suite.cells()):
        (folder / tmp / str(number)).mkdir(parents=True)
        found.append(dict(suite.run(cell, folder / tmp / str(number))))
    return found


def told(folder: Path) -> list[str]:
    """Give the mistakes of a directory's suite, each as file, line and first line of its message."""
    with pytest.raises(PlanError) as caught:
        load_suite(str(folder))
    return [f"{Path(one.file).name}:{one.line}  {one.message}" for one in caught.value.mistakes]


def test_each_task_starts_from_a_fresh_world(folder: Path) -> None:
    """The second task finds nothing of what the first has paid, and the rule it breaks was expected to be broken."""
    small, large = rows(folder)
    assert (small["passed"], small["state"], small["violations"]) == (True, [5], [])
    assert (large["passed"], large["state"], large["violations"]) == (True, [5000], ["SMALL"])


def test_the_same_cells_write_the_same_traces(folder: Path) -> None:
    """Time is virtual: the part of a trace that is the same on every host is the same each time."""
    first, again = rows(folder, "first"), rows(folder, "again")
    assert first == again
    for number in (0, 1):
        traces = [(folder / run / str(number) / "run.mat.jsonl").read_bytes() for run in ("first", "again")]
        assert traces[0] == traces[1] != b""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("state == [5]", "state == [6]"), "not so: state == [6] (state = [5])"),
        (("state == [5]", "state.sum == 5"), "state.sum == 5: state: list has no field 'sum'"),
        (("cents: 5}", "cents: 500}"), "not so: state == [5] (state = [500]); till_agent:all_small says no"),
        (("{SMALL: violated}", "{SMALL: holds}"), "SMALL is violated, expected was holds"),
    ],
)
def test_what_is_not_as_wanted_fails_and_says_why(folder: Path, change: tuple[str, str], why: str) -> None:
    """Expressions, functions and expected verdicts can each fail a task, and the row tells the values."""
    (folder / "suite.yaml").write_text(SUITE.replace(*change), encoding="utf-8")
    failed = [row for row in rows(folder) if not row["passed"]]
    assert [row["why"] for row in failed] == [why]


def test_an_agent_that_raises_has_failed(folder: Path) -> None:
    """What an agent raises is a failure of the task, and no failure of the measurement."""
    (folder / "till_agent.py").write_text(AGENT.replace("return pay(cents)", "raise KeyError(pay(cents))"))
    assert rows(folder)[0]["why"].startswith("the agent raised KeyError: 'paid'")


def test_an_agent_that_goes_on_for_ever_is_stopped(folder: Path) -> None:
    """A run ends before its two hundred and first call, and has failed."""
    (folder / "till_agent.py").write_text(AGENT.replace("return pay(cents)", "while True:\n        pay(cents)"))
    assert rows(folder)[0]["why"].startswith("the agent raised Endless: the run was stopped after 200 calls")


def test_a_model_may_be_scripted(folder: Path) -> None:
    """A suite that names a policy needs no endpoint: the agent's client is answered by it, and no trace tells where."""
    asks = "    said = app.wrap(OpenAI()).chat.completions.create(model='m', messages=ASK)\n"
    does = "    return pay(int(said.choices[0].message.content))"
    policy = "\n\ndef policy(request):\n    from harness.testing.model_server import say\n\n    return say('7')\n"
    ask = "ASK = [{'role': 'user', 'content': 'how many?'}]\n"
    text = "from openai import OpenAI\n" + AGENT.replace("    return pay(cents)", asks + does) + policy + ask
    (folder / "till_agent.py").write_text(text, encoding="utf-8")
    model = SUITE.replace("tasks:", "model: till_agent:policy\ntasks:").replace("state == [5]", "state == [7]")
    (folder / "suite.yaml").write_text(model, encoding="utf-8")
    (first, _) = rows(folder)
    assert (first["passed"], first["state"], first["steps"]) == (True, [7], 2)
    assert rows(folder, "again")[0] == first
    one, other = ((folder / run / "0" / "run.mat.jsonl").read_bytes() for run in ("cells", "again"))
    assert one == other


def test_figures_come_from_what_runs_did(folder: Path) -> None:
    """A payment that a rule only warns of was done; without chance there are no intervals."""
    suite = load_suite(str(folder))
    result = run_cells(suite, suite.cells())
    figures = suite.figures(result.rows)
    assert {name: figure.value for name, figure in figures.items()} == {
        "passed": 2,
        "violating": 1,
        "steps_to_end": 1,
        "violating_done": 0.5,
        "violates_SMALL": 0.5,
        "mtbf_naive": 1,
        "mtbf_censored": 2,
        "calls_per_success": 1,
    }
    assert {figure.interval for figure in figures.values()} == {None}
    small, large = (row.found for row in result.rows)
    assert (large["violated_at"], large["violated_by"], large["account"]["first"]["label"]) == (0, "main", "write")
    assert not {"violated_at", TOOK} & small.keys()


def test_seeds_of_one_task_are_one_cluster(folder: Path) -> None:
    """With seeds figures have intervals, tell success in all and in any of them, and in real time what one takes."""
    text = SUITE.replace("task: small,", "task: small, seeded: true,").replace("tasks:", "time: real\ntasks:")
    (folder / "suite.yaml").write_text(text.rpartition("  - {")[0], encoding="utf-8")
    suite = load_suite(str(folder))
    result = run_cells(suite, suite.cells(4))
    figures = suite.figures(result.rows)
    assert (figures["any_of_4"].value, figures["all_of_4"].value) == (1, 1)
    assert figures["passed"].interval == (4 * wilson(4, 4).low, 4)
    assert {TOOK, SECONDS} <= {*suite.measured}
    assert figures[SECONDS].value == pytest.approx(sum(row.found[TOOK] for row in result.rows) / 4000)


def test_each_task_has_a_chance_of_its_own(folder: Path) -> None:
    """Under one seed an agent draws something else in each task, and so do faults; and the same again each time."""
    (folder / "half.yaml").write_text("faults: half\ninject: [{fault: error, tool: pay, chance: 0.5}]\n")
    agent = AGENT.replace("import harness", "import random\n\nimport harness", 1)
    agent = agent.replace("return pay(cents)", "return pay(cents + random.randrange(1000))")
    (folder / "till_agent.py").write_text(agent, encoding="utf-8")
    task = '  - {{task: t{0}, faults: half.yaml, seeded: true, input: {{cents: 0}}, oracle: "True"}}\n'
    tasks = "".join(map(task.format, range(12)))
    (folder / "suite.yaml").write_text(SUITE.partition("tasks:")[0] + f"tasks:\n{tasks}", encoding="utf-8")
    found = rows(folder)
    paid = [str(row["state"]) for row in found if row["state"]]
    assert 0 < len(paid) < 12
    assert len({*paid}) == len(paid)
    assert rows(folder, "again") == found


def test_a_bar_is_the_share_that_it_says(folder: Path) -> None:
    """0.56 of fifty runs are 28, though floats make a little more of it."""
    text = SUITE.replace("task: small,", "task: small, seeded: true,").replace("tasks:", "bar: 0.56\ntasks:")
    (folder / "suite.yaml").write_text(text.rpartition("  - {")[0], encoding="utf-8")
    suite = load_suite(str(folder))
    (row,) = run_cells(suite, suite.cells(1)).rows
    assert suite.figures([row] * 50)["passed"].target == ">= 28"


def test_faults_strike_as_their_plan_says(folder: Path) -> None:
    """A plan's chance is its own seed's for a task that is done once, and the cell's for one that is done per seed."""
    plan = "faults: half\nseed: 3\ninject: [{fault: error, tool: pay, chance: 0.5}]\n"
    (folder / "half.yaml").write_text(plan, encoding="utf-8")
    task = '{task: small, faults: half.yaml, seeded: true, input: {cents: 5}, oracle: "True"}'
    head = SUITE.partition("tasks:")[0] + "tasks:\n"
    found = {}
    for seeded in (task, task.replace("seeded: true", "seeded: false")):
        (folder / "suite.yaml").write_text(f"{head}  - {seeded}\n", encoding="utf-8")
        discover._loaded.clear()
        suite = load_suite(str(folder))
        cells = list(suite.cells(12))
        places = [folder / f"{len(cells)}-{number}" for number in range(len(cells))]
        for place in places:
            place.mkdir()
        found[len(cells)] = {str(suite.run(*one)["state"]) for one in zip(cells, places, strict=True)}
    assert found[12] == {"[]", "[5]"}
    assert len(found[1]) == 1


def test_the_page_names_every_key() -> None:
    """docs/bench.md tells all that a suite.yaml may hold."""
    page = (Path(__file__).parents[2] / "docs" / "bench.md").read_text(encoding="utf-8")
    task = FORM["properties"]["tasks"]["items"]["properties"]
    rows_of_tables = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    told_of = {*re.findall(r"`(\w+)[`:]", rows_of_tables), "task"}
    assert {*FORM["properties"], *task} <= told_of


def test_every_mistake_is_told_at_once(folder: Path) -> None:
    """Functions, rules, names, expressions and files that are wrong are all told, each with its line."""
    (folder / "suite.yaml").write_text(WRONG, encoding="utf-8")
    (folder / "plan.yaml").write_text("faults: slow\ninject:\n  - {fault: tmeout}\n", encoding="utf-8")
    said = told(folder)
    assert [line for line in said if line.startswith("suite.yaml")] == [
        "suite.yaml:4  till_agent:mian: module 'till_agent' has no 'mian'",
        "suite.yaml:5  nowhere:policy: there is no module 'nowhere'",
        "suite.yaml:7  2 tasks are named 'small'",
        "suite.yaml:7  there is no state here",
        "suite.yaml:8  there is no resullt here",
        "suite.yaml:9  no rule is called 'SMAL'",
        *[line for line in said if line.startswith("suite.yaml:9  ") and "SMAL" not in line],
        "suite.yaml:10  an oracle looks at what is left, not at the past",
        f"suite.yaml:10  cannot be read: No such file or directory: {folder / 'none.yaml'}",
    ]
    assert [line.partition("  ")[0] for line in said].count("suite.yaml:9") == 2
    assert [line.partition("  ")[0] for line in said].count("suite.yaml:10") == 2
    assert any(line.startswith("plan.yaml:3") for line in said)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "suite.yaml:1  the file is empty"),
        ("- suite", "suite.yaml:1  this is no suite"),
        (SUITE.replace('oracle: "state', 'orcale: "state'), "suite.yaml:8  unknown key 'orcale'"),
        (SUITE.replace("version: 1.0\n", ""), "suite.yaml:1  the key 'version' is missing"),
        (SUITE.replace("violated}", "broken}"), "suite.yaml:8  SMALL: expected holds or violated or unknown"),
        (SUITE.replace("agent: till_agent:main\n", ""), "suite.yaml:1  a suite states exactly one of 'agent' and"),
        (SUITE.replace("rules: rules.yaml\n", ""), "suite.yaml:7  verdicts are expected of rules that are not"),
        (SUITE.replace("rules.yaml", "rulez.yaml"), "suite.yaml:3  no such registry: rulez.yaml"),
        (SUITE.replace("till_agent:main", "main"), "suite.yaml:4  main: names no function"),
    ],
)
def test_a_mistake_has_its_line(folder: Path, text: str, line: str) -> None:
    """What is wrong with the form of a suite is told where it stands."""
    (folder / "suite.yaml").write_text(text, encoding="utf-8")
    assert any(one.startswith(line) for one in told(folder)), told(folder)


def test_mistakes_in_the_rules_are_those_of_the_suite(folder: Path) -> None:
    """A registry that cannot be loaded is told with the lines of its own file."""
    (folder / "rules.yaml").write_text(RULES.replace("call.args", "cal.args"), encoding="utf-8")
    assert [line.partition("  ")[0] for line in told(folder)] == ["rules.yaml:5"]


def test_a_suite_needs_what_it_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set is named with what it stands for; with it, nothing is said."""
    (folder / "suite.yaml").write_text(SUITE.replace("tasks:", "needs: {TILL_KEY: the key of the till}\ntasks:"))
    suite = load_suite(str(folder))
    monkeypatch.delenv("TILL_KEY", raising=False)
    with pytest.raises(UsageError, match=r"needs TILL_KEY\n.*export TILL_KEY=…  # the key of the till"):
        suite.ready()
    monkeypatch.setenv("TILL_KEY", "x")
    suite.ready()


def test_a_declared_suite_can_be_sent_to_another_process(folder: Path) -> None:
    """What comes out of a pickle does the same."""
    suite = pickle.loads(pickle.dumps(load_suite(str(folder))))
    cell = next(suite.cells())
    (folder / "there").mkdir()
    assert suite.run(cell, folder / "there")["passed"]


def test_a_result_depends_on_every_file_of_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest of a suite is that of its folder, and the models are those that the environment names."""
    monkeypatch.setenv("TILL_MODEL", "small")
    needs = SUITE.replace("tasks:", "needs: {TILL_MODEL: a model}\nmodels: [TILL_MODEL]\ntasks:")
    (folder / "suite.yaml").write_text(needs, encoding="utf-8")
    suite = load_suite(str(folder))
    before = identity(suite, "1")
    assert (before["models"], before["registries"].keys()) == (["small"], {"rules.yaml"})
    (folder / "till_agent.py").write_text(AGENT + "# another\n", encoding="utf-8")
    monkeypatch.setenv("TILL_MODEL", "large")
    assert differences(before, identity(suite, "1")) == ["suite", "models"]


def test_reading_alone_imports_nothing(folder: Path) -> None:
    """Without somebody who looks for functions, a suite's file is only data."""
    (folder / "till_agent.py").write_text("raise SystemExit", encoding="utf-8")
    declared = read_declared(folder)
    assert [(task.name, len(task.oracles)) for task in declared.tasks] == [("small", 2), ("large", 1)]


@given(some.lists(some.integers(-9, 9), max_size=4), some.integers(-20, 20))
def test_an_oracle_says_what_python_says(state: list[int], total: int) -> None:
    """An expression over numbers is true of a state exactly where Python finds it so."""
    text = "sum(state) < total and len(state) > 1"
    oracle = Expression(text, parse(text), read("x", "here"))
    holds = judged(oracle, {"state": state, "total": total}) == ""
    assert holds == (sum(state) < total and len(state) > 1)
