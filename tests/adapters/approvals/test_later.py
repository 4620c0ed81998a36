"""Questions that a run goes on without an answer to: the same call, made again, is the same question."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.adapters.approvals.answers import answer_to
from harness.adapters.approvals.folder import ANSWER, QUESTION, Folder
from harness.adapters.approvals.later import Later
from harness.adapters.files import open_trace
from harness.errors import Refused
from harness.ports import Approval, Approver, Pending, Question
from harness.registry.load import load
from harness.run.questions import Questions

RULES = """
registry: bank
version: "1"
default: allow
tools: {pay: {effect: write}}
invariants:
  - {id: ASK, title: somebody says yes, on: action, tool: pay, require: "False", otherwise: escalate}
"""


def bank(folder: Path, approver: Approver) -> tuple[harness.Harness, Any]:
    """Give an app whose payments are asked about, and its tool."""
    app = harness.Harness(load(RULES, "bank.yaml"), traces=folder, approver=Later(approver))

    @app.tool(effect="write")
    async def pay(cents: int) -> str:
        return f"paid {cents}"

    return app, pay


async def tried(pay: Any, *payments: int) -> list[str]:
    """Pay, and give what came of each payment."""
    said = []
    for cents in payments:
        try:
            said.append(await pay(cents))
        except Refused as refused:
            said.append("later" if refused.retryable else str(refused))
    return said


def questions(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the digests of the questions in a folder, with what they are about."""
    for path in sorted(folder.glob(f"*{QUESTION}")):
        asked = json.loads(path.read_bytes())
        yield asked["digest"], asked["args"]["cents"]


def test_the_same_call_is_one_question_until_it_is_answered(tmp_path: Path) -> None:
    """Made three times it is asked about by one digest; the answer is found, counts once, and no other call's."""
    app, pay = bank(tmp_path, Folder(tmp_path / "desk"))

    async def main() -> list[str]:
        async with app.session(trace=tmp_path / "t"):
            said = await tried(pay, 5, 5, 6, 5)
            ((digest, _),) = [one for one in questions(tmp_path / "desk") if one[1] == 5]
            answer = answer_to(digest, allowed=True, by="Ann")
            (tmp_path / "desk" / f"{digest}{ANSWER}").write_text(json.dumps(answer))
            return said + await tried(pay, 6, 5, 5)

    assert asyncio.run(main()) == ["later", "later", "later", "later", "later", "paid 5", "later"]
    assert sorted(cents for _, cents in questions(tmp_path / "desk")) == [5, 5, 6]


def test_a_no_is_a_no(tmp_path: Path) -> None:
    """Somebody who answers ends the question, whatever the answer."""
    app, pay = bank(tmp_path, lambda question: Approval(False, "Ann", "never", question.digest))

    async def main() -> list[str]:
        async with app.session(trace=tmp_path / "t"):
            return await tried(pay, 5)

    assert asyncio.run(main()) == ["pay was blocked by ASK: Ann said no: never."]


def test_an_approver_that_fails_has_not_answered(tmp_path: Path) -> None:
    """The run goes on without the call, the reason is told, and the same call is the same question."""
    said: list[Any] = [ConnectionError("the desk is closed"), "yes", Approval(True, "Ann")]
    digests = []

    def asking(question: Question) -> Any:
        digests.append(question.digest)
        answer = said.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    app, pay = bank(tmp_path, asking)

    async def main() -> list[str]:
        async with app.session(trace=tmp_path / "t"):
            return await tried(pay, 5, 5, 5)

    assert asyncio.run(main()) == ["later", "later", "paid 5"]
    assert len(set(digests)) == 1


def test_the_refusal_says_where_and_when(tmp_path: Path) -> None:
    """Whoever reads it knows where the answer is awaited, why it is not there, and that the call may be made again."""
    until = datetime(2030, 1, 1, tzinfo=UTC)

    async def asking(question: Question) -> Pending:
        return Pending("http://desk/7", "Ann sleeps", until)

    app, pay = bank(tmp_path, asking)

    async def main() -> Refused:
        async with app.session(trace=tmp_path / "t"):
            with pytest.raises(Refused) as caught:
                await pay(5)
            return caught.value

    refused = asyncio.run(main())
    for part in ("http://desk/7", "Ann sleeps", "2030-01-01", "made again"):
        assert part in refused.reason
    assert refused.retryable


def test_a_trace_of_it_replays_and_says_what_is_open(tmp_path: Path) -> None:
    """The refusals, and the answer that came at last, are the same on replay; what is open stays so in the trace."""
    answers: list[Approval | Pending] = [Pending("here"), Pending("here"), Approval(True, "Ann")]
    app, pay = bank(tmp_path, lambda _: answers.pop(0) if answers else Pending("here"))

    async def agent() -> list[str]:
        return await tried(pay, 5, 5, 5, 6)

    async def main() -> None:
        async with app.session(trace=tmp_path / "t"):
            assert await agent() == ["later", "later", "paid 5", "later"]
        async with app.replaying(tmp_path / "t"):
            assert await agent() == ["later", "later", "paid 5", "later"]

    asyncio.run(main())
    heard = Questions()
    with open_trace(tmp_path / "t") as reader:
        for entry in reader.entries():
            heard.heard(entry)
    assert [one.wanted[2] for one in heard.open] == [{"cents": 6}]
