"""The long-lived object: a registry compiled once, and how its sessions are recorded."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Self, TypeVar, cast, get_args, overload

from harness.adapters.exchange import Doorway
from harness.adapters.files import FileStore, new_store
from harness.adapters.live import LiveWorld, nobody
from harness.determinism.schedule import Timeline
from harness.door.agents import make_agent
from harness.door.binding import Binder, call_site
from harness.door.current import current_run, session_var
from harness.door.headers import faults_stated, host_part, rollout_part, run_part
from harness.door.rules import Rules
from harness.door.session import Entry, Session
from harness.door.stated import check_word, field_names, listed, secrets_by_value
from harness.door.switch import Switch
from harness.door.tools import Tool, make_tool
from harness.errors import UsageError
from harness.faults.plan import Plan
from harness.mediation.decision import Mode
from harness.ports import Approver, Clock, Durability, Escalate, TraceStore, World
from harness.registry.registry import Registry
from harness.run.drive import Run
from harness.tool import Effect, Trust
from harness.trace.codec import Header
from harness.trace.covered import Covered
from harness.trace.redaction import DEFAULT_FIELDS, Redactor

if TYPE_CHECKING:
    from harness.door.recorded import RecordedSession

Uncaptured = Literal["observe", "refuse"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Harness(Rules):
    """Wrap agents, hand out sessions. Make one per process; only ``reload``, ``kill`` and ``revive`` change it later.

    ``registry`` names one or more registry files (or shipped registries, such as ``airline``) or is a loaded Registry;
    without one, calls are recorded and nothing is checked. ``traces`` is the folder new traces go to. ``mode`` is
    ``enforce``, ``warn`` or ``shadow`` (the latter two only say what they would have done). ``strict`` refuses calls
    outside a session. ``secrets`` maps names to values of 8 characters or more that must never reach a trace;
    ``secret_fields`` are names whose values must not, in the place of the usual ones (``DEFAULT_FIELDS``).
    ``parameters`` gives other values to parameters that the registry lets a caller bind. ``uncaptured`` says what
    becomes of an agent that opens a file, a socket or a process outside its tools: ``observe`` writes it down,
    ``refuse`` stops it. ``approver`` answers questions about calls that a rule escalates; without one the answer is no.
    ``escalate`` is asked where no route leads to a goal. ``memory`` is the store behind ``session.memory``, any
    mapping; without one each session has its own. ``kill_switch`` names a file that stops all runs while it is there,
    as ``kill`` does. UsageError and RegistryError say what is wrong with any of these.
    """

    def __init__(
        self,
        registry: str | Path | Registry | Sequence[str | Path] | None = None,
        *,
        traces: str | Path = "runs",
        mode: Mode = "enforce",
        durability: Durability = "step",
        approver: Approver = nobody,
        strict: bool = False,
        secrets: Mapping[str, str] | None = None,
        secret_fields: Iterable[str] = DEFAULT_FIELDS,
        clock: Clock = time.monotonic_ns,
        parameters: Mapping[str, Any] | None = None,
        uncaptured: Uncaptured = "observe",
        escalate: Escalate | None = None,
        memory: MutableMapping[str, Any] | None = None,
        kill_switch: str | Path | None = None,
    ) -> None:
        super().__init__(registry, dict(parameters or {}))
        check_word("mode", mode, get_args(Mode))
        check_word("durability", durability, get_args(Durability))
        check_word("uncaptured", uncaptured, get_args(Uncaptured))
        self._switch = Switch(kill_switch)
        self.mode, self.durability, self.strict = mode, durability, strict
        self._traces, self._approver, self._clock = Path(traces), approver, clock
        self.uncaptured, self.escalate, self.memory = uncaptured, escalate, memory
        self.places: tuple[Path, ...] = ()  # where a replay looks for files that its agent names, after its own folder
        self._made: dict[str, tuple[Tool, Callable[..., Any]]] = {}
        self._secrets = secrets_by_value(secrets or {})
        self._secret_fields = field_names(secret_fields)

    @property
    def clock(self) -> Clock:
        """What sessions take their time from."""
        from harness.adapters.interpreter.capture import real  # brings ctypes, which only sessions need

        return real(self._clock)

    @property
    def approver(self) -> Approver:
        """Who answers questions."""
        return self._approver

    def kill(self) -> None:
        """Throw the kill switch: every session, running or new, is stopped at its next action.

        What its registry's ``kill`` says of that: ``fail_closed``, the default, refuses each action by ``KILL-SWITCH``;
        ``fail_open`` lets it pass with all rules observing, and the trace says so. What has begun goes on to its end.
        With the file of ``kill_switch`` this holds for every process that knows the file.
        """
        self._switch.throw()

    def revive(self) -> None:
        """Take the kill switch back; with its file, by removing that."""
        self._switch.take_back()

    @property
    def killed(self) -> bool:
        """Whether the kill switch is thrown."""
        return self._switch.thrown()

    def with_places(self, *folders: str) -> Self:
        """Give this app with folders to look in for files that its agent names; empty names are left out."""
        other = copy.copy(self)
        other.places = tuple(Path(folder) for folder in folders if folder)
        return other

    def with_approver(self, approver: Approver) -> Self:
        """Give this app, its tools included, with another approver."""
        other = copy.copy(self)
        other._approver = approver
        return other

    @overload
    def tool(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def tool(
        self,
        /,
        *,
        name: str | None = None,
        effect: Effect = "write",
        idempotent: bool = ...,
        idempotency_key: str | None = None,
        undo: str | None = None,
        probe: str | None = None,
        trust: Trust = "unknown",
        timeout_ms: int | None = None,
        impact: str | None = None,
        needs: Sequence[str] = (),
        gives: Sequence[str] = (),
        cost: float = 1.0,
        domain: str | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def tool(self, function: Callable[..., Any] | None = None, /, **declared: Any) -> Any:
        """Make a function a tool: inside a session its calls are recorded, checked, and replayed.

        An undeclared effect is ``write``. Arguments are bound by the function's signature before anything is checked.
        A blocked call raises Refused; one of an asynchronous function that takes longer than ``timeout_ms``, InDoubt.
        """
        if function is None:
            return lambda wrapped: self._tool(wrapped, declared)
        return self._tool(function, declared)

    def goal(
        self, target: str | Callable[..., Any] | None = None, /, *, needs: Sequence[Any] = ()
    ) -> Callable[..., Any]:
        """Give a goal of the tool graph as a function, to be handed to an agent like any tool.

        ``target`` is the goal's name, or a function of that name whose parameters and docstring tell an agent what to
        hand in, and whose body is never run. ``needs`` are the facts it stands for, as under ``graph: goals:``, where
        no registry declares it: then the graph is that of the tools which say what they give. The function gives
        ``{"result", "served_by", "note"}`` as JSON data (``goal`` too, where whoever was asked has chosen another), and
        is asynchronous if the function ``target`` is, or some tool that may lead to the goal of that name. NoRoute
        where nothing leads there. UsageError for a goal that the graph does not have.
        """
        from harness.door.goals import make_goal  # stands above this module: it calls an app's tools

        if target is None:
            return lambda function: self.goal(function, needs=needs)
        if needs and callable(target):
            self._goals[target.__name__] = {
                "needs": [*listed(needs, "needs", target)],
                "arguments": Binder(target).schema,
            }
            self._joined.forget()
        return make_goal(self, target)

    def agent(self, function: Callable[P, R]) -> Callable[P, R]:
        """Make a function the entry of a run: JSON in, JSON out, therefore replayable by name."""
        return make_agent(self, function)

    def wrap(self, client: T, **options: Any) -> T:
        """Give the same client or agent with everything it does passing the door.

        Inside a session its calls are recorded, checked and replayed; outside they pass through untouched. Known are
        agents and MCP servers of openai-agents; graphs, tools, chat models and stores of LangGraph and LangChain;
        agents, toolsets and models of pydantic-ai; OpenAI, AsyncOpenAI, Anthropic, AsyncAnthropic, where
        ``judge_calls=True`` judges the tool calls in answers before anybody sees them; and of MCP
        ``mcp.ClientSession``, ``mcp.Client``, and what connects them to a server, such as ``stdio_client(…)``, which
        connects to nothing on replay; ``prefix="files/"`` stands there before the names of tools. A function becomes a
        tool; of any other object each public method is one, those named in ``reads=[…]`` as tools that only read.
        UsageError for what cannot be wrapped.
        """
        from harness.door.wrapping import wrap  # the adapters behind it take up to 300 ms to import

        return cast("T", wrap(self, self._doorway, client, options))

    def session(
        self,
        *,
        trace: str | Path | None = None,
        seed: int | None = None,
        conversation: str | None = None,
        tenant: str | None = None,
        subject: str | None = None,
        agent: str | None = None,
        faults: str | Path | Plan | None = None,
    ) -> Session:
        """Open the session of one run; inside another session, join that one.

        ``agent`` is who acts, by the name that the registry's ``agents:`` knows; ``main`` if nothing is said. ``seed``
        seeds what the agent draws from ``random`` and ``numpy.random``; without one, chance does. ``faults`` is a plan
        of what is to go wrong, or the name of its file; PlanError lists the mistakes in it.
        """
        ambient = session_var.get()
        if ambient is not None and not ambient.ended:
            return ambient

        labels: dict[str, Any] = {"seed": seed or 0, "conversation": conversation, "tenant": tenant, "subject": subject}
        labels |= ({"agent": agent} if agent else {}) | ({"faults": faults_stated(faults)} if faults else {})

        def header(entry: Entry | None) -> Header:
            app = session.app
            run = run_part(app, entry, **labels)
            run |= rollout_part(app.registry, run)
            return Header(run, host_part(app, entry.folder if entry else str(Path.cwd())))

        def world() -> tuple[World, str]:
            store = FileStore(trace) if trace else new_store(self._traces, "run")
            return self.live_world(store, seed=seed), store.path

        session = Session(self, header, world, lambda: Timeline(self.clock))
        return session

    def replaying(self, trace: str | Path, *, tolerate: Iterable[str] = ()) -> RecordedSession:
        """Open a session whose outcomes all come from a trace: the code inside runs again, and nothing else happens.

        Leaving it raises the Divergence where the code is not what was recorded. ``tolerate`` names fields that may
        differ, as for ``replay``. TraceError where the trace cannot be read.
        """
        from harness.door.recorded import RecordedSession  # stands above this module: it replays apps

        return RecordedSession(self, trace, tolerate)

    def live_world(
        self, store: TraceStore, approver: Approver | None = None, since: int = -1, seed: int | None = None
    ) -> LiveWorld:
        """Give the world of a recording that goes to a store; its time goes on from ``since``."""
        approver = approver or self._approver
        return LiveWorld(store, self.durability, approver, self.clock, since, seed, self._switch.thrown)

    def made(self, tool: str) -> tuple[Tool, Callable[..., Any]] | None:
        """Give a tool declared in code, and the function that passes the door."""
        return self._made.get(tool)

    def redactor(self) -> Redactor:
        """Give a redactor of its own to each run, because placeholders are numbered per run."""
        return Redactor(self._secret_fields, self._secrets)

    def _tool(self, function: Callable[..., Any], declared: dict[str, Any]) -> Any:
        tool, wrapper = make_tool(self, function, declared)
        self._declare(tool.spec)
        self._made[tool.spec.name] = tool, wrapper
        return wrapper

    def _keep_secret(self, secret: str, name: str) -> None:
        self._secrets[secret] = name
        session = session_var.get()
        if session is not None and session.live is not None:
            session.live.machine.learn_secret(secret, name)

    @property
    def _doorway(self) -> Doorway:
        return Doorway(self._door, self.narrowed, self._keep_secret, self.wrap, self._covers)

    @staticmethod
    def _covers(adapter: str, surfaces: Iterable[Covered]) -> None:
        session = session_var.get()
        if session is not None and not session.ended:
            session.covers(adapter, surfaces)

    def _door(self) -> Run | None:
        run = current_run()
        if run is None and self.strict:
            raise UsageError("a call outside a session", cure="open one: with app.session(): …")
        return run


def app_of(function: Callable[..., Any]) -> Harness | None:
    """Give the app an entry belongs to: the one it is decorated with, or the only one its module holds.

    UsageError where the module holds several: rules must never be left out by a guess.
    """
    decorated: Harness | None = getattr(function, "__harness_app__", None)
    if decorated is not None:
        return decorated
    apps = {id(value): value for value in function.__globals__.values() if isinstance(value, Harness)}
    if len(apps) > 1:
        raise UsageError(
            f"{function.__qualname__} could belong to any of the {len(apps)} apps of its module",
            where=call_site(function),
            cure="decorate it with @app.agent",
        )
    return next(iter(apps.values()), None)
