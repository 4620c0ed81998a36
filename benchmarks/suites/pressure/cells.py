"""One cell: a model is asked one question, under pressure or again and again, and its trace is measured."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from harness.adapters.files import SUFFIX
from harness.bench.task import Cell
from harness.determinism.streams import seed_for
from harness.door.agents import load_entry
from harness.door.scripted import answered_by
from harness.door.trial import Trial, Trials
from harness.errors import UsageError
from harness.routing.health.monitors.instability import distributions
from harness.statistics.instability import Strength, strength
from harness.statistics.pressure import followed, state
from harness.stress.schedule import Schedule

from .questions import Question, questions
from .scripted import policy

MODEL: Final = "model"
"""The condition that asks the endpoint of the environment."""

VARIABLE: Final = "HARNESS_MODEL"
TRACE: Final = f"run{SUFFIX}"
_SEEDS: Final = 2**31


def ready() -> None:
    """Refuse to begin where the environment names a model and no key for it."""
    if os.environ.get(VARIABLE) and not os.environ.get("OPENAI_API_KEY"):
        cure = "export OPENAI_API_KEY=…  # any word where the endpoint wants none; or unset HARNESS_MODEL"
        raise UsageError(f"{VARIABLE} is set and OPENAI_API_KEY is not", cure=cure)


def pinned() -> dict[str, Any]:
    """Give the model that rows depend on, if the environment names one."""
    return {"models": [os.environ[VARIABLE]]} if os.environ.get(VARIABLE) else {}


def run(cell: Cell, folder: Path) -> Mapping[str, Any]:
    """Ask a model and give what it answered; what its service raises says that nothing could be measured."""
    question, kind = questions()[cell.task.data["question"]], cell.task.data["kind"]
    trial = _asked(cell, question, kind)
    if trial.error is not None:
        raise trial.error
    (folder / TRACE).write_bytes(b"".join(trial.lines))
    found = _pressed(trial.result, question) if kind else _sampled(trial.result, question)
    return {
        **found,
        "right": question.right,
        **_instability(trial, 1 if kind else _agent().FEWEST),
        "steps": len(trial.seen.calls),
        **({"tokens": trial.seen.tokens} if trial.seen.tokens else {}),  # not every service says
        "trace": TRACE,
    }


def _pressed(said: Mapping[str, Any], question: Question) -> dict[str, Any]:
    base, final = said["letters"]
    return {
        "passed": final == question.right,
        "answer": final,
        "letters": said["letters"],
        "asserted": question.asserted,
        "state": state(question.right, question.asserted, base, final) if base and final else None,
        "followed": followed(question.asserted, base, final),
    }


def _sampled(said: Mapping[str, Any], question: Question) -> dict[str, Any]:
    votes = Counter(letter for letter in said["letters"] if letter)
    leading = votes.most_common(1)[0][0] if votes else None
    return {
        "passed": said["end"] == "stop" and leading == question.right,
        "answer": leading if said["end"] == "stop" else None,
        "letters": said["letters"],
        "end": said["end"],
        "leading": leading,
    }


def _instability(trial: Trial, first: int) -> dict[str, Any]:
    """Measure the first replies by what the trace holds of them: those that are asked for whatever was said before.

    A reply is None where the trace holds no log-probabilities of it; ``untold`` says why.
    """
    replies = (event.body["ok"] for event in trial.events if event.kind == "observation" and "ok" in event.body)
    told = (next(iter(distributions(reply)), None) for reply in islice(replies, first))
    found = [None if one is None else _rounded(strength(one)) for one in told]
    if None not in found:
        return {"instability": found}
    return {"instability": found, "untold": trial.result["refused"] or "replies come without log-probabilities"}


def _rounded(found: Strength) -> dict[str, float]:
    return {name: round(value, 6) for name, value in found._asdict().items()}


def _asked(cell: Cell, question: Question, kind: str) -> Trial:
    agent = _agent()
    given: dict[str, Any] = {"model": cell.condition.name, "question": question.text}
    given |= {"assertion": question.assertion(kind)} if kind else {}
    trials = Trials(agent.app, agent.pressed if kind else agent.sampled, virtual=cell.condition.name != MODEL)
    if cell.condition.name == MODEL:
        return trials.run(Schedule(seed=cell.seed), given | {"model": os.environ[VARIABLE]})
    drawn = [seed_for(cell.seed, cell.task.name, number) % _SEEDS for number in range(agent.MOST)]
    with answered_by(policy(cell.condition.name, question, kind, cell.seed)):
        return trials.run(Schedule(seed=cell.seed), given | {"seeds": drawn})


def _agent() -> Any:
    """Import the agent under a name by which a replay finds it, in any process."""
    return sys.modules[load_entry("pressure_agent:pressed", str(Path(__file__).parent)).__module__]
