"""The clients that vendors publish, above a transport of ours: the same client, with its own retries and errors.

The seam is public: ``client.copy(http_client=…)`` gives the same client over another transport. ``client._client`` is
the one private name used: the packages offer no public way to ask a client for its HTTP client.
"""

from __future__ import annotations

from typing import Any

import httpx2

from harness.adapters.answers.client import AsyncJudge, Judge
from harness.adapters.exchange import Doorway
from harness.adapters.http import Api
from harness.adapters.transport import AsyncDoor, Door
from harness.errors import UsageError


def behind_door(client: Any, api: Api, doorway: Doorway, judge_calls: bool) -> Any:
    """Give a client of an API with its requests passing the door, and the tool calls of its answers if asked to.

    One that passes a door already passes this one instead, not two.
    """
    inner, judged = _below(client._client)
    judge_calls = judge_calls or judged
    outer: httpx2.Client | httpx2.AsyncClient
    options: dict[str, Any] = {"timeout": inner.timeout, "trust_env": False}
    if isinstance(inner, httpx2.AsyncClient):
        asked = AsyncDoor(inner, api, doorway.current)
        outer = httpx2.AsyncClient(transport=AsyncJudge(asked, doorway) if judge_calls else asked, **options)
    elif isinstance(inner, httpx2.Client):
        told = Door(inner, api, doorway.current)
        outer = httpx2.Client(transport=Judge(told, doorway) if judge_calls else told, **options)
    else:
        raise UsageError(
            f"cannot wrap a client over {type(inner).__module__}.{type(inner).__name__}",
            cure=f"build the client over httpx2, which is the default of {api.name}",
        )
    outer.headers, outer.params = inner.headers, inner.params  # requests are built above, and sent below
    outer.cookies.jar = inner.cookies.jar
    return client.copy(http_client=outer)


def _below(outer: Any) -> tuple[Any, bool]:
    """Give the HTTP client below a door, and whether calls in its answers are judged; without a door, the same."""
    transport = getattr(outer, "_transport", None)
    judged = isinstance(transport, AsyncJudge | Judge)
    door = transport.inner if isinstance(transport, AsyncJudge | Judge) else transport
    return (door.inner, judged) if isinstance(door, AsyncDoor | Door) else (outer, False)


def passes(client: Any) -> bool:
    """Tell whether the requests of a client pass the door already."""
    return _below(client._client)[0] is not client._client


def not_of(client: Any, *names: str) -> UsageError:
    """Say that a client is none of those that can be wrapped."""
    kind = type(client)
    return UsageError(f"cannot wrap a {kind.__module__}.{kind.__name__}", cure=f"wrap an {' or '.join(names)}")
