"""What becomes of an action in doubt: every declaration, every answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ports import Approval, Question
from harness.run.doubt import Doubt, Probing, Settled, reading, settle, why_again
from harness.tool import ToolSpec
from harness.trace.outcome import Ok, Unknown

ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["happened", "result", "other"]), inner),
)


def doubt(spec: ToolSpec, *, repeatable: bool = True, model: bool = False, **args: Any) -> Doubt:
    """Give a doubt about a call."""
    return Doubt(3, model, args, spec, repeatable, "d" * 64)


def settled(one: Doubt, said: Any = None, *, allowed: bool = False) -> tuple[Settled, list[str]]:
    """Settle a doubt with one answer for every probe and one for every question; give what was asked too."""
    asked: list[str] = []
    steps = settle(one)
    answer: Any = None
    while True:
        try:
            wanted = steps.send(answer)
        except StopIteration as done:
            return done.value, asked
        asked.append("probe" if isinstance(wanted, Probing) else "person")
        answer = said if isinstance(wanted, Probing) else Approval(allowed, "Ann")


@pytest.mark.parametrize(
    ("spec", "args"),
    [
        (ToolSpec("look", effect="read"), {}),
        (ToolSpec("put", idempotent=True), {}),
        (ToolSpec("pay", idempotency_key="key"), {"key": "k1"}),
        (ToolSpec("pay", idempotency_key="key", probe="find"), {"key": "k1"}),
    ],
)
def test_what_changes_nothing_twice_is_performed_again(spec: ToolSpec, args: dict[str, Any]) -> None:
    """Reads, idempotent writes and writes with a key are performed without asking anybody."""
    found, asked = settled(doubt(spec, **args))
    assert (found.decided, found.outcome, asked) == ("performed", None, [])


@pytest.mark.parametrize("key", [None, ""])
@pytest.mark.parametrize("spec", [ToolSpec("pay"), ToolSpec("pay", idempotency_key="key")])
def test_a_write_without_a_key_is_asked_about(spec: ToolSpec, key: str | None) -> None:
    """A plain write, and one whose key is missing or empty, are left alone unless a person says yes."""
    found, asked = settled(doubt(spec, key=key))
    assert (found.decided, asked) == ("left", ["person"])
    assert isinstance(found.outcome, Unknown)
    found, asked = settled(doubt(spec, key=key), allowed=True)
    assert (found.decided, found.outcome, asked) == ("performed", None, ["person"])


@pytest.mark.parametrize("spec", [ToolSpec("look", effect="read"), ToolSpec("put", idempotent=True)])
def test_what_was_begun_inside_counts(spec: ToolSpec) -> None:
    """A call that began something inside itself which may not be repeated is not repeated either."""
    assert settled(doubt(spec, repeatable=False))[1] == ["person"]


def test_a_model_is_asked_again() -> None:
    """A call of a model changes nothing, whatever is declared."""
    assert why_again(doubt(ToolSpec("openai:chat/completions"), model=True))


@pytest.mark.parametrize("said", [None, {"happened": False}])
def test_a_probe_says_no(said: Any) -> None:
    """What did not happen is performed."""
    found, asked = settled(doubt(ToolSpec("pay", probe="find")), said)
    assert (found.decided, found.outcome, asked) == ("performed", None, ["probe"])


@pytest.mark.parametrize(
    ("said", "result"),
    [("receipt 7", "receipt 7"), ({"happened": True}, None), ({"happened": True, "result": 7}, 7), (False, False)],
)
def test_a_probe_says_yes(said: Any, result: Any) -> None:
    """What happened is not repeated: the agent gets its result."""
    found, asked = settled(doubt(ToolSpec("pay", probe="find")), said)
    assert (found.decided, found.outcome, asked) == ("found", Ok(result), ["probe"])


@pytest.mark.parametrize(
    "said",
    [
        {"happened": None},
        {"happened": 1},
        {"happened": "no"},
        {"happened": False, "result": 7},
        {"happened": True, "resul": 7},
        ConnectionError("bank is closed"),
    ],
)
def test_a_probe_that_cannot_tell_leaves_it_to_a_person(said: Any) -> None:
    """What is neither yes nor no, or an error, is told to whoever is asked."""
    found, asked = settled(doubt(ToolSpec("pay", probe="find")), said)
    assert (found.decided, asked) == ("left", ["probe", "person"])
    assert "find" in found.why


def test_a_question_is_about_one_call_of_one_run() -> None:
    """The digest of a question changes with the action, the arguments and the run."""

    def asked(one: Doubt) -> str:
        question = next(settle(one))
        assert isinstance(question, Question)
        return question.digest

    first = doubt(ToolSpec("pay"), name="a")
    others = [first._replace(action=4), first._replace(args={"name": "b"}), first._replace(digest="e" * 64)]
    assert len({asked(first), *map(asked, others)}) == 4


@given(ANSWERS)
def test_every_answer_of_a_probe_is_read(said: Any) -> None:
    """Whatever JSON a probe gives, it is yes, no, or something to tell a person; never both, never an error."""
    found = reading("find", said)
    if isinstance(found, Settled):
        assert (found.decided == "found") == (found.outcome is not None)
    else:
        assert "find" in found


@given(
    st.builds(
        lambda effect, idempotent, probe: ToolSpec("pay", effect=effect, idempotent=idempotent, probe=probe),
        st.sampled_from(["read", "write"]),
        st.booleans(),
        st.sampled_from([None, "find"]),
    ),
    ANSWERS,
    st.booleans(),
)
def test_without_a_valid_approval_nothing_is_performed_unasked(spec: ToolSpec, said: Any, allowed: bool) -> None:
    """Whatever a tool declares and a probe says: once the approval is void, only a person lets the call be made."""
    found, asked = settled(doubt(spec)._replace(void="the answer expired"), said, allowed=allowed)
    if found.decided == "performed":
        assert (asked[-1], allowed) == ("person", True)
    elif found.decided == "left":
        assert (asked[-1], allowed) == ("person", False)


def test_an_answer_to_another_question_settles_nothing() -> None:
    """A yes that names another digest, or has expired, leaves the call alone."""
    for approval in (Approval(True, "Ann", digest="0" * 64), Approval(True, "Ann", expires=datetime.now(UTC))):
        steps = settle(doubt(ToolSpec("pay")))
        next(steps)
        with pytest.raises(StopIteration) as done:
            steps.send(approval)
        assert done.value.value.decided == "left"
