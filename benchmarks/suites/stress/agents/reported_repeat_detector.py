"""A detector of repeated tool calls warns the model by an ordinary result, and the loop goes on for ever.

Family: infinite tool loop
Reported: https://github.com/vxcontrol/pentagi/issues/175 -- a model that meets an error asks for the same command
again; after three times a detector answers that the call is repeating, as a result like any other, so that nothing
ends the loop: 4800 warnings were seen in one session. This reproduces the mechanism, not the app's code.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: scans
version: 1.0.0
default: allow
unknown: allow
parameters:
  turns: {value: 6, unit: "1", source: "run book, loops"}
invariants:
  - id: NO-SPIN
    title: A task is done or given up within a few turns of the model
    on: action
    tool: next_command
    require: count(action, call.tool == "next_command") < params.turns
    severity: high
    otherwise: observe
    says: "{params.turns} turns were taken."
"""
APP = Harness(load(RULES, "scans.yaml"))
TURNS = 6
FAR = 9  # the time limit of the whole session
SCRIPT = {"": "list hosts", "2 hosts": "scan hosts", "no findings": "finish"}
SCANS: list[str] = []


def fresh() -> None:
    """Put the world back."""
    SCANS.clear()


@APP.tool(effect="read")
def next_command(command: str, said: str) -> str:
    """Choose the next command by what the last one said, as a small model does: what is not understood is repeated."""
    return SCRIPT.get(said, command or "list hosts")


@APP.tool(effect="write")
def run(command: str) -> str:
    """Run a command on the test network, where one scan is allowed for each night."""
    if command == "list hosts":
        return "2 hosts"
    if SCANS:
        return "error: there was a scan tonight"
    SCANS.append(command)
    return "no findings"


class Repeating(Exception):
    """Say that the model does not get away from a call."""


def performed(command: str, earlier: list[str], *, warnings: int) -> str:
    """Run a command, but not for the fourth time in a row: then say so, or raise after some warnings."""
    earlier.append(command)
    repeats = next((count for count, one in enumerate(reversed(earlier)) if one != command), len(earlier))
    if repeats > 3 + warnings:
        raise Repeating(command)
    if repeats > 3:
        return f"{command} is repeating, please try another tool"
    try:
        return run(command)
    except Exception as error:  # the model is to see it
        return f"error: {error}"


def chain(turns: int, warnings: int) -> str:
    """Do what the model says, until it finishes or does not get away from a call."""
    command, said, earlier = "", "", list[str]()
    for _ in range(turns):
        command = next_command(command, said)
        if command == "finish":
            return said
        try:
            said = performed(command, earlier, warnings=warnings)
        except Repeating:
            return "given up"
    return "out of time"


@APP.agent
def agent() -> str:
    """Scan the test network."""
    return chain(FAR, warnings=FAR)


@APP.agent
def mended() -> str:
    """Scan the test network, within a number of turns; a second warning ends it."""
    return chain(TURNS, warnings=1)


INPUT: dict[str, object] = {}
RULE = "NO-SPIN"
WITNESS = {"inject": [{"fault": "commit_then_timeout", "tool": "run", "nth": 2}]}
CAUSE = {"tool": "run", "nth": 2}
