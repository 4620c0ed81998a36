"""Agents with one documented bug each: the modules of the folder ``agents``, under a name that nothing else has.

Whoever has this folder on the path finds them in any process as ``stress_agents.NAME``.
"""

from __future__ import annotations

from pathlib import Path

__path__ = [str(Path(__file__).with_name("agents"))]
