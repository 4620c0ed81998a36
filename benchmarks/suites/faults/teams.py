"""The teams of ``examples/teams``, found in a checkout or beside the suites of an installed harness."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from harness.bench.suite import suites_folder

_NAME: Final = "harness_teams"


def team_module(name: str) -> ModuleType:
    """Import a module of the teams under a name of their own, wherever their folder is."""
    if _NAME not in sys.modules:
        folder = _folder()
        spec = importlib.util.spec_from_file_location(
            _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None and spec.loader is not None
        module = sys.modules[_NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return importlib.import_module(f"{_NAME}.{name}")


def _folder() -> Path:
    shipped = suites_folder().parent / "teams"
    return shipped if shipped.is_dir() else suites_folder().parents[1] / "examples" / "teams"
