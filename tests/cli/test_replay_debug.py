"""``harness replay`` under a debugger, and on the way: processes driven through stdin and a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from harness.cli import execute

AGENTS: Final = """\
import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import harness

app = harness.Harness("demo")


@app.tool(effect="read")
def look(name: str) -> str:
    return name.upper()


@app.tool(effect="write")
def refund(order_id: str, amount_cents: int) -> str:
    return "paid"


@app.tool(effect="read")
async def alook(name: str) -> str:
    return name.upper()


def pay(order):
    mine = "local of pay"
    try:
        return refund(order, 48_000)  # the call
    except harness.Refused:
        return "refused"


@app.agent
def plain() -> str:
    look("W-77")
    return pay("W-77") + pay("W-78")


@app.agent
async def asynchronous() -> str:
    mine = "local of asynchronous"
    await asyncio.gather(alook("a"), alook("b"))  # both
    return pay("W-77")


@app.agent
def threaded() -> str:
    said = []
    worker = threading.Thread(target=lambda: said.append(pay("W-77")))
    worker.start()
    worker.join()
    return said[0]


@app.agent
def pooled() -> list:
    with ThreadPoolExecutor(1) as pool:
        return list(pool.map(look, ["a"]))
"""
ASKING: Final = """\
from openai import OpenAI

import harness
from harness.testing.model_server import say, script

app = harness.Harness()
policy = script([say("it is on its way")])


@app.agent
def asking() -> str:
    client = app.wrap(OpenAI())
    request = [{"role": "user", "content": "Where is W-77?"}]
    return client.chat.completions.create(model="m", messages=request).choices[0].message.content
"""
ENTRIES: Final = ("plain", "asynchronous", "threaded", "pooled")
BARE: Final = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "HOME")}


def line_of(text: str) -> int:
    """Give the line of the agents' source that holds a text."""
    return next(number for number, line in enumerate(AGENTS.splitlines(), start=1) if text in line)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the agents and a trace of each."""
    where = tmp_path_factory.mktemp("debug")
    (where / "agents.py").write_text(AGENTS, encoding="utf-8")
    (where / "clients.py").write_text(ASKING, encoding="utf-8")
    runs = [["run", f"agents:{name}", "--trace", f"{name}.mat.jsonl"] for name in ENTRIES]
    runs.append(["run", "clients:asking", "--model-script", "clients:policy", "--trace", "asking.mat.jsonl"])
    code = f"from harness.cli import execute\nfor run in {runs}: assert execute(run) < 2, run"
    record = [sys.executable, "-c", code]
    subprocess.run(record, cwd=where, check=True, capture_output=True, env={**BARE, "PYTHONHASHSEED": "0"})
    return where


def harness(folder: Path, *arguments: str, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, without network keys, with something typed at it."""
    command = [sys.executable, "-m", "harness", *arguments]
    return subprocess.run(
        command, cwd=folder, input=typed, capture_output=True, text=True, check=False, env={**BARE, **variables}
    )


def stops(output: str) -> list[str]:
    """Give the places at which the debugger stood."""
    return [line.partition("> ")[2] for line in output.splitlines() if "> " in line and ".py(" in line]


def test_a_break_at_a_violation_stands_in_the_users_function(folder: Path) -> None:
    """The frame is the user's, at the line of the call; action, verdict and trace are in reach; c goes to the next."""
    typed = 'p action.body["args"]["order_id"]\np verdict["rule"]\np trace[1].body["ok"]\np mine\nw\nc\np mine\nc\n'
    done = harness(folder, "replay", "plain.mat.jsonl", "--break", "violation", typed=typed)
    assert done.returncode == 0, done.stderr
    assert stops(done.stdout)[0].endswith(f"agents.py({line_of('# the call')})pay()")
    for said in ("'W-77'", "'REFUND-LIMIT'", "'local of pay'"):
        assert said in done.stdout
    assert f"agents.py({line_of('return pay(')})plain()" in done.stdout
    assert "site-packages" not in done.stdout
    assert done.stdout.count("stopped at step") == 2
    assert "equal" in done.stdout


@pytest.mark.parametrize("entry", ["asynchronous", "threaded"])
def test_it_does_so_in_a_coroutine_and_in_a_thread(entry: str, folder: Path) -> None:
    """The event loop and the thread change nothing of it."""
    done = harness(folder, "replay", f"{entry}.mat.jsonl", "--break", "violation", typed="p mine\nn\nc\n")
    assert done.returncode == 0, done.stderr
    assert stops(done.stdout)[0].endswith(f"agents.py({line_of('# the call')})pay()")
    assert "'local of pay'" in done.stdout
    assert "harness.errors.Refused" in done.stdout  # what the next line of the agent sees
    assert "equal" in done.stdout


def test_a_call_that_a_package_starts_is_shown_where_it_was_made(folder: Path) -> None:
    """A task of ``gather`` stands where its coroutine was called, a call of a pool where the pool is waited for."""
    done = harness(
        folder, "replay", "asynchronous.mat.jsonl", "--break", "1", typed="p mine\np action.body['args']\nc\n"
    )
    assert stops(done.stdout)[0].endswith(f"agents.py({line_of('# both')})asynchronous()")
    assert "'local of asynchronous'" in done.stdout
    assert "{'name': 'b'}" in done.stdout
    done = harness(folder, "replay", "pooled.mat.jsonl", "--break", "0", typed="c\n")
    assert stops(done.stdout)[0].endswith(f"agents.py({line_of('return list(pool.map')})pooled()")


def test_a_model_call_stands_in_the_agent_and_not_in_the_client(folder: Path) -> None:
    """The request is whole, and neither a key nor a network is needed."""
    typed = 'p action.body["args"]["messages"][0]["content"]\nc\n'
    done = harness(folder, "replay", "asking.mat.jsonl", "--break", "seq:0", typed=typed)
    assert done.returncode == 0, done.stderr
    assert stops(done.stdout)[0].endswith("clients.py(14)asking()")
    assert "'Where is W-77?'" in done.stdout


def test_a_call_from_the_debugger_is_refused(folder: Path) -> None:
    """Looking around performs nothing and changes nothing of the replay."""
    done = harness(
        folder, "replay", "plain.mat.jsonl", "--break", "0", typed='p look("x")\nimport time\np time.time()\nc\n'
    )
    assert "a replay performs nothing" in done.stdout
    assert "3/3 steps" in done.stdout
    assert done.returncode == 0


def test_a_break_that_is_never_reached_is_told(folder: Path) -> None:
    """Silence would look like a debugger that does not work."""
    done = harness(folder, "replay", "asking.mat.jsonl", "--break", "violation")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "there was nothing to stop at")


def test_leaving_the_debugger_ends_the_replay(folder: Path) -> None:
    """``q`` is no divergence."""
    done = harness(folder, "replay", "plain.mat.jsonl", "--break", "0", typed="q\n")
    assert done.returncode == 0
    assert "stopped after step 0, in the debugger" in done.stdout


def test_another_debugger_is_respected(folder: Path) -> None:
    """PYTHONBREAKPOINT names a function that is called with the agent's names in the frame that called it."""
    (folder / "mine.py").write_text(
        "import sys\n"
        "def look():\n"
        "    names = sys._getframe(1).f_locals\n"
        "    print('mine', names['order'], names['mine'])\n"
    )
    done = harness(
        folder,
        "replay",
        "plain.mat.jsonl",
        "--break",
        "violation",
        PYTHONBREAKPOINT="mine.look",
        PYTHONPATH=str(folder),
    )
    assert "mine W-77 local of pay" in done.stdout, done.stdout + done.stderr
    assert "Pdb" not in done.stdout


def test_a_break_at_a_divergence_stands_where_the_agent_went_another_way(folder: Path, tmp_path: Path) -> None:
    """The edited line itself, with the divergence in reach; the replay then ends with exit code 4."""
    (tmp_path / "agents.py").write_text(AGENTS.replace("48_000)", "48_001)"), encoding="utf-8")
    done = harness(
        folder,
        "replay",
        "plain.mat.jsonl",
        "--path",
        str(tmp_path),
        "--break",
        "divergence",
        typed="p divergence.now\nc\n",
    )
    assert done.returncode == 4
    assert "48001" in done.stdout
    assert stops(done.stdout)[0].endswith(f"agents.py({line_of('# the call')})pay()")
    assert f"at     {tmp_path / 'agents.py'}:{line_of('# the call')}" in done.stdout


def test_until_ends_after_a_step(folder: Path) -> None:
    """Up to there all is equal; a step that is not there is a mistake of the caller."""
    done = harness(folder, "replay", "plain.mat.jsonl", "--until", "1")
    assert (done.returncode, done.stdout) == (0, "stopped after step 1, as asked; up to there all is equal\n")
    done = harness(folder, "replay", "plain.mat.jsonl", "--until", "3")
    assert done.returncode == 2
    assert "there is no step 3; the last is 2" in done.stderr


def test_steps_are_printed_as_they_come(folder: Path) -> None:
    """A line each for call, outcome, verdict and decision, and no waiting where there is no terminal."""
    done = harness(folder, "replay", "plain.mat.jsonl", "--step")
    assert done.returncode == 0
    assert 'step 1   refund(amount_cents=48000, order_id="W-77")' in done.stdout
    assert "block by REFUND-LIMIT" in done.stdout


def test_steps_wait_for_enter_on_a_terminal(folder: Path) -> None:
    """One key for each step, and colours, on a real terminal."""
    mine, theirs = pty.openpty()
    command = [sys.executable, "-m", "harness", "replay", "plain.mat.jsonl", "--step"]
    done = subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env={**BARE, "TERM": "dumb"}
    )
    os.close(theirs)
    os.write(mine, b"\n\n\n")
    said = b""
    while done.poll() is None or b"equal" not in said:
        try:
            said += os.read(mine, 4096)
        except OSError:
            break
    os.close(mine)
    assert done.wait() == 0
    assert said.count(b"Enter goes on") == 3


def test_what_the_agent_saw_at_a_step(folder: Path) -> None:
    """The whole request, what was known by then, what came back, what rules said; the same as JSON."""
    shown = harness(folder, "show", "plain.mat.jsonl", "--at", "1").stdout
    for said in ('look({"name": "W-77"}) = {"ok": "W-77"}', "REFUND-LIMIT violated by 28000", "block by REFUND-LIMIT"):
        assert said in shown
    facts: dict[str, Any] = json.loads(harness(folder, "show", "plain.mat.jsonl", "--at", "1", "--json").stdout)
    assert facts["args"] == {"amount_cents": 48_000, "order_id": "W-77"}
    assert facts["outcome"] is None
    assert facts["decisions"][0]["rule"] == "REFUND-LIMIT"
    asked = harness(folder, "show", "asking.mat.jsonl", "--at", "seq:1").stdout
    assert "user       Where is W-77?" in asked
    assert "assistant  it is on its way" in asked


@pytest.mark.parametrize(
    "options", [["--break", "here"], ["--break", "seq:99"], ["--verify", "2", "--step"], ["--until", "-1"]]
)
def test_a_place_that_is_none_is_refused(options: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, and a word on what would do."""
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    assert execute(["replay", str(folder / "plain.mat.jsonl"), *options]) == 2
