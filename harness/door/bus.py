"""The part of a session through which its agents deal with each other: messages, handoffs, and what they share.

Each passes the door like a call of a tool. What is delivered is what was judged: a message that a rule has rewritten
comes rewritten, one that was refused does not come, one that a fault leads astray comes to whom that says. Nothing here
is an effect, but for a store of the app's: it is code of the agents' own, which runs again on replay and has to come to
the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from harness.adapters.exchange import Lasting
from harness.determinism.address import acting, here, in_effect
from harness.door.memory import Memory, named
from harness.errors import UsageError
from harness.run.drive import Rewritten, Run, aopen_call, finish, in_force, open_call
from harness.run.inputs import Call
from harness.tool import HANDOFF, SEND
from harness.trace.outcome import Ok
from harness.trace.value import decode_value, encode_value

if TYPE_CHECKING:
    from harness.door.session import Session


class Mail(NamedTuple):
    """A message that was delivered, and the agent it is from."""

    sender: str
    content: Any


class Bus:
    """What agents of a session do to each other."""

    @cached_property
    def memory(self) -> Memory:
        """What the agents of this session share; the store behind it is the app's, or one of the session's own."""
        return Memory(cast("Session", self))

    def send(self, to: str, content: Any, *, call_id: str | None = None) -> Any:
        """Say something, JSON data, to another agent, and give what was delivered.

        It waits for that agent (``mail``), for programs that have no channel of their own. ``call_id`` is the model's
        id of the tool call, where it asked for this. Refused where a rule or a person says no.
        """
        run, wanted = self._wanted("message", to, {"content": encode_value(content, "/content")}, call_id)
        return self._delivered(run, wanted, *open_call(run, wanted))

    async def asend(self, to: str, content: Any, *, call_id: str | None = None) -> Any:
        """Do what ``send`` does where the approver may be asynchronous."""
        run, wanted = self._wanted("message", to, {"content": encode_value(content, "/content")}, call_id)
        return self._delivered(run, wanted, *await aopen_call(run, wanted))

    def mail(self) -> list[Mail]:
        """Take the messages that wait for whoever acts here, oldest first.

        UsageError inside the effect of a tool, which a replay does not perform: nobody would take them then.
        """
        if in_effect():
            cure = "take it before the tool is called, and hand it over as an argument"
            raise UsageError("mail is taken inside a tool", cure=cure)
        live = cast("Session", self).live
        waiting = [] if live is None else live.machine.shared.take(acting.get() or live.machine.agent)
        return [Mail(one.sender, decode_value(one.content)) for one in waiting]

    @contextmanager
    def handoff(self, to: str, input: Any = None, *, call_id: str | None = None) -> Iterator[Any]:  # noqa: A002
        """Hand over to another agent: the code inside acts under its name, and is given the input as it was judged.

        The handoff has failed if the code inside raises. Refused where a rule or a person says no; then nobody else
        acts.
        """
        given = {} if input is None else {"input": encode_value(input, "/input")}
        run, wanted = self._wanted("handoff", to, given, call_id)
        with self._under(run, wanted, *open_call(run, wanted)) as judged:
            yield judged

    @asynccontextmanager
    async def ahandoff(
        self,
        to: str,
        input: Any = None,  # noqa: A002
        *,
        call_id: str | None = None,
    ) -> AsyncIterator[Any]:
        """Do what ``handoff`` does where the approver may be asynchronous."""
        given = {} if input is None else {"input": encode_value(input, "/input")}
        run, wanted = self._wanted("handoff", to, given, call_id)
        with self._under(run, wanted, *await aopen_call(run, wanted)) as judged:
            yield judged

    def _wanted(self, surface: Any, to: str, given: dict[str, Any], call_id: str | None) -> tuple[Run, Call]:
        session, args = cast("Session", self), {"to": named(to, "agent"), **given}
        spec = session.app.narrowed(SEND if surface == "message" else HANDOFF)
        return session.started(), Call(surface, spec.name, args, spec, call_id)

    def _receivers(self, run: Run, action: int, wanted: Call) -> list[str]:
        if run.faults is None:
            return [wanted.args["to"]]
        return run.faults.receivers(run, action, wanted, cast("Session", self).app.registry.agents)

    def _delivered(self, run: Run, wanted: Call, action: int, rewritten: Rewritten) -> Any:
        wanted = in_force(wanted, rewritten)
        receivers = self._receivers(run, action, wanted)
        finish(run, action, Ok(None))
        for to in receivers:
            run.machine.shared.deliver(acting.get() or run.machine.agent, {**wanted.args, "to": to}, here().address)
        return decode_value(wanted.args["content"])

    @contextmanager
    def _under(self, run: Run, wanted: Call, action: int, rewritten: Rewritten) -> Iterator[Any]:
        """Act as whoever was handed to, and write how that went."""
        wanted = in_force(wanted, rewritten)
        (to,) = self._receivers(run, action, wanted)
        token = acting.set(to)
        try:
            with Lasting(run, action):
                yield decode_value(wanted.args.get("input"))
        finally:
            acting.reset(token)
