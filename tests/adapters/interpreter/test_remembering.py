"""What installed packages remember from one run of a process to the next moves nothing of a run's record."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.door.app import Harness
from harness.door.replay import replay
from harness.door.resume import resume
from harness.errors import Waiting
from harness.ports import Approval, Pending, Question
from harness.registry.load import load

PACKAGE = '''
import os
from dataclasses import dataclass, field
from datetime import datetime

drawn = 0


@dataclass
class Loaded:
    at: datetime = field(default_factory=datetime.now)


loaded = None


def load():
    """Load once per process."""
    global loaded
    loaded = loaded or Loaded()


def token():
    """Draw from the second time on."""
    global drawn
    drawn += 1
    return os.urandom(8).hex() if drawn > 1 else "none"
'''
RULES = """
registry: asked
version: "1"
default: allow
tools: {pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}}
invariants:
  - {id: ASKED, on: action, tool: pay, require: call.args.cents <= 1, otherwise: escalate}
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """Give what imports a package that is installed as far as its place tells."""
    place = tmp_path / "site-packages"
    place.mkdir()
    (place / "harness_remembering.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(place)
    yield lambda: importlib.import_module("harness_remembering")
    del sys.modules["harness_remembering"]


def test_what_dataclasses_wrote_for_a_package_is_the_packages(package: Callable[[], Any], tmp_path: Path) -> None:
    """A clock that a generated initializer reads once per process is no read of the agent's own."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    def look() -> str:
        return "there"

    @app.agent
    def main() -> str:
        look()
        package().load()
        return look()

    session = app.session()
    session.run(main)
    assert replay(session.trace.path, entry=main).equal


def test_a_run_is_resumed_where_a_package_draws_more_than_it_did(package: Callable[[], Any], tmp_path: Path) -> None:
    """Chance that the record does not have is a package's own; what is drawn afterwards is kept, each by itself."""
    answers: list[bool] = []

    def approver(question: Question) -> Approval | Pending:
        return Approval(True, "Ann", digest=question.digest) if answers else Pending("the desk", "nobody is in")

    app = Harness(load(RULES, "asked.yaml"), traces=tmp_path, approver=approver)

    @app.tool
    def pay(cents: int) -> str:
        return f"paid {cents}"

    @app.agent
    def main() -> list[str]:
        package().token()
        return [pay(5), package().token(), package().token()]

    with pytest.raises(Waiting) as waiting:
        app.session().run(main)
    answers.append(True)
    resumed = resume(waiting.value.trace, entry=main, app=app)
    assert resumed.error is None
    paid, one, other = resumed.result
    assert (paid, one != other) == ("paid 5", True)
    assert Path(f"{resumed.path}.secrets").read_text().count("\n") == 2
    package().drawn = 0
    again = replay(resumed.path, entry=main)
    assert (again.equal, again.result) == (True, resumed.result)


def test_the_loop_that_synchronous_code_finds_is_one_of_its_session(tmp_path: Path) -> None:
    """Threads that it waits for take their turns at once, although the loop was there before the session."""
    app = Harness(traces=tmp_path)
    before = asyncio.new_event_loop()
    asyncio.set_event_loop(before)

    @app.tool
    def note(text: str) -> str:
        return f"{text} in {threading.current_thread() is not threading.main_thread()}"

    @app.agent
    def main() -> list[str]:
        loop = asyncio.get_event_loop()
        jobs = [asyncio.to_thread(note, str(number)) for number in range(3)]
        return list(loop.run_until_complete(asyncio.gather(*jobs)))

    try:
        session = app.session()
        began = time.monotonic()
        result = session.run(main)
        assert time.monotonic() - began < 5
        assert result == ["0 in True", "1 in True", "2 in True"]
        assert replay(session.trace.path, entry=main).equal
        assert asyncio.get_event_loop() is before
    finally:
        asyncio.set_event_loop(None)
        before.close()


def test_a_loop_that_an_earlier_session_left_as_the_present_one_is_not_taken(tmp_path: Path) -> None:
    """Synchronous code that asks for the present loop gets one of its own session, whose threads get their turns."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    def look(at: str) -> str:
        return at

    async def looks() -> str:
        return await asyncio.to_thread(look, "there")

    def leaves() -> str:
        """Leave its loop behind, as frameworks do."""
        asyncio.set_event_loop(asyncio.new_event_loop())
        return asyncio.get_event_loop().run_until_complete(looks())

    def finds() -> str:
        return asyncio.get_event_loop().run_until_complete(looks())

    before = getattr(asyncio.get_event_loop_policy(), "_local")._loop  # noqa: B009 - asking in public would make one
    try:
        assert app.session().run(leaves) == "there"
        left = asyncio.get_event_loop()
        session = app.session(trace=tmp_path / "found.mat.jsonl")
        began = time.monotonic()
        assert session.run(finds) == "there"
        assert time.monotonic() - began < 5
        assert replay(tmp_path / "found.mat.jsonl", app=app, entry=finds).equal
        left.close()
    finally:
        asyncio.set_event_loop(before)
