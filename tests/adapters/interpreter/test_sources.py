"""Each source is read for real while recording, and out of the trace in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from harness.adapters.files import open_trace
from harness.door.replay import replay
from tests.adapters.interpreter.reading_agents import AGENTS, app

SCRIPT: Final = Path(__file__).with_name("reading_agents.py")
ROOT: Final = Path(__file__).parents[3]
BOUND: Final = {"given_moments"}  # reads nothing


def told_by(what: str, folder: Path, **environment: str) -> dict[str, Any]:
    """Run the script in a process of its own, in a folder and an environment of its own."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), what, str(folder)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Record every agent in one process and replay it in another with nothing in its environment."""
    folder = tmp_path_factory.mktemp("sources")
    odd = b"\xff\xfe".decode(errors="surrogateescape")
    recorded = told_by("record", folder, PYTHONHASHSEED="1", SHOP="corner", ODD=odd, TZ="Asia/Kolkata")
    return {"folder": folder, "recorded": recorded, "replayed": told_by("replay", folder, PYTHONHASHSEED="2")}


@pytest.mark.parametrize("name", AGENTS)
def test_what_was_read_is_read_again(told: dict[str, Any], name: str) -> None:
    """The agent returns the same, and every line of the trace comes out equal."""
    recorded, replayed = told["recorded"][name], told["replayed"][name]
    assert replayed["equal"], replayed["failed"]
    assert replayed["result"] == recorded["result"]


@pytest.mark.parametrize("name", sorted(AGENTS.keys() - BOUND))
def test_what_is_read_is_in_the_trace(told: dict[str, Any], name: str) -> None:
    """Something that the agent took from outside was written down."""
    with open_trace(told["folder"] / f"{name}.mat.jsonl") as reader:
        assert any(entry.event.kind == "read" for entry in reader.entries())


def test_a_moment_that_is_given_is_not_read(told: dict[str, Any]) -> None:
    """Breaking down or writing a given moment takes nothing from the clock."""
    with open_trace(told["folder"] / "given_moments.mat.jsonl") as reader:
        assert [entry.event.kind for entry in reader.entries()] == ["note"]


def test_a_sleep_takes_no_time_on_replay(told: dict[str, Any]) -> None:
    """The agent sees the time it slept through; nobody waits for it."""
    assert told["recorded"]["sleeps"]["seconds"] > 0.2
    assert told["replayed"]["sleeps"]["seconds"] < 0.15


def test_local_time_keeps_the_zone_of_the_recording(told: dict[str, Any]) -> None:
    """What was local there is local on replay, wherever that is."""
    assert told["replayed"]["structs"]["result"][1] == "IST"


def test_a_subclass_keeps_its_class(told: dict[str, Any]) -> None:
    """A datetime or date of the agent's own class comes back as one."""
    assert [name for name, _ in told["replayed"]["moments"]["result"]].count("Mine") == 3
    assert [name for name, _ in told["replayed"]["days"]["result"]] == ["date", "Day"]


def test_a_seed_of_the_agents_own_counts(told: dict[str, Any]) -> None:
    """``random.seed`` in a session seeds what the session draws from."""
    assert told["recorded"]["seeded"]["result"][0] == 0.32383276483316237


def test_draws_cost_one_line(told: dict[str, Any]) -> None:
    """However much is drawn from the module's generator, the trace keeps its seed only."""
    with open_trace(told["folder"] / "draws.mat.jsonl") as reader:
        reads = [read for entry in reader.entries() if entry.event.kind == "read" for read in entry.event.body["reads"]]
    assert [source for source, _ in reads] == ["random@session"]


@pytest.mark.parametrize("number", range(3))
def test_a_token_stays_out_of_the_trace(told: dict[str, Any], number: int) -> None:
    """Neither its bytes nor their usual spellings are in the trace, also where the agent returns it."""
    token = told["recorded"]["tokens"]["result"][number]
    assert token not in (told["folder"] / "tokens.mat.jsonl").read_text()


def test_secret_bytes_are_kept_where_only_their_owner_may_read(told: dict[str, Any]) -> None:
    """They stand in a file of mode 0600 beside the trace."""
    kept = told["folder"] / "tokens.mat.jsonl.secrets"
    assert told["recorded"]["tokens"]["result"][0] in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_without_the_private_file_tokens_are_substituted(told: dict[str, Any]) -> None:
    """The agent is given other bytes of the same shape, and the replay says which draws they stand for."""
    trace = told["folder"] / "alone" / "tokens.mat.jsonl"
    trace.parent.mkdir(exist_ok=True)
    trace.write_bytes((told["folder"] / "tokens.mat.jsonl").read_bytes())
    again = replay(trace, entry=AGENTS["tokens"], app=app)
    assert again.equal
    assert again.substituted == tuple(
        f"⟦secret:os.urandom({size}):{number}⟧" for number, size in ((1, 16), (2, 24), (3, 16))
    )
    recorded = told["recorded"]["tokens"]["result"]
    assert [len(token) for token in again.result] == [len(token) for token in recorded]
    assert again.result[0] != recorded[0]


def test_only_secret_draws_have_a_private_file(told: dict[str, Any]) -> None:
    """The file is made only where something secret was drawn."""
    names = {path.name.partition(".")[0] for path in told["folder"].glob("*.secrets")}
    assert names == {"secret_draws", "tokens"}
