"""Sessions that are kept open for conversations, with traces that are really written."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.answers.door import Answers
from harness.adapters.files import open_trace
from harness.adapters.proxy import sessions as module
from harness.adapters.proxy.conversations import Conversation
from harness.adapters.proxy.sessions import Carried, Sessions
from harness.door.app import Harness
from harness.errors import Halt
from harness.run.drive import say


class Kept:
    """A session whose trace is a file, as the proxy keeps them."""

    def __init__(self, app: Harness, path: Path, before: Carried | None) -> None:
        self.session = app.session(trace=path)
        self.run, self.before = self.session.started(), before
        self.answers = Answers(self.run, app.narrowed, before and before.remembered)

    def note(self, text: str, **data: Any) -> None:
        self.session.note(text, **data)

    def seal(self) -> None:
        self.session.seal()


class Desk:
    """Sessions whose traces are in a folder, and everything that was opened and told."""

    def __init__(self, folder: Path, idle_s: float = 60.0) -> None:
        self.opened: list[Kept] = []
        self.told: list[str] = []
        self._app, self._folder = Harness(traces=folder), folder
        self.sessions = Sessions(self._begin, idle_s=idle_s, tell=self.told.append)

    def _begin(self, name: str, before: Carried | None) -> Kept:
        self.opened.append(Kept(self._app, self._folder / f"{name}-{len(self.opened)}", before))
        return self.opened[-1]

    def sealed(self) -> list[str]:
        """Name the traces that are whole."""
        found = []
        for path in sorted(self._folder.iterdir()):
            with open_trace(path) as reader:
                list(reader)
            found += [path.name] if reader.footer is not None else []
        return found


def conversation(name: str) -> Conversation:
    """Give a conversation."""
    return Conversation(name, "key", ("named", "key", name))


def test_a_session_lasts_while_something_is_under_way_and_a_while_longer(tmp_path: Path) -> None:
    """Requests that overlap share it, silence seals it, and what comes later gets another one."""

    async def main() -> list[str]:
        desk, one = Desk(tmp_path, idle_s=0.05), conversation("a")
        first, second = desk.sessions.enter(one), desk.sessions.enter(one)
        assert first is second
        desk.sessions.leave(one, first)
        await asyncio.sleep(0.1)
        assert desk.sealed() == []
        assert desk.sessions.under_way == 1
        desk.sessions.leave(one, second)
        await asyncio.sleep(0.1)
        assert desk.sealed() == ["a-0"]
        assert len(desk.sessions) == 0
        third = desk.sessions.enter(one)
        assert third is not first
        desk.sessions.leave(one, third)
        desk.sessions.seal_all()
        return desk.sealed()

    assert asyncio.run(main()) == ["a-0", "a-1"]


def test_what_is_known_goes_on_with_the_conversation(tmp_path: Path) -> None:
    """The questions that a session leaves, and the results it withheld, are known to its next one only."""

    async def main() -> None:
        desk, one, other = Desk(tmp_path), conversation("a"), conversation("b")
        entered = desk.sessions.enter(one)
        wanted = ("0", "pay", {"cents": 5})
        entered.kept.run.machine.questions.left.append((wanted, "digest"))
        entered.kept.answers.remembered.withheld["call", 0] = "refused"
        desk.sessions.leave(one, entered)
        desk.sessions.seal_all()
        for each in (other, one, one):
            desk.sessions.leave(each, desk.sessions.enter(each))
        first, second = desk.opened[1:]
        assert first.before is None
        assert second.before is not None
        assert second.before.left == [(wanted, "digest")]
        assert second.answers.remembered.withheld == {("call", 0): "refused"}
        desk.sessions.seal_all()

    asyncio.run(main())


def test_where_too_many_are_open_the_longest_silent_one_is_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in which something is under way stays, however long it has been open."""
    monkeypatch.setattr(module, "_OPEN", 2)

    async def main() -> list[str]:
        desk = Desk(tmp_path)
        busy, silent, new = (conversation(name) for name in ("busy", "silent", "new"))
        desk.sessions.enter(busy)
        desk.sessions.leave(silent, desk.sessions.enter(silent))
        desk.sessions.enter(new)
        sealed = desk.sealed()
        desk.sessions.seal_all()
        return sealed

    assert asyncio.run(main()) == ["silent-1"]


def test_a_session_that_cannot_be_written_any_more_is_replaced(tmp_path: Path) -> None:
    """The next request of its conversation begins another one; that it is not sealed is told."""

    async def main() -> None:
        desk, one = Desk(tmp_path), conversation("a")
        broken = desk.sessions.enter(one)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
        try:
            with pytest.raises(Halt, match="writing failed"):
                say(broken.kept.run, "note", {"text": "much" * 1_000})
            broken.broken = True
            broken.unseen["GET /"] += 1
            desk.sessions.leave(one, broken)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        (told,) = desk.told
        assert "a is not sealed" in told
        entered = desk.sessions.enter(one)
        assert entered is not broken
        desk.sessions.leave(one, entered)
        desk.sessions.seal_all()
        assert desk.sealed() == ["a-1"]

    asyncio.run(main())
