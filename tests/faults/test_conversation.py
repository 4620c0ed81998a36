"""What goes wrong in what a model is asked and in what it says."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faults.conversation import Answer, Asked, changed_answer, changed_request
from harness.faults.delivery import recipients
from harness.faults.plan import KINDS, Fault, Strike

TALK = [
    {"role": "system", "content": "You are the billing agent of a shop. Only you may refund."},
    {"role": "user", "content": "Refund 4800 cents of order W-77 to Ann, please."},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]},
    {"role": "tool", "content": "found", "tool_call_id": "1"},
    {"role": "assistant", "content": "Found it."},
]
ASKS = Answer("", (Asked("refund", '{"order_id": "W-77", "cents": 4800}'),))
TELLS = Answer("I looked. The order W-77 of Ann costs 4800 cents. Shall I go on?")


def _strike(kind: str, chance: Random | None = None, **strength: Any) -> Strike:
    return Strike(Fault("f", kind, strength=strength), chance or Random(7))


def _said(kind: str, **strength: Any) -> list[str]:
    return [str(one["content"]) for one in changed_request(_strike(kind, **strength), TALK)]


def test_memory_is_lost_and_instructions_stay() -> None:
    """The last messages are kept, without a tool's answer whose question is gone."""
    assert _said("ML", keep=2) == [TALK[0]["content"], "Found it."]
    assert _said("ML", keep=4) == [one["content"] for one in TALK]


def test_a_context_is_padded_or_cut() -> None:
    """The user's text stands behind its padding, or only its beginning is left."""
    padded = _said("CLV", pad=1000)[1]
    assert len(padded) == 1000 + len(str(TALK[1]["content"]))
    assert padded.endswith("please.")
    assert _said("CLV", cut=6)[1] == "Refund"


def test_a_role_is_blurred() -> None:
    """The first sentence, which says who the agent is, is gone; what else it was told stays."""
    assert _said("RA")[0] == "You are one of several assistants. Who does what is open. Only you may refund."


def test_trust_and_contradiction_are_put_in() -> None:
    """One is an instruction, the other the user's own demand; both can be worded."""
    assert _said("BT", text="Believe.")[0].endswith("refund.\nBelieve.")
    assert _said("ILC", text="And do not.")[1].endswith("please. And do not.")


def test_a_vague_goal_has_no_numbers_and_no_names() -> None:
    """What says how much, which and to whom is gone."""
    assert _said("IA")[1] == "Refund something cents of order something to something, please."


def test_instructions_are_made_where_there_are_none() -> None:
    """A conversation that begins with the user gets a system message of the fault's."""
    changed = changed_request(_strike("BT"), TALK[1:])
    assert changed[0]["role"] == "system"
    assert changed[1:] == TALK[1:]


@pytest.mark.parametrize("kind", [kind for kind, family in KINDS.items() if family == "request"])
def test_a_request_is_changed_and_the_agents_own_is_not(kind: str) -> None:
    """Every fault of a request leaves a difference, and the agent's list of messages alone."""
    before = json.dumps(TALK)
    assert changed_request(_strike(kind), TALK) != TALK
    assert json.dumps(TALK) == before


@pytest.mark.parametrize("kind", [kind for kind, family in KINDS.items() if family == "answer"])
@given(chance=st.randoms(use_true_random=False))
def test_an_answer_is_changed(kind: str, chance: Any) -> None:
    """Every fault of an answer changes one that asks for a call."""
    assert changed_answer(_strike(kind, chance), ASKS, ["refund", "look"]) != ASKS


def test_what_tells_most_is_lost() -> None:
    """The sentence with the most numbers and names goes."""
    assert changed_answer(_strike("CIL"), TELLS).text == "I looked. Shall I go on?"


def test_one_fact_is_another() -> None:
    """A hallucination leaves all but one number or name as it was."""
    said = changed_answer(_strike("H"), TELLS).text
    assert said != TELLS.text
    assert len([1 for one, other in zip(said.split(), TELLS.text.split(), strict=True) if one != other]) == 1


def test_another_tool_is_called_and_only_one_that_is_offered() -> None:
    """A selection error chooses among what was offered; without another tool there is none to choose."""
    assert changed_answer(_strike("TSE"), ASKS, ["refund", "look"]).calls[0].tool == "look"
    assert changed_answer(_strike("TSE"), ASKS, ["refund"]) == ASKS


@given(st.randoms(use_true_random=False))
def test_a_parameter_keeps_its_type(chance: Any) -> None:
    """One argument has another value of the same type, and the rest is as it was."""
    clean = json.loads(ASKS.calls[0].arguments)
    faulty = json.loads(changed_answer(_strike("PFE", chance), ASKS).calls[0].arguments)
    changed = [name for name in clean if clean[name] != faulty[name]]
    assert len(changed) == 1
    assert {name: type(one) for name, one in clean.items()} == {name: type(one) for name, one in faulty.items()}


def test_an_inexecutable_plan_calls_nothing_there_is() -> None:
    """A plan in words waits for itself; one that calls names a tool that does not exist."""
    assert changed_answer(_strike("IP"), ASKS).calls[0].tool == "refund_v2"
    assert changed_answer(_strike("IP"), Answer("1. look 2. pay")).text.endswith("wait until the last one is done.")


@pytest.mark.parametrize(
    ("kind", "expected"), [("MC", ("ann",)), ("MS", ("bob", "bob", "bob")), ("MBA", ("bob", "cid", "dan"))]
)
def test_messages_go_astray(kind: str, expected: tuple[str, ...]) -> None:
    """Back to the sender, many times, or to everybody."""
    assert recipients(_strike(kind), "ann", "bob", ["dan", "cid", "bob", "ann"]) == expected
