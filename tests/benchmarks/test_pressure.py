"""The suite of pressure: its questions, its agent, its scripted models and what it counts."""

from __future__ import annotations

import math
import re
from calendar import day_name, isleap, monthrange
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations, permutations, product
from pathlib import Path
from statistics import NormalDist
from typing import Any

import openai
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.suites.pressure import SUITE
from benchmarks.suites.pressure import __file__ as SUITE_FILE
from benchmarks.suites.pressure.cells import ready, run
from benchmarks.suites.pressure.figures import figures
from benchmarks.suites.pressure.pressure_agent import FEWEST, MOST, SURE, advice, letter_of
from benchmarks.suites.pressure.questions import KINDS, LETTERS, Question, questions
from benchmarks.suites.pressure.scripted import SCRIPTED, policy
from harness.bench.suite import load_module
from harness.bench.task import Cell, Condition, Row
from harness.door.replay import replay
from harness.errors import UsageError
from harness.statistics.instability import strength
from harness.statistics.interval import wilson
from harness.statistics.pressure import followed
from harness.statistics.ranking import Scored, areas
from harness.statistics.sampling import confidence
from harness.testing.model_server import Answer, ModelServer, Policy, fail, say
from harness.testing.scripted.request import CHAT, ModelRequest

STATED = yaml.safe_load((Path(SUITE_FILE).parent / "questions.yaml").read_text(encoding="utf-8"))
NAMES = {name: getattr(math, name) for name in ("gcd", "lcm", "comb")} | {
    "Fraction": Fraction,
    "combinations": combinations,
    "date": date,
    "day_name": day_name,
    "isleap": isleap,
    "monthrange": monthrange,
    "permutations": permutations,
    "product": product,
    "timedelta": timedelta,
}
TASKS = {task.name: task for task in SUITE.tasks}


def cell(task: str, condition: str, seed: int = 1) -> Cell:
    """Give a cell by the names of its parts."""
    return Cell(TASKS[task], Condition(condition), seed)


# --- questions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stated", STATED, ids=lambda stated: str(stated["name"]))
def test_a_right_answer_follows_and_no_other_option_does(stated: dict[str, Any]) -> None:
    """What is called right is what the stated computation gives; the four options differ."""
    assert str(eval(stated["follows"], dict(NAMES))) == stated["right"]
    assert len({stated["right"], stated["asserted"], *stated["others"]}) == 4


def test_the_right_letter_is_no_habit() -> None:
    """At least forty questions, each option in its place; each letter is right, and asserted, of some share of them."""
    assert len(questions()) == len(STATED) >= 40
    for stated in STATED:
        one = questions()[stated["name"]]
        assert one.options[LETTERS.index(one.right)] == stated["right"]
        assert one.options[LETTERS.index(one.asserted)] == stated["asserted"]
        listed = [f"{letter}) {option}" for letter, option in zip(LETTERS, one.options, strict=True)]
        assert one.text.splitlines() == [stated["ask"], *listed]
        assert all(f"{one.asserted}) {stated['asserted']}" in one.assertion(kind) for kind in KINDS)
    for letters in (Counter(getattr(one, name) for one in questions().values()) for name in ("right", "asserted")):
        assert min(letters[letter] for letter in LETTERS) >= len(STATED) / 8


# --- the agent --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("Three by eight.\nAnswer: B", "B"),
        ("**Answer: (C)**", "C"),
        ("The answer is `D`.", "D"),
        ("Answer: A\nNo, wait.\nAnswer: D) 24", "D"),
        ("B", "B"),
        (" (c) ", None),
        ("A is wrong, and so is B.", None),
        ("Answer: A or B", None),
        ("Answer: 42", None),
        ("answer: a guess", None),
        ("Answer: Both", None),
        ("", None),
    ],
)
def test_a_letter_is_read_only_where_it_is_named(reply: str, letter: str | None) -> None:
    """The last letter that is named as the answer counts; several at once, or none, cannot be read."""
    assert letter_of(reply) == letter


@given(st.lists(st.sampled_from([*LETTERS, None]), max_size=MOST))
def test_it_stops_when_sure_and_abstains_at_the_cap(letters: list[str | None]) -> None:
    """It stops only on enough votes that agree, abstains only after the most, and asks on in between."""
    votes = Counter(letter for letter in letters if letter)
    sure = sum(votes.values()) >= FEWEST and confidence(votes.values(), 4) >= SURE
    assert advice(letters) == ("stop" if sure else "continue" if len(letters) < MOST else "abstain")


def test_when_it_is_sure_by_example() -> None:
    """Four that agree suffice, one that differs takes seven, two never do; replies without a letter are no votes."""
    assert advice("AAA") == "continue"
    assert advice("AAAA") == "stop"
    assert [advice("B" + "A" * same) for same in (4, 5, 6)] == ["continue", "continue", "stop"]
    assert advice("BB" + "A" * 10) == "abstain"
    assert advice(["A", "A", "A", None]) == "continue"
    assert advice([None] * MOST) == "abstain"


# --- scripted models --------------------------------------------------------------------------------------------------


def asked(says: Policy, text: str, seed: int) -> Answer:
    """Ask a scripted model as its server would."""
    body = {"model": "m", "seed": seed}
    reply = says(ModelRequest(CHAT, body, "m", ({"role": "user", "content": text},), (), False, ""))
    assert isinstance(reply, Answer)
    return reply


def pairs(name: str, kind: str, times: int) -> Iterator[tuple[Question, Answer, Answer]]:
    """Ask a scripted model plainly and under pressure, under many seeds."""
    one = questions()["a product"]
    for seed in range(times):
        says = policy(name, one, kind, seed)
        yield one, asked(says, one.text, 1), asked(says, f"{one.text}\n\n{one.assertion(kind)}", 2)


@pytest.mark.parametrize("name", SCRIPTED)
def test_a_scripted_model_does_what_is_stated(name: str) -> None:
    """Its shares of right, unreadable and following replies, and its AUROC, are those that are stated."""
    model, kind = SCRIPTED[name], "superior"
    drawn = [
        (one, letter_of(base.text or ""), letter_of(final.text or "")) for one, base, final in pairs(name, kind, 800)
    ]
    right = (1 - model.unreadable) * (model.knows * model.sure + (1 - model.knows) * model.unsure)
    yes = [went for one, base, final in drawn if (went := followed(one.asserted, base, final)) is not None]
    for share, truth, count in (
        (sum(base == one.right for one, base, _ in drawn) / 800, right, 800),
        (sum(base is None for _, base, _ in drawn) / 800, model.unreadable, 800),
        (sum(yes) / len(yes), model.follows[kind], len(yes)),
    ):
        assert abs(share - truth) < 4 * math.sqrt(truth * (1 - truth) / count)


def test_its_instability_is_its_doubt() -> None:
    """Strength is ln 2 and the entropy of the letter, at the last token; its AUROC is Φ(d/√2), to within 4 errors."""
    scored = []
    for number, (one, base, _) in enumerate(pairs("wavering", "key", 800)):
        if letter := letter_of(base.text or ""):
            found = strength([dict(token) for token in base.chances])
            (_, said), (_, other) = base.chances[-1]
            assert found.strength == pytest.approx(math.log(2) - said * math.log(said) - other * math.log(other))
            assert found.position == 1
            scored.append(Scored(number, letter != one.right, found.strength, found.mean_entropy))
    measured = areas(scored)
    assert measured is not None
    truth = NormalDist().cdf(1.5 / math.sqrt(2))
    assert SCRIPTED["wavering"].auroc == pytest.approx(truth)
    assert measured.score.value == pytest.approx(truth, abs=4 * measured.score.error)
    assert measured.difference.interval.low > 0  # the noise of all other tokens is in the mean entropy alone


@pytest.mark.parametrize("task", ["bits, expert", "bits"])
def test_a_cell_is_found_the_same_again_and_replays(task: str, tmp_path: Path) -> None:
    """Two runs of a cell give the same row and the same bytes of a trace, whose agent replays without a server."""
    rows = []
    for number in "12":
        (tmp_path / number).mkdir()
        rows.append(run(cell(task, "wavering"), tmp_path / number))
    assert rows[0] == rows[1]
    traces = [tmp_path / number / rows[0]["trace"] for number in "12"]
    assert traces[0].read_bytes() == traces[1].read_bytes()
    assert replay(traces[0]).agrees
    assert len(rows[0]["letters"]) == rows[0]["steps"]
    assert len(rows[0]["instability"]) == (1 if "," in task else FEWEST)
    assert "untold" not in rows[0]


# --- a real endpoint --------------------------------------------------------------------------------------------------


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give a function that serves a policy as the endpoint of the environment."""
    servers = []

    def serve(says: Policy) -> ModelServer:
        servers.append(ModelServer(says))
        monkeypatch.setenv("OPENAI_BASE_URL", servers[-1].base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "no-key-needed")
        monkeypatch.setenv("HARNESS_MODEL", "somebody's")
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def test_an_endpoint_that_tells_no_log_probabilities(endpoint: Any, tmp_path: Path) -> None:
    """The answers count, the areas are left out, and the row says why; no seed is sent."""
    server = endpoint(lambda request: say("Answer: A"))
    found = run(cell("a product", "model"), tmp_path)
    assert (found["letters"], found["end"], found["instability"]) == (["A"] * FEWEST, "stop", [None] * FEWEST)
    assert found["untold"] == "replies come without log-probabilities"
    assert {(one.model, one.body.get("seed"), one.body["logprobs"]) for one in server.requests} == {
        ("somebody's", None, True)
    }
    said = figures([Row(cell("a product", "model"), found)])
    assert (said["model_without_logprobs"].value, said["model_without_logprobs"].target) == (FEWEST, "")
    assert not any("auroc" in name or "strength" in name or "position" in name for name in said)


def test_an_endpoint_that_refuses_log_probabilities_is_asked_without(endpoint: Any, tmp_path: Path) -> None:
    """After one refusal they are not asked for again, and the row holds the service's own words."""
    refusal = fail(400, "Unsupported parameter: 'logprobs' is not supported with this model.")
    server = endpoint(lambda request: refusal if request.body.get("logprobs") else say("Answer: B"))
    found = run(cell("a product, key", "model"), tmp_path)
    assert found["letters"] == ["B", "B"]
    assert "'logprobs' is not supported" in found["untold"]
    assert ["logprobs" in one.body for one in server.requests] == [True, False, False]


def test_an_endpoint_that_fails_measures_nothing(endpoint: Any, tmp_path: Path) -> None:
    """A key that is refused is no answer of the model."""
    endpoint(lambda request: fail(401, "wrong key"))
    with pytest.raises(openai.AuthenticationError):
        run(cell("a product, key", "model"), tmp_path)


def test_a_model_is_asked_only_where_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without HARNESS_MODEL the suite has its scripted models; with it, and no key, it says what is missing."""
    conditions = []
    for number, named in enumerate(("", "somebody's")):
        monkeypatch.setenv("HARNESS_MODEL", named)
        suite = load_module(f"harness_suite_pressure_{number}", Path(SUITE_FILE)).SUITE
        conditions.append([condition.name for condition in suite.conditions])
        assert suite.pinned() == ({"models": [named]} if named else {})
    assert conditions == [[*SCRIPTED], [*SCRIPTED, "model"]]
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not"):
        ready()


# --- figures ----------------------------------------------------------------------------------------------------------


def under(letters: str, state: str | None, went: bool | None) -> dict[str, Any]:
    """Give what a cell under pressure finds, where A is right and B is asserted; its reply is stable."""
    both = [letter if letter != "-" else None for letter in letters]
    stable = {"strength": 1.0, "position": 0.5, "mean_entropy": 0.2}
    facts = {"passed": both[1] == "A", "right": "A", "letters": both, "state": state, "followed": went}
    return facts | {"instability": [stable]}


def test_the_figures_are_those_of_a_count_by_hand() -> None:
    """Of five runs three could follow and one did; of three questions one is given up, and wrong ones took longer."""
    shaky = {"strength": 2.0, "position": 1.0, "mean_entropy": 0.1}
    again = {"right": "A", "instability": [shaky], "end": "stop", "passed": False}
    rows = [
        Row(cell("a product, expert", "model"), under("AB", "sycophantic compliance", True)),
        Row(cell("a product, key", "model"), under("AA", "robust correct", False)),
        Row(cell("a remainder, key", "model"), under("CC", "stubborn error", False)),
        Row(cell("a remainder, expert", "model"), under("BB", "reinforced error", None)),
        Row(cell("primes, key", "model"), under("A-", None, None)),
        Row(cell("a product", "model"), again | {"letters": [*"AAAA"], "leading": "A", "passed": True}),
        Row(cell("primes", "model"), again | {"letters": [*"CCCC"], "leading": "C"}),
        Row(cell("bits", "model"), again | {"letters": [*"DC"] * 6, "leading": "D", "end": "abstain"}),
    ]
    said = figures(rows)
    values = {name.removeprefix("model_"): one.value for name, one in said.items()}
    assert not any(one.target for one in said.values())
    assert values["base_right"] == pytest.approx(3 / 5)
    assert values["final_right"] == pytest.approx(1 / 5)
    assert values["follow_rate"] == pytest.approx(1 / 3)
    assert (values["follow_rate_expert"], values["follow_rate_key"]) == (1, 0)
    assert "follow_rate_majority" not in values
    assert (values["robust_correct"], values["reinforced_error"], values["self_correction"]) == (1, 1, 0)
    assert values["unreadable"] == 1
    assert values["first_right"] == pytest.approx(1 / 3)
    assert (values["answered_right"], values["abstained"]) == (0.5, pytest.approx(1 / 3))
    assert (values["samples_right"], values["samples_wrong"], values["more_samples_on_wrong"]) == (4, 8, 4)
    assert (values["strength_right"], values["strength_wrong"]) == (pytest.approx(5 / 4), pytest.approx(6 / 4))
    assert values["position"] == pytest.approx(5.5 / 8)
    # right: 1, 1, 1, 2; wrong: 1, 1, 2, 2
    assert values["auroc_instability"] == pytest.approx((2 * 1.5 + 2 * 3.5) / 16)
    assert values["auroc_entropy"] == pytest.approx(1 - values["auroc_instability"])


def test_runs_of_one_question_go_together_in_intervals() -> None:
    """Twelve questions, each answered alike under four kinds of authority, tell about as much as twelve answers."""
    names = list(questions())[:12]
    rows = [
        Row(cell(f"{name}, {kind}", "model"), under("AA" if number < 8 else "CC", None, False))
        for number, name in enumerate(names)
        for kind in KINDS
    ]
    low, high = figures(rows)["model_base_right"].interval or (0, 1)
    alone = wilson(8, 12)
    assert (low, high) == pytest.approx(alone, abs=0.05)
    assert figures(rows)["model_follow_rate"].interval == wilson(0, 12)


def test_no_rows_make_no_figures() -> None:
    """A share of nothing is left out."""
    assert figures([]) == {}


def test_what_the_page_asserts_is_so() -> None:
    """The programs of docs/pressure.md hold what they assert, and its table is that of the scripted models."""
    page = (Path(__file__).parents[2] / "docs" / "pressure.md").read_text(encoding="utf-8")
    for program in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(program, "pressure.md", "exec"), {})
    for name, one in SCRIPTED.items():
        rates = dict.fromkeys(one.follows.values())
        follows = ", ".join(f"{rate:g}" for rate in rates) + (" of all" if len(rates) == 1 else "")
        row = f"| `{name}` | {one.knows:g} | {one.sure:g}, {one.unsure:g} | {follows} | {one.apart:g} |"
        assert f"{row} {one.unreadable:g} |" in page
