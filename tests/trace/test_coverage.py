"""The mediation coverage of a run, folded over its events."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.trace.coverage import Coverage, Known, coverage_of
from harness.trace.covered import Covered
from harness.trace.event import Event
from tests.strategies import json_values

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {}}}
SEARCH = {"type": "web_search_preview_2025_03_11"}


class Story:
    """Events of a run, one after another."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind: Any, body: dict[str, Any], parents: tuple[int, ...] = ()) -> int:
        """Add an event and give its number."""
        self.events.append(Event(len(self.events), kind, "main", "0", parents, 0, body))
        return len(self.events) - 1

    def call(self, tool: str, surface: str = "tool", **more: Any) -> int:
        """Add a call at the door that succeeded."""
        body = {"surface": surface, "tool": tool, "args": more.pop("args", {}), "rules": [], **more}
        action = self.add("action", body)
        self.add("observation", {"action": action, "ok": None})
        return action

    def model(self, *asks: tuple[str, str], **args: Any) -> int:
        """Add a call of a model that asks for calls (id, tool)."""
        made = [{"id": one, "type": "function", "function": {"name": name, "arguments": "{}"}} for one, name in asks]
        answer = {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": made}}]}
        body = {"surface": "model", "tool": "openai:chat/completions", "args": {"messages": [], **args}, "rules": []}
        action = self.add("action", body)
        self.add("observation", {"action": action, "ok": {"body": answer}})
        return action

    def reads(self, *reads: list[Any]) -> int:
        """Add what a task has read."""
        return self.add("read", {"reads": list(reads)})

    def known(self) -> dict[str, Known]:
        """Fold the events; give the surfaces by name."""
        return {one.name: one for one in coverage_of(self.events)}


def result(call_id: str) -> dict[str, Any]:
    """Give the message that brings a result back to a model."""
    return {"role": "tool", "tool_call_id": call_id, "content": "done"}


def test_what_comes_to_the_door_is_mediated() -> None:
    """Tools, models, servers, handoffs by whom they go to, and memory."""
    story = Story()
    story.model(("c1", "weather"), options={"tools": [WEATHER]})
    story.call("weather", id="c1")
    story.call("handoff", "handoff", args={"to": "billing"})
    story.call("memory.read", "memory", args={"key": "k"})
    story.call("mcp:tools/list", "server")
    assert {(one.kind, one.name) for one in coverage_of(story.events)} == {
        ("tool", "weather"),
        ("handoff", "billing"),
        ("memory", "memory.read"),
        ("server", "mcp:tools/list"),
        ("model", "openai:chat/completions"),
    }
    assert {one.status for one in coverage_of(story.events)} == {"mediated"}


def test_a_tool_that_is_offered_and_never_asked_for_is_unused() -> None:
    """Nothing of it happened, so nothing slipped past."""
    story = Story()
    story.model(options={"tools": [WEATHER]})
    assert story.known()["weather"].status == "unused"


def test_a_result_without_a_call_at_the_door_is_told_when_it_comes_back() -> None:
    """The request that brings it says so, and so does every request that goes on with that conversation."""
    story = Story()
    first = story.model(("c1", "weather"))
    second = story.model(messages=[result("c1")], after=first, keep=1)
    third = story.model(messages=[], after=second, keep=2)
    story.model(messages=[])
    coverage = Coverage()
    told = {event.seq: coverage.heard(event) for event in story.events}
    past = Covered("tool", "weather", "unseen", "a result came back without a call at the door")
    assert [seq for seq, said in told.items() if past in said] == [second, third]
    assert story.known()["weather"] == Known("tool", "weather", "unseen", past.why, 1)
    assert coverage.finish() == []


def test_a_call_that_was_asked_for_and_never_came_is_told_at_the_end() -> None:
    """Nobody knows whether it was made."""
    story = Story()
    story.model(("c1", "weather"))
    coverage = Coverage()
    assert not [one for event in story.events for one in coverage.heard(event) if one.name == "weather"]
    assert coverage.finish() == [Covered("tool", "weather", "unseen", "asked for, and no call came to the door")]
    assert story.known()["weather"].status == "unseen"


def test_calls_without_ids_are_matched_by_name() -> None:
    """Function tools under ``@app.tool`` do not know the model's id; the tools of a server have a prefix."""
    story = Story()
    first = story.model(("c1", "weather"), ("c2", "read"))
    story.call("weather")
    story.call("files/read")
    story.model(messages=[result("c1"), result("c2")], after=first, keep=1)
    assert {one.status for one in story.known().values()} == {"mediated"}


def test_an_id_is_matched_with_itself_and_never_by_name() -> None:
    """Of two calls of one tool, the one that never came to the door is found."""
    story = Story()
    first = story.model(("c1", "weather"), ("c2", "weather"))
    story.call("weather", id="c2")
    story.model(messages=[result("c1"), result("c2")], after=first, keep=1)
    assert story.known()["weather"].status == "unseen"


def test_a_call_may_come_before_the_answer_that_asked_for_it_is_complete() -> None:
    """Calls of a stream are judged while it flows."""
    story = Story()
    story.call("weather", id="c1")
    first = story.model(("c1", "weather"))
    story.model(messages=[result("c1")], after=first, keep=1)
    assert story.known()["weather"].status == "mediated"


def test_a_tool_that_is_a_handoff_comes_as_one() -> None:
    """The model asks for a tool; what comes to the door is the handoff."""
    story = Story()
    first = story.model(("c1", "transfer_to_billing"))
    story.call("handoff", "handoff", args={"to": "billing"}, id="c1")
    story.model(messages=[result("c1")], after=first, keep=1)
    known = story.known()
    assert (known["transfer_to_billing"].status, known["transfer_to_billing"].why) == ("mediated", "as handoff")
    assert known["billing"].status == "mediated"


def test_a_rewritten_call_is_one_call() -> None:
    """The call that stands in its place does not use up another one that was asked for."""
    story = Story()
    first = story.model(("c1", "note"), ("c2", "note"))
    action = story.add("action", {"surface": "tool", "tool": "note", "args": {}, "rules": []})
    said = {"action": action, "decision": "rewrite", "rule": "R", "reason": ""}
    decided = story.add("decision", said, (action,))
    story.add("action", {"surface": "tool", "tool": "note", "args": {"text": ""}, "rules": []}, (decided,))
    story.model(messages=[result("c1"), result("c2")], after=first, keep=1)
    assert story.known()["note"].status == "unseen"
    assert story.known()["note"].times == 2  # the one that came, and the result of the other


def test_hosted_tools_are_told_by_every_request_that_offers_them() -> None:
    """Also by one whose options are those of the request it goes on with; one that offers others does not."""
    story = Story()
    first = story.model(options={"tools": [SEARCH, WEATHER]})
    second = story.model(messages=[], after=first, keep=1)
    story.model(messages=[], after=second, keep=1, options={"tools": [WEATHER]})
    coverage = Coverage()
    told = {event.seq: [one.name for one in coverage.heard(event)] for event in story.events}
    assert [seq for seq, names in told.items() if "web_search" in names] == [first, second]
    assert story.known()["web_search"].status == "observed"


def test_a_hosted_tool_that_no_request_offered_is_known_by_its_use() -> None:
    """A prompt that is stored at the provider may bring tools of its own."""
    story = Story()
    story.model()
    output = {"output": [{"type": "mcp_call", "server_label": "crm"}, {"type": "web_search_call"}]}
    story.events[-1] = story.events[-1]._replace(body={"action": 0, "ok": {"body": output}})
    assert {one.name for one in coverage_of(story.events) if one.kind == "hosted"} == {"mcp:crm", "web_search"}


def test_doors_that_were_used_are_observed_by_place() -> None:
    """Each function that opened something, with what it opened; values that are none of these are nothing."""
    story = Story()
    story.reads(["uncaptured:socket.getaddrinfo", "shop:fetch"], ["uncaptured:socket.connect", "shop:fetch"])
    story.reads(["uncaptured:subprocess.Popen", "shop:build"], ["uncaptured:os.fork", "shop:build"])
    story.reads(["uncaptured:ctypes.dlopen", "shop:load"], ["uncaptured:os.remove", "shop:clean"], ["time.time", 5.0])
    known = coverage_of(story.events)
    assert {(one.kind, one.name, one.status) for one in known} == {
        ("network", "shop:fetch", "observed"),
        ("process", "shop:build", "observed"),
        ("library", "shop:load", "observed"),
        ("files", "shop:clean", "observed"),
    }
    assert story.known()["shop:fetch"].why == "socket.getaddrinfo, socket.connect"


def test_an_adapter_s_word_stands_until_something_worse_is_seen() -> None:
    """What it vouches for may turn out to be unseen; what it excuses is not told again for each call."""
    story = Story()
    vouched = Covered("tool", "weather", "mediated")
    excused = Covered("tool", "final_result", "observed", "an output tool")
    story.reads(["surfaces@frame", [vouched.facts(), excused.facts(), {"kind": "nonsense"}, 5]])
    first = story.model(("c1", "weather"), ("c2", "final_result"))
    story.model(messages=[result("c1"), result("c2")], after=first, keep=1)
    known = story.known()
    assert known["weather"].status == "unseen"
    assert known["final_result"] == Known("tool", "final_result", "observed", "an output tool", 0)


calls = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["came", "back", "came, back", "nothing"]), st.booleans()),
    max_size=8,
)


@given(calls)
def test_unseen_is_what_came_back_without_a_call_or_never_came_at_all(asked: list[tuple[str, str, bool]]) -> None:
    """Whatever was asked for in one answer, in whatever order it came, against the definition."""
    story = Story()
    ids = {f"c{number}": one for number, one in enumerate(asked)}
    first = story.model(*((call_id, tool) for call_id, (tool, _, _) in ids.items()))
    came = [call_id for call_id, (_, what, _) in ids.items() if what.startswith("came")]
    for call_id in sorted(came, key=lambda one: ids[one][2]):
        story.call(ids[call_id][0], id=call_id)
    back = [result(call_id) for call_id, (_, what, _) in ids.items() if what.endswith("back")]
    story.model(messages=back, after=first, keep=1)
    for tool in {tool for tool, _, _ in asked}:
        whats = {what for name, what, _ in asked if name == tool}
        unseen = "back" in whats or not whats & {"came", "came, back"}
        assert (story.known()[tool].status == "unseen") == unseen


@given(json_values, json_values)
def test_any_json_in_the_place_of_a_request_or_an_answer_is_read(request: Any, answer: Any) -> None:
    """A trace of somebody else's says nothing that is not understood, and brings nothing down."""
    story = Story()
    first = story.model(messages=request, options={"tools": request, "mcp_servers": answer})
    story.events[-1] = story.events[-1]._replace(body={"action": first, "ok": {"body": answer}})
    story.add("message", {"message": {"role": "tool", "content": request, "tool_call_id": answer}})
    story.reads(["surfaces@x", request if isinstance(request, list) else [request]])
    assert coverage_of(story.events)[-1].kind
