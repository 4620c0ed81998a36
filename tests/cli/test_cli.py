"""The command line as a user meets it: processes, exit codes, and what they print."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from harness.cli import VERBS, execute

ROOT = Path(__file__).parents[2]

AGENT: Final = """\
import json
import random

from openai import OpenAI

import harness
from harness.testing.model_server import call_tool, say, script

app = harness.Harness()
client = app.wrap(OpenAI())
policy = script([call_tool("get_order", order_id="W-77"), say("It is on its way.")])
SCHEMA = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TOOLS = [{"type": "function", "function": {"name": "get_order", "parameters": SCHEMA}}]


@app.tool(effect="read")
def get_order(order_id: str) -> dict:
    return {"order_id": order_id, "weight": random.random()}


@app.agent
def main(question: str = "Where is W-77?") -> str:
    messages = [{"role": "user", "content": question}]
    while True:
        reply = client.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message
        if not reply.tool_calls:
            return reply.content
        (wanted,) = reply.tool_calls
        order = get_order(**json.loads(wanted.function.arguments))
        messages += [reply.to_dict(), {"role": "tool", "tool_call_id": wanted.id, "content": json.dumps(order)}]
"""

RULES: Final = """\
registry: shop
version: 1.0.0
default: allow
invariants:
  - id: NO-LOOKING
    on: action
    tool: get_order
    require: call.args.order_id != "W-77"
    otherwise: block
"""


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, without a key and without a hash seed."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "harness", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def record(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Record one run of the agent against its own scripted model."""
    return program(folder, "run", "clerk:main", "--model-script", "clerk:policy", *options)


def facts(done: subprocess.CompletedProcess[str], code: int = 0) -> Any:
    """Give the one JSON object that a command printed on a line of its own."""
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with an agent, a rule, and two recorded runs, ``one`` and ``two``."""
    folder = tmp_path_factory.mktemp("clerk")
    (folder / "clerk.py").write_text(AGENT)
    (folder / "rules.yaml").write_text(RULES)
    for name in ("one", "two"):
        done = record(folder, "--trace", f"{name}.mat.jsonl", "--json")
        assert facts(done)["result"] == "It is on its way."
    return folder


def test_a_run_tells_where_its_trace_is(folder: Path) -> None:
    """Without options the trace goes to runs/, and the lines for people give its place, digest and result."""
    done = record(folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"3 steps · runs/run-\d{6}\.mat\.jsonl · sha256:[0-9a-f]{64}\nreturned '.*'\n", done.stdout)


def test_show_prints_the_whole_run(folder: Path) -> None:
    """A trace is shown with what was said, called and answered, and as JSON one event on each line."""
    shown = program(folder, "show", "one.mat.jsonl").stdout
    assert "Where is W-77?" in shown
    assert 'get_order(order_id="W-77")' in shown
    assert shown.splitlines()[-1].endswith("verdict holds")
    events = [json.loads(line) for line in program(folder, "show", "one.mat.jsonl", "--json").stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events)))


def test_verify_gives_the_digest_that_run_gave(folder: Path) -> None:
    """The digest is the same number in the run, its verification and its pinning; another one is refused."""
    said = facts(program(folder, "verify", "one.mat.jsonl", "--json"))
    assert (said["sealed"], said["verdict"], said["torn_bytes"]) == (True, "holds", 0)
    assert program(folder, "verify", "one.mat.jsonl", "--expect", said["digest"]).returncode == 0
    assert program(folder, "verify", "one.mat.jsonl", "--expect", "0" * 64).returncode == 1


def test_diff_finds_the_first_difference(folder: Path) -> None:
    """A trace equals itself; two runs whose tool answered differently differ there, and the exit code says so."""
    assert facts(program(folder, "diff", "one.mat.jsonl", "one.mat.jsonl", "--json"))["equal"]
    found = facts(program(folder, "diff", "one.mat.jsonl", "two.mat.jsonl", "--json"), code=4)
    assert (found["equal"], found["pointer"]) == (False, "/ok/weight")


def test_replay_gives_the_recorded_digest(folder: Path) -> None:
    """A replay needs no model, gives the digest of the record, and three of three processes agree."""
    recorded = facts(program(folder, "verify", "one.mat.jsonl", "--json"))["digest"]
    once = facts(program(folder, "replay", "one.mat.jsonl", "--json"))
    assert (once["digest"], once["equal"], once["steps"]) == (recorded, True, 3)
    thrice = facts(program(folder, "replay", "one.mat.jsonl", "--verify", "3", "--json"))
    assert [one["digest"] for one in thrice["replays"]] == [recorded] * 3
    assert len({one["hash_seed"] for one in thrice["replays"]}) == 3


def test_a_changed_agent_is_a_divergence(folder: Path) -> None:
    """An agent that asks something else than the record says ends the replay with exit code 4 and the difference."""
    other = folder / "other"
    other.mkdir()
    (other / "clerk.py").write_text(AGENT.replace('"content": question', '"content": question.upper()'))
    done = program(other, "replay", "../one.mat.jsonl", "--path", str(other), "--json")
    divergence = facts(done, code=4)["divergence"]
    assert divergence["pointer"].startswith("/messages/0")
    assert "WHERE IS W-77?" in divergence["now"]


def test_a_blocked_call_is_a_violation(folder: Path) -> None:
    """A rule that blocks gives exit code 1, names itself, and leaves a trace whose verdict is 'violated'."""
    done = record(folder, "--registry", "rules.yaml", "--trace", "blocked.mat.jsonl")
    assert done.returncode == 1
    assert "verdict: violated\n    NO-LOOKING  step 1: " in done.stdout
    assert facts(program(folder, "verify", "blocked.mat.jsonl", "--json"))["verdict"] == "violated"


def test_any_changed_byte_is_named_by_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever byte of a line is changed, verify gives exit code 1 and names the line."""
    lines = (folder / "one.mat.jsonl").read_bytes().splitlines(keepends=True)
    file = folder / "changed.mat.jsonl"
    for number, line in enumerate(lines, start=1):
        for place in (0, 12, len(line) // 2, len(line) - 1):
            changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
            file.write_bytes(b"".join([*lines[: number - 1], changed, *lines[number:]]))
            assert execute(["verify", str(file)]) == 1
            assert capsys.readouterr().err.startswith(f"{file}:{number}: ")
    done = program(folder, "verify", file.name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{file.name}:{len(lines)}: ")


def test_help_lists_the_verbs_at_once(folder: Path) -> None:
    """``harness --help`` names every verb with its text, and imports nothing that only a verb needs."""
    done = program(folder, "--help")
    assert done.returncode == 0
    assert all(re.search(rf"\b{verb} +{re.escape(text[:20])}", done.stdout) for verb, text in VERBS.items())
    heavy = ["openai", "hypothesis", "networkx", "pydantic", "ctypes", "harness.door.app", "harness.registry.load"]
    code = "import sys; from harness.cli import execute; execute(['--help']); print(*sys.modules, file=sys.stderr)"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    seen = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not {*seen.stderr.split()}.intersection(heavy)
