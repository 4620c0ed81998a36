"""Certificates spoilt in many ways: some are still proofs, most are not, and it is not known here which.

A mutation takes chance and a stock of certificates, and gives the value that a reader would have in hand, or the bytes
of a file. Every one is named, so that it is seen that all of them were tried.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from benchmarks.fuzz.solve.stock import Stock
from benchmarks.fuzz.solve.tree_mutations import (
    WEIGHED,
    cut_short,
    dropped,
    entries,
    hollow,
    leaf_of_elsewhere,
    moved_split,
    odd_number,
    other_constraint,
    other_variable,
    paths,
    planes_weighed,
    some_node,
    swapped,
    touched_elsewhere,
    useless_split,
    weights,
)
from harness.registry.solve.certificate import dump

Mutation = Callable[[Random, Stock], Any]


# --- of what is around it ---------------------------------------------------------------------------------------------


def other_problem(random: Random, stock: Stock) -> Any:
    """Bind it to another problem, or take a certificate of another problem and bind that to this one."""
    other = random.choice(stock.others)
    if random.random() < 0.5:
        return {**stock.proved.certificate, "problem": other.problem.digest}
    return {**other.certificate, "problem": stock.proved.problem.digest}


def header(random: Random, stock: Stock) -> Any:
    """Add a field, leave one out, or change the format."""
    certificate = stock.certificate(stock.tree())
    change = random.randrange(4)
    if change == 0:
        return certificate | {random.choice(("valid", "Tree", "")): random.choice((True, certificate["tree"]))}
    if change == 1:
        del certificate[random.choice([*certificate])]
        return certificate
    if change == 2:
        return certificate | {"format": random.choice(("infeasible/2", "", None, 1))}
    return random.choice((None, [], "proof", [certificate], certificate["tree"]))


def node_shape(random: Random, stock: Stock) -> Any:
    """Spoil the shape of a node: another word, one part more or fewer, another order."""
    tree = stock.tree()
    node = some_node(random, tree)
    change = random.randrange(4)
    if change == 0:
        node[0] = random.choice(("Split", "refute", "weight", "plane", "proved", "", None, 1))
    elif change == 1:
        node.append(random.choice((0, None, [], "1")))
    elif change == 2:
        node.pop(random.randrange(1, len(node)))
    else:
        random.shuffle(node)
    return stock.certificate(tree)


# --- of the file ------------------------------------------------------------------------------------------------------


def file_cut(random: Random, stock: Stock) -> bytes:
    """Cut the file off somewhere."""
    data = dump(stock.proved.certificate)
    return data[: random.randrange(len(data) - 1)]


def file_lines(random: Random, stock: Stock) -> bytes:
    """Drop, double or exchange lines of the file."""
    lines = dump(stock.proved.certificate).splitlines()
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    change = random.randrange(3)
    if change == 0:
        del lines[at]
    elif change == 1:
        lines.insert(at, lines[other])
    else:
        lines[at], lines[other] = lines[other], lines[at]
    return b"\n".join(lines) + b"\n"


def file_bytes(random: Random, stock: Stock) -> bytes:
    """Change some bytes of the file, digits by preference, so that much of it can still be read."""
    data = bytearray(dump(stock.proved.certificate))
    digits = [at for at, byte in enumerate(data) if chr(byte).isdigit() and at > data.index(b"\n")]
    for _ in range(random.randint(1, 3)):
        at = random.choice(digits) if digits and random.random() < 0.8 else random.randrange(len(data))
        data[at] = random.choice(b"0123456789-/") if random.random() < 0.8 else random.randrange(256)
    return bytes(data)


MUTATIONS: Final[tuple[Mutation, ...]] = (
    moved_split,
    other_variable,
    swapped,
    dropped,
    cut_short,
    other_constraint,
    leaf_of_elsewhere,
    useless_split,
    hollow,
    weights,
    entries,
    paths,
    planes_weighed,
    touched_elsewhere,
    odd_number,
    other_problem,
    header,
    node_shape,
    file_cut,
    file_lines,
    file_bytes,
)

OF: Final[dict[Mutation, tuple[str, ...]]] = {
    **dict.fromkeys((moved_split, other_variable, swapped, dropped), ("split",)),
    **dict.fromkeys((weights, entries, paths), WEIGHED),
    **dict.fromkeys((planes_weighed, touched_elsewhere), ("planes",)),
}
"""The kinds of nodes that a mutation is of, where it is of some."""
