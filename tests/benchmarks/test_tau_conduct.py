"""What an agent did in a recorded conversation, and which of its codes it had from nobody."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.suites.tau.cells import found_in
from benchmarks.suites.tau.claims import Claims, claims_of
from benchmarks.suites.tau.conduct import Conduct, conduct_of
from harness.adapters.transcripts import tau
from harness.adapters.transcripts.conversation import Document
from tests.benchmarks.tau_talks import conversation, said, talk


def test_conduct_is_counted_by_hand(tmp_path: Path) -> None:
    """Of six calls two failed and three were made before, one of these after it had failed."""
    calls = talk(
        ("look", {"at": 1, "of": 2}, "ok"),
        ("look", {"of": 2, "at": 1}, "ok"),  # again
        ("pay", {"cents": 1}, "Error: no"),
        ("pay", {"cents": 1}, "Error: no"),  # again, and in vain again
        ("pay", {"cents": 2}, "ok"),
        ("pay", {"cents": 2}, None),  # again
    )
    assert conduct_of(conversation(tmp_path, calls).events) == Conduct(6, 6, 2, 3, 1)


def test_what_a_user_calls_is_not_the_agents_conduct(tmp_path: Path) -> None:
    """Calls of the user's own are not counted, and what they answer is no source for the agent."""
    messages = [{"role": "user", "content": "Hello."}, *talk(("look", {}, "FLY123")), {"role": "user", "content": "?"}]
    messages.append({"role": "assistant", "content": "It is FLY123."})
    events = conversation(tmp_path, messages).events
    users = [event._replace(agent="user") if event.kind == "action" else event for event in events]
    assert conduct_of(users).steps == 0
    assert claims_of(events) == Claims(1, (), 0)
    assert claims_of(users) == Claims(1, ("fly123",), 0)


def test_claims_are_codes_with_a_source_or_without(tmp_path: Path) -> None:
    """Policy, user and tools are sources of what they said before; an invented code is used if a tool is given it."""
    messages = [
        {"role": "system", "content": "Ring 555-123-4567, or write to help@desk.com."},
        {"role": "user", "content": "My order is #K7654321, for 256GB at $1,234.50 on 2024-05-20."},
        {
            "role": "assistant",
            "content": "K7654321, 128GB, $99.95, 10:30, 5551234567; help@desk.com; like #K0000000",
        },
        *talk(("look", {"id": "K7654321"}, '{"certificate_2345678": {"item": 1234567890}}')),
        {"role": "assistant", "content": "Certificate 2345678 for item 1234567890, by 555-123-4567."},
        *talk(("pay", {"with": "credit_card_4321", "flight": ["FLY200"]}, "Error: FLY200 is not known")),
        {"role": "assistant", "content": "FLY200 and FLY201 are not known."},
    ]
    stated = ["k7654321", "5551234567", "help@desk.com", "k0000000", "2345678", "1234567890", "555-123-4567"]
    missing = ("5551234567", "k0000000", "fly200", "credit_card_4321", "fly201")
    found = claims_of(conversation(tmp_path, messages).events)
    assert found is not None
    assert (found.stated, set(found.unsupported), found.used) == (len(stated) + 3, set(missing), 2)


def test_where_nobody_speaks_no_claim_is_judged(tmp_path: Path) -> None:
    """An agent that was told its task outside the conversation has no sources in it."""
    assert claims_of(conversation(tmp_path, talk(("look", {"id": "K7654321"}, "ok"))).events) is None
    row, _ = found_in(conversation(tmp_path, talk(("look", {"id": "K7654321"}, "ok"))), "telecom")
    assert not {"claims", "writes", "violations"} & set(row)


@given(st.lists(st.integers(100, 130), max_size=6), st.integers(0, 6))
@settings(max_examples=25)
def test_a_claim_is_supported_exactly_if_it_was_said(numbers: list[int], told: int) -> None:
    """Of codes that only stand in messages, those without support are those that the user did not say."""
    codes = [f"fly{number}" for number in numbers]
    messages = [{"role": "user", "content": " and ".join(codes[:told])}, {"role": "assistant", "content": str(codes)}]
    (one,) = tau.transcripts([Document("here", said(messages))])
    found = claims_of(one.events)
    assert found is not None
    assert set(found.unsupported) == {*codes} - {*codes[:told]}
    assert (found.stated, found.used) == (len({*codes}), 0)
