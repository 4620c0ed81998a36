"""What the agents of a session share: each read and each write passes the door.

Without a store of the app's it is memory of the session's own, filled again on replay by the code that filled it. A
store that was given to the app is the world: it is read and written for real once, and on replay not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.adapters.exchange import Exchange
from harness.errors import UsageError
from harness.run.drive import Rewritten, Run, aopen_call, finish, open_call
from harness.run.inputs import Call
from harness.tool import MEMORY_READ, MEMORY_WRITE
from harness.trace.outcome import Ok
from harness.trace.value import decode_value, encode_value

if TYPE_CHECKING:
    from harness.door.session import Session


class Memory:
    """Keep JSON data by keys that are texts; what was never kept reads as None.

    ``memory[key]`` and ``memory[key] = value`` are ``read`` and ``write``, but for the KeyError of what is not there.
    Both raise Refused where a rule or a person says no, and UsageError for a key that is no text.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self, key: str, *, call_id: str | None = None) -> Any:
        """Look something up; None where nothing is kept."""
        run, wanted = self._reading(key, call_id)
        if self._session.app.memory is not None:
            return Exchange(lambda rewritten: self._look_up(wanted, rewritten)).passed(run, wanted)
        return self._looked_up(run, wanted, *open_call(run, wanted))

    async def aread(self, key: str, *, call_id: str | None = None) -> Any:
        """Do what ``read`` does where the approver may be asynchronous."""
        run, wanted = self._reading(key, call_id)
        if self._session.app.memory is not None:

            async def look_up(rewritten: Rewritten) -> Any:
                return self._look_up(wanted, rewritten)

            return await Exchange(look_up).apassed(run, wanted)
        return self._looked_up(run, wanted, *await aopen_call(run, wanted))

    def write(self, key: str, value: Any, *, call_id: str | None = None) -> None:
        """Keep something, as it was judged."""
        run, wanted = self._writing(key, value, call_id)
        if self._session.app.memory is not None:
            Exchange(lambda rewritten: self._put(wanted, rewritten)).passed(run, wanted)
        else:
            self._kept(run, wanted, *open_call(run, wanted))

    async def awrite(self, key: str, value: Any, *, call_id: str | None = None) -> None:
        """Do what ``write`` does where the approver may be asynchronous."""
        run, wanted = self._writing(key, value, call_id)
        if self._session.app.memory is not None:

            async def put(rewritten: Rewritten) -> None:
                self._put(wanted, rewritten)

            await Exchange(put).apassed(run, wanted)
        else:
            self._kept(run, wanted, *await aopen_call(run, wanted))

    def __getitem__(self, key: str) -> Any:
        found = self.read(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: str, value: Any) -> None:
        self.write(key, value)

    def _reading(self, key: str, call_id: str | None) -> tuple[Run, Call]:
        spec, args = self._session.app.narrowed(MEMORY_READ), {"key": named(key, "key")}
        return self._session.started(), Call("memory", spec.name, args, spec, call_id)

    def _writing(self, key: str, value: Any, call_id: str | None) -> tuple[Run, Call]:
        spec = self._session.app.narrowed(MEMORY_WRITE)
        args = {"key": named(key, "key"), "value": encode_value(value, "/value")}
        return self._session.started(), Call("memory", spec.name, args, spec, call_id)

    # --- the app's store ---------------------------------------------------------------------------------------------

    def _look_up(self, wanted: Call, rewritten: Rewritten) -> Any:
        assert self._session.app.memory is not None
        return self._session.app.memory.get((rewritten or wanted.args)["key"])

    def _put(self, wanted: Call, rewritten: Rewritten) -> None:
        assert self._session.app.memory is not None
        args = rewritten or wanted.args
        self._session.app.memory[args["key"]] = decode_value(args["value"])

    # --- the session's own -------------------------------------------------------------------------------------------

    def _looked_up(self, run: Run, wanted: Call, action: int, rewritten: Rewritten) -> Any:
        found = run.machine.shared.memory.get((rewritten or wanted.args)["key"])
        finish(run, action, Ok(found))
        return decode_value(found)

    def _kept(self, run: Run, wanted: Call, action: int, rewritten: Rewritten) -> None:
        args = rewritten or wanted.args
        finish(run, action, Ok(None))
        run.machine.shared.memory[args["key"]] = args["value"]


def named(name: Any, what: str) -> str:
    """Give the name of an agent or a key; UsageError for what is no text."""
    if isinstance(name, str) and name:
        return name
    raise UsageError(f"{name!r} is no name of {'an agent' if what == 'agent' else 'a key'}", cure="give a text")
