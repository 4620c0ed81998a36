"""The examples of openai-agents, which are in its source distribution only."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path


def examples_folder() -> list[str]:
    """Give the folder that ``examples`` is imported from, fetched once by pip and kept among temporary files."""
    found = version("openai-agents")
    name = f"openai_agents-{found}"
    place = Path(tempfile.gettempdir()) / "harness-frameworks"
    if not (place / name).is_dir():
        place.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, "--dest", str(place), f"openai-agents=={found}"], check=True)
        with tarfile.open(place / f"{name}.tar.gz") as archive:
            archive.extractall(place, filter="data")
    return [str(place / name)]
