"""``harness registry …``: tools for those who write rules, one file per verb."""

from __future__ import annotations

from typing import Final

VERBS: Final = {
    "lint": "Look for rules that are dead, in conflict, doubled, too costly or unfinished.",
    "test": "Try the examples that stand beside the rules.",
    "coverage": "Which rules ever spoke on stored traces, and which parts of them decided.",
    "mutate": "Put small faults into the rules: do the examples notice?",
    "backtest": "What a new version of a registry changes on stored traces.",
    "solve": "Can any artifact fit the rules? A witness, or a proof that none can and what stands in the way.",
    "negotiate": "Where no artifact fits: what would do, chosen by a person or a policy, as a new version.",
    "verify-certificate": "Replay such a proof.",
    "diff": "What two versions of a registry mean differently.",
    "effective": "The policy in force: what each agent may do with each tool; or the whole registry written out.",
    "schema": "Print the JSON Schema of registry files, for editors.",
}
