"""The picture of the routes in a trace: of the graph that they went through, or of their calls alone."""

from __future__ import annotations

from pathlib import Path

from harness.adapters.registries import load_registry, recorded_graph
from harness.cli.output import write_file
from harness.errors import UsageError
from harness.routing.draw.mermaid import mermaid
from harness.routing.draw.picture import picture_of, picture_of_calls
from harness.routing.draw.svg import svg
from harness.routing.draw.trip import trips
from harness.routing.graph import Graph
from harness.trace.reader import Reader


def draw_routes(reader: Reader, trace: Path, registry: str | None, file: str) -> None:
    """Draw the routes of a trace into an SVG file, or for ``-`` print them as Mermaid text.

    ``registry`` names the one whose graph is drawn, by default that of the header, as it is now; where that cannot be
    found, the calls are drawn alone. UsageError for a trace without a route.
    """
    travelled = trips(reader)
    if not travelled:
        raise UsageError("no route was planned in this run", where=str(trace), cure="leave out --graph")
    host = reader.header.host
    recorded = host.get("registries") or (), host.get("path", ""), host.get("folder", "")
    graph = _named(registry) if registry else recorded_graph(*recorded)
    picture = picture_of_calls(travelled) if graph is None else picture_of(graph, travelled)
    if file == "-":
        print(mermaid(picture), end="")
    else:
        write_file(Path(file), svg(picture))
        print(file)


def _named(registry: str) -> Graph:
    graph = load_registry(registry).graph
    if graph is None:
        raise UsageError("the registry has no graph", where=registry, cure="name the one that the run was led by")
    return graph
