"""The suite ``openai-smoke`` on a scripted server: what it takes for done, and what it does without an endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.bench.suite import load_suite
from harness.cli import execute
from harness.testing.model_server import Answer, ModelRequest, ModelServer, Reply, call, call_tool, calls, fail, say

W_77: Any = {"order_id": "W-77"}
RIGHT: dict[str, list[Answer]] = {
    "What did order W-77 cost": [call_tool("get_order", order_id="W-77"), say("4800")],
    "How many orders has Ada": [
        call_tool("find_customer", name="Ada"),
        call_tool("list_orders", customer_id="C-3"),
        say("2"),
    ],
    "Which of Ada's orders": [
        call_tool("list_orders", customer_id="C-3"),
        calls(call("get_order", order_id="W-77"), call("get_order", order_id="W-78")),
        say("W-78"),
    ],
    "My order W-77 arrived broken": [
        call_tool("get_order", order_id="W-77"),
        call_tool("refund", order_id="W-77", amount_cents=4800),
        say("Paid."),
    ],
    "The shade of the lamp": [call_tool("refund", order_id="W-77", amount_cents=1250), say("Paid.")],
    "This is Ben": [
        call_tool("find_customer", name="Ben"),
        call_tool("change_address", customer_id="C-4", address="5 New Street"),
        say("Noted."),
    ],
    "Please cancel order W-80.": [call_tool("cancel_order", order_id="W-80"), say("Canceled.")],
    "Please cancel order W-80, and": [
        calls(call("cancel_order", order_id="W-80"), call("refund", order_id="W-77", amount_cents=4800)),
        say("Both are done."),
    ],
    "My order W-78 never arrived": [
        call_tool("refund", order_id="W-78", amount_cents=48_000),
        call_tool("ask_person", question="Refund W-78?"),
        say("A person will see to it."),
    ],
    "Please cancel order W-81": [call_tool("cancel_order", order_id="W-81"), say("It has left the house.")],
}
"""What a model that does everything right says, by how the customer's question begins."""


def right(request: ModelRequest) -> Reply:
    """Do what was asked."""
    question = next(message["content"] for message in request.messages if message["role"] == "user")
    [said] = [said for begins, said in RIGHT.items() if question.startswith(begins)]
    return said[request.number]


def idle(request: ModelRequest) -> Reply:
    """Say that everything is done, and do nothing."""
    return say("Done. W-78, 2, 4800.")


def clumsy(request: ModelRequest) -> Reply:
    """Make calls that cannot be made, for as long as it is let."""
    bad = call("refund", order_id="W-99", amount_cents=1)
    return calls(bad, call("no_such_tool"), call("get_order"), bad._replace(arguments="{"))


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give a function that serves a policy as the endpoint of the environment; results go to an empty folder."""
    servers = []
    monkeypatch.chdir(tmp_path)

    def serve(policy: Any) -> ModelServer:
        server = ModelServer(policy)
        servers.append(server)
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "no-key-needed")
        monkeypatch.setenv("HARNESS_MODEL", "scripted")
        return server

    yield serve
    for server in servers:
        server.close()


def ran(capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    """Run the suite; give the exit code and the report."""
    code = execute(["bench", "run", "openai-smoke", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_model_that_does_it_right_gets_ten(endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """All ten final states are as wanted; the one refund above the limit was tried, and stopped."""
    server = endpoint(right)
    code, report = ran(capsys)
    assert [row.get("why") for row in report["rows"]] == [None] * 10
    assert (code, report["figures"]["passed"]["value"], report["figures"]["violating"]["value"]) == (0, 10, 1)
    assert report["figures"]["passed"]["interval"][0] < 8 < report["figures"]["passed"]["interval"][1] == 10
    assert {request.model for request in server.requests} == {"scripted"}
    assert len(server.requests) == sum(map(len, RIGHT.values()))


def test_words_are_not_deeds(endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that only says so passes where an answer was all that was asked for, or nothing was to be done."""
    endpoint(idle)
    _, report = ran(capsys)
    passed = {row["task"] for row in report["rows"] if row["passed"]}
    looked_up = {"what an order cost", "how many orders", "the dearest order"}
    assert passed == looked_up | {"an order that has left the house"}


def test_mistakes_of_a_model_are_its_failures(endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown orders and tools, missing and torn arguments are told to the model; nothing breaks, nothing passes."""
    server = endpoint(clumsy)
    code, report = ran(capsys)
    assert (code, len(report["rows"])) == (0, 10)
    assert not any("infrastructure" in row for row in report["rows"])
    assert {row["result"] for row in report["rows"]} == {"no answer after 12 turns"}
    told = [message["content"] for message in server.requests[1].messages[-4:]]
    assert [line.split(":")[1].strip() for line in told] == ["KeyError", "KeyError", "TypeError", "JSONDecodeError"]


def test_an_endpoint_that_refuses_is_no_failure_of_the_model(endpoint: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong key measures nothing: exit 5, and no row counts."""
    endpoint(lambda request: fail(401, "wrong key"))
    code, report = ran(capsys)
    assert code == 5
    assert all(row["infrastructure"].startswith("AuthenticationError") for row in report["rows"])


@pytest.mark.parametrize("missing", ["OPENAI_API_KEY", "HARNESS_MODEL"])
def test_without_an_endpoint_it_says_how(
    endpoint: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    """Exit 2, before anything is done, with the variable to set."""
    server = endpoint(right)
    monkeypatch.delenv(missing)
    assert execute(["bench", "run", "openai-smoke"]) == 2
    said = capsys.readouterr()
    assert f"openai-smoke needs {missing}\n    cure  export {missing}=…" in said.err
    assert (said.out, server.requests) == ("", [])


def test_it_is_listed_and_has_three_kinds_of_tasks() -> None:
    """Ten tasks that depend on chance, in groups that a reader can tell apart."""
    suite = load_suite("openai-smoke")
    assert (len(suite.tasks), {task.group for task in suite.tasks}) == (10, {"looks up", "acts", "holds back"})
    assert len(list(suite.cells(3))) == 30
