"""Changes of the tree of a certificate: splits moved, branches dropped and swapped, other rules, other weights."""

from __future__ import annotations

import copy
from fractions import Fraction
from random import Random
from typing import Any, Final

from benchmarks.fuzz.solve.stock import Stock, nodes

_ODD_NUMBERS: Final = (
    "nan", "inf", "-inf", "1e400", "5e-324", "0x1.8p3", "1.5", "", " 1", "+1", "1/0", "-0", "00/01", "1/-2", "٣", "½",
    f"{10**400}/3", f"1/{10**400}", f"-1/{10**400}", "9" * 3000, 1, 0.5, float("nan"), float("inf"), None, True, [],
)  # fmt: skip
_ODD_PLACES: Final = (-1, 10**9, True, 0.0, "0", None, [], float("nan"), 2**64)
WEIGHED: Final = ("weights", "planes")
"""The kinds of leaves that weigh constraints, the entries last."""


def some_node(random: Random, tree: Any, *kinds: str) -> list[Any]:
    """Give a node, of some kinds if there is one of them."""
    found = list(nodes(tree))
    return random.choice([node for node in found if node[0] in kinds] or found)


def _weighed(random: Random, tree: Any) -> tuple[list[Any], list[Any]]:
    """Give a node and what is weighed there, nothing if it weighs nothing."""
    node = some_node(random, tree, *WEIGHED)
    return node, node[-1] if node[0] in WEIGHED else []


def _number(random: Random, text: str) -> str:
    value = Fraction(text)
    return str(
        random.choice(
            [
                -value,
                value * 2,
                value * Fraction(random.randint(1, 1999), 1000),
                value + Fraction(random.choice((-1, 1)), 10 ** random.randint(1, 15)),
                Fraction(0),
                Fraction(random.randint(-(10**6), 10**6), random.randint(1, 1000)),
            ]
        )
    )


# --- of the tree ------------------------------------------------------------------------------------------------------


def moved_split(random: Random, stock: Stock) -> Any:
    """Put a split elsewhere, near or far."""
    tree = stock.tree()
    node = some_node(random, tree, "split")
    if node[0] == "split":
        node[2] = _number(random, node[2])
    return stock.certificate(tree)


def other_variable(random: Random, stock: Stock) -> Any:
    """Split another variable, or none that there is."""
    tree = stock.tree()
    node = some_node(random, tree, "split")
    node[1] = random.choice((*range(len(stock.proved.problem.variables)), *_ODD_PLACES))
    return stock.certificate(tree)


def swapped(random: Random, stock: Stock) -> Any:
    """Exchange the halves of a split."""
    tree = stock.tree()
    node = some_node(random, tree, "split")
    if node[0] == "split":
        node[3], node[4] = node[4], node[3]
    return stock.certificate(tree)


def dropped(random: Random, stock: Stock) -> Any:
    """Put one half of a split in the place of the whole, or leave a half out, or put nothing in its place."""
    tree = stock.tree()
    node = some_node(random, tree, "split")
    if node[0] == "split":
        change = random.randrange(3)
        if change == 0:
            node[:] = random.choice(node[3:])
        elif change == 1:
            node.pop()
        else:
            node[random.choice((3, 4))] = random.choice((None, [], {}, "refuted", ["weights", []]))
    return stock.certificate(tree)


def cut_short(random: Random, stock: Stock) -> Any:
    """Claim of a whole branch what is said of one leaf."""
    tree = stock.tree()
    leaf = copy.deepcopy(random.choice([node for node in nodes(tree) if node[0] != "split"]))
    some_node(random, tree, "split")[:] = leaf
    return stock.certificate(tree)


def other_constraint(random: Random, stock: Stock) -> Any:
    """Refute by another constraint, or by none that there is."""
    tree = stock.tree()
    node = some_node(random, tree, "refuted")
    if node[0] == "refuted":
        node[1] = random.choice((*range(len(stock.proved.problem.constraints)), *_ODD_PLACES))
    else:
        node[:] = ["refuted", random.randrange(len(stock.proved.problem.constraints))]
    return stock.certificate(tree)


def leaf_of_elsewhere(random: Random, stock: Stock) -> Any:
    """Put a branch of this certificate, or of another, in the place of a node."""
    tree = stock.tree()
    donor = random.choice((stock.proved, *stock.others)).certificate["tree"]
    some_node(random, tree)[:] = copy.deepcopy(some_node(random, donor))
    return stock.certificate(tree)


def useless_split(random: Random, stock: Stock) -> Any:
    """Split a node once more, often outside of its box, and claim the same of both halves."""
    tree = stock.tree()
    node, at = some_node(random, tree), random.randrange(len(stock.proved.problem.variables))
    variable = stock.proved.problem.variables[at]
    cut = variable.low + (variable.high - variable.low) * Fraction(random.randint(-2, 12), 10)
    node[:] = ["split", at, str(cut), copy.deepcopy(node), copy.deepcopy(node)]
    return stock.certificate(tree)


def hollow(random: Random, stock: Stock) -> Any:
    """Claim of a node that a variable has no value there."""
    tree = stock.tree()
    some_node(random, tree)[:] = ["hollow", random.choice((*range(len(stock.proved.problem.variables)), *_ODD_PLACES))]
    return stock.certificate(tree)


# --- of the weights ---------------------------------------------------------------------------------------------------


def weights(random: Random, stock: Stock) -> Any:
    """Change a weight: negated, zeroed, scaled, shifted; where there is none, weigh some constraints."""
    tree = stock.tree()
    node, weighed = _weighed(random, tree)
    if weighed:
        entry = random.choice(weighed)
        entry[2] = _number(random, entry[2])
    else:
        count = len(stock.proved.problem.constraints)
        taken = random.sample(range(count), random.randint(1, count))
        node[:] = ["weights", [[at, [], str(random.randint(-1, 9))] for at in taken]]
    return stock.certificate(tree)


def entries(random: Random, stock: Stock) -> Any:
    """Leave out, double or reorder what is weighed, or weigh another constraint."""
    tree = stock.tree()
    _, weighed = _weighed(random, tree)
    if not weighed:
        return other_constraint(random, stock)
    at = random.randrange(len(weighed))
    change = random.randrange(4)
    if change == 0:
        del weighed[at]
    elif change == 1:
        weighed.append(copy.deepcopy(weighed[at]))
    elif change == 2:
        random.shuffle(weighed)
    else:
        weighed[at][0] = random.choice((*range(len(stock.proved.problem.constraints)), *_ODD_PLACES))
    return stock.certificate(tree)


def paths(random: Random, stock: Stock) -> Any:
    """Lead a weight to another part of its constraint, or to none."""
    tree = stock.tree()
    node, weighed = _weighed(random, tree)
    if not weighed:
        node[:] = ["weights", [[0, [random.randrange(3)], "1"]]]
    else:
        path = random.choice(weighed)[1]
        if path and random.random() < 0.5:
            path[random.randrange(len(path))] = random.choice((0, 1, 2, *_ODD_PLACES))
        elif path and random.random() < 0.3:
            path.pop()
        else:
            path.append(random.choice((0, 1, *_ODD_PLACES)))
    return stock.certificate(tree)


def touched_elsewhere(random: Random, stock: Stock) -> Any:
    """Let planes touch elsewhere, at a number too few or too many; of weights, claim that planes show the same."""
    tree = stock.tree()
    node = some_node(random, tree, "planes")
    if node[0] == "planes":
        point, at = node[1], random.randrange(len(node[1]))
        change = random.randrange(6)
        if change == 0:
            del point[at]
        elif change == 1:
            point.insert(at, point[at])
        else:
            point[at] = _number(random, point[at])
    else:
        middle = [str((one.low + one.high) / 2) for one in stock.proved.problem.variables]
        node[:] = ["planes", middle, node[-1] if node[0] == "weights" else [[0, [], "1"]]]
    return stock.certificate(tree)


def planes_weighed(random: Random, stock: Stock) -> Any:
    """Change a weight of planes, or claim without them what they show."""
    tree = stock.tree()
    node = some_node(random, tree, "planes")
    if node[0] != "planes" or not node[2]:
        return weights(random, stock)
    if random.random() < 0.2:
        node[:] = ["weights", node[2]]
    else:
        entry = random.choice(node[2])
        entry[2] = _number(random, entry[2])
    return stock.certificate(tree)


def odd_number(random: Random, stock: Stock) -> Any:
    """Write in the place of a number what is none, or one beyond all measure."""
    tree = stock.tree()
    slots: list[tuple[list[Any], int]] = [(node, 2) for node in nodes(tree) if node[0] == "split"]
    slots += [(entry, 2) for node in nodes(tree) if node[0] in WEIGHED for entry in node[-1]]
    slots += [(node[1], at) for node in nodes(tree) if node[0] == "planes" for at in range(len(node[1]))]
    if not slots:
        return other_constraint(random, stock)
    holder, at = random.choice(slots)
    holder[at] = random.choice(_ODD_NUMBERS)
    return stock.certificate(tree)
