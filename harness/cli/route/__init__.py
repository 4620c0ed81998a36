"""``harness route …``: a registry's tool graph before anything is called, one file per verb."""

from __future__ import annotations

from typing import Final

VERBS: Final = {
    "plan": "The route to a goal, what it costs, and what would be next.",
    "simulate": "Lead a goal over simulated tools, some of which fail.",
    "draw": "Draw a tool graph, as Mermaid text or SVG.",
}
