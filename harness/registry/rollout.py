"""In which share of conversations a rule is enforced; in the others it only observes.

Whether it is enforced follows from the digest of the rule's id and the identity of the conversation, or of the run
where it belongs to none: the same in every process, and the same again under a greater share.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.document import Written

Kill = Literal["fail_closed", "fail_open"]

SHARE: Final = r"^(100|[0-9]{1,2}(\.[0-9]+)?) ?%$"
_WHOLE: Final = 1 << 64


def percent_of(rollout: Mapping[str, str], rule: str) -> float:
    """Give the percentage in which a rule is enforced: by its own line, else by the longest pattern that fits it."""
    fitting = [name for name in rollout if fnmatchcase(rule, name)]
    line = rule if rule in rollout else max(sorted(fitting), key=len, default="")
    return float(rollout[line].removesuffix("%")) if line else 100.0


def is_enforced(rollout: Mapping[str, str], rule: str, identity: str) -> bool:
    """Tell whether a rule is enforced in the conversation, or the run, of an identity."""
    percent = percent_of(rollout, rule)
    return percent == 100 or position(rule, identity) < percent  # the last of all positions is rounded to 100


def position(rule: str, identity: str) -> float:
    """Give the place of an identity among all, from 0 to 100: a rule is enforced where it lies below its share."""
    digest = hashlib.sha256(f"{rule}\0{identity}".encode()).digest()
    return 100 * int.from_bytes(digest[:8]) / _WHOLE


def mistakes_in_rollout(shares: Mapping[str, Written], rules: Iterable[str]) -> Iterator[Mistake]:
    """Yield the lines that are about no rule, so that one which is misspelt is not enforced everywhere."""
    known = list(rules)
    for name, share in shares.items():
        if not any(fnmatchcase(rule, name) for rule in known):
            cure = nearest(name, known) or f"rules: {', '.join(known) or 'none'}"
            yield share.mistake(f"no rule is called {name!r}", cure)


def plain_shares(shares: Mapping[str, Written]) -> dict[str, str]:
    """Give the shares as texts, spelled alike."""
    return {name: re.sub(r"\s*%", " %", str(share.value)) for name, share in shares.items()}


def read_kill(value: Any) -> Kill:
    """Read what a kill switch does."""
    return "fail_open" if value == "fail_open" else "fail_closed"


def stricter(one: Kill | None, other: Kill | None) -> Kill | None:
    """Give what two registries together say of the kill switch: closed, if one of them says so."""
    return "fail_closed" if "fail_closed" in (one, other) else one or other
