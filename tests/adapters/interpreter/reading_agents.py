"""Agents that each read one source, most through names bound before any session; run as a script it records them all.

``python reading_agents.py record FOLDER`` and ``… replay FOLDER`` print what each agent returned, as JSON.
"""

# ruff: noqa: D103, DTZ002, DTZ005, DTZ011 - the names say what each agent reads, and moments without a zone are one of the things

from __future__ import annotations

import asyncio
import datetime
import json
import os
import random
import secrets
import socket
import sys
import tempfile
import threading
import time
import uuid
from contextvars import copy_context
from datetime import date
from datetime import datetime as moment
from pathlib import Path
from random import choice, gauss, getrandbits, shuffle
from random import random as draw
from time import perf_counter_ns, sleep
from time import time as now
from typing import Any
from uuid import uuid1, uuid4

from pydantic import BaseModel

from harness.door.app import Harness
from harness.door.replay import replay

app = Harness()


class Mine(moment):
    """A datetime of the agent's own."""


class Day(date):
    """A date of the agent's own."""


class Stamped(BaseModel):
    """A model with moments in it."""

    at: moment
    on: date


@app.agent
def clocks() -> list[Any]:
    names = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
    read = [getattr(time, name + unit)() for name in names for unit in ("", "_ns")]
    return [*read, time.clock_gettime(time.CLOCK_REALTIME), time.clock_gettime_ns(time.CLOCK_MONOTONIC)]


@app.agent
def early_clocks() -> list[Any]:
    return [now(), perf_counter_ns(), now()]


@app.agent
def structs() -> list[Any]:
    local = time.localtime()
    return [list(local), local.tm_zone, list(time.gmtime()), time.ctime(), time.asctime(), time.strftime("%c %f")]


@app.agent
def given_moments() -> list[Any]:
    return [time.gmtime(0).tm_year, time.strftime("%Y", time.gmtime(0)), time.asctime(time.gmtime(0))]


@app.agent
def moments() -> list[Any]:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    made = [moment.now(), moment.now(zone), moment.now(tz=datetime.UTC), moment.today(), Mine.now(), Mine.now(zone)]
    made += [datetime.datetime.now(), Mine.today()]
    return [[type(one).__name__, one.isoformat()] for one in made]


@app.agent
def days() -> list[Any]:
    return [[type(one).__name__, one.isoformat()] for one in (date.today(), Day.today())]


@app.agent
def models() -> Any:
    made = Stamped(at=moment.now(datetime.UTC), on=date.today())
    assert Stamped.model_validate_json(made.model_dump_json()) == made
    return json.loads(made.model_dump_json())


@app.agent
def sleeps() -> list[Any]:
    before = now()
    sleep(0.2)
    return [before, now() - before >= 0.2]


@app.agent
def draws() -> list[Any]:
    cards = list(range(20))
    shuffle(cards)
    return [draw(), random.random(), choice("abcdef"), getrandbits(100), gauss(0, 1), gauss(0, 1), cards]


@app.agent
def seeded() -> list[Any]:
    random.seed(7)
    state = random.getstate()
    first = draw()
    random.setstate(state)
    random.seed()
    return [first, draw()]


@app.agent
def generators() -> list[Any]:
    return [random.Random().random(), random.Random(3).random(), random.Random(None).getrandbits(64)]


@app.agent
def secret_draws() -> list[Any]:
    return [secrets.token_hex(16), secrets.randbelow(1000), os.urandom(8).hex(), random.SystemRandom().random()]


@app.agent
def tokens() -> list[Any]:
    return [secrets.token_hex(16), secrets.token_urlsafe(24), secrets.token_bytes(16).hex()]


@app.agent
def identifiers() -> list[Any]:
    return [str(uuid4()), str(uuid1()), str(uuid.uuid4()), uuid.getnode()]


@app.agent
def file_names() -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        return [Path(folder).name]


@app.agent
def process() -> list[Any]:
    return [os.getpid(), os.getppid(), os.cpu_count(), socket.gethostname()]


@app.agent
def variables() -> list[Any]:
    os.environ["WRITTEN"] = "by the agent"
    found = [os.environ["SHOP"], os.getenv("SHOP"), os.environ.get("NOWHERE", "?"), "SHOP" in os.environ]
    found += [os.environb[b"SHOP"].decode(), os.environ["WRITTEN"], os.environ.pop("WRITTEN"), "WRITTEN" in os.environ]
    return [*found, ascii(os.environ["ODD"]), sorted(os.environ), len(os.environ)]


@app.agent
def threads() -> list[Any]:
    seen: list[Any] = []
    worker = threading.Thread(target=copy_context().run, args=(lambda: seen.append([now(), draw()]),))
    worker.start()
    worker.join()
    return [seen, now()]


@app.agent
async def tasks() -> list[Any]:
    async def one() -> list[Any]:
        read = [now(), draw()]
        await asyncio.sleep(0.001)
        return [*read, str(uuid4())]

    return [now(), *await asyncio.gather(*(one() for _ in range(5))), now()]


AGENTS = {
    agent.__name__: agent
    for agent in (
        *(clocks, early_clocks, structs, given_moments, moments, days, models, sleeps, draws, seeded, generators),
        *(secret_draws, tokens, identifiers, file_names, process, variables, threads, tasks),
    )
}


def main(what: str, folder: str) -> None:
    told: dict[str, Any] = {}
    for name, agent in AGENTS.items():
        trace = Path(folder) / f"{name}.mat.jsonl"
        began = time.perf_counter()
        if what == "record":
            told[name] = {"result": app.session(trace=trace).run(agent)}
        else:
            again = replay(trace, entry=agent, app=app)
            failed = str(again.divergence or again.error)
            told[name] = {"result": again.result, "equal": again.equal, "failed": failed}
            told[name]["substituted"] = again.substituted
        told[name]["seconds"] = time.perf_counter() - began
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
