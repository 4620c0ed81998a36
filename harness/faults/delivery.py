"""Where a message goes instead: the faults of communication of arXiv 2602.19843.

=== ======================= ===================================================
MC  message cycle           back to whoever sent it
MS  message storm           to whom it is meant for, ``times`` 3 times
MBA broadcast amplification to whom it is meant for, and to every other agent
=== ======================= ===================================================
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.faults.plan import Strike


def recipients(strike: Strike, sender: str, to: str, agents: Sequence[str]) -> tuple[str, ...]:
    """Give who gets a message, in order, where a fault of the family ``delivery`` strikes it."""
    if strike.fault.kind == "MC":
        return (sender,)
    if strike.fault.kind == "MS":
        return (to,) * int(strike.fault.strength.get("times", 3))
    return (to, *sorted(set(agents) - {sender, to}))
