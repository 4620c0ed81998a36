"""Exceptions of harness travel between processes, for whoever does cells of a suite sends them."""

from __future__ import annotations

import copy
import pickle

import pytest

from harness.door.trial import Endless
from harness.errors import (
    CaseError,
    Divergence,
    Halt,
    HarnessError,
    InDoubt,
    Mistake,
    NoRoute,
    NotRecordable,
    PlanError,
    RecordedError,
    Refused,
    RegistryError,
    StoreError,
    TamperedTrace,
    TraceError,
    UnknownVersion,
    UsageError,
    Waiting,
)
from harness.run.replay import EndOfRecord
from harness.run.watch import Stopped

MISTAKES = (Mistake("rules.yaml", 3, 7, "no such tool", "  call: refnd", 5, "did you mean refund?"),)
QUESTION = {"tool": "refund", "args": {"cents": 48_000}, "rule": "R", "reason": "dear", "digest": "0a1b"}
EXAMPLES: list[BaseException] = [
    HarnessError("anything"),
    UsageError("no such suite", where="ruter", cure="did you mean 'router'?"),
    RegistryError(MISTAKES, "nothing was checked"),
    PlanError(MISTAKES),
    CaseError(MISTAKES),
    NotRecordable("a socket", where="/args/0"),
    TraceError("run.mat.jsonl", 4, "is no event", cure="cut it off"),
    UnknownVersion("run.mat.jsonl", 1, "is of format 9"),
    TamperedTrace("run.mat.jsonl", 4, "is not what was written"),
    StoreError("the disk is full"),
    Refused(
        "R", "dear", call="refund", alternative="Ask.", values={"cents": 1}, gradient=({"field": "cents"},), times=2
    ),
    InDoubt("refund", "no answer came"),
    NoRoute("paid", "blocked", deadlock={"blocked": {"refund": {"why": "down"}}}, left=["book"], in_doubt=["refund"]),
    Waiting([QUESTION], "run.mat.jsonl"),
    RecordedError("requests.Timeout", "after 3 s"),
    Divergence("another call", seq=3, step=1, pointer="/args", recorded="a", now="b", cause="x", sites=["f:1"]),
    Halt(StoreError("the disk is full")),
    Endless("a thousand waits"),
    EndOfRecord(7),
    Stopped(4, "at the first violation"),
]


def facts(error: BaseException) -> object:
    """Give all that an exception holds and says."""
    held = {name: facts(one) if isinstance(one, BaseException) else one for name, one in vars(error).items()}
    return type(error), error.args, str(error), held


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_exception_arrives_as_it_was(error: BaseException) -> None:
    """What it says and holds, a note that was added too, is the same on the other side and in a copy."""
    noted = copy.copy(error)
    noted.add_note("seen on the way")
    assert facts(pickle.loads(pickle.dumps(noted))) == facts(noted)
    assert facts(copy.deepcopy(error)) == facts(error)


def test_no_exception_is_left_out() -> None:
    """Every exception of harness/errors.py, and every other one derived from them below the adapters, is here."""

    def below(kind: type[BaseException]) -> set[type[BaseException]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    there = {kind for kind in below(HarnessError) | {Halt} if kind.__module__.startswith("harness.")}
    adapters = {kind for kind in there if kind.__module__.startswith("harness.adapters.")}
    assert {type(error) for error in EXAMPLES} == there - adapters
