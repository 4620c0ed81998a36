"""What a process has around it: environment, modules, memory, files, sockets."""

# ruff: noqa: D401 (a docstring names the construct that its agent is about)
from __future__ import annotations

import gc
import importlib
import os
import socket
import sys
import weakref
from pathlib import Path
from typing import Any

from tests.conformance.catalogue import promised
from tests.conformance.world import app, look


@app.agent
def environment() -> list[str]:
    """os.environ and os.getenv: a variable that is another in each process."""
    level = os.environ.get("CONFORMANCE_LEVEL", "none")
    return [level, look(f"at {level}"), str(os.getenv("CONFORMANCE_NOT_THERE"))]


@app.agent
def environment_written() -> list[str]:
    """os.environ written by the agent and read again."""
    os.environ["CONFORMANCE_OWN"] = look("x")
    return [os.environ["CONFORMANCE_OWN"], str("CONFORMANCE_OWN" in os.environ), os.environ.pop("CONFORMANCE_OWN")]


@app.agent
def process_id() -> list[str]:
    """os.getpid in an argument."""
    return [look(f"process {os.getpid()}")]


@app.agent
def import_inside() -> list[str]:
    """A module that is imported in the middle of the run, and draws when it is asked to."""
    return [look(_imported_anew().draw()), look("after")]


@promised("unpromised")
@app.agent
def import_that_draws() -> list[str]:
    """A module that draws while it is imported: whether it is imported or there already is the process's matter."""
    return [look(str(_imported_anew().DRAWN))]


def _imported_anew() -> Any:
    sys.modules.pop("tests.conformance.drawing", None)
    return importlib.import_module("tests.conformance.drawing")


class _Held:
    def __init__(self, name: str) -> None:
        self.name = name


@app.agent
def weak_references() -> list[str]:
    """weakref.finalize: told when the last holder lets go."""
    seen: list[str] = []
    held = _Held(look("x"))
    weakref.finalize(held, seen.append, held.name)
    seen.append("held")
    del held
    return [*seen, look(str(len(seen)))]


@app.agent
def garbage() -> list[str]:
    """Finalizers of a cycle that gc.collect finds."""
    seen: list[str] = []
    gc.disable()  # else it may be found earlier, whenever enough has been allocated
    try:
        one, other = _Held(look("a")), _Held(look("b"))
        one.other, other.other = other, one  # type: ignore[attr-defined]
        weakref.finalize(one, lambda: seen.append("one is gone"))
        del one, other
        seen.append(look("still there"))
        gc.collect()
    finally:
        gc.enable()
    return seen


@promised("hash seed")
@app.agent
def order_of_a_set() -> list[str]:
    """A set of strings: its order hangs on the hash seed."""
    return [look(name) for name in ("ada", "bob", "cyd", "dan", "eve", "fay")]


@app.agent
def order_of_a_dict() -> list[str]:
    """A dict keeps the order of insertion, whatever the hash seed."""
    kept = {name: number for number, name in enumerate(["ada", "bob", "cyd", "dan"])}
    return [look(f"{name}{number}") for name, number in kept.items()]


@promised("unpromised")
@app.agent
def order_of_objects() -> list[str]:
    """A set of objects: its order hangs on their addresses in memory, which nobody records."""
    objects = [(bytearray(int(size)), _Held(f"o{size}"))[1] for size in os.urandom(24)]
    return [look(held.name) for held in set(objects)]


@promised("observed", "open")
@app.agent
def file_read() -> list[str]:
    """A file that is read past every tool."""
    text = Path(__file__).read_text(encoding="utf-8")
    return [look(text[:40])]


@promised("observed", "os.listdir")
@app.agent
def folder_read() -> list[str]:
    """A folder that is listed past every tool."""
    return [look(str(sorted(os.listdir(Path(__file__).parent))[:1]))]


@promised("observed", "socket")
@app.agent
def raw_socket() -> list[str]:
    """A socket that is bound and connected past every tool."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        return [look("connected")]
