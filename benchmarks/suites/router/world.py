"""A small world whose every effect is kept: a ledger in SQLite, and tools that work on it, or fail as they are told.

Correctness is judged here and nowhere else: by what the ledger says after a run, never by what the run says of itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from .oracle import Case


class Ledger:
    """Every effect that was committed, by tool and key; ``file`` None keeps it in memory.

    An effect with a key happens once, however often it is asked for.
    """

    def __init__(self, file: Path | None = None) -> None:
        # committed by every statement; the journal of a ledger that lives as long as its cell need not reach the disk
        self._db = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("pragma synchronous = off")
        self._db.execute("create table effects (tool text, key text, done integer, unique (tool, key))")

    def commit(self, tool: str, key: str | None = None) -> None:
        """Do an effect."""
        self._db.execute("insert or ignore into effects values (?, ?, 1)", (tool, key))

    def undo(self, tool: str, key: str | None = None) -> None:
        """Undo the latest effect of a tool, or the one with a key; LookupError where there is none."""
        which = "select max(rowid) from effects where tool = ? and key is ? and done"
        sql = f"update effects set done = 0, key = null where rowid = ({which})"
        if self._db.execute(sql, (tool, key)).rowcount != 1:
            raise LookupError(f"there is no effect of {tool} to undo")

    def has(self, tool: str, key: str | None = None) -> bool:
        """Tell whether an effect of a tool stands, the one with a key if there is one."""
        sql = "select 1 from effects where tool = ? and key is ? and done"
        return self._db.execute(sql, (tool, key)).fetchone() is not None

    def net(self) -> dict[str, int]:
        """Count the effects that stand, by tool."""
        return dict(self._db.execute("select tool, sum(done) from effects where done group by tool order by tool"))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


class World:
    """The tools of a case; ``attempts``, ``answered`` and ``undone`` are the calls that were made, in order.

    A tool does what its mood says: it answers, refuses the connection, commits and then times out, or times out without
    having done anything.
    """

    def __init__(self, case: Case, file: Path | None = None) -> None:
        self.case = case
        self.ledger = Ledger(file)
        self.attempts: list[str] = []
        self.answered: list[str] = []
        self.undone: list[str] = []

    def call(self, tool: str, key: str | None = None) -> dict[str, Any]:
        """Call a tool, as its users do; ConnectionRefusedError or TimeoutError, as its mood wants it."""
        moods = self.case.moods.get(tool, ("ok",))
        mood = moods[min(self.attempts.count(tool), len(moods) - 1)]
        self.attempts.append(tool)
        if mood == "refused":
            raise ConnectionRefusedError(f"{tool} is down")
        if mood != "lost" and self.case.kinds.get(tool, "read") != "read":
            self.ledger.commit(tool, key)
        if mood in ("late", "lost"):
            raise TimeoutError(f"{tool} has not answered")
        self.answered.append(tool)
        return {"by": tool}

    def undo(self, tool: str, key: str | None = None) -> dict[str, Any]:
        """Take the last effect of a tool back."""
        self.ledger.undo(tool, key)
        self.undone.append(tool)
        return {"undone": tool}

    def probe(self, tool: str, key: str | None = None) -> dict[str, Any]:
        """Tell whether a tool's effect happened, as a probe does."""
        return {"happened": True, "result": {"by": tool}} if self.ledger.has(tool, key) else {"happened": False}

    def function(self, does: Callable[..., dict[str, Any]], tool: str) -> Callable[..., dict[str, Any]]:
        """Give a verb of this world on a tool as a function; that of a keyed tool takes its key."""
        if tool in self.case.keyed:
            return lambda key: does(tool, key)
        return lambda: does(tool)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.ledger.close()
