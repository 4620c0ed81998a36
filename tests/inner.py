"""How tests start pytest themselves: without plugins that take a second to import and have no part in the test."""

from __future__ import annotations

import sys
from typing import Final

LEAN: Final = ("-p", "no:langsmith_plugin", "-p", "no:hypothesispytest")
PYTEST: Final = (sys.executable, "-m", "pytest", "-q", *LEAN, "-p", "no:randomly", "-p", "no:cacheprovider")
