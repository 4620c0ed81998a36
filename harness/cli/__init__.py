"""The command line: one file per verb, machine readable on request.

Exit codes: 0 ok · 1 violation · 2 usage · 3 inconclusive · 4 divergence · 5 infrastructure.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import typer

from harness.cli.hash_seed import HASH_SEED, restart_with_hash_seed
from harness.errors import Divergence, HarnessError, Refused, StoreError, TamperedTrace, TraceError, UsageError, Waiting

OK: Final = 0
VIOLATION: Final = 1
USAGE: Final = 2
INCONCLUSIVE: Final = 3
DIVERGENCE: Final = 4
INFRASTRUCTURE: Final = 5
INTERRUPTED: Final = 130  # as shells say it of Ctrl-C

# a verb's module, harness.cli.VERB, is imported when the verb is used: a help page costs no more than its own text
VERBS: Final = {
    "demo": "The tour: record, block, heal, replay, tamper, diverge; no key, no network.",
    "run": "Run an agent once and record everything that crosses its boundary.",
    "check": "Judge traces by a registry.",
    "replay": "Run the agent behind a trace again, offline, and compare.",
    "fork": "Leave a recorded run at a call, change one thing, and see what happens.",
    "blame": "Name the event that a violation hangs on.",
    "resume": "Continue a run that was killed, or waits for an answer.",
    "approve": "Answer a question that a run waits for.",
    "stress": "Run an agent under faults and in other orders until it breaks a rule.",
    "shrink": "Bring a counterexample to the least that violates the same rule; write a test of it.",
    "to-test": "Write a pytest file of a few lines that replays a trace.",
    "causes": "Run an agent under one fault at a time: what leads to what, and what feeds itself.",
    "contain": "Tell what runs did about the faults that struck them.",
    "show": "Print a trace for people.",
    "diff": "Find the first difference of two traces.",
    "verify": "Check that a trace is the one that was written.",
    "mcp-proxy": "Stand before an MCP server: judge, record and rewrite the calls of its tools.",
    "proxy": "Stand before the HTTP API of a model: judge and record any client's conversations.",
    "import": "Turn recorded conversations, or spans, into traces.",
    "export": "Turn a trace into a conversation, or spans.",
    "route": "Plan, simulate and draw the routes of a tool graph.",
    "routine": "Look at calls that are written down before they are made.",
    "bench": "Measure harness against its bars.",
    "registry": "Tools for those who write rules: test, mutate, compare …",
}

_SEEDED: Final = ("run", "stress", "causes")  # they start again under one hash seed, best before they are imported

_ABOUT: Final = """A deterministic assurance harness for LLM agents.

Exit codes: 0 ok, 1 violation, 2 usage, 3 inconclusive, 4 divergence, 5 infrastructure.
"""

_CODES: Final[dict[type[HarnessError], int]] = {
    TamperedTrace: VIOLATION,
    Refused: VIOLATION,
    Divergence: DIVERGENCE,
    Waiting: INCONCLUSIVE,
    StoreError: INFRASTRUCTURE,
    UsageError: USAGE,
    TraceError: USAGE,
}


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:2] and sys.argv[1] in _SEEDED:
        restart_with_hash_seed(HASH_SEED)
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: list[str]) -> int:
    """Run one command and give its exit code; our own errors are told on stderr without a traceback."""
    try:
        _app(_ABOUT, __name__, VERBS, arguments)(arguments, prog_name="harness")
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else OK
    except HarnessError as error:
        return tell(error)
    return OK


def tell(error: HarnessError) -> int:
    """Print an error for people and give the exit code it stands for."""
    print(error, file=sys.stderr)
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), INFRASTRUCTURE)


def _app(text: str, package: str, verbs: dict[str, str], arguments: list[str]) -> typer.Typer:
    """Give a package's verbs as commands; the one that is used is a module with a ``command`` or a package of verbs."""
    app = typer.Typer(help=text, no_args_is_help=True, add_completion=False)
    app.pretty_exceptions_enable = False
    used, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    for name, said in verbs.items():
        if name != used:
            app.command(name, help=said)(_nothing)
            continue
        module = import_module(f"{package}.import_" if name == "import" else f"{package}.{name.replace('-', '_')}")
        if hasattr(module, "VERBS"):
            app.add_typer(_app(said, module.__name__, module.VERBS, rest), name=name)
        else:
            app.command(name, short_help=said)(module.command)  # its page is its docstring, exit codes included
    return app


def _nothing() -> None:
    """Stand in for a verb that is listed and not used."""
