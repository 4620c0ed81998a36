"""One cell: a task is done by a contender in a world of its own, and judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.bench.task import Cell
from harness.testing.model_server import ModelRequest, ModelServer, Reply, say

from .extra import EXTRAS, Extra
from .generated import generated, late_writes, registry_of_case
from .judge import WORLD, judged
from .oracle import Case, predict
from .react import react
from .routed import ByModel, registry_of, routed
from .scenarios import case_of
from .workflow import workflow
from .world import World


def run(cell: Cell, folder: Path) -> Mapping[str, Any]:
    """Do a cell and give what was seen."""
    task = cell.task
    match task.group, cell.condition.name:
        case "extra", _:
            return _extra(EXTRAS[task.name], folder)
        case "generated", _:
            return _generated(generated(cell.seed, task.name), folder)
        case group, contender:
            graph, down = task.data["graph"], task.data["down"]
            return _published(graph, case_of(graph, down), folder, contender, asks_a_model=group == "scenarios")
    raise LookupError(f"nobody does {task.name}")


def _published(graph: str, case: Case, folder: Path, contender: str, *, asks_a_model: bool) -> dict[str, Any]:
    expected = predict(case)
    with World(case) as world:
        match contender:
            case "react":
                seen, requests = react(case, world)
                return judged(seen, expected, WORLD) | {"model_calls": requests}
            case "static":
                return judged(workflow(graph, case, world), expected, WORLD)
            case "harness" if asks_a_model:
                return _with_a_model(graph, case, world, folder)
            case "harness":
                seen, told = routed(case, world, registry_of(graph), folder, lambda question: {"stop": True})
                return judged(seen, expected) | told
            case _:
                return judged(expected, expected)


def _with_a_model(graph: str, case: Case, world: World, folder: Path) -> dict[str, Any]:
    """Let harness do a case with a model to ask, which says to stop; count what the model was asked."""

    def stops(request: ModelRequest) -> Reply:
        return say('{"stop": true}')

    with ModelServer(stops) as server, ByModel(server.base_url) as model:
        seen, told = routed(case, world, registry_of(graph), folder, model)
        return judged(seen, predict(case)) | told | {"model_calls": len(server.requests)}


def _generated(case: Case, folder: Path) -> dict[str, Any]:
    expected = predict(case)
    with World(case, folder / "ledger.db") as world:
        seen, told = routed(case, world, registry_of_case(case), folder, lambda question: None)
    return judged(seen, expected) | told | {"late": late_writes(case, expected)}


def _extra(extra: Extra, folder: Path) -> dict[str, Any]:
    seen = extra.play(folder)
    facts = {"shows": extra.shows, "correct": seen == extra.expected, "seen": seen}
    return facts if facts["correct"] else facts | {"why": f"{seen} and not {extra.expected}"}
