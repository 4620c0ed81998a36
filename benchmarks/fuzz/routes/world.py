"""The world that tools change: what each call does, and a ledger of effects, in memory or in SQLite."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Protocol

from benchmarks.fuzz.routes.case import HAPPENS, Case

UNDOES = "un_"
PROBES = "find_"


class Ledger(Protocol):
    """Keep how often each effect stands."""

    def commit(self, effect: str, key: str | None) -> None:
        """Let an effect happen; with a key that was seen before, not again."""

    def revoke(self, effect: str) -> None:
        """Undo an effect once, if it stands."""

    def net(self) -> dict[str, int]:
        """Give the effects that stand, and how often."""


class Memory:
    """A ledger in memory."""

    def __init__(self) -> None:
        self._net: Counter[str] = Counter()
        self._keys: set[tuple[str, str]] = set()

    def commit(self, effect: str, key: str | None) -> None:
        """Let an effect happen; with a key that was seen before, not again."""
        if key is not None:
            if (effect, key) in self._keys:
                return
            self._keys.add((effect, key))
        self._net[effect] += 1

    def revoke(self, effect: str) -> None:
        """Undo an effect once, if it stands."""
        self._net[effect] = max(self._net[effect] - 1, 0)

    def net(self) -> dict[str, int]:
        """Give the effects that stand, and how often."""
        return {effect: count for effect, count in sorted(self._net.items()) if count}


class Sqlite:
    """A ledger on disk, one transaction for each effect, as a payment service has one."""

    def __init__(self, path: str) -> None:
        self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=NORMAL")
        self._base.execute("CREATE TABLE entry (effect TEXT, key TEXT, stands INTEGER, UNIQUE (effect, key))")

    def commit(self, effect: str, key: str | None) -> None:
        """Let an effect happen; with a key that was seen before, not again."""
        self._base.execute("INSERT INTO entry VALUES (?, ?, 1) ON CONFLICT DO NOTHING", (effect, key))

    def revoke(self, effect: str) -> None:
        """Undo an effect once, if it stands."""
        last = "SELECT max(rowid) FROM entry WHERE effect = ? AND stands"
        self._base.execute(f"UPDATE entry SET stands = 0 WHERE rowid = ({last})", (effect,))

    def net(self) -> dict[str, int]:
        """Give the effects that stand, and how often."""
        return dict(
            self._base.execute("SELECT effect, sum(stands) FROM entry GROUP BY 1 HAVING sum(stands) ORDER BY 1")
        )

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()


class World:
    """What the calls of a case's tools do, one after the other.

    ``calls`` are all of them, ``failed`` those that did not serve, ``served`` those that did or were found to have
    happened; ``slept_ms`` is how long they and all waits took.
    """

    def __init__(self, case: Case, ledger: Ledger | None = None) -> None:
        self.case, self.ledger = case, ledger or Memory()
        self.calls: list[str] = []
        self.failed: list[str] = []
        self.served: list[str] = []
        self._counts: Counter[str] = Counter()
        self.slept_ms = 0

    def call(self, name: str, key: str | None = None) -> str:
        """Do what the next call of a tool does, and give what becomes of it (see ``case``).

        A tool that undoes or probes is called by its own name. A probe that can tell gives ``yes`` or ``no``, one that
        cannot ``unsure``.
        """
        does = self._does(name)
        self.calls.append(name)
        self._counts[name] += 1
        if name.startswith(PROBES):
            self.failed += [name] * (does == "broken")
            return does if does != "knows" else "yes" if self.settle(name.removeprefix(PROBES)) else "no"
        if does == "slow":
            self.slept_ms += 50
        if does in HAPPENS:
            self._happens(name, key)
        if does in ("ok", "slow"):
            self.served.append(name)
            return "ok"
        self.failed.append(name)
        return does

    def wait(self, duration_ms: int) -> None:
        """Let a time pass; like every sleep it takes a little longer."""
        if duration_ms > 0:
            self.slept_ms += duration_ms + 1

    def _does(self, name: str) -> str:
        tools = self.case.tools
        if name.startswith(UNDOES):
            does = tools[name.removeprefix(UNDOES)].undo
        elif name.startswith(PROBES):
            return tools[name.removeprefix(PROBES)].probe
        else:
            tool = tools[name]
            does = tool.does
            if tool.domain is not None:
                self._counts[f"domain {tool.domain}"] += 1
                if self._counts[f"domain {tool.domain}"] <= dict(self.case.outages).get(tool.domain, 0):
                    return "refused"
        return does[min(self._counts[name], len(does) - 1)]

    def _happens(self, name: str, key: str | None) -> None:
        if name.startswith(UNDOES):
            self.ledger.revoke(name.removeprefix(UNDOES))
        elif self.case.tools[name].effect == "write":
            if self.case.tools[name].again == "idempotent":
                self.ledger.revoke(name)
            self.ledger.commit(name, key)

    def settle(self, name: str) -> bool:
        """Say whether the call of a tool that is in doubt happened; it counts as served if so."""
        effect = name.removeprefix(UNDOES)
        happened = bool(self.ledger.net().get(effect)) != name.startswith(UNDOES)
        self.served += [name] * happened
        return happened
