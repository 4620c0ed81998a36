"""Somebody at a real terminal, which here is a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.adapters.approvals.terminal import Terminal, shown
from harness.ports import Approval, Pending, Question

QUESTION = Question("CAP", "Refunds stay small (by 28000)", "refund", {"cents": 48000, "to": "Zoë"}, "d" * 64)


class Pair(NamedTuple):
    """Both ends of a terminal: where a person sits, and the name a program opens."""

    person: int
    name: str


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Give a terminal."""
    person, program = pty.openpty()
    yield Pair(person, os.ttyname(program))
    os.close(program)
    os.close(person)


def read_up_to(person: int, end: bytes) -> bytes:
    """Read what is shown up to a text."""
    seen = b""
    while end not in seen:
        seen += os.read(person, 1000)
    return seen


@pytest.mark.parametrize(
    ("typed", "allowed"),
    [(b"y\n", True), (b"YES\n", True), (b"\n", False), (b"n\n", False), (b"yep\n", False), (b"\x04", False)],
)
def test_only_yes_is_a_yes(typed: bytes, allowed: bool, pair: Pair) -> None:
    """The call is shown whole; an empty line and the end of the input are a no."""
    said: list[Approval | Pending] = []
    asking = threading.Thread(target=lambda: said.append(Terminal(pair.name)(QUESTION)))
    asking.start()
    seen = read_up_to(pair.person, b"[y/N]").decode()
    os.write(pair.person, typed)
    asking.join(10)
    for part in ("CAP: Refunds stay small (by 28000)", "refund", "cents = 48000", 'to = "Zo\\u00eb"', "d" * 64):
        assert part in seen
    assert isinstance(said[0], Approval)
    assert (said[0].allowed, said[0].digest, bool(said[0].by)) == (allowed, QUESTION.digest, True)


def test_two_questions_are_asked_one_after_the_other(pair: Pair) -> None:
    """Nobody answers one question and means another."""
    terminal, said = Terminal(pair.name), dict[str, bool]()

    def ask(tool: str) -> None:
        answer = terminal(QUESTION._replace(tool=tool))
        assert isinstance(answer, Approval)
        said[tool] = answer.allowed

    asking = [threading.Thread(target=ask, args=(tool,)) for tool in ("first_tool", "second_tool")]
    for thread in asking:
        thread.start()
    expected: dict[str, bool] = {}
    for typed in (b"y\n", b"n\n"):
        seen = read_up_to(pair.person, b"[y/N]")
        (tool,) = [tool for tool in ("first_tool", "second_tool") if tool.encode() in seen]
        expected[tool] = typed == b"y\n"
        os.write(pair.person, typed)
    for thread in asking:
        thread.join(10)
    assert said == expected


def test_without_a_terminal_the_run_stops(tmp_path: Path) -> None:
    """Where nobody can be asked nobody has said no."""
    said = Terminal(tmp_path / "none")(QUESTION)
    assert isinstance(said, Pending)
    assert said.why


def test_what_a_model_has_written_moves_no_cursor() -> None:
    """Control characters and those that turn text around are spelled out, wherever they stand."""
    text = "\x1b[2K\rallow\u202e\x07"
    tricky = Question(f"R{text}", text, f"t{text}", {f"a{text}": text, "b": [text, {"c": text}]}, "d")
    assert all(one.isprintable() or one == "\n" for one in shown(tricky))
    assert "\\x1b[2K\\rallow\\u202e\\x07" in shown(tricky)
