"""Files, sockets and processes that an agent uses past its tools are told with their place, or refused."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.door.app import Harness
from harness.door.replay import replay
from harness.errors import UsageError

OWN = Path(__file__)


def read_file() -> None:
    """Open a file."""
    OWN.read_text()


def list_folder() -> None:
    """List a folder."""
    os.listdir(OWN.parent)


def start_process() -> None:
    """Start a process."""
    subprocess.run([sys.executable, "-c", ""], check=True)


def shell() -> None:
    """Start a shell."""
    os.system("true")


def connect() -> None:
    """Open a connection."""
    with socket.socket() as client:
        client.connect_ex(("127.0.0.1", 9))


def connect_in_a_loop() -> None:
    """Open a connection through asyncio."""

    async def main() -> None:
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", 9)

    asyncio.run(main())


USES: dict[str, Callable[[], None]] = {
    "open": read_file,
    "os.listdir": list_folder,
    "subprocess.Popen": start_process,
    "os.system": shell,
    "socket.connect": connect,
}


def recorded(app: Harness, agent: Callable[[], Any]) -> Any:
    """Run an agent and give its session."""
    session = app.session()
    session.run(agent)
    return session


@pytest.mark.parametrize("door", USES)
def test_a_use_is_told_once_with_its_place(tmp_path: Path, door: str) -> None:
    """However often the same place uses a door, it is one line for people and one read in the trace."""
    use = USES[door]

    def agent() -> None:
        use()
        use()

    session = recorded(Harness(traces=tmp_path), agent)
    told = [line.split("  ") for line in session.uncaptured]
    assert [door, f"{__name__}:{use.__name__}"] in [line[:2] for line in told]
    assert all(line[2].startswith(f"{__file__}:") for line in told)
    assert Path(session.trace.path).read_text().count(f'"uncaptured:{door}"') == 1


@pytest.mark.parametrize("door", USES)
def test_a_strict_app_refuses(tmp_path: Path, door: str) -> None:
    """The agent is stopped where it stands, with door, place and cure, before anything has happened."""
    with pytest.raises(UsageError, match=rf"{USES[door].__name__} uses {door}.*\n.*@app.tool"):
        recorded(Harness(traces=tmp_path, uncaptured="refuse"), USES[door])


def test_a_connection_of_a_loop_is_seen(tmp_path: Path) -> None:
    """Asyncio opens sockets for the agent, not for itself."""
    session = recorded(Harness(traces=tmp_path), connect_in_a_loop)
    assert [line.split("  ")[0] for line in session.uncaptured] == ["socket.connect"]


def test_a_process_is_one_use_however_it_is_started(tmp_path: Path) -> None:
    """Python spawns or forks as its version has it, which is nothing that a trace says."""

    def agent() -> None:
        for closes in (True, False):  # without closing files it is spawned by every version
            subprocess.run([sys.executable, "-c", ""], check=True, close_fds=closes)

    session = recorded(Harness(traces=tmp_path), agent)
    assert [line.split("  ")[0] for line in session.uncaptured] == ["subprocess.Popen"]


def test_a_tool_may_do_as_it_likes(tmp_path: Path) -> None:
    """What an effect does is in its outcome."""
    app = Harness(traces=tmp_path, uncaptured="refuse")
    tool = app.tool(effect="read")(read_file)

    def agent() -> None:
        tool()

    assert recorded(app, agent).uncaptured == ()


def test_python_and_packages_look_things_up_unseen(tmp_path: Path) -> None:
    """Imports, time zones and the search for a temporary folder are nobody's doing."""

    def agent() -> None:
        import wave  # noqa: F401 - not imported by anything else here

        zoneinfo.ZoneInfo.clear_cache()
        zoneinfo.ZoneInfo("Europe/Berlin")
        tempfile.tempdir = None
        tempfile.gettempdir()

    sys.modules.pop("wave", None)
    assert recorded(Harness(traces=tmp_path, uncaptured="refuse"), agent).uncaptured == ()


def test_the_same_use_replays(tmp_path: Path) -> None:
    """A door that the record knows is no divergence."""
    app = Harness(traces=tmp_path)
    trace = recorded(app, list_folder).trace.path
    assert replay(trace, entry=list_folder, app=app).equal


@pytest.mark.parametrize(("before", "after"), [(lambda: None, read_file), (read_file, list_folder)])
def test_another_use_is_a_divergence(tmp_path: Path, before: Callable[[], None], after: Callable[[], None]) -> None:
    """A door that the record does not know here is told at once."""
    app, uses = Harness(traces=tmp_path), [before]

    def agent() -> None:
        uses[0]()

    trace = recorded(app, agent).trace.path
    uses[0] = after
    divergence = replay(trace, entry=agent, app=app).divergence
    assert divergence is not None
    assert "uncaptured:" in str(divergence)


def test_outside_a_session_nobody_looks(tmp_path: Path) -> None:
    """The audit hook stays in the process, and does nothing."""
    session = recorded(Harness(traces=tmp_path, uncaptured="refuse"), lambda: None)
    read_file()
    assert session.uncaptured == ()


def test_a_recorded_run_prints_what_it_could_not_hold(tmp_path: Path) -> None:
    """``harness run`` says door, function and line under the result."""
    (tmp_path / "shop.py").write_text("def agent():\n    open(__file__).close()\n")
    command = [sys.executable, "-m", "harness", "run", "shop:agent"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"uncaptured  open  shop:agent  {tmp_path}/shop.py:2" in done.stdout
