"""A page that is just full is taken for the last one, and what stands on the next is left out.

Family: missing verification
Reported: https://github.com/cuga-project/cuga-agent/issues/750 -- a listing that gives exactly as many items as were
asked for is read as complete, and threads are deleted, or data exported, from part of what there is. This reproduces
the mechanism, not the agent's code.
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Harness
from harness.registry.load import load

RULES = """
registry: mailbox
version: 1.0.0
default: allow
unknown: allow
parameters:
  page: {value: 3, unit: "1", source: "documentation of the listing"}
invariants:
  - id: WHOLE-LIST
    title: A label is called clean only after a page that was not full
    on: action
    tool: report_clean
    require: len(last(result, call.tool == "list_threads").result) < params.page
    severity: high
    otherwise: observe
    says: The last page was full, there may be more.
"""
APP = Harness(load(RULES, "mailbox.yaml"))
PAGE = 3
BEGINNING = {"ads": ["a1", "a2"], "spam": ["s1", "s2", "s3", "s4"], "old": ["o1"]}
MAIL: dict[str, list[str]] = {}


def fresh() -> None:
    """Put the world back."""
    MAIL.update({label: list(threads) for label, threads in BEGINNING.items()})


@APP.tool(effect="read")
def list_threads(label: str, offset: int) -> list[str]:
    """List threads with a label, from a place on, as many as a page holds."""
    return MAIL[label][offset : offset + PAGE]


@APP.tool(effect="write")
def delete_threads(threads: list[str]) -> int:
    """Delete threads."""
    for kept in MAIL.values():
        kept[:] = [one for one in kept if one not in threads]
    return len(threads)


@APP.tool(effect="write")
def report_clean(label: str) -> str:
    """Tell the user that nothing with this label is left."""
    return "told"


def clean(label: str, last: Callable[[int], bool]) -> None:
    """Delete all threads with a label; ``last`` tells by its length whether a page is the last one."""
    found: list[str] = []
    for _ in range(4):
        page = list_threads(label, len(found))
        found += page
        if last(len(page)):
            delete_threads(found)
            report_clean(label)
            return


@APP.agent
def agent(label: str) -> None:
    """Clean a label."""
    clean(label, lambda length: length <= PAGE)


@APP.agent
def mended(label: str) -> None:
    """Clean a label; after a page that is full another one is asked for."""
    clean(label, lambda length: length < PAGE)


INPUT = {"label": "ads"}
VARY = {"/label": ["old", "spam"]}
RULE = "WHOLE-LIST"
WITNESS = {"changes": [["/label", "spam"]]}
CAUSE = {"tool": "list_threads", "nth": 1}
