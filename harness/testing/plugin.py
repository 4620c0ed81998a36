"""The pytest plugin: tests that record what an agent did once, and replay it ever after.

Importing this module costs nothing but itself; harness comes in with the first test that uses a fixture of it.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final, Literal

import pytest

Mode = Literal["none", "once", "rewrite"]
MODES: Final[tuple[Mode, ...]] = ("none", "once", "rewrite")
MARKER: Final = (
    "harness(trace=…, registry=…, entry=…, path=…, tolerate=…, violated=…): the trace that a test records and "
    "replays, the rules it is judged by, and which of them are expected to be violated"
)

_recording: Final = pytest.StashKey[Any]()
_idle: Final = pytest.StashKey[bool]()  # a replay was asked for, and not yet made


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option and the settings."""
    group = parser.getgroup("harness")
    group.addoption(
        "--harness-record",
        choices=MODES,
        help="once: record where there is no trace, else replay; none: only replay, a missing trace is an error; "
        "rewrite: record anew. Default: none where CI is set, else once.",
    )
    parser.addini("harness_record", "The default of --harness-record.", default="")
    parser.addini("harness_traces", "The folder, beside the tests, of the traces that they record.", default="traces")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; pytest.UsageError where the setting is none of the modes."""
    config.addinivalue_line("markers", MARKER)
    said = config.getini("harness_record")
    if said and said not in MODES:
        raise pytest.UsageError(f"harness_record is {said!r}; write one of {', '.join(MODES)}")


def mode_of(config: pytest.Config) -> Mode:
    """Give the mode: the option, else the ini file's, else ``none`` under CI and ``once`` elsewhere."""
    said: Mode | None = config.getoption("--harness-record") or config.getini("harness_record") or None
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return said or ("none" if in_ci else "once")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """See that no two tests record into one file."""
    recording = [item for item in items if "harness_session" in getattr(item, "fixturenames", ())]
    if recording:
        from harness.testing.cassette import refuse_shared_traces

        refuse_shared_traces(recording)


@pytest.fixture
def harness_app(request: pytest.FixtureRequest) -> Any:
    """Give the app that a test's session belongs to: the one of its module. Override it where there are several."""
    return _door().app_of_module(request.module)


@pytest.fixture
def harness_session(
    request: pytest.FixtureRequest, harness_app: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Make the body of a test one run: recorded the first time, replayed from its trace from then on."""
    recording = _door().begin(request.node, harness_app, mode_of(request.config), tmp_path_factory)
    request.node.stash[_recording] = recording
    yield recording.session
    del request.node.stash[_recording]


@pytest.fixture
def harness_replay(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Give a function that replays the marked trace, fails the test where it is not equal, and gives the Replay."""
    request.node.stash[_idle] = True

    def replay() -> Any:
        request.node.stash[_idle] = False
        return _door().replay_marked(request.node)

    return replay


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Open the session around the body alone, in the very task that runs it, whoever runs it."""
    recording = item.stash.get(_recording, None)
    if recording is None:
        yield
    else:
        assert isinstance(item, pytest.Function)
        body = item.obj
        item.obj = _inside(recording, body)
        try:
            yield
        finally:
            item.obj = body
    if item.stash.get(_idle, False):
        pytest.fail("nothing was replayed: the test does not call harness_replay()", pytrace=False)


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an asynchronous test that no other plugin has claimed."""
    recording = pyfuncitem.stash.get(_recording, None)
    if recording is None or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    import asyncio  # 50 ms, needed by asynchronous tests and by nobody else

    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    with recording.around():  # before the loop is made: a session decides which loop its code gets
        asyncio.run(pyfuncitem.obj(**arguments))
    return True


def _inside(recording: Any, body: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(body):

        @functools.wraps(body)
        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            with recording.around():
                return await body(*args, **kwargs)

        return asynchronous

    @functools.wraps(body)
    def synchronous(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with recording.around():
            return body(*args, **kwargs)

    return synchronous


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the traces that were recorded: they want to be committed."""
    recorded = [
        said
        for report in terminalreporter.getreports("passed")
        for name, said in report.user_properties
        if name == "harness_recorded" and report.when == "call"
    ]
    if recorded:
        terminalreporter.section("traces recorded by harness")
        for line in sorted(recorded):
            terminalreporter.line(line)


def _door() -> Any:
    """Bring in the part that opens sessions: it stands above this package, and is heavy."""
    return import_module("harness.door.recording")
