"""What an outcome means for a route: every kind of error, for reads and for writes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.routing.failure import NOT_SENT, judge
from harness.tool import ToolSpec
from harness.trace.error import describe
from harness.trace.outcome import Failed, Ok, Unknown

READ, WRITE = ToolSpec("look", effect="read"), ToolSpec("pay")


def failed(error: Exception, **more: Any) -> Failed:
    """Give the outcome of a call that raised an error."""
    retryable = more.pop("retryable", False)
    return Failed(describe(error) | more, retryable)


def named(name: str) -> Failed:
    """Give the outcome of a call that raised an error of some library."""
    return Failed({"type": f"some.library.errors:{name}", "message": "no"})


@pytest.mark.parametrize("spec", [READ, WRITE])
def test_what_served_serves(spec: ToolSpec) -> None:
    """Whether a value is the right one is asked elsewhere."""
    assert judge(Ok(None), spec) == ("ok", "")


@pytest.mark.parametrize(
    ("outcome", "read", "write"),
    [
        (Unknown("cancelled"), "transient", "doubt"),
        (failed(TimeoutError("late")), "transient", "doubt"),
        (failed(ConnectionResetError("gone")), "transient", "doubt"),
        (failed(ConnectionRefusedError("closed")), "transient", "transient"),
        (failed(ValueError("no such order")), "permanent", "doubt"),
        (failed(ValueError("busy"), retryable=True), "transient", "doubt"),
        (failed(ValueError("void"), happened=False), "permanent", "permanent"),
        (failed(ValueError("busy"), happened=False, retryable=True), "transient", "transient"),
        (failed(ValueError("odd"), happened=True), "permanent", "doubt"),
        (named("ConnectTimeout"), "transient", "transient"),
        (named("ReadTimeout"), "transient", "doubt"),
        (named("APIConnectionError"), "transient", "doubt"),
        (named("RateLimitError"), "transient", "doubt"),
        (named("NotFoundError"), "permanent", "doubt"),
        (Failed({}), "permanent", "doubt"),
    ],
)
def test_errors(outcome: Failed | Unknown, read: str, write: str) -> None:
    """A read that failed did nothing; of a write that has to be known."""
    assert (judge(outcome, READ).how, judge(outcome, WRITE).how) == (read, write)


@pytest.mark.parametrize(
    ("error", "how"), [(ValueError("no"), "permanent"), (TimeoutError("no"), "transient"), (KeyError("x"), "doubt")]
)
def test_clean_errors(error: Exception, how: str) -> None:
    """An error that the graph lists as clean says that nothing has happened, and no more: a timeout stays one."""
    assert judge(failed(error), WRITE, ("ValueError", "TimeoutError")).how == how


def test_the_reason_is_told() -> None:
    """The error's name, without its module, and what it says."""
    assert judge(failed(ValueError("no such order")), READ).why == "ValueError: no such order"
    assert judge(named("Odd"), READ).why == "Odd: no"
    assert judge(Unknown("cancelled"), READ).why == "no answer: cancelled"


@pytest.mark.parametrize(
    ("spec", "args", "again"),
    [
        (READ, {}, True),
        (WRITE, {}, False),
        (ToolSpec("put", idempotent=True), {}, True),
        (ToolSpec("pay", idempotency_key="key"), {"key": "k"}, True),
        (ToolSpec("pay", idempotency_key="key"), {"key": None}, False),
        (ToolSpec("pay", idempotency_key="key"), {"key": ""}, False),
        (ToolSpec("pay", idempotency_key="key", idempotent=True), {}, False),
    ],
)
def test_what_may_be_done_again(spec: ToolSpec, args: dict[str, Any], again: bool) -> None:
    """A key counts only where the call carries one."""
    assert spec.repeatable(args) is again


@given(st.sampled_from(sorted(NOT_SENT)) | st.text(max_size=20), st.booleans(), st.none() | st.booleans())
def test_a_write_is_in_doubt_unless_it_is_known_to_be_clean(name: str, retryable: bool, happened: bool | None) -> None:
    """Whatever the error is called, a write counts as not done only where that is said; a read never is in doubt."""
    error = {"type": f"m:{name}", "message": ""} | ({} if happened is None else {"happened": happened})
    known = happened is False or name.rpartition(":")[2].rpartition(".")[2] in NOT_SENT
    assert (judge(Failed(error, retryable), WRITE).how == "doubt") is not known
    assert judge(Failed(error, retryable), READ).how in ("transient", "permanent")
