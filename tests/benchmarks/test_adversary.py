"""The suite of legal histories: what it counts, and that its subjects are what it says they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.suites.adversary import SUITE
from benchmarks.suites.adversary.cells import run
from benchmarks.suites.adversary.figures import figures
from harness.bench.task import Cell, Row

chess = pytest.importorskip("chess", reason="python-chess is not installed: pip install chess")

from benchmarks.suites.adversary.moves import asking, predicted  # noqa: E402


def test_a_few_tries_of_everything(tmp_path: Path) -> None:
    """Guidance leads every agent astray that can be, and no other; in chess it needs fewer questions."""
    rows = []
    for cell in SUITE.cells():
        less = {"tries": min(cell.task.data["tries"], 4), "budget": min(cell.task.data["budget"], 200)}
        task = type(cell.task)(cell.task.name, cell.task.group, {**cell.task.data, **less}, seeded=True)
        found = run(Cell(task, cell.condition, cell.seed), tmp_path)
        assert found == run(Cell(task, cell.condition, cell.seed), tmp_path)
        rows.append(Row(Cell(task, cell.condition, cell.seed), found))
    said = figures(rows)
    assert said["agents_guided_found"].value == 12
    assert said["false_alarms"].value == 0
    assert said["agents_more_than_random"].value > 0
    assert said["chess_more_than_random"].value > 0


def test_a_history_of_chess_is_legal_throughout() -> None:
    """Every answer that is offered, and every move that was not called illegal, is one that chess allows."""
    ask, history = asking(3), ()
    board = chess.Board()
    for _ in range(12):
        said = ask(history)
        if said.illegal:
            assert not board.is_legal(predicted(board, 3))
            break
        history = max(one.history for one in said.further)
        for move in history[len(board.move_stack) :]:
            assert chess.Move.from_uci(move) in board.legal_moves
            board.push_uci(move)
