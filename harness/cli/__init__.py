"""The command line: one file per verb, machine readable on request.

Exit codes: 0 ok · 1 violation · 2 usage · 3 inconclusive · 4 divergence · 5 infrastructure.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import typer

from harness.errors import Divergence, HarnessError, Refused, StoreError, TamperedTrace, TraceError, UsageError

OK: Final = 0
VIOLATION: Final = 1
USAGE: Final = 2
INCONCLUSIVE: Final = 3
DIVERGENCE: Final = 4
INFRASTRUCTURE: Final = 5

# a verb's module, harness.cli.VERB, is imported when the verb is used: a help page costs no more than its own text
VERBS: Final = {
    "demo": "The tour: record, block, replay, tamper, diverge; no key, no network.",
    "run": "Run an agent once and record everything that crosses its boundary.",
    "check": "Judge traces by a registry.",
    "replay": "Run the agent behind a trace again, offline, and compare.",
    "show": "Print a trace for people.",
    "diff": "Find the first difference of two traces.",
    "verify": "Check that a trace is the one that was written.",
    "import": "Turn recorded conversations into traces.",
    "export": "Turn a trace back into a conversation.",
}

_CODES: Final[dict[type[HarnessError], int]] = {
    TamperedTrace: VIOLATION,
    Refused: VIOLATION,
    Divergence: DIVERGENCE,
    StoreError: INFRASTRUCTURE,
    UsageError: USAGE,
    TraceError: USAGE,
}


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: list[str]) -> int:
    """Run one command and give its exit code; our own errors are told on stderr without a traceback."""
    try:
        _app(arguments[0] if arguments else "")(arguments, prog_name="harness")
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else OK
    except HarnessError as error:
        return tell(error)
    return OK


def tell(error: HarnessError) -> int:
    """Print an error for people and give the exit code it stands for."""
    print(error, file=sys.stderr)
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), INFRASTRUCTURE)


def _app(verb: str) -> typer.Typer:
    app = typer.Typer(
        help="A deterministic assurance harness for LLM agents.", no_args_is_help=True, add_completion=False
    )
    app.pretty_exceptions_enable = False
    for name, text in VERBS.items():
        if name == verb:
            command = import_module(f"harness.cli.{name}_" if name == "import" else f"harness.cli.{name}").command
        else:
            command = _nothing
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, help=text)
        else:
            app.command(name, help=text)(command)
    return app


def _nothing() -> None:
    """Stand in for a verb that is listed and not used."""
