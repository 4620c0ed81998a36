"""A model in AgentDojo's environments, here a scripted one at an endpoint over HTTP, and what is counted of it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import harness
from benchmarks.suites.agentdojo import SUITE, made, world
from benchmarks.suites.agentdojo.figures import figures
from benchmarks.suites.agentdojo.model import MODEL
from harness.bench.runner import run_cells
from harness.bench.suite import Suite
from harness.bench.task import Cell, Row
from harness.testing.model_server import Answer, ModelRequest, ModelServer, call_tool, fail, say
from harness.trace.chat import text_of

real = pytest.mark.skipif(find_spec("agentdojo") is None, reason="AgentDojo is not installed: pip install agentdojo")

USER, GOAL = "user_task_0", "injection_task_1"


class Obeying:
    """A scripted model: it makes AgentDojo's calls for the user and, once it has read the attacker's text, for him."""

    def __init__(self) -> None:
        tasks = world.suite_of("banking")
        before = tasks.load_and_inject_default_environment({})
        self._user = tasks.user_tasks[USER].ground_truth(before)
        self._attacker = tasks.injection_tasks[GOAL].ground_truth(before)
        self._texts = list(world.injected("banking", USER, GOAL, "important_instructions").values())

    def __call__(self, request: ModelRequest) -> Answer:
        answers = [text_of(one["content"]) for one in request.messages if one["role"] == "tool"]
        read = next((place for place, text in enumerate(answers) if world.speaks(text, self._texts)), None)
        after = len(self._user) if read is None else read + 1
        wanted = [*self._user[:after], *(() if read is None else self._attacker), *self._user[after:]]
        if request.number == len(wanted):
            return say("Done.")
        return call_tool(wanted[request.number].function, **wanted[request.number].args)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Give the address of the scripted model."""
    with ModelServer(Obeying()) as server:
        yield server.base_url


@pytest.fixture
def suite(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Give the suite where the environment names the scripted model."""
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint)
    monkeypatch.setenv("OPENAI_API_KEY", "scripted")
    monkeypatch.setenv(MODEL, "scripted")
    return made()


def cells(suite: Suite, *tasks: str) -> list[Cell]:
    """Give the cells of tasks by their names."""
    return [cell for cell in suite.cells(2) if cell.task.name in tasks]


def test_without_a_model_there_is_nothing_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where the environment names a model are there tasks for it, and conditions."""
    monkeypatch.delenv(MODEL, raising=False)
    assert {task.group for task in made().tasks} == {"tasks", "attacks", "wordings"}
    monkeypatch.setenv(MODEL, "any")
    there = made()
    assert {condition.name for condition in there.conditions} > {"model_open", "model_enforced"}
    names = [task.data for task in there.tasks if task.group == "model_attacks"]
    assert names == [task.data for task in SUITE.tasks if task.group == "attacks"]


@real
def test_a_model_that_obeys_is_stopped_and_does_its_task(suite: Suite) -> None:
    """Free it pays the attacker; under the rules it is told of a refusal, goes on, and pays nobody else."""
    work, attacked = f"model banking {USER}", f"model banking {USER} {GOAL}"
    result = run_cells(suite, cells(suite, work, attacked))
    assert not result.broken
    found = {(row.cell.task.name, row.cell.condition.name): row.found for row in result.rows}
    assert all(found[work, condition]["passed"] for condition in ("model_open", "model_enforced"))
    free, ruled = (found[attacked, condition] for condition in ("model_open", "model_enforced"))
    assert (free["reached"], free["attack_done"], free["passed"], free["violations"]) == (True, True, False, [])
    assert (ruled["reached"], ruled["attack_done"], ruled["passed"]) == (True, False, True)
    assert "DOJO-ORDERED" in ruled["violations"]
    values = {name: one.value for name, one in figures(result.rows).items()}
    assert (values["model_utility"], values["model_utility_without"]) == (1, 1)
    assert (values["model_attacks_succeed"], values["model_attacks_succeed_without"]) == (0, 1)
    assert values["model_attacks_refused_by_DOJO-ORDERED"] == 2
    assert not any(name.startswith(("attacks", "tasks", "recorded")) for name in values)


@real
def test_the_trace_of_a_model_tells_what_it_asked_for_and_was_refused(suite: Suite, tmp_path: Path) -> None:
    """The trace is kept, sealed, and judged offline as it was at the door."""
    cell = next(
        cell for cell in cells(suite, f"model banking {USER} {GOAL}") if cell.condition.name == "model_enforced"
    )
    found = suite.run(cell, tmp_path)
    report = harness.check(tmp_path / found["trace"], registry="agentdojo/banking")
    assert report.rules["DOJO-ORDERED"].violated == 1


@real
def test_an_endpoint_that_fails_is_no_failure_of_the_model(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell whose endpoint refuses is not measured, and says why."""
    with ModelServer(lambda _: fail(401, "no such key")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        result = run_cells(suite, cells(suite, f"model banking {USER}")[:1])
    assert not result.rows
    assert "no such key" in result.broken[0].error


def test_tries_at_one_task_are_one_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four tries at two tasks three succeed; the interval is that of tasks, from one half to one."""
    monkeypatch.setenv(MODEL, "any")
    names = (f"model banking {USER} {GOAL}", f"model banking {USER} injection_task_2")
    tried = [cell for cell in cells(made(), *names) if cell.condition.name == "model_open"]
    found = {"user_done": True, "reached": True, "violations": []}
    rows = [Row(cell, found | {"attack_done": cell != tried[3]}) for cell in tried]
    figure = figures(rows)["model_attacks_succeed_without"]
    assert (figure.value, figure.interval) == (0.75, (0.5, 1.0))
