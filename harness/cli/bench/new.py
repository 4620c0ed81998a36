"""``harness bench new NAME``: a suite of one's own to begin with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from harness.cli.options import AsJson
from harness.cli.output import emit, write_files
from harness.errors import UsageError

_SUITE: Final = """\
# harness bench run ./{name}
suite: {name}
version: 1.0.0
title: A desk that pays money back
rules: rules.yaml
agent: {module}:desk        # or agents: {{careful: {module}:careful, quick: {module}:quick}}, to compare several
state: {module}:ledger      # what is left when the agent has come to an end; oracles look at it
tasks:
  - task: a small refund is paid
    input: {{order: W-77, cents: 1200}}
    oracle: sum(payment.cents for payment in state) == 1200
  - task: a large refund waits for a person
    input: {{order: W-77, cents: 48000}}
    expect: {{REFUND-LIMIT: violated}}    # the agent tries, and is stopped
    oracle:
      - len(state) == 0
      - result == "a person decides"
  - task: a bank that does not answer is not asked twice
    input: {{order: W-77, cents: 1200}}
    faults: slow-bank.yaml
    oracle: {module}:paid_once_at_most
"""

_RULES: Final = """\
registry: {name}
version: 1.0.0
default: allow
invariants:
  - id: REFUND-LIMIT
    title: A refund stays within the limit that needs no approval
    on: action
    tool: refund
    require: call.args.cents <= 20000
    severity: high
    otherwise: block
    says: Refund at most 200.00, or ask a person.
"""

_FAULTS: Final = """\
faults: slow-bank
inject:
  - {fault: commit_then_timeout, tool: refund}
"""

_AGENT: Final = '''\
"""The agent that is measured, and its world. It is imported anew for every task."""

import harness

app = harness.Harness()
payments = []


@app.tool(effect="write")
def refund(order: str, cents: int) -> str:
    """Pay money back."""
    payments.append({"order": order, "cents": cents})
    return "paid"


@app.agent
def desk(order: str, cents: int) -> str:
    """Pay money back, or leave it to a person."""
    try:
        return refund(order, cents)
    except (harness.Refused, harness.InDoubt, TimeoutError):
        return "a person decides"


def ledger() -> list:
    """Give the final state."""
    return payments


def paid_once_at_most(state: list, result: str) -> bool:
    """Look at the final state where an expression would be hard to read."""
    return len(state) <= 1
'''


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The suite, and the folder it is written to.")],
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a suite of three tasks that passes at once, as a folder: tasks, rules, a plan of faults, an agent."""
    if not re.fullmatch("[a-z][a-z0-9-]*", name):
        raise UsageError("no name of a suite", where=name, cure="small letters, digits and '-', such as refund-desk")
    folder, module = Path(name), f"{name.replace('-', '_')}_agent"
    files = {
        folder / "suite.yaml": _SUITE.format(name=name, module=module),
        folder / "rules.yaml": _RULES.format(name=name),
        folder / "slow-bank.yaml": _FAULTS,
        folder / f"{module}.py": _AGENT,
    }
    write_files({path: text.encode() for path, text in files.items()}, force=force)
    facts: dict[str, Any] = {"suite": name, "files": [str(path) for path in files]}
    emit(facts, [*facts["files"], f"next  harness bench run ./{name}"], as_json)
