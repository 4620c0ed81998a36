"""Registries that votes are held under: one with rules on a move, and one that speaks of no artifact."""

from __future__ import annotations

from harness.registry.load import load

RULES = """
registry: moves
version: 1.0.0
default: allow
artifacts:
  move: {schema: {type: object, required: [disk], properties: {disk: {type: integer}}}}
invariants:
  - {id: DISK, on: artifact, artifact: move, require: 1 <= artifact.disk <= 9, otherwise: block, says: There are nine.}
  - {id: ODD, on: artifact, artifact: move, require: artifact.disk != 7, otherwise: warn}
  - {id: ASK, on: artifact, artifact: move, require: artifact.disk != 8, otherwise: escalate}
  - {id: ONCE, on: artifact, artifact: move, require: 'happened(action, call.tool == "move")', otherwise: block}
  - {id: TENANT, on: artifact, artifact: move, require: 'run.tenant == "ours"', otherwise: block}
"""
NONE = load(
    "{registry: none, version: '1', default: allow, invariants: [{id: PAY, on: action, tool: pay, require: 'False'}]}",
    "none.yaml",
)
