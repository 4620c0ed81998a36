"""Which tier of a team met a fault, and whether it held: told by what its trace shows beside that of its clean twin.

A team meets a fault by its mechanism (M: its structure, its retries, its critics), by rules (L: what is refused, or
never reaches a model), by its prompts (P), or by what its models make of it (R). arXiv 2602.19843 says of each fault
which behaviours there are, and which tiers those speak of; its table is ``BEHAVIOURS``, with rows of our own where the
paper has none. What decides is what agents *did*: their calls, and their messages as data that are equal or not. What
anybody said about it is not read.

What this does not verify: that the task was done. That is told by data outside of the trace, and counted beside it
(``harness.statistics.tolerance``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from harness.errors import UsageError
from harness.statistics.tolerance import TIERS, Came, Tier
from harness.stress.tolerance.evidence import Evidence, evidence_of
from harness.trace.event import Event


class Behaviour(NamedTuple):
    """One way in which a fault is met: what it is called, when it is seen, and the tiers of which it speaks.

    ``when`` are names of evidence that have to be there, or with ``!`` not. ``ours`` marks what the paper lacks.
    """

    name: str
    when: str
    tiers: str
    ours: bool = False

    def fits(self, evidence: Evidence) -> bool:
        """Tell whether the evidence is of this behaviour."""
        return all(getattr(evidence, one.lstrip("!")) is not one.startswith("!") for one in self.when.split())

    @property
    def came(self) -> dict[Tier, Came]:
        """Give the tiers that were triggered, and what each came to."""
        said = dict(zip(self.tiers[::2], self.tiers[1::2], strict=True))
        return {tier: "held" if said[tier] == "+" else "failed" for tier in TIERS if tier in said}


class Met(NamedTuple):
    """How a fault was met: ``behaviour`` is None where the trace does not tell, with the reason in ``why``."""

    kind: str
    behaviour: Behaviour | None
    evidence: Evidence | None = None
    why: str = ""

    @property
    def tiers(self) -> dict[Tier, Came]:
        """Give the tiers that were triggered; none where nobody can tell."""
        return {} if self.behaviour is None else self.behaviour.came


_PEERS: Final = (
    Behaviour("unnoticed, peers repair it", "peers settled", "M+R-", ours=True),
    Behaviour("unnoticed, peers fail", "peers !settled", "M-R-", ours=True),
)
_ACTION: Final = (
    Behaviour("corrects it", "failed settled", "M+R+"),
    Behaviour("several mend it", "peers settled", "M+R+"),
    Behaviour("redundancy or retry", "settled", "M+"),
    Behaviour("reacts and fails", "failed !settled", "M+R-"),
    Behaviour("reacts and fails", "peers !settled", "M+R-"),
    Behaviour("no tolerance", "!settled", ""),
)
_STORM: Final = (
    Behaviour("filtered", "filtered", "L+"),
    Behaviour("not filtered, harmless", "settled", "L-R+"),
    Behaviour("not filtered, harmful", "!settled", "L-R-"),
)

BEHAVIOURS: Final[dict[str, tuple[Behaviour, ...]]] = {
    "RA": (
        Behaviour("unaffected", "own", "P+"),
        Behaviour("disturbed, filtered", "ruled settled", "L+P-"),
        Behaviour("disturbed, the filter does not help", "ruled !settled", "L-P-"),
        Behaviour("disturbed, peers compensate", "peers settled", "M+P-"),
        Behaviour("disturbed, peers fail", "peers !settled", "M-P-"),
        Behaviour("disturbed, recovers", "settled", "M+P-"),
        Behaviour("disturbed, nothing helps", "!settled", "P-"),
    ),
    "BT": (
        Behaviour("no judgement needed", "own settled", "M+P+"),
        Behaviour("no judgement needed", "others settled", "M+P+"),
        Behaviour("judges, peers repair it", "asked settled elsewhere", "M+P+R+"),
        Behaviour("judges and repairs it", "asked settled", "P+R+"),
        Behaviour("judges and repairs it", "sought settled", "P+R+"),
        Behaviour("judges, and the repair fails", "asked !settled", "P+R-"),
        Behaviour("judges, and the repair fails", "sought !settled", "P+R-"),
        Behaviour("accepts all, and it is mended elsewhere", "settled", "M+P-", ours=True),
        Behaviour("accepts all", "!settled", "P-"),
    ),
    "ILC": (
        Behaviour("detects it, asks", "asked settled !peers", "M+R+"),
        *_PEERS,
        Behaviour("ignores it", "own", "R+"),
        Behaviour("tries to correct it", "settled", "R+"),
        Behaviour("detects it, cannot ask", "asked !settled", "M-R+"),
        Behaviour("unnoticed", "!settled", "R-"),
    ),
    "IA": (
        Behaviour("notices it, asks", "asked settled !peers", "M+R+"),
        *_PEERS,
        Behaviour("notices it, guesses", "settled", "R+"),
        Behaviour("notices it, cannot ask", "asked !settled", "M-R+"),
        Behaviour("unnoticed", "!settled", "R-"),
    ),
    "MS": _STORM,
    "MBA": _STORM,
    "MC": (
        Behaviour("filtered", "filtered settled", "L+"),
        Behaviour("harmless", "settled", "R+"),
        Behaviour("harmful", "!settled", "R-"),
    ),
    "H": (
        Behaviour("repaired from outside", "peers settled", "M+R-"),
        Behaviour("repaired from outside", "failed settled", "M+R-"),
        Behaviour("detects it, seeks the truth", "asked settled", "M+R+"),
        Behaviour("detects it, seeks the truth", "sought settled", "M+R+"),
        Behaviour("infers what is meant", "settled", "R+"),
        Behaviour("executed, peers fail", "peers !settled", "M-R-", ours=True),
        Behaviour("executed", "!settled", "R-"),
    ),
    "CIL": (
        Behaviour("repaired from outside", "peers settled", "M+R-"),
        Behaviour("repairs itself", "asked settled", "M+R+"),
        Behaviour("repairs itself", "sought settled", "M+R+"),
        Behaviour("avoids using it", "own settled", "R+"),
        Behaviour("the process restores it", "settled", "M+"),
        Behaviour("ignored, peers fail", "peers !settled", "M-R-", ours=True),
        Behaviour("ignored", "!settled", "R-"),
    ),
    "ML": (
        Behaviour("repaired from outside", "peers settled", "M+R+"),
        Behaviour("repairs itself", "asked settled", "R+"),
        Behaviour("repairs itself", "sought settled", "R+"),
        Behaviour("avoids needing it", "own settled", "R+"),
        Behaviour("the process restores it", "settled", "M+"),
        Behaviour("ignored, peers fail", "peers !settled", "M-R-", ours=True),
        Behaviour("ignored", "!settled", "R-"),
    ),
    "IP": (
        Behaviour("the process restores it", "peers settled", "M+"),
        Behaviour("the process restores it", "failed settled", "M+"),
        Behaviour("skips what is bad", "settled", "R+"),
        Behaviour("reacts and fails", "failed !settled", "M+R-"),
        Behaviour("reacts and fails", "peers !settled", "M+R-"),
        Behaviour("no tolerance", "!settled", ""),
    ),
    "CLV": (
        Behaviour("asks", "asked settled !peers !own", "M+R+"),
        Behaviour("ignores the padding", "own settled", "R+"),
        Behaviour("the architecture filters it", "ruled settled", "L+"),
        Behaviour("the process restores it", "settled", "M+", ours=True),
        Behaviour("no tolerance", "!settled", ""),
    ),
    "TSE": _ACTION,
    "PFE": _ACTION,
    "TFE": _ACTION,
}
"""How each fault may be met, the first that fits first; tiers are as published unless ``ours``."""


def met(
    kind: str,
    clean: Iterable[Event],
    struck: Iterable[Event],
    *,
    writes: Collection[str],
    asks: Collection[str] = (),
) -> Met:
    """Tell how a fault was met, by the events of the struck run and of its twin without the fault.

    ``writes`` are the tools whose calls are what a run comes to, ``asks`` those by which an agent asks somebody outside
    of the team. Nobody can tell where the fault made no difference, or where the twin wrote nothing. UsageError for a
    kind that is none of the fifteen. O(events × agents).
    """
    if kind not in BEHAVIOURS:
        raise UsageError(f"of {kind} no tiers are known", cure=f"one of {', '.join(BEHAVIOURS)}")
    found = evidence_of(kind, list(clean), list(struck), writes=writes, asks=asks)
    if isinstance(found, str):
        return Met(kind, None, why=found)
    return Met(kind, next(one for one in BEHAVIOURS[kind] if one.fits(found)), found)
