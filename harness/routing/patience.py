"""How long a route goes on trying."""

from __future__ import annotations

from typing import Final

from harness.routing.calls import Call
from harness.routing.graph import Policy

_MS: Final = 1_000_000


class Patience:
    """Say when a call is tried again, by the policy of a graph; times are nanoseconds on the session's clock."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.began = 0

    def late(self, at: int) -> bool:
        """Tell whether the deadline is past at a time."""
        deadline_ms = self._policy.deadline_ms
        return deadline_ms is not None and at > self.began + deadline_ms * _MS

    def again_at(self, call: Call, now: int) -> int | None:
        """Give when a call that ends now may be made again; None where it may not.

        What was taken from somebody is given back however late it is.
        """
        policy = self._policy
        if call.attempt > policy.retries:
            return None
        wait_ms: int = policy.wait_ms * policy.factor ** (call.attempt - 1)
        at = now + min(wait_ms, policy.longest_ms) * _MS
        return None if self.late(at) and call.undoes is None else at
