"""A proxy before the HTTP API of a model: any client in any language, with no change but its base URL."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import resource
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from harness import __version__
from harness.adapters.answers.door import Answers
from harness.adapters.approvals.later import Later
from harness.adapters.files import SUFFIX
from harness.adapters.proxy.conversations import Conversations
from harness.adapters.proxy.service import Service
from harness.adapters.proxy.sessions import Carried, Sessions
from harness.adapters.proxy.upstream import Upstream
from harness.door.app import Harness
from harness.door.listening import listening
from harness.door.session import Session
from harness.errors import UsageError
from harness.trace.covered import Covered, SurfaceKind

HEALTH: Final = "/harness/health"
_ASKED_AT_ONCE: Final = 64
_ELSEWHERE: Final[tuple[SurfaceKind, ...]] = ("process", "network", "files")
_UNSEEN: Final = tuple(Covered(kind, "client", "unseen", "it is a program of its own") for kind in _ELSEWHERE)


class Place(NamedTuple):
    """Where a proxy listens, for how long, and what it takes.

    ``port`` 0 is any free one. A session is sealed after ``idle_s`` of silence; answers under way have ``grace_s`` to
    end when the proxy is stopped. Bodies of more than ``max_bytes`` are refused, with ``strict`` also what is not
    judged.
    """

    host: str = "127.0.0.1"
    port: int = 8787
    idle_s: float = 300.0
    grace_s: float = 30.0
    max_bytes: int = 64 << 20
    strict: bool = False


def serve(
    app: Harness,
    upstream: Upstream,
    place: Place,
    *,
    traces: Path,
    agent: str | None = None,
    tell: Callable[[str], None],
) -> None:
    """Stand before a service until SIGTERM or SIGINT; then every trace is sealed.

    Each conversation of a client is a session, its traces are ``NAME-SEGMENT.mat.jsonl`` in the folder ``traces``.
    A question about a call that has no answer yet refuses the call for now. SIGHUP loads the registry's files anew,
    for sessions that begin from then on. ``tell`` is for people. UsageError where the address is taken.
    """
    app = app.with_approver(Later(app.approver))
    sessions = Sessions(lambda name, before: _Kept(app, traces, name, before, agent), idle_s=place.idle_s, tell=tell)
    conversations = Conversations(_new_name)
    service = Service(upstream, conversations, sessions, max_bytes=place.max_bytes, strict=place.strict, tell=tell)
    _allow_many_files()
    with listening(place.host, place.port) as listener:
        host, port = listener.getsockname()[:2]
        tell(f"http://{f'[{host}]' if ':' in host else host}:{port} stands before {upstream.url}")
        config = uvicorn.Config(
            _application(app, upstream, sessions, service),
            access_log=False,
            date_header=False,
            proxy_headers=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=max(round(place.grace_s), 1),
            timeout_keep_alive=75,
            ws="none",
        )
        gc.freeze()  # what is there now stays for good
        try:
            _Server(config, lambda: tell(_reloaded(app))).run(sockets=[listener])
        finally:
            sealed = len(sessions)
            sessions.seal_all()
    tell(f"stopped; {f'{sealed} sessions were open, and are' if sealed != 1 else '1 session was open, and is'} sealed")


class _Kept:
    """One session of a proxy, and what is known of the calls in its answers."""

    def __init__(self, app: Harness, traces: Path, name: str, before: Carried | None, agent: str | None) -> None:
        self._session = _begun(app, traces, name, agent)
        self.run = self._session.started()
        self._session.covers("proxy", _UNSEEN)
        self.answers = Answers(self.run, self._session.app.narrowed, before and before.remembered)
        if before is not None:
            self.run.machine.questions.left += before.left

    def note(self, text: str, **data: Any) -> None:
        self._session.note(text, **data)

    def seal(self) -> None:
        self._session.seal()


def _begun(app: Harness, traces: Path, name: str, agent: str | None) -> Session:
    """Open the next segment of a conversation, in the first file of its name that is not there yet."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:80]
    segment = 1
    while True:
        path = traces / f"{stem}-{segment:03d}{SUFFIX}"
        session = app.session(trace=path, conversation=name, agent=agent)
        if not path.exists():
            with contextlib.suppress(UsageError):  # somebody else was faster
                session.started()
                return session
        segment += 1


def _new_name() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(5)}"


def _application(app: Harness, upstream: Upstream, sessions: Sessions, service: Service) -> ASGIApp:
    async def health(request: Request) -> JSONResponse:
        registry = app.registry
        return JSONResponse(
            {
                "status": "ok",
                "version": __version__,
                "registry": {"name": registry.name, "version": registry.version, "digest": registry.digest},
                "upstream": str(upstream.url),
                "killed": app.killed,
                "sessions": len(sessions),
                "under_way": sessions.under_way,
            }
        )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # whoever is asked may take a while in a thread, and does not keep others from being asked
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_ASKED_AT_ONCE))
        yield
        await upstream.aclose()

    own = Starlette(routes=[Route(HEALTH, health)], lifespan=lifespan)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        is_own = scope["type"] != "http" or scope["path"] == HEALTH
        await (own if is_own else service)(scope, receive, send)

    return application


def _allow_many_files() -> None:
    """Allow as many open files as the system does: each session and each client is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _reloaded(app: Harness) -> str:
    """Load the files of the rules in force anew, and say what came of it."""
    if not app.files:
        return "there is no registry to load anew"
    try:
        app.reload(app.files)
    except UsageError as error:
        return f"the rules stay as they are: {error}"
    return f"loaded {app.registry.name} {app.registry.version} anew, sha256:{app.registry.digest}"


class _Server(uvicorn.Server):
    """A server that a signal ends in order: uvicorn's own gives the signal on to the process, which would die of it."""

    def __init__(self, config: uvicorn.Config, reload: Callable[[], None]) -> None:
        super().__init__(config)
        self._reload = reload

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, loop.run_in_executor, None, self._reload)
        before = {number: signal.signal(number, self._signalled) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit  # a second one does not wait for streams
        self.should_exit = True
