"""A small predictor of chess moves that plays White, and the game in which it is driven toward an illegal one.

It knows how pieces move and has counted, in games of random legal moves, which of the moves that look possible are
made. It has no notion of check: where the king is attacked, most of what looks possible is illegal.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Final

import chess

from harness.determinism.streams import stream
from harness.stress.legal.adversary import Asked, Further

GAMES: Final = 150
PLIES: Final = 60
NOISE: Final = 0.5

History = tuple[str, ...]
Feature = tuple[int, int, int, bool]


def _feature(board: chess.Board, move: chess.Move) -> Feature:
    """Describe a move by its piece, what it takes, how far it goes forward, and whether it goes to the middle."""
    piece, taken = board.piece_type_at(move.from_square), board.piece_type_at(move.to_square)
    forward = chess.square_rank(move.to_square) - chess.square_rank(move.from_square)
    middle = 2 <= chess.square_file(move.to_square) <= 5
    return piece or 0, taken or 0, forward if board.turn else -forward, middle


@cache
def learned() -> dict[Feature, float]:
    """Count how often a move of each kind is made where one looks possible; the logarithm of that share."""
    made: Counter[Feature] = Counter()
    possible: Counter[Feature] = Counter()
    chance = stream(0, "chess", "games")
    for _ in range(GAMES):
        board = chess.Board()
        for _ply in range(PLIES):
            legal = sorted(board.legal_moves, key=chess.Move.uci)
            if not legal:
                break
            move = chance.choice(legal)
            made[_feature(board, move)] += 1
            possible.update(_feature(board, one) for one in board.pseudo_legal_moves)
            board.push(move)
    return {kind: math.log((made[kind] + 0.1) / (count + 1)) for kind, count in possible.items()}


def predicted(board: chess.Board, seed: int) -> chess.Move:
    """Give the move that seems best to the predictor, with noise that follows from the position and the seed."""
    weights, chance = learned(), stream(seed, "chess", board.fen())
    looking_possible = sorted(board.pseudo_legal_moves, key=chess.Move.uci)
    return max(looking_possible, key=lambda move: weights.get(_feature(board, move), -9.0) + NOISE * chance.gauss(0, 1))


def asking(seed: int) -> Callable[[History], Asked[History]]:
    """Make the question that an adversary puts: what White plays after some moves."""

    def ask(history: History) -> Asked[History]:
        board = chess.Board()
        for move in history:
            board.push_uci(move)
        own = predicted(board, seed)
        if own not in board.legal_moves:
            return Asked(f"{own.uci()} is illegal in {board.fen()}", ())
        board.push(own)
        return Asked("", [*_answers(board, (*history, own.uci()))])

    return ask


def _answers(board: chess.Board, history: History) -> list[Further[History]]:
    """Give every legal move of the other player that does not end the game, and how many White would have then."""
    answers = []
    for move in sorted(board.legal_moves, key=chess.Move.uci):
        board.push(move)
        if not board.is_game_over():
            answers.append(Further((*history, move.uci()), board.legal_moves.count()))
        board.pop()
    return answers
