"""``harness registry verify-certificate FILE``: whether a certificate proves that no artifact fits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.adapters.registries import load_registry
from harness.cli.options import AsJson
from harness.cli.output import emit
from harness.cli.registry.problem import ArtifactName, SetValues, posed
from harness.errors import UsageError


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What registry solve --certificate has written.")],
    registry: Annotated[str, typer.Option(metavar="REGISTRY", help="The registry that it speaks of.")],
    artifact: ArtifactName,
    values: SetValues = None,
    as_json: AsJson = False,
) -> None:
    """Replay a certificate in ball arithmetic, with nothing taken over from the search that wrote it.

    It proves something of exactly one problem: these rules, this artifact, these values of parameters. Exit 1 where it
    proves nothing of it.
    """
    from harness.registry.solve.certificate import load
    from harness.registry.solve.checker import check_certificate

    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(file)) from None
    problem = posed(load_registry(registry), artifact, values)
    reason = check_certificate(problem, load(data, str(file)))
    facts = {"proves": not reason, "reason": reason, "problem": problem.digest, "artifact": artifact}
    told = f"rejected: {reason}" if reason else f"proven: no {artifact} meets these rules"
    emit(facts, [f"{told}   problem sha256:{problem.digest}"], as_json)
    raise typer.Exit(1 if reason else 0)
