"""``harness route draw GRAPH``: a tool graph as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.output import write_file
from harness.cli.route.loading import GraphName, known, load_graph
from harness.routing.draw.mermaid import mermaid
from harness.routing.draw.picture import picture_of
from harness.routing.draw.svg import svg
from harness.routing.draw.trip import Called, Trip


def command(
    graph: GraphName,
    svg_file: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Write an SVG there instead.")] = None,
    path: Annotated[str, typer.Option(metavar="TOOL,TOOL…", help="Tools that were called, to be marked.")] = "",
    fail: Annotated[
        list[str] | None, typer.Option("--fail", metavar="TOOL", help="A tool to be marked as failed; may be repeated.")
    ] = None,
) -> None:
    """Draw tools, facts, joins and goals from left to right, with what each way costs, as Mermaid text or SVG."""
    loaded = load_graph(graph)
    called = [tool.strip() for tool in path.split(",") if tool.strip()]
    known([*called, *(fail or [])], loaded.tools, "tool", loaded.name)
    calls = [*(Called(tool, "failed") for tool in fail or []), *(Called(tool, "served") for tool in called)]
    picture = picture_of(loaded, [Trip(next(iter(loaded.goals), loaded.name), tuple(calls))] if calls else ())
    if svg_file is None:
        print(mermaid(picture), end="")
    else:
        write_file(svg_file, svg(picture))
        print(svg_file)
