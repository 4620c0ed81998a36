"""What stands at the head of a trace: what a run was, and where it was made."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import __version__
from harness.adapters.files import read_text
from harness.determinism import canonical
from harness.determinism.loop import SessionLoop
from harness.door.models import address_to_record
from harness.door.session import Entry
from harness.faults.file import load_faults
from harness.faults.plan import Plan
from harness.registry.registry import Registry

if TYPE_CHECKING:
    from harness.door.app import Harness


def run_part(app: Harness, entry: Entry | None, **labels: Any) -> dict[str, Any]:
    """Give the part of a header that is the same on every host."""
    registry = app.registry
    return {
        "entry": entry.name if entry else None,
        "format": 1,
        "input": entry.input if entry else None,
        "registries": [{"digest": registry.digest, "name": registry.name, "version": registry.version}],
        "tools": {name: canonical.digest_of(spec.stated()) for name, spec in sorted(registry.tools.items())},
        **labels,
    }


def rollout_part(registry: Registry, run: Mapping[str, Any]) -> dict[str, Any]:
    """Give the part of a header that says which rules only observe in this run, where any is rolled out in shares.

    It follows from the conversation, or where there is none from a number that is drawn for the run.
    """
    if not registry.rollout:
        return {}
    before = run.get("rollout") or {}
    identity = run.get("conversation") or before.get("identity") or os.urandom(8).hex()
    return {"rollout": {"identity": identity, "observes": registry.observed_in(identity)}}


def faults_stated(faults: str | Path | Plan) -> dict[str, Any]:
    """Give a plan of faults, or that of a file, as a header keeps it; PlanError lists the mistakes in a file."""
    plan = faults if isinstance(faults, Plan) else load_faults(read_text(faults), str(faults))
    return plan.stated()


def host_part(app: Harness, path: str) -> dict[str, Any]:
    """Give the part of a header that says where a run is made; ``path`` is where its entry is imported from."""
    seed = os.environ.get("PYTHONHASHSEED", "")
    return {
        "base_url": address_to_record(),
        "folder": str(Path.cwd()),
        "harness": __version__,
        "hash_seed": int(seed) if seed.isdigit() else None,
        "order": "completions" if _in_a_foreign_loop() else "exact",
        "path": path,
        "python": platform.python_version(),
        "registries": app.files,
        **({"parameters": app.bound} if app.bound else {}),
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def _in_a_foreign_loop() -> bool:
    loop = asyncio._get_running_loop()
    return loop is not None and not isinstance(loop, SessionLoop)
