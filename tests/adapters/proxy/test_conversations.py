"""Which conversation a request belongs to, against players who know which one they are in."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.proxy import conversations as module
from harness.adapters.proxy.asked import Asked, digest_of_speech, read_asked
from harness.adapters.proxy.conversations import Conversation, Conversations
from harness.adapters.proxy.heard import Heard

STEPS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["ask", "tool", "response", "again"])), max_size=40)


class Player:
    """A client in one conversation: what it has said and heard, and where its requests were found to belong."""

    def __init__(self, conversations: Conversations, caller: str, first: str) -> None:
        self.found: list[Conversation] = []
        self._conversations, self._caller = conversations, caller
        self._messages: list[dict[str, Any]] = [{"role": "user", "content": first}]
        self._response = ""

    def play(self, how: str, answer: str, call: str) -> None:
        """Send what has been said so far, hear an answer, and say something to it."""
        body: dict[str, Any] = {"messages": self._messages}
        if how == "response" and self._response:
            body = {"input": "and then?", "previous_response_id": self._response}
        asked = read_asked(body)
        found = self._conversations.of(self._caller, asked)
        self.found.append(found)
        if how == "again":  # the answer is lost on its way, and the client's own retry finds the same conversation
            assert self._conversations.of(self._caller, asked, again=True) is found
        calls = (call,) if how == "tool" else ()
        self._response = f"resp-{call}"
        self._conversations.heard(found, asked, Heard(self._response, calls, digest_of_speech(answer, calls)))
        said: dict[str, Any] = {"role": "assistant", "content": answer}
        if calls:
            said["tool_calls"] = [{"id": call, "function": {"name": "f", "arguments": "{}"}}]
            self._messages += [said, {"role": "tool", "tool_call_id": call, "content": "r"}]
        else:
            self._messages += [said, {"role": "user", "content": "go on"}]


def named(numbers: Any) -> Conversations:
    """Give conversations that are named by numbers."""
    return Conversations(lambda: str(next(numbers)))


@given(STEPS, st.lists(st.sampled_from(["hello", "hi"]), min_size=5, max_size=5))
def test_everybody_stays_in_a_conversation_of_their_own(steps: list[tuple[int, str]], firsts: list[str]) -> None:
    """Whoever's turn it is, and though some began with the same words, no two conversations are ever confused."""
    conversations, numbers = named(count()), count()
    players = [Player(conversations, "key", first) for first in firsts]
    for who, how in steps:
        number = next(numbers)
        players[who].play(how, f"answer {number}", f"call-{number}")
    used = [set(player.found) for player in players if player.found]
    assert all(len(one) == 1 for one in used)
    assert len(set[Conversation]().union(*used)) == len(used)


@given(st.lists(st.integers(0, 4), max_size=40))
def test_conversations_that_go_alike_are_as_many_as_there_are(steps: list[int]) -> None:
    """Where every word is the same nobody can tell who is who, but nobody's request is lost or begins anew."""
    conversations = named(count())
    players = [Player(conversations, "key", "hello") for _ in range(5)]
    rounds = [0] * 5
    for who in steps:
        players[who].play("ask", "the same answer", "")
        rounds[who] += 1
    found = [one for player in players for one in player.found]
    assert len(set(found)) == sum(1 for one in rounds if one)


def test_a_name_goes_before_everything_else() -> None:
    """What is said under a name stays there, and nothing else finds it; for another caller it is another one."""
    conversations = named(count())
    asked = Asked(whole="w")
    one = conversations.of("key", asked, named="mine")
    conversations.heard(one, asked, Heard("r", ("c",), "s"))
    assert conversations.of("key", Asked(whole="x"), named="mine") is one
    assert conversations.of("other", asked, named="mine") is not one
    assert conversations.of("key", Asked(), named="") is conversations.of("key", Asked())
    unnamed = conversations.of("key", Asked(whole="y"))
    assert conversations.of("key", Asked(whole="z"), named=unnamed.name) is unnamed


def test_nothing_is_found_with_another_key() -> None:
    """Neither calls nor responses nor messages lead somebody else into a conversation."""
    conversations = named(count())
    asked = Asked(whole="w")
    one = conversations.of("key", asked)
    conversations.heard(one, asked, Heard("r", ("c",), "s"))
    for said in (Asked(("c",), whole="x"), Asked(after="r"), Asked(whole="x", extends=(("w", "s"),))):
        assert conversations.of("key", said) is one
        assert conversations.of("other", said) is not one


def test_a_turn_back_stays_in_the_conversation() -> None:
    """Who says something else after an earlier answer goes on in the same conversation."""
    conversations = named(count())
    player = Player(conversations, "key", "hello")
    player.play("ask", "one", "")
    earlier = read_asked({"messages": list(player._messages)})
    player.play("ask", "two", "")
    player.play("ask", "three", "")
    assert conversations.of("key", earlier) is player.found[0]


def test_what_was_long_unused_is_forgotten_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a forgotten conversation nor one that says very much is kept by what it is found by."""
    monkeypatch.setattr(module, "_KNOWN", 3)
    monkeypatch.setattr(module, "_REMEMBERED", 5)
    conversations = named(count())
    for number in range(20):
        player = Player(conversations, "key", f"hello {number}")
        for turn in range(4):
            player.play("tool", f"{number} {turn}", f"{number}-{turn}")
        assert len(player.found[-1].keys) <= 5
        conversations.of("key", Asked(), named=f"name {number}")
    kept = {one for known in conversations._known.values() for one in known}
    assert kept <= set(conversations._recent)
    assert len(conversations._recent) == 3
