"""``harness registry negotiate REGISTRY``: what would do where no artifact fits, chosen, settled and solved again."""

from __future__ import annotations

import math
import os
import sys
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.registries import load_registry
from harness.cli.options import AsJson
from harness.cli.output import emit, write_file
from harness.cli.parameters import read_parameters
from harness.cli.registry.problem import ArtifactName, asking, check_installed
from harness.converge.ground import Ground
from harness.converge.negotiation.negotiate import negotiate
from harness.converge.negotiation.report import Choice, Report
from harness.converge.negotiation.settle import POLICIES, amendment, record, settle
from harness.errors import RegistryError, UsageError
from harness.registry.complaint import nearest
from harness.registry.registry import Registry
from harness.registry.solve.decide import Feasible, Undecided, decide


def command(
    registry: Annotated[str, typer.Argument(metavar="REGISTRY", help="A registry.")],
    artifact: ArtifactName,
    given: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=VALUE", help="A field that is given; may be repeated.")
    ] = None,
    room: Annotated[float, typer.Option(min=0, help="Go so much further than needed: 0.05 is 5 % of each move.")] = 0,
    pareto: Annotated[
        str | None, typer.Option(metavar="A,B", help="The two parameters to give in exchange, if not the cheapest.")
    ] = None,
    choose: Annotated[int | None, typer.Option(metavar="N", help="Settle on this way; needs --by.")] = None,
    policy: Annotated[str | None, typer.Option(metavar="NAME", help="Let a policy choose: cheapest, balanced.")] = None,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who chooses; written into the new registry.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the settled registry there.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report there, as a page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which rules no artifact can meet together, and which values of parameters would do; settle on one of them.

    Only parameters change that a caller may bind; the choice is solved again. On a terminal it is asked for. Exit 0
    where it is settled or an artifact fits as it is, 1 where nothing is settled, 3 where nothing could be certified.
    """
    check_installed()
    _check(choose, policy, by, room, out)
    rules = load_registry(registry)
    ground = Ground(rules, artifact, read_parameters(given, "--given"))
    with asking() as say:
        say("whether any artifact fits")
        decision = decide(ground.problem) if ground.problem and not ground.unread else None
    facts: dict[str, Any] = {"registry": rules.name, "digest": rules.digest, "artifact": artifact}
    if isinstance(decision, Feasible | Undecided):
        said = f"undecided: {decision.reason}" if isinstance(decision, Undecided) else f"some {artifact} fits as it is"
        emit(facts | {"verdict": type(decision).__name__.lower()}, [f"nothing to negotiate: {said}"], as_json)
        raise typer.Exit(3 if isinstance(decision, Undecided) else 0)
    with asking() as say:
        report = negotiate(ground, room=Fraction(repr(room)), trade=_pair(pareto), known=decision, say=say)
    if markdown is not None:
        write_file(markdown, report.markdown())
    facts |= {"verdict": "infeasible", "report": report.facts()}
    if not as_json:
        emit({}, list(report.lines()), as_json=False)
    asked = choose is None and policy is None and bool(report.ways) and not as_json and sys.stdin.isatty()
    try:
        chosen = _asked(report, by) if asked else _chosen(report, choose, policy, by)
        settled, told = _settled(rules, registry, chosen, out) if chosen else ({}, [])
    except UsageError:
        if as_json:
            emit(facts, [], as_json)
        raise
    if as_json or told:
        emit(facts | settled, told, as_json)
    raise typer.Exit(0 if chosen else 1)


def _check(choose: int | None, policy: str | None, by: str, room: float, out: Path | None) -> None:
    """Find what is wrong with the options before anything is asked that takes long."""
    if not math.isfinite(room):
        raise UsageError(f"--room {room} is no part of a move", cure="write --room 0.05")
    if choose is not None and policy is not None:
        raise UsageError("--choose and --policy both choose", cure="leave one of them out")
    if choose is not None and not by.strip():
        raise UsageError("it is not said who chooses", cure="add --by NAME; it is written into the registry")
    if policy is not None and policy not in POLICIES:
        known = nearest(policy, POLICIES) or f"one of {', '.join(POLICIES)}"
        raise UsageError(f"there is no policy {policy!r}", cure=known)
    if out is not None and out.exists():
        raise UsageError("this file is there already", where=str(out), cure="name another file; versions are kept")


def _pair(stated: str | None) -> tuple[str, str] | None:
    if stated is None:
        return None
    one, comma, other = stated.partition(",")
    if not comma or "," in other:
        raise UsageError(f"--pareto {stated!r} is no pair", cure="write --pareto A,B")
    return one, other


def _chosen(report: Report, number: int | None, policy: str | None, by: str) -> Choice | None:
    """Give what the options choose; None where they choose nothing."""
    if number is not None:
        return report.choose(number, by)
    return POLICIES[policy](report) if policy is not None else None


def _asked(report: Report, by: str) -> Choice | None:
    """Ask a person at a terminal; None where nothing is chosen."""
    number = typer.prompt(f"Which one? 1 to {len(report.ways)}, or 0 for none", type=int, default=0)
    if not number:
        return None
    return report.choose(number, by or typer.prompt("Who chooses?"))


def _settled(rules: Registry, name: str, choice: Choice, out: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Settle, write and tell it."""
    settled = settle(rules, choice)
    if out is not None:
        _write(out, rules, settled, choice, name)
    values = ", ".join(f"{name} = {value}" for name, value in choice.values.items())
    told = f"settled: {values}, by {choice.by}; solved again, and feasible"
    where = f"{out}   " if out else ""
    return {"settled": record(rules, settled, choice)}, [
        told,
        f"{where}{settled.name} {settled.version} sha256:{settled.digest}",
    ]


def _write(out: Path, rules: Registry, settled: Registry, choice: Choice, name: str) -> None:
    """Write the settled registry, and make sure that it loads as what was settled."""
    base = os.path.relpath(name, out.parent) if Path(name).is_file() else name
    write_file(out, amendment(rules, settled, choice, base))
    try:
        same = load_registry(out).digest == settled.digest
    except RegistryError:
        same = False
    if not same:
        out.unlink()
        said = f"{base!r} would be another registry, seen from this file: it is not kept"
        raise UsageError(said, where=str(out), cure="give the file another name, or name the registry by its path")
