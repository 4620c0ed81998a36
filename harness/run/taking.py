"""What an agent takes from clocks, chance and the environment: the real value, or on replay the recorded one."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from harness.determinism.address import here, nearest

if TYPE_CHECKING:
    from harness.run.drive import Run

T = TypeVar("T")
_TOKEN_BYTES: Final = 8  # fewer are no secret worth the name, and their spellings would tear ordinary text


def read(run: Run, source: str, real: Callable[[], T]) -> T:
    """Take a value from a clock, from chance or from the environment: the real one, or on replay the recorded one.

    It is written, as JSON data, with what the task does next, so a read costs no line of its own and its place in the
    trace is as certain as that of the next call.
    """
    node = here()
    value: T = run.world.read(node.address, source, real)
    run.reads.setdefault(node.address, []).append((source, value))
    return value


def read_at(run: Run, source: str, place: str, real: Callable[[], T], address: str | None = None) -> T:
    """Do what ``read`` does for code that is not the agent's own: the read is found again by its place.

    It may be missing, or be one more, on replay; then it is the real value, and is not written.
    """
    address, named = address or nearest(), f"{source}@{place}"
    value: T = run.world.read(address, named, real)
    run.reads.setdefault(address, []).append((named, value))
    return value


def observe(run: Run, what: str, where: str) -> None:
    """Write down what the agent was seen to do, at its place among what it reads; on replay it must be seen again."""
    node = here()
    run.world.read(node.address, what, lambda: where)
    run.reads.setdefault(node.address, []).append((what, where))


def secret(run: Run, source: str, place: str, drawn: bytes) -> bytes:
    """Take bytes that were drawn to be secret, on replay those of the recorded run; the trace never holds them.

    Neither does it hold them as hexadecimal digits or in base 64, which is how tokens are spelled. ``place`` is where
    they are drawn, if not by the agent's own code (``read_at``).
    """
    address = nearest() if place else here().address
    source = f"{source}@{place}" if place else source
    said, kept = run.world.secret(address, source, drawn)
    run.reads.setdefault(address, []).append((source, said))
    if len(kept) >= _TOKEN_BYTES:
        for spelled in (kept.hex().encode(), urlsafe_b64encode(kept), b64encode(kept)):
            run.machine.learn_secret(spelled.rstrip(b"=").decode(), "chance")
    return kept
