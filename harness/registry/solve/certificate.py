"""The form of a certificate that no point meets a problem: a tree that cuts a box until each piece is refuted.

::

    {"format": "infeasible/1", "problem": DIGEST, "tree": NODE}
    NODE = ["split", VARIABLE, "p/q", NODE, NODE]            up to p/q, and from there; of whole numbers: up to
                                                             floor(p/q), and from the next one
         | ["refuted", CONSTRAINT]                           this constraint is false on all of the box
         | ["weights", [[CONSTRAINT, PATH, "p/q"], ...]]     no point meets all these atoms: the weighted sum of their
                                                             terms is positive on all of the box
         | ["planes", ["p/q", ...], [[CONSTRAINT, PATH, "p/q"], ...]]     the same, for the sum is positive where its
                                                             curves make way for their tangents at this point, or for
                                                             chords, and its products for planes; a number for each
                                                             variable, and any point does as long as the sum is positive
         | ["hollow", VARIABLE]                              no value lies between the bounds of this variable

The box of the root is that of all variables. Variables and constraints are meant by their places, and a path is the
places of the parts that lead to an atom. On disk a certificate is lines of JSON, the header and then each node before
its halves, so that depth costs nothing.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final

from harness.determinism import canonical
from harness.errors import UsageError

FORMAT: Final = "infeasible/1"
MAX_NODES: Final = 1_000_000
MAX_DEPTH: Final = 20_000
MAX_TERMS: Final = 10_000  # of one weighted sum
MAX_DIGITS: Final = 2_000  # of one number, as text

Point = tuple[Fraction, ...]
Certificate = dict[str, Any]
Box = tuple[tuple[Fraction, Fraction], ...]

_RATIONAL: Final = re.compile(r"-?[0-9]+(?:/[0-9]+)?\Z")


class Rejected(Exception):
    """Say why a certificate proves nothing."""


def rational(text: Any) -> Fraction:
    """Read ``p/q``; Rejected for anything else."""
    if not isinstance(text, str) or len(text) > MAX_DIGITS or not _RATIONAL.match(text):
        raise Rejected(f"{_shown(text)} is no fraction p/q")
    above, _, below = text.partition("/")
    if below and not int(below):
        raise Rejected(f"{_shown(text)} divides by 0")
    return Fraction(int(above), int(below or 1))


def place(value: Any, count: int, what: str) -> int:
    """Read a place among so many; Rejected for anything else."""
    if type(value) is not int or not 0 <= value < count:
        raise Rejected(f"{_shown(value)} is the place of no {what}; there are {count}")
    return value


def _shown(value: Any) -> str:
    """Give a value in a message; nesting is left out, for it may have no end."""
    return repr(value)[:60] if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"


def dump(certificate: Certificate) -> bytes:
    """Write a certificate as lines of JSON, equal bytes for equal certificates. O(size)."""
    lines = [canonical.encode({key: value for key, value in certificate.items() if key != "tree"})]
    open_nodes = [certificate["tree"]]
    while open_nodes:
        node = open_nodes.pop()
        if node[0] == "split":
            lines.append(canonical.encode(node[:3]))
            open_nodes += [node[4], node[3]]
        else:
            lines.append(canonical.encode(node))
    return b"\n".join(lines) + b"\n"


def load(data: bytes, where: str = "certificate") -> Certificate:
    """Read what ``dump`` wrote; UsageError names the line. Whether it proves anything is for the checker. O(size)."""
    lines = data.splitlines()
    certificate = _decoded(lines[0] if lines else b"", where, 1)
    if not isinstance(certificate, dict):
        raise UsageError("the first line is no header", where=f"{where}:1", cure="is this a certificate?")
    root: list[Any] = []
    waiting = [root]  # the nodes that still want a half, the next one last
    for number, line in enumerate(lines[1:], 2):
        node = _decoded(line, where, number)
        if not isinstance(node, list) or not waiting or number > MAX_NODES + 1:
            raise UsageError("no node has a place here", where=f"{where}:{number}", cure="write it anew with solve")
        waiting.pop().append(node)
        if node[:1] == ["split"]:
            waiting += [node, node]
    if waiting:
        raise UsageError(f"{len(waiting)} nodes are missing", where=where, cure="the file was cut off: write it anew")
    return {**certificate, "tree": root[0]}


def _decoded(line: bytes, where: str, number: int) -> Any:
    try:
        return canonical.decode(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"no JSON: {error}", where=f"{where}:{number}", cure="write it anew with solve") from None
