"""The three reference teams and the agent alone: their runs without faults, replays, and scripted model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.teams import desk, iterative, linear, pair, single
from examples.teams.policies import ROLES, Job, job_of, policy
from examples.teams.tasks import TASKS
from harness.door.models import model_environment
from harness.door.trial import Trials
from harness.stress.schedule import Schedule
from harness.stress.tolerance.tiers import BEHAVIOURS, Behaviour
from harness.testing.model_server import Answer, ModelRequest, ModelServer
from tests.test_docs import ROOT, assert_shown, example, program

TEAMS = {"linear": linear, "iterative": iterative, "pair": pair, "single": single}

WORDS = st.sampled_from(
    ["Bill", "Fill", "Book", "Baker", "Lyon", "shelf", "3 mug", "something lamp", "2 rug at 5300", "40 mug with 7",
     "from Lyon to Oslo", "from Oslo to Rome at 12400", "Do not check it.", "nothing is changed", "wait until",
     "File this:", ".", ",", "\n", "at", "0", "for"]
)  # fmt: skip
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)
TOOLS = st.lists(st.sampled_from([*desk.LOOK, *desk.FILE, "read_letter", "read_back"]), unique=True)
NAMED = st.sampled_from(["You are the " + role + "." for role in ROLES] + ["", "You are one of several assistants."])


@pytest.fixture(scope="module")
def served() -> Iterator[None]:
    """Let models be those that the teams' policies make."""
    with ModelServer(policy) as server, model_environment(server.base_url):
        yield


@pytest.mark.parametrize("team", TEAMS)
def test_every_task_is_done_where_nothing_goes_wrong(served: None, team: str) -> None:
    """By what is filed at the end, and within twenty calls of models and tools, messages among them."""
    trials = Trials(desk.app, TEAMS[team].main, before=desk.fresh)
    for task in TASKS:
        done = trials.run(Schedule(), {"letter": task.letter})
        assert task.filed == desk.FILED, task.name
        assert len(done.seen.calls) <= 20
        assert done.seen.violated == ()


@pytest.mark.parametrize("team", TEAMS)
def test_the_command_of_each_team_runs_and_replays(team: str, tmp_path: Path) -> None:
    """As the docstring says, from the root of the repository; the record comes out again under another hash seed."""
    command = next(line.strip() for line in (TEAMS[team].__doc__ or "").splitlines() if "harness run" in line)
    trace = str(tmp_path / "team.mat.jsonl")
    done = program(ROOT, *command.split()[1:], "--trace", trace)
    assert done.returncode == 0, done.stderr
    again = program(ROOT, "replay", trace, "--verify", "1")
    assert again.returncode == 0, again.stderr


def test_two_runs_of_a_team_are_the_same(served: None) -> None:
    """Same letter, same events."""
    for team in TEAMS.values():
        trials = Trials(desk.app, team.main, before=desk.fresh)
        one, two = (trials.run(Schedule(), {"letter": TASKS[3].letter}) for _ in range(2))
        assert [(event.kind, event.agent, event.body) for event in one.events] == [
            (event.kind, event.agent, event.body) for event in two.events
        ]


def test_tasks_are_apart_and_letters_say_what_is_filed() -> None:
    """No two tasks have one name or one letter; what is filed stands under the subject that the letter names."""
    assert len({task.name for task in TASKS}) == len({task.letter for task in TASKS}) == len(TASKS) >= 20
    for task in TASKS:
        job = job_of(task.letter)
        assert list(task.filed) == [f"{job.verb} {job.subject}"]


@given(NAMED, st.lists(st.tuples(st.sampled_from(["user", "assistant"]), TEXTS), min_size=1, max_size=5), TOOLS)
def test_the_model_answers_whatever_it_is_asked(system: str, said: list[tuple[str, str]], tools: list[str]) -> None:
    """Faults may say anything in its messages; it answers, the same every time, and calls only tools of the desk."""
    calls = [{"id": "1", "type": "function", "function": {"name": "bill", "arguments": said[0][1]}}]
    answered = {"role": "tool", "tool_call_id": "1", "content": said[-1][1]}
    messages = [{"role": role, "content": text} for role, text in said]
    request = asked(system, [*messages, {"role": "assistant", "content": None, "tool_calls": calls}, answered], tools)
    answer = policy(request)
    assert isinstance(answer, Answer)
    assert answer == policy(request)
    known = {*desk.LOOK, *desk.FILE, "read_letter", "read_back"}
    assert {call.tool for call in answer.calls} <= known
    assert all(isinstance(json.loads(call.arguments), dict) for call in answer.calls)


@given(TEXTS)
def test_what_a_job_says_of_itself_is_the_same_job(text: str) -> None:
    """Agents hand on jobs as text: what one says, the next one reads."""
    job = job_of(text)
    assert job_of(str(job)) == job
    assert job_of(f"{job}\n{job}") == job


def test_what_is_found_wins_over_what_is_asked() -> None:
    """Where a thing is said twice, the line that says what was found counts."""
    assert str(job_of("Bill Ito for 3 mug.\n3 mug at 450.\n3 mug.")) == "Bill Ito.\n3 mug at 450."
    assert job_of("There is nothing.") == Job()


# --- docs/fault-tolerance.md ------------------------------------------------------------------------------------------


def test_the_page_shows_the_table_of_behaviours() -> None:
    """Every row of the page is what decides, in its order, and no fault is left out."""
    page = (ROOT / "docs" / "fault-tolerance.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([A-Z]+) \| (.*) \|$", page, re.MULTILINE))
    assert rows == {kind: " · ".join(map(shown, told)) for kind, told in BEHAVIOURS.items()}


def shown(behaviour: Behaviour) -> str:
    """Give a behaviour as the page shows it."""
    name = f"{behaviour.name} (ours)" if behaviour.ours else behaviour.name
    return f"{name}: `{behaviour.when}` {behaviour.tiers or 'none'}"


def test_the_page_counts_as_it_says() -> None:
    """Its program runs."""
    page = (ROOT / "docs" / "fault-tolerance.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(block, {})


def test_a_plan_strikes_a_team_as_the_page_says(tmp_path: Path) -> None:
    """The maker is wrong once, the critic finds it, and the same run comes out again on replay."""
    page = (ROOT / "docs" / "fault-tolerance.md").read_text(encoding="utf-8")
    (plan,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "maker.yaml").write_text(plan, encoding="utf-8")
    command, lines = example("fault-tolerance.md", "run")
    trace = str(tmp_path / "team.mat.jsonl")
    done = program(ROOT, *command[:-1], str(tmp_path / command[-1]), "--trace", trace)
    assert done.returncode == 0, done.stderr
    assert_shown(lines, done)
    again = program(ROOT, "replay", trace)
    assert again.returncode == 0, again.stderr


def asked(system: str, messages: list[dict[str, Any]], tools: list[str]) -> ModelRequest:
    """Give a request as the model's server would read it."""
    whole = ({"role": "system", "content": system}, *messages)
    offered = tuple({"type": "function", "function": {"name": name}} for name in tools)
    return ModelRequest("/v1/chat/completions", {}, "scripted", whole, offered, stream=False, digest="")
