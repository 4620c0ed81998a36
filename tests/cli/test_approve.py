"""Questions on the command line: a run stops, somebody answers, another process goes on."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from harness.cli import execute

ROOT = Path(__file__).parents[2]

SHOP = """
import harness
app = harness.Harness("shop.yaml")
@app.tool(effect="write")
def refund(order_id: str, cents: int) -> str:
    with open("refunded", "a") as file:
        file.write(f"{order_id} {cents}\\n")
    return "refunded"
@app.agent
def main(cents: int = 48000) -> str:
    try:
        return refund("W-77", cents)
    except harness.Refused as refused:
        return f"no: {refused.reason}"
"""

RULES = """
registry: shop
version: 1.0.0
default: allow
invariants:
  - {id: REFUND-CAP, title: Refunds stay small, on: action, tool: refund, require: call.args.cents <= 20000,
     severity: high, otherwise: escalate}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Give a folder with an agent that wants a refund which somebody has to allow."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "shop.yaml").write_text(RULES)
    return tmp_path


def cli(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "harness", *arguments]
    inherited = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", **environment}
    return subprocess.run(command, cwd=folder, env=inherited, capture_output=True, text=True, check=False)


def waits(folder: Path, **environment: str) -> tuple[dict[str, Any], str]:
    """Run the agent up to its question; give what it says as JSON, and the question's file."""
    done = cli(folder, "run", "shop:main", "--approve", "desk", "--json", **environment)
    assert done.returncode == 3, done.stderr
    said = json.loads(done.stdout)
    return said, f"desk/{said['waits_for'][0]['digest']}.question.json"


def refunded(folder: Path) -> list[str]:
    """Give what was really paid back."""
    return (folder / "refunded").read_text().splitlines() if (folder / "refunded").exists() else []


def test_a_run_waits_and_goes_on_in_another_process(shop: Path) -> None:
    """The run says what it waits for and how to go on; asked too early it waits again; after the yes it pays once."""
    done = cli(shop, "run", "shop:main", "--trace", "t.mat.jsonl", "--approve", "desk")
    assert (done.returncode, refunded(shop)) == (3, [])
    (asked,) = (shop / "desk").iterdir()
    digest = asked.name.removesuffix(".question.json")
    for part in ("refund(order_id='W-77', cents=48000)  REFUND-CAP: Refunds stay small (by 28000)", digest):
        assert part in done.stdout
    on = shlex.split(done.stdout.split("go on")[1])[1:]
    assert on == ["resume", "t.mat.jsonl", "--approve", "desk"]
    shown = cli(shop, "show", "t.mat.jsonl").stdout
    assert "waits for an answer  refund(cents=48000, order_id='W-77')  REFUND-CAP" in shown
    assert f"question {digest}" in shown
    assert cli(shop, *on).returncode == 3
    assert cli(shop, "approve", str(asked), "--yes", "--by", "Ann", "--reason", "by phone").returncode == 0
    done = cli(shop, *on)
    assert (done.returncode, refunded(shop)) == (1, ["W-77 48000"]), done.stderr  # the rule was violated, and allowed
    assert "returned 'refunded'" in done.stdout
    shown = cli(shop, "show", "t.resumed-1.mat.jsonl").stdout
    assert "allow by REFUND-CAP, answered by Ann: by phone" in shown
    assert "waits for" not in shown
    assert cli(shop, "replay", "t.resumed-1.mat.jsonl").returncode == 0
    assert cli(shop, *on).returncode == 2  # the run has gone on
    assert refunded(shop) == ["W-77 48000"]


def test_how_to_go_on_names_the_scripted_model(shop: Path) -> None:
    """A run that was answered by a scripted model is told to go on with it, or it would ask a real one."""
    (shop / "model.py").write_text(
        "from harness.testing.model_server import say, script\nhello = script([say('hello')])\n"
    )
    options = ["--approve", "desk", "--model-script", "model:hello"]
    done = cli(shop, "run", "shop:main", "--trace", "t.mat.jsonl", *options)
    on = shlex.split(done.stdout.split("go on")[1])
    assert on == ["harness", "resume", "t.mat.jsonl", *options]
    assert json.loads(cli(shop, *on[1:], "--json").stdout)["go_on"] == on


def test_a_replay_up_to_the_question_says_no_more_than_that(shop: Path) -> None:
    """Workers of a pool that are idle where the record ends wait for their pool's end, and log no error."""
    (shop / "threads.py").write_text(
        "import asyncio\n"
        "from shop import app, refund\n"
        "@app.agent\n"
        "async def main() -> str:\n"
        "    await asyncio.gather(*(asyncio.to_thread(str, name) for name in 'abc'))\n"
        "    return await pay()\n"
        "@app.tool(name='refund', effect='write')\n"
        "async def pay(order_id: str = 'W-77', cents: int = 48000) -> str:\n"
        "    return 'refunded'\n"
    )
    assert cli(shop, "run", "threads:main", "--trace", "t.mat.jsonl", "--approve", "desk").returncode == 3
    done = cli(shop, "replay", "t.mat.jsonl")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == "the recorded run was cut off after 1 step; up to there all is equal\n"


def test_a_no_is_told_to_the_agent(shop: Path) -> None:
    """The reason of whoever said no reaches the agent."""
    said, asked = waits(shop)
    assert cli(shop, "approve", asked, "--no", "--by", "Ann", "--reason", "too much").returncode == 0
    done = cli(shop, *said["go_on"][1:], "--json")
    assert json.loads(done.stdout)["result"] == "no: Ann said no: too much"
    assert refunded(shop) == []


def test_a_rule_that_says_nothing_is_told_by_its_number(shop: Path) -> None:
    """Where a rule has no word for the agent, people read by how much it was violated."""
    done = cli(shop, "run", "shop:main", "--trace", "t.mat.jsonl")
    assert "    REFUND-CAP  step 0: violated by 28000\n" in done.stdout
    assert "REFUND-CAP violated  by 28000\n" in cli(shop, "show", "t.mat.jsonl").stdout
    assert "verdict    REFUND-CAP violated by 28000\n" in cli(shop, "show", "t.mat.jsonl", "--at", "0").stdout


def test_a_yes_for_a_while_ends(shop: Path) -> None:
    """A yes that is over when the run goes on allows nothing, and the trace says why."""
    said, asked = waits(shop)
    assert cli(shop, "approve", asked, "--yes", "--by", "Ann", "--minutes", "0").returncode == 0
    done = cli(shop, *said["go_on"][1:], "--json")
    assert "the answer of Ann expired at" in json.loads(done.stdout)["result"]
    assert refunded(shop) == []


@pytest.mark.parametrize(("key", "paid"), [("shared", ["W-77 48000"]), ("", []), ("another", [])])
def test_with_a_key_only_a_signed_yes_counts(key: str, paid: list[str], shop: Path) -> None:
    """Run, answer and resumption share a key by their environment; without it nobody allows anything."""
    said, asked = waits(shop, HARNESS_APPROVAL_KEY="shared")
    cli(shop, "approve", asked, "--yes", "--by", "Ann", **({"HARNESS_APPROVAL_KEY": key} if key else {}))
    done = cli(shop, *said["go_on"][1:], "--json", HARNESS_APPROVAL_KEY="shared")
    assert (json.loads(done.stdout)["result"] == "refunded", refunded(shop)) == (bool(paid), paid)


@pytest.mark.parametrize(("typed", "result"), [("y\n", "refunded"), ("\n", "no: ")])
def test_somebody_at_the_terminal_is_asked(typed: str, result: str, shop: Path) -> None:
    """The question goes to the terminal of the process, not to its output; an empty line is a no."""
    person, program = os.openpty()

    def take() -> None:
        fcntl.ioctl(program, termios.TIOCSCTTY, 0)

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    running = subprocess.Popen(
        [sys.executable, "-m", "harness", "run", "shop:main", "--approve", "terminal", "--json"],
        cwd=shop,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=take,
        pass_fds=(program,),
    )
    seen = b""
    while b"[y/N]" not in seen:
        seen += os.read(person, 1000)
    assert b"cents = 48000" in seen
    os.write(person, typed.encode())
    said, _ = running.communicate(timeout=30)
    os.close(program)
    os.close(person)
    assert json.loads(said)["result"].startswith(result)
    assert len(refunded(shop)) == (result == "refunded")


def test_a_process_without_a_terminal_waits(shop: Path) -> None:
    """Where nobody sits the run stops, and can go on where somebody does."""
    command = [sys.executable, "-m", "harness", "run", "shop:main", "--approve", "terminal"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        command, cwd=shop, env=environment, capture_output=True, text=True, check=False, start_new_session=True
    )
    assert done.returncode == 3
    assert "/dev/tty" in done.stdout


def test_what_is_no_open_question_is_not_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file, a question under another's name, and one that has its answer are told apart."""
    digest = "d" * 64
    question = tmp_path / f"{digest}.question.json"
    question.write_text(json.dumps({"digest": digest, "tool": "pay", "args": {}, "rule": "R", "reason": ""}))
    renamed = tmp_path / f"{'e' * 64}.question.json"
    renamed.write_text(question.read_text())
    for path, text in ((renamed, None), (tmp_path / "none", None), (tmp_path / "bad.question.json", "[]")):
        if text is not None:
            path.write_text(text)
        assert execute(["approve", str(path), "--yes"]) == 2
    capsys.readouterr()
    assert execute(["approve", str(question), "--no", "--by", "Ann", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["allowed"] is False
    assert execute(["approve", str(question), "--yes"]) == 2
    assert "has an answer already" in capsys.readouterr().err
    (tmp_path / f"{digest}.answer.json").unlink()
    assert execute(["approve", str(question)]) == 2  # nothing is allowed or refused by default
