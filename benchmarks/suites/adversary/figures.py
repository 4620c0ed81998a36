"""The reported numbers of the suite, over its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from harness.bench.figures import Figure, counted
from harness.bench.task import Row


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the figures; the guided adversary has to find more than the random one in as many questions."""
    said: dict[str, Figure] = {}
    for group in ("agents", "chess"):
        found = {}
        for way in ("guided", "random"):
            chosen = [row.found for row in rows if (row.cell.task.group, row.cell.condition.name) == (group, way)]
            tries = sum(one["tries"] for one in chosen)
            found[way] = sum(one["found"] for one in chosen)
            target = f">= {tries}" if (group, way) == ("agents", "guided") else ""
            said[f"{group}_{way}_found"] = counted(found[way], tries, target) if tries else Figure(0, "1")
            said[f"{group}_{way}_asked"] = Figure(median([one["median_asked"] for one in chosen] or [0]), "questions")
        said[f"{group}_more_than_random"] = Figure(found["guided"] - found["random"], "1", None, "> 0")
    controls = [row.found["found"] for row in rows if row.cell.task.group == "controls"]
    return said | {"false_alarms": Figure(sum(controls), "1", None, "== 0")}
