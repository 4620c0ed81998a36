"""The pytest plugin: record once, replay ever after, and say plainly what is not the same."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpcore2  # noqa: F401 - a run inside this process forgets what it was the first to import
import openai  # noqa: F401 - the same
import pytest

import harness
from harness.testing.model_server import ModelServer, call_tool, say, script
from tests.inner import LEAN

pytest_plugins = "pytester"

SHOP: Final = """\
import json
import random

from openai import OpenAI

import harness

PROMPT = "Be brief."
app = harness.Harness()
SCHEMA = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TOOLS = [{"type": "function", "function": {"name": "get_order", "parameters": SCHEMA}}]


@app.tool(effect="read")
def get_order(order_id: str) -> dict:
    return {"order_id": order_id, "weight": random.random()}


@app.tool(effect="read")
async def weigh(order_id: str) -> float:
    return random.random()


@app.agent
def support(question: str) -> str:
    client = app.wrap(OpenAI())
    messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": question}]
    while True:
        reply = client.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message
        if not reply.tool_calls:
            return reply.content
        (wanted,) = reply.tool_calls
        order = get_order(**json.loads(wanted.function.arguments))
        messages += [reply.to_dict(), {"role": "tool", "tool_call_id": wanted.id, "content": json.dumps(order)}]
"""

TEST: Final = """\
from shop import support


def test_support(harness_session):
    assert support("Where is W-77?") == "It is on its way."
"""

TOOLS_ONLY: Final = """\
import asyncio

import pytest

from shop import get_order, weigh
"""

RULES: Final = """\
registry: shop
version: 1.0.0
default: allow
invariants:
  - id: NO-LOOKING
    title: Nobody looks at W-77
    on: action
    tool: get_order
    require: call.args.order_id != "W-77"
    severity: {severity}
    otherwise: block
"""

PLAIN: Final = (*LEAN, "-p", "no:randomly", "--assert=plain")  # nothing to import and rewrite

TRACE: Final = "traces/test_shop/test_support.mat.jsonl"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """Serve a scripted model that the shop's client finds by its environment."""
    with ModelServer(script([call_tool("get_order", order_id="W-77"), say("It is on its way.")])) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "none-needed")
        yield server


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported() -> None:
    """Import all of harness: two copies of a module would redirect the same sources, and not know of each other."""
    for module in pkgutil.walk_packages(harness.__path__, "harness."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@pytest.fixture
def shop(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Give a folder with an agent, outside of any CI."""
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile(shop=SHOP)
    pytester.syspathinsert()
    return pytester


def run(shop: pytest.Pytester, *options: str, **outcomes: int) -> str:
    """Run the shop's tests, see that they end as said, and give what was printed."""
    done = shop.runpytest_inprocess(*PLAIN, *options)
    done.assert_outcomes(**(outcomes or {"passed": 1}))
    return done.stdout.str()


def record(shop: pytest.Pytester, test: str = TEST, **outcomes: int) -> str:
    """Write the shop's tests and run them for the first time."""
    shop.makepyfile(test_shop=test)
    return run(shop, **outcomes)


def test_once_records_and_then_replays(shop: pytest.Pytester, model: ModelServer) -> None:
    """The first run asks the model and says what it has recorded; the second asks nobody."""
    assert TRACE in record(shop)
    asked = len(model.requests)
    assert asked == 2
    assert "recorded" not in run(shop)
    assert len(model.requests) == asked


def test_a_replay_needs_neither_network_nor_key(
    shop: pytest.Pytester, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No socket is opened in a process that replays a test."""
    record(shop)
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    shop.makeconftest(
        """
        import socket

        class Refused(socket.socket):
            def __new__(cls, *args, **kwargs):
                raise AssertionError("a socket was opened")

        socket.socket = Refused
        """
    )
    done = shop.runpytest_subprocess(*PLAIN)
    done.assert_outcomes(passed=1)


def test_a_missing_trace_is_an_error_under_ci(
    shop: pytest.Pytester, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CI set nothing is recorded: the test errs, names the file and how to record it, and asks nobody."""
    monkeypatch.setenv("CI", "true")
    said = record(shop, errors=1)
    assert f"there is no trace {TRACE}" in said
    assert "pytest test_shop.py::test_support --harness-record=once" in said
    assert "Traceback" not in said
    assert not model.requests


@pytest.mark.parametrize("how", ["option", "ini"])
def test_the_mode_can_be_said(how: str, shop: pytest.Pytester, model: ModelServer) -> None:
    """``--harness-record`` and the setting ``harness_record`` both forbid recording."""
    shop.makepyfile(test_shop=TEST)
    if how == "ini":
        shop.makeini("[pytest]\nharness_record = none")
        run(shop, errors=1)
    else:
        run(shop, "--harness-record=none", errors=1)
    assert not model.requests


def test_a_wrong_mode_in_the_settings_is_told(shop: pytest.Pytester) -> None:
    """pytest does not start with a mode that there is not."""
    shop.makeini("[pytest]\nharness_record = always")
    done = shop.runpytest_inprocess(*PLAIN)
    done.stderr.fnmatch_lines(["*harness_record is 'always'; write one of none, once, rewrite"])


def test_a_changed_prompt_fails_with_the_pointer(shop: pytest.Pytester, model: ModelServer) -> None:
    """The failure is the divergence, with both values, the cause, the trace and the command that shows it again."""
    record(shop)
    asked = len(model.requests)
    shop.makepyfile(shop=SHOP.replace("Be brief.", "Be kind."))
    shop.makepyfile(test_shop=TEST.replace("from shop", "import importlib, shop\nimportlib.reload(shop)\nfrom shop"))
    said = run(shop, "--harness-record=none", failed=1)
    assert "diverged at step 0 (agent main, task 0): the request is not the recorded one" in said
    assert "/messages/0/content  recorded  'Be brief.'" in said
    assert "now       'Be kind.'" in said
    assert "cause  the prompt changed" in said
    assert f"trace  {TRACE}" in said
    assert "again  pytest test_shop.py::test_support --harness-record=none" in said
    assert "Traceback" not in said
    assert len(model.requests) == asked


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("W-77?", "W-78?"), "/input/question  recorded  'Where is W-77?'"),
        (('"It is on its way."', '"It is on its way."\n    support("And W-78?")'), "where the record has ended"),
        (('support("Where is W-77?") == "It is on its way."', "True"), "the record goes on with a call of"),
    ],
    ids=["other input", "extra call", "missing call"],
)
def test_a_changed_test_fails(change: tuple[str, str], told: str, shop: pytest.Pytester, model: ModelServer) -> None:
    """The body of the test is part of what was recorded."""
    record(shop)
    asked = len(model.requests)
    shop.makepyfile(test_shop=TEST.replace(*change))
    assert told in run(shop, failed=1)
    assert len(model.requests) == asked


def test_an_error_of_the_test_itself_comes_first(shop: pytest.Pytester, model: ModelServer) -> None:
    """A test that fails before the record ends fails for its own reason."""
    record(shop)
    shop.makepyfile(test_shop="def test_support(harness_session):\n    assert 1 == 2\n")
    said = run(shop, failed=1)
    assert "assert 1 == 2" in said
    assert "diverged" not in said


def test_a_failing_test_records_nothing(shop: pytest.Pytester, model: ModelServer) -> None:
    """Only what passed is worth replaying."""
    record(shop, TEST.replace("way.", "day."), failed=1)
    assert not Path(shop.path, "traces").exists()


def test_rewrite_replaces_the_trace_of_a_passing_test_only(shop: pytest.Pytester, model: ModelServer) -> None:
    """A failing test leaves the old trace as it was; a passing one puts a new one in its place."""
    record(shop)
    trace = Path(shop.path, TRACE)
    before = trace.read_bytes()
    shop.makepyfile(test_shop=TEST.replace("way.", "day."))
    run(shop, "--harness-record=rewrite", failed=1)
    assert trace.read_bytes() == before
    shop.makepyfile(test_shop=TEST)
    run(shop, "--harness-record=rewrite")
    assert trace.read_bytes() != before
    assert os.listdir(trace.parent) == [trace.name]


def test_an_edited_trace_is_told_by_line(shop: pytest.Pytester, model: ModelServer) -> None:
    """A trace that somebody has edited is no evidence, and its line is named."""
    record(shop)
    trace = Path(shop.path, TRACE)
    lines = trace.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace("W-77", "W-78")
    trace.write_text("".join(lines))
    assert f"{TRACE}:3: the line is not the one that was written" in run(shop, errors=1)


def test_a_run_without_a_call_is_recorded_too(shop: pytest.Pytester) -> None:
    """A test that needs no model replays under CI like any other."""
    record(shop, "def test_support(harness_session):\n    pass\n")
    run(shop, "--harness-record=none")


def test_a_skipped_test_is_skipped(shop: pytest.Pytester) -> None:
    """pytest's own ways to end a test are not in the way."""
    record(shop, "import pytest\n\ndef test_support(harness_session):\n    pytest.skip('later')\n", skipped=1)


ASYNC: Final = """
async def work():
    return await asyncio.gather(*(weigh(f"W-{number}") for number in range(5)))


DECORATOR
async def test_weights(harness_session):
    weights = await work()
    assert weights == sorted(weights) or weights
    harness_session.note("weights", found=weights)
"""


@pytest.mark.parametrize("decorator", ["", "@pytest.mark.anyio"], ids=["alone", "anyio"])
def test_an_asynchronous_test_replays(decorator: str, shop: pytest.Pytester) -> None:
    """Asynchronous tests run by themselves or under anyio's plugin, and their draws come from the record."""
    fixture = "\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    record(shop, TOOLS_ONLY + fixture + ASYNC.replace("DECORATOR", decorator))
    run(shop, "--harness-record=none")


def test_an_asynchronous_test_that_changed_fails_in_somebody_elses_loop(shop: pytest.Pytester) -> None:
    """A call that the record does not know waits for a turn that never comes, and is told all the same."""
    fixture = "\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    test = TOOLS_ONLY + fixture + ASYNC.replace("DECORATOR", "@pytest.mark.anyio")
    record(shop, test)
    shop.makepyfile(test_shop=test.replace("W-{number}", "X-{number}"))
    said = run(shop, failed=1)
    assert "/args/order_id  recorded  'W-0'" in said


def test_asyncio_run_inside_a_test_replays(shop: pytest.Pytester) -> None:
    """A plain test may start a loop of its own."""
    test = ASYNC.replace("DECORATOR\nasync def", "def").replace("await work()", "asyncio.run(work())")
    record(shop, TOOLS_ONLY + test)
    run(shop, "--harness-record=none")


def test_parallel_workers_in_random_order_record_and_replay(shop: pytest.Pytester) -> None:
    """Each test has a trace of its own, whichever worker runs it, in whatever order."""
    shop.makepyfile(
        test_shop=TOOLS_ONLY
        + """

@pytest.mark.parametrize("number", range(4))
def test_one(number, harness_session):
    assert get_order(f"W-{number}")["order_id"] == f"W-{number}"
"""
    )
    options = ("-n2", *LEAN, "--assert=plain")
    shop.runpytest_subprocess(*options).assert_outcomes(passed=4)
    traces = sorted(os.listdir(Path(shop.path, "traces/test_shop")))
    assert traces == [f"test_one-{number}.mat.jsonl" for number in range(4)]
    shop.runpytest_subprocess(*options, "--harness-record=none").assert_outcomes(passed=4)


def test_two_tests_may_not_share_a_trace(shop: pytest.Pytester) -> None:
    """Two tests that would write one file are told before anything runs."""
    shop.makepyfile(
        test_shop=TOOLS_ONLY
        + """

@pytest.mark.harness(trace="t.mat.jsonl")
@pytest.mark.parametrize("number", [1, 2])
def test_one(number, harness_session):
    pass
"""
    )
    done = shop.runpytest_inprocess(*PLAIN)
    done.stderr.fnmatch_lines(["*test_one*1* and *test_one*2* would record the same trace*"])


def test_names_that_are_no_file_names_stay_apart(shop: pytest.Pytester) -> None:
    """Parameters that only differ in what a file name cannot hold have traces of their own."""
    record(
        shop,
        TOOLS_ONLY + '\n\n@pytest.mark.parametrize("x", ["a/b", "a:b"])\ndef test_x(x, harness_session):\n    pass\n',
        passed=2,
    )
    assert len(os.listdir(Path(shop.path, "traces/test_shop"))) == 2


def rules(shop: pytest.Pytester, severity: str = "high", **marks: Any) -> str:
    """Write the rule, and give the shop's test marked with it."""
    Path(shop.path, "rules.yaml").write_text(RULES.format(severity=severity))
    said = "".join(f", {name}={value!r}" for name, value in marks.items())
    mark = f'@pytest.mark.harness(registry="rules.yaml"{said})\n'
    body = 'def test_x(harness_session):\n    with pytest.raises(harness.Refused):\n        get_order("W-77")\n'
    return f"import harness\n{TOOLS_ONLY}\n\n{mark}{body}"


def test_a_violated_rule_fails_the_test(shop: pytest.Pytester) -> None:
    """The marker's rules are in force, and a violation is told with its values, what was done, and what to do."""
    said = record(shop, rules(shop), failed=1)
    assert "NO-LOOKING  violated   high   Nobody looks at W-77" in said
    assert 'call.args.order_id = "W-77"' in said
    assert "done      block by NO-LOOKING" in said
    assert "@pytest.mark.harness(violated=['NO-LOOKING'])" in said


def test_an_expected_violation_passes_recorded_and_replayed(shop: pytest.Pytester) -> None:
    """A test may be about a rule that blocks."""
    record(shop, rules(shop, violated=["NO-LOOKING"]))
    run(shop, "--harness-record=none")


def test_a_mild_violation_passes(shop: pytest.Pytester) -> None:
    """A rule of low severity fails no test."""
    record(shop, rules(shop, severity="low"))


def test_an_expected_violation_that_is_not_there_fails(shop: pytest.Pytester) -> None:
    """A test that expects a rule to be violated notices when it is not."""
    said = record(shop, rules(shop, violated=["NO-LOOKING", "OTHER"]), failed=1)
    assert "the test expects OTHER to be violated, and it is not" in said


def test_rules_that_judge_otherwise_now_fail_a_replay(shop: pytest.Pytester) -> None:
    """A registry that changed is noticed where it judges a recorded run otherwise."""
    test = rules(shop, violated=["NO-LOOKING"])
    record(shop, test)
    path = Path(shop.path, "rules.yaml")
    path.write_text(path.read_text().replace('!= "W-77"', '!= "W-78"'))
    assert "diverged" in run(shop, failed=1)


def test_an_unknown_field_of_the_marker_is_told(shop: pytest.Pytester) -> None:
    """A misspelt marker is an error, with the fields that there are."""
    mark = '@pytest.mark.harness(regstry="rules.yaml")\n'
    shop.makepyfile(test_shop=f"import pytest\n\n\n{mark}def test_x(harness_session):\n    pass\n")
    done = shop.runpytest_inprocess(*PLAIN)
    done.stderr.fnmatch_lines(["*the marker harness has no field regstry; it takes trace=…, registry=…*"])


def test_several_apps_need_a_word(shop: pytest.Pytester) -> None:
    """Where a module holds two apps, a session is of neither until the test says of which."""
    two = "import harness\none, other = harness.Harness(), harness.Harness()\n\n\n"
    said = record(shop, f"{two}def test_x(harness_session):\n    pass\n", errors=1)
    assert "holds 2 apps" in said
    fixture = "@pytest.fixture\ndef harness_app():\n    return one\n\n\n"
    record(shop, f"import pytest\n{two}{fixture}def test_x(harness_session):\n    assert harness_session.app is one\n")


# --- harness_replay --------------------------------------------------------------------------------------------------

REPLAY: Final = """\
import pytest


@pytest.mark.harness(trace="run.mat.jsonl"{more})
def test_replay(harness_replay):
    assert harness_replay().result == "It is on its way."
"""


def recorded_run(shop: pytest.Pytester) -> None:
    """Record a run whose entry is the agent."""
    mark = '@pytest.mark.harness(trace="run.mat.jsonl")\ndef test'
    record(shop, "import pytest\n" + TEST.replace("def test", mark))


def test_a_marked_trace_replays(shop: pytest.Pytester, model: ModelServer) -> None:
    """``harness_replay`` runs the agent behind a trace, and gives what it returned."""
    recorded_run(shop)
    record(shop, REPLAY.format(more=""))
    assert len(model.requests) == 2


def test_a_marked_trace_that_diverges_fails_with_the_command(shop: pytest.Pytester, model: ModelServer) -> None:
    """The failure holds the divergence and the ``harness replay`` that shows it again."""
    recorded_run(shop)
    shop.makepyfile(shop=SHOP.replace("Be brief.", "Be kind."))
    shop.makepyfile(test_shop=REPLAY.format(more=""))
    done = shop.runpytest_subprocess(*PLAIN)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*/messages/0/content  recorded  'Be brief.'", "*again  harness replay run.mat.jsonl"])


def test_a_difference_that_is_tolerated_passes(shop: pytest.Pytester, model: ModelServer) -> None:
    """``tolerate`` names fields of requests that may differ."""
    recorded_run(shop)
    shop.makepyfile(shop=SHOP.replace("Be brief.", "Be kind."))
    shop.makepyfile(test_shop=REPLAY.format(more=', tolerate=["/messages/0/content"]'))
    shop.runpytest_subprocess(*PLAIN).assert_outcomes(passed=1)


def test_the_markers_rules_judge_a_replayed_trace_anew(shop: pytest.Pytester, model: ModelServer) -> None:
    """A trace may be held against rules that were not in force when it was recorded."""
    recorded_run(shop)
    Path(shop.path, "rules.yaml").write_text(RULES.format(severity="high"))
    said = record(shop, REPLAY.format(more=', registry="rules.yaml"'), failed=1)
    assert "NO-LOOKING  violated   high   Nobody looks at W-77" in said
    record(shop, REPLAY.format(more=', registry="rules.yaml", violated="NO-LOOKING"'))


def test_a_replay_that_is_never_called_fails(shop: pytest.Pytester) -> None:
    """A test that asks for a replay and does not make it would pass for nothing."""
    said = record(shop, "def test_replay(harness_replay):\n    pass\n", failed=1)
    assert "nothing was replayed" in said


def test_a_marked_trace_that_is_missing_fails(shop: pytest.Pytester) -> None:
    """The file is named, and how to name it."""
    assert "there is no trace run.mat.jsonl to replay" in record(shop, REPLAY.format(more=""), failed=1)


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_the_plugin_costs_nothing_where_it_is_not_used(shop: pytest.Pytester) -> None:
    """A run of tests that use no fixture of harness imports nothing of it but the plugin and the errors."""
    shop.makepyfile(
        test_plain="""
        import json, sys

        def test_plain():
            print(json.dumps(sorted(name for name in sys.modules if name.partition(".")[0] in ("harness", "openai"))))
        """
    )
    done = shop.runpytest_subprocess("-s", "-q", *LEAN, "-p", "no:cacheprovider")
    loaded = next(json.loads(line.rstrip(".")) for line in done.outlines if line.startswith("["))
    assert loaded == ["harness", "harness.errors", "harness.testing", "harness.testing.plugin"]
