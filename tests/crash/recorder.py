"""An agent that works until it is killed, and says of each call that it has returned: ``recorder TRACE INPUT``."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys

import harness

app = harness.Harness()


@app.tool(effect="read")
def look(number: int) -> int:
    """Change nothing."""
    return number * number


@app.tool(effect="write")
def pay(number: int, killed: str | None) -> str:
    """Write a line into the ledger that nobody can take back, and die before or after it where that is wanted."""
    if killed == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    with open(os.environ["LEDGER"], "ab", buffering=0) as ledger:
        ledger.write(b"%d\n" % number)
    if killed == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return f"paid {number}"


@app.agent
def work(kill: str | None = None, at: int = -1) -> None:
    """Look twice, pay once, and so on."""
    for number in itertools.count():
        if number % 3 == 2:
            pay(number, kill if number == at else None)
        else:
            look(number)
        print(number, flush=True)


if __name__ == "__main__":
    with app.session(trace=sys.argv[1]):
        work(**json.loads(sys.argv[2]))
