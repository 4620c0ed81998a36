"""Sessions that replay: code inside them is called again, and nothing else happens."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

import harness
from harness.errors import Divergence, TraceError, UsageError


class Shop:
    """An app whose one tool never gives the same answer twice, and a recorded run of it."""

    def __init__(self, folder: Path) -> None:
        self.app = harness.Harness()
        self.calls = 0
        self.trace = folder / "t.mat.jsonl"

        @self.app.tool(effect="read")
        def draw(name: str) -> float:
            self.calls += 1
            return random.random()

        self.draw = draw
        with self.app.session(trace=self.trace):
            self.drawn = [draw("a"), draw("b")]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Record a run."""
    return Shop(tmp_path)


def test_calls_get_the_recorded_outcomes(shop: Shop) -> None:
    """What was drawn is drawn again, the tools are not called, and the digest is the recorded one."""
    with shop.app.replaying(shop.trace) as session:
        assert [shop.draw("a"), shop.draw("b")] == shop.drawn
    assert shop.calls == 2
    assert session.replays
    assert session.trace.digest in shop.trace.read_text()


def test_a_session_inside_joins_the_replay(shop: Shop) -> None:
    """A script that opens its own session is replayed as it is."""
    with shop.app.replaying(shop.trace), shop.app.session() as inner:
        assert inner.replays
        assert [shop.draw("a"), shop.draw("b")] == shop.drawn


@pytest.mark.parametrize(
    ("names", "told"),
    [("ac", "/args/name"), ("abc", "where the record has ended"), ("a", "the record goes on"), ("", "goes on")],
    ids=["other arguments", "extra call", "missing call", "no call"],
)
def test_leaving_raises_the_first_difference(names: str, told: str, shop: Shop) -> None:
    """Whatever the code does otherwise than recorded is a Divergence, and no tool is called."""
    with pytest.raises(Divergence) as raised, shop.app.replaying(shop.trace):
        for name in names:
            shop.draw(name)
    assert told in str(raised.value)
    assert shop.calls == 2


def test_code_that_swallows_everything_is_told_all_the_same(shop: Shop) -> None:
    """A Divergence is raised at the end where the code has caught what stopped it."""
    with pytest.raises(Divergence), shop.app.replaying(shop.trace):
        try:
            shop.draw("c")
        except BaseException:
            pass


def test_an_error_of_the_code_comes_first(shop: Shop) -> None:
    """That the record goes on where the code has failed is no news."""
    with pytest.raises(ZeroDivisionError), shop.app.replaying(shop.trace):
        shop.draw("a")
        raise ZeroDivisionError


def test_a_field_may_be_allowed_to_differ(shop: Shop) -> None:
    """The code goes on with the recorded outcome where a tolerated field differs."""
    with shop.app.replaying(shop.trace, tolerate=["draw:/args/name"]):
        assert [shop.draw("x"), shop.draw("y")] == shop.drawn


def test_a_tool_that_is_called_must_be_declared_as_it_was(shop: Shop) -> None:
    """Another declaration of a tool that the record calls is told before anything happens."""
    app = harness.Harness()
    draw = app.tool(effect="write", name="draw")(lambda name: 0.0)
    with pytest.raises(Divergence) as raised, app.replaying(shop.trace):
        draw("a")
    assert raised.value.pointer == "/tools/draw"


def test_the_environment_is_the_recorded_one_and_is_put_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client can be made without a key; afterwards the environment is as it was."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with shop.app.replaying(shop.trace):
        assert os.environ["OPENAI_API_KEY"]
        shop.draw("a"), shop.draw("b")
    assert "OPENAI_API_KEY" not in os.environ


def test_a_replay_is_one_run(shop: Shop) -> None:
    """A session that has ended does not begin again."""
    with shop.app.replaying(shop.trace) as session:
        shop.draw("a"), shop.draw("b")
    with pytest.raises(UsageError, match="has ended"), session:
        pass


def test_a_trace_that_is_not_there_is_told(shop: Shop, tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(TraceError, match="nowhere"):
        shop.app.replaying(tmp_path / "nowhere.mat.jsonl")
