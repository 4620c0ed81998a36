"""Model requests as what is new in them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.trace.history import Histories

message = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": st.sampled_from("abc")})
request = st.fixed_dictionaries(
    {"model": st.sampled_from(["m", "n"]), "messages": st.lists(message, max_size=5)},
    optional={"tools": st.just([{"type": "function"}]), "input": st.just("text")},
)
responses = st.fixed_dictionaries({"model": st.just("m"), "input": st.text(max_size=3) | st.lists(message, max_size=3)})


@given(
    st.lists(
        st.tuples(st.sampled_from(["openai:chat/completions", "openai:responses"]), request | responses), max_size=12
    )
)
def test_every_request_is_restored_exactly(requests: list[tuple[str, dict[str, Any]]]) -> None:
    """Whatever is sent in whatever order, the shortened requests give back the whole ones."""
    writing, reading = Histories(), Histories()
    for seq, (tool, sent) in enumerate(requests):
        assert reading.restore(tool, writing.shorten(tool, sent, seq), seq) == sent


def test_a_continued_conversation_keeps_only_what_is_new() -> None:
    """The next turn names the call it continues and holds its own messages only."""
    histories = Histories()
    said: list[dict[str, Any]] = [{"role": "user", "content": "one"}]
    histories.shorten("chat", {"model": "m", "messages": list(said)}, 0)
    said += [{"role": "assistant", "content": "two"}, {"role": "user", "content": "three"}]
    assert histories.shorten("chat", {"model": "m", "messages": list(said)}, 2) == {
        "after": 0,
        "keep": 1,
        "messages": said[1:],
    }


def test_interleaved_conversations_each_continue_their_own() -> None:
    """Two agents that share a session do not lose each other's history."""
    histories = Histories()
    for seq, name in enumerate("ab"):
        histories.shorten("chat", {"messages": [{"role": "system", "content": name}]}, seq)
    for seq, name in enumerate("ab"):
        longer = {"messages": [{"role": "system", "content": name}, {"role": "user", "content": "next"}]}
        assert histories.shorten("chat", longer, seq + 2)["after"] == seq


def test_changed_options_are_written_again() -> None:
    """Model, tools and parameters are written when they differ from the call that is continued."""
    histories = Histories()
    histories.shorten("chat", {"model": "m", "messages": [{"role": "user", "content": "x"}]}, 0)
    args = histories.shorten("chat", {"model": "n", "messages": [{"role": "user", "content": "x"}]}, 1)
    assert args["options"]["model"] == "n"
    assert args["messages"] == []
