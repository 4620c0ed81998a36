"""Several parameters that give way together, told for people and as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.cli.registry.problem import point_facts, spelled
from harness.registry.solve.joint import Joint
from harness.registry.solve.moving import Move
from harness.registry.solve.problem import Problem
from harness.registry.solve.trade import Menu, Offer


def joint_facts(problem: Problem, one: Joint) -> dict[str, Any]:
    """Give as data what the same share of several parameters does."""
    stated = {"parameters": list(one.parameters), "never": one.never, "limit": float(one.limit)}
    if one.feasible_at is None or one.witness is None:
        return stated
    found = {"feasible_at": one.feasible_at, "infeasible_at": one.infeasible_at}
    facts = {name: float(value) for name, value in found.items()} | point_facts(problem, one.witness)
    facts["exact"] |= {name: str(value) for name, value in found.items()}
    return stated | {"every_share_between": one.ranged, "moves": _moves(one.moves)} | facts


def joint_lines(one: Joint) -> Iterator[str]:
    """Tell what the same share of several parameters does."""
    yield f"{', '.join(one.parameters)}: each by the same share"
    if one.feasible_at is not None:
        share = f"    {spelled(one.feasible_at * 100, 6)} %"
        sides = f"infeasible at {spelled(one.infeasible_at * 100)} %, feasible at {spelled(one.feasible_at * 100)} %"
        yield f"{share}   {_moved(one.moves)}   {sides}"
    elif one.never:
        yield f"    never: infeasible up to {spelled(one.limit * 100)} %"
    else:
        yield f"    not decided up to {spelled(one.limit * 100)} %"


def menu_facts(problem: Problem, menu: Menu) -> dict[str, Any]:
    """Give a menu as data."""
    return {
        "parameters": list(menu.parameters),
        "never": menu.never,
        "step": float(menu.step),
        "undecided": [float(one) for one in menu.undecided],
        "offers": [_offer_facts(problem, one) for one in menu.offers],
    }


def menu_lines(menu: Menu) -> Iterator[str]:
    """Tell a menu, one offer in a line."""
    yield f"{', '.join(menu.parameters)}: one in exchange for the other"
    for one in menu.offers:
        yield f"    {_moved(one.moves)}   {'no less would do' if one.tight else 'less might do: that was not decided'}"
    if menu.never:
        ends = zip(menu.parameters, menu.ends, strict=True)
        ranges = " and ".join(f"{name} from {spelled(low)} to {spelled(high)}" for name, (low, high) in ends)
        yield f"    never: infeasible with {ranges}"
    if menu.undecided:
        moves = ", ".join(spelled(one, 7) for one in menu.undecided)
        yield f"    not decided with {menu.parameters[0]} moved by {moves}"


def _offer_facts(problem: Problem, one: Offer) -> dict[str, Any]:
    proofs = [[float(amount) for amount in proof.amounts] for proof in one.proofs]
    found = {"moves": _moves(one.moves), "tight": one.tight, "infeasible_up_to": proofs}
    return found | point_facts(problem, one.witness)


def _moves(moves: tuple[Move, ...]) -> list[dict[str, Any]]:
    return [
        {"parameter": one.parameter, "stated": float(one.stated), "value": float(one.value), "exact": str(one.value)}
        for one in moves
    ]


def _moved(moves: tuple[Move, ...]) -> str:
    return "   ".join(f"{one.parameter} {spelled(one.stated)} -> {spelled(one.value, 7)}" for one in moves)
