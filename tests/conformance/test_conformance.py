"""Small agents, one construct each, replay identically: every way of being random, late, parallel or out of order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.campaign import complaint, misrecorded, record, replay, strict, unrefused
from tests.conformance.catalogue import Case, cases

MODULES = sorted(path.stem for path in (Path(__file__).parent / "agents").glob("[a-z]*.py"))
OTHER_SEED = "5"


def _of(module: str) -> dict[str, Case]:
    return {case.name: case for case in cases() if case.name.startswith(f"{module}.") and not case.missing}


def test_there_are_enough_constructs() -> None:
    """The suite has at least forty-eight agents, each about something else."""
    found = cases()
    assert len(found) >= 48
    assert len({case.about for case in found}) == len(found)


@pytest.mark.parametrize("module", MODULES)
def test_agents_replay(module: str, tmp_path: Path) -> None:
    """Each agent of a module, recorded beside a busy thread, keeps its promise three times under another hash seed."""
    chosen = _of(module)
    recorded = {facts["trace"]: facts for facts in record(tmp_path, 1, list(chosen))}
    assert {facts["name"] for facts in recorded.values()} == set(chosen)
    broken = {facts["name"]: misrecorded(chosen[facts["name"]], facts) for facts in recorded.values()}
    for facts in replay([tmp_path / trace for trace in recorded] * 3, OTHER_SEED):
        name = facts["name"]
        broken[name] = broken[name] or complaint(chosen[name], recorded[facts["trace"]], facts, OTHER_SEED)
    assert {name: what for name, what in broken.items() if what} == {}


def test_what_hangs_on_the_hash_seed_replays_under_the_recorded_one(tmp_path: Path) -> None:
    """An agent that walks over a set of strings is equal under the hash seed that the header keeps."""
    facts = record(tmp_path, 1, ["surroundings.order_of_a_set"])
    replayed = replay([tmp_path / facts[0]["trace"]], "0")
    assert [one["difference"] for one in replayed] == [None]
    assert replayed[0]["result"] == facts[0]["result"]


def test_a_strict_app_refuses_uncaptured_doors(tmp_path: Path) -> None:
    """Files, folders, sockets and processes that an agent uses past every tool are refused by name."""
    doors = {case.name: case for case in cases() if case.door}
    broken = {facts["name"]: unrefused(doors[facts["name"]], facts) for facts in strict(tmp_path, list(doors))}
    assert set(broken) == set(doors)
    assert {name: what for name, what in broken.items() if what} == {}
