"""Replays in fresh processes: another hash seed, another folder, an empty environment, no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from harness.errors import UsageError

_NEEDED: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT", "VIRTUAL_ENV")
_SOCKETS: Final = frozenset(
    f"socket.{name}" for name in ("bind", "connect", "getaddrinfo", "gethostbyname", "sendmsg", "sendto")
)
_LOOPBACK: Final = ("127.0.0.1", "::1")
_ANSWERS: Final = (0, 3, 4)  # exit codes of a replay that came to an answer


class Fresh:
    """Start replays of one trace; ``folder`` is where they start, by default an empty one for each."""

    def __init__(
        self, trace: Path, entry: str | None, path: Path | None, folder: Path | None, options: list[str]
    ) -> None:
        self._folder = folder
        command = [sys.executable, "-m", "harness", "replay", str(trace.resolve()), "--json", "--offline"]
        command += ["--hash-seed", "any", *options]
        command += ["--entry", entry] if entry else []
        importing = path or (Path.cwd() if entry else None)
        self._command = command + (["--path", str(importing.resolve())] if importing else [])
        self._environment = {name: os.environ[name] for name in _NEEDED if name in os.environ}
        if places := os.environ.get("PYTHONPATH"):
            absolute = (str(Path(place).resolve()) for place in places.split(os.pathsep) if place)
            self._environment["PYTHONPATH"] = os.pathsep.join(absolute)

    def replay(self, hash_seed: int) -> dict[str, Any]:
        """Replay once and give the facts that were printed; UsageError where the replay could not be made."""
        with tempfile.TemporaryDirectory(prefix="harness-replay-") as empty:
            done = subprocess.run(
                self._command,
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
                cwd=self._folder or empty,
                env={**self._environment, "PYTHONHASHSEED": str(hash_seed)},
            )
        if done.returncode not in _ANSWERS:
            raise UsageError(
                f"a replay in a fresh process came to no end (exit code {done.returncode}):\n{done.stderr.strip()}",
                cure="if it needs the folder it was started in, say so: --folder .",
            )
        facts: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
        return facts | {"hash_seed": hash_seed}


def shut_network() -> list[str]:
    """Refuse every socket of this process from now on; give the list of those that were tried.

    A bind to a loopback address is refused too but reaches nobody, so it is not listed: urllib3 asks by one, when it is
    imported, whether there is IPv6.
    """
    tried: list[str] = []

    def refuse(event: str, arguments: Iterable[Any]) -> None:
        if event in _SOCKETS:
            said = [argument for argument in arguments if isinstance(argument, str | tuple | int)]
            if event != "socket.bind" or not any(isinstance(one, tuple) and one[0] in _LOOPBACK for one in said):
                tried.append(f"{event} {said}")
            raise ConnectionRefusedError(f"{event}: the network is shut during this replay")

    sys.addaudithook(refuse)
    return tried
