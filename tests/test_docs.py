"""What the pages about capture, replay, resumption and pytest show is what happens."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from harness.cli import VERBS, execute
from harness.testing.model_server import ModelServer, say
from tests.inner import PYTEST

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = sorted((ROOT / "docs").glob("*.md"))

TRIPS: Final = """\
import os
import pathlib
import signal

import harness

app = harness.Harness("trips.yaml")
booked = pathlib.Path("booked")


@app.tool(effect="read")
def seats_left(day: str) -> dict:
    return {"seats": 0 if day == "Monday" else 2}


@app.tool(effect="read")
def find_booking(day: str) -> dict:
    return {"happened": booked.exists(), "result": f"booked for {day}"}


@app.tool(effect="write", probe="find_booking")
def book_flight(day: str) -> str:
    booked.touch()
    if os.environ.get("TRIPS") == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    return f"booked for {day}"


@app.tool(effect="write")
def refund(order_id: str, amount_cents: int) -> str:
    return "refunded"


@app.agent
def main() -> str:
    for _ in range(3):
        seats_left("Monday")
    if seats_left("Tuesday")["seats"]:
        return book_flight("Tuesday")
    return refund("W-77", 48_000)
"""

SUPPORT: Final = """\
import threading
from concurrent.futures import ThreadPoolExecutor

import harness

app = harness.Harness("support.yaml")


@app.tool(effect="read")
def search(query: str) -> str:
    return query


@app.tool(effect="write")
def refund(order_id: str, amount_cents: int) -> str:
    return "refunded"


@app.tool(effect="write", name="pay")
def transfer(order_id: str, cents: int) -> str:
    return "paid"


def pay(order):
    return refund(order, 48_000)


@app.agent
def main() -> str:
    search("shoes")
    try:
        return pay("W-77")
    except harness.Refused:
        return "refused"


@app.agent
def settle() -> list:
    done = []

    def one(order):
        found = search(order)
        try:
            transfer(found, {"A-1": 5, "A-2": 50_000, "A-3": 5}[found])
        except harness.Refused:
            pass
        done.append(order)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, ["A-1", "A-2", "A-3"]))
    return done
"""


UNCACHED: Final = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Bytecode is kept by a source's size and second: of an agent that a test edits it may be that of the other version."""


def rules(*invariants: str) -> str:
    """Give a registry of invariants, each a YAML mapping in one line."""
    lines = "".join(f"  - {{{one}}}\n" for one in invariants)
    return f"registry: own\nversion: 1.0.0\ndefault: allow\ninvariants:\n{lines}"


NO_REFUND: Final = (
    "id: NO-REFUND, on: action, tool: refund, require: 'False', severity: high, otherwise: warn, says: Book."
)
CAP: Final = NO_REFUND.replace("NO-REFUND", "REFUND-CAP").replace("warn", "block")
LIMIT: Final = (
    "id: REFUND-LIMIT, on: action, tool: refund, require: call.args.amount_cents <= 20000, severity: high, "
    "otherwise: block, says: At most 200.00 without approval; ask for approval or refund 200.00."
)
PAY_LIMIT: Final = LIMIT.replace("REFUND-LIMIT", "PAY-LIMIT").replace("refund", "pay").replace("amount_cents", "cents")
PAY_ORDER: Final = (
    "id: PAY-ORDER, on: action, tool: pay, when: call.args.order_id == 'A-3', severity: low, otherwise: warn, "
    """require: 'happened(action, call.tool == "pay" and call.args.order_id == "A-1")', says: Pay A-1 first."""
)


def example(page: str, command: str) -> tuple[list[str], list[str]]:
    """Give the command that begins so on a page of the docs, and the lines that the page shows as its output."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    block = re.search(rf"^    \$ (harness {re.escape(command)}.*)\n((?:    .*\n)*)", text, re.MULTILINE)
    assert block is not None, f"{page} does not show harness {command}"
    return shlex.split(block[1])[1:], [line.strip() for line in block[2].splitlines()]


def program(folder: Path, *arguments: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, as a reader would."""
    command = [sys.executable, "-m", "harness", *arguments]
    inherited = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **UNCACHED} | environment
    return subprocess.run(command, cwd=folder, input=typed, capture_output=True, text=True, check=False, env=inherited)


def assert_shown(lines: list[str], done: subprocess.CompletedProcess[str]) -> None:
    """Compare what was printed with what a page shows: numbers may be others, and an ellipsis is anything."""
    for line in lines:
        parts = (re.sub(r"\d+", r"\\d+", re.escape(part)) for part in re.sub(r"sha256:\w+", "sha256:", line).split("…"))
        pattern = re.sub(r"(\\ )+", r"\\s+", ".*".join(parts))
        assert re.search(pattern, done.stdout), f"{line!r} is not in\n{done.stdout}{done.stderr}"


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    """Give a folder with an agent that books flights."""
    (tmp_path / "trips.py").write_text(TRIPS, encoding="utf-8")
    (tmp_path / "trips.yaml").write_text(rules(NO_REFUND), encoding="utf-8")
    (tmp_path / "stricter.yaml").write_text(rules(CAP), encoding="utf-8")
    return tmp_path


def test_a_killed_run_goes_on_as_the_page_says(trips: Path) -> None:
    """The run is killed in the middle of a booking; the example of docs/resume.md finds it."""
    command, shown = example("resume.md", "resume")
    killed = program(trips, "run", "trips:main", "--trace", command[-1], TRIPS="kill")
    assert killed.returncode == -9
    done = program(trips, *command)
    assert done.returncode == 0, done.stderr
    assert_shown(shown, done)


SHOP_DESK: Final = """\
import harness

app = harness.Harness("shop.yaml")


@app.tool(effect="write")
def refund(order_id: str, cents: int) -> str:
    return "refunded"


@app.agent
def main() -> str:
    return refund("W-77", 48_000)
"""
REFUND_CAP: Final = (
    "id: REFUND-CAP, title: Refunds stay small, on: action, tool: refund, require: call.args.cents <= 20000, "
    "severity: high, otherwise: escalate"
)


def test_a_run_waits_for_an_answer_as_the_page_says(tmp_path: Path) -> None:
    """The example of docs/approvals.md: a run stops, somebody answers, another process goes on."""
    (tmp_path / "shop.py").write_text(SHOP_DESK, encoding="utf-8")
    (tmp_path / "shop.yaml").write_text(rules(REFUND_CAP), encoding="utf-8")
    page = (ROOT / "docs" / "approvals.md").read_text(encoding="utf-8")
    command, shown = example("approvals.md", "run")
    done = program(tmp_path, *command)
    assert done.returncode == 3, done.stderr
    assert_shown(shown, done)
    (asked,) = (tmp_path / "desk").iterdir()
    answer, shown = example("approvals.md", "approve")
    done = program(tmp_path, *[f"desk/{asked.name}" if "DIGEST" in one else one for one in answer])
    assert done.returncode == 0, done.stderr
    assert_shown(shown[:1], done)
    command, shown = example("approvals.md", "resume")
    (trace,) = (tmp_path / "runs").glob("*.mat.jsonl")
    done = program(tmp_path, *[f"runs/{trace.name}" if one.startswith("runs/") else one for one in command])
    assert done.returncode == 1, done.stderr  # the rule was violated, and somebody allowed that
    assert_shown(shown, done)
    keys = re.search(r'^    (\{"allowed".*)$', page, re.MULTILINE)
    (used,) = (tmp_path / "desk").glob("*.used.json")
    assert keys is not None
    assert json.loads(keys[1]).keys() == json.loads(used.read_text(encoding="utf-8")).keys()


def test_a_fork_goes_as_the_page_says(trips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One outcome is changed, another call is made; judged by a stricter registry it would have been blocked."""
    command, shown = example("resume.md", "fork runs")
    assert program(trips, "run", "trips:main", "--trace", command[1]).returncode == 0
    forked = program(trips, *command)
    assert forked.returncode == 1, forked.stderr
    assert_shown(shown, forked)
    command, shown = example("resume.md", "fork TRACE")
    judged = program(trips, *[forked.stdout.split()[0] if one == "TRACE" else one for one in command])
    assert judged.returncode == 1
    assert_shown(shown, judged)


@pytest.fixture(scope="module")
def support(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the agents of docs/replay.md and a recorded run of each, ``T`` and ``orders``."""
    folder = tmp_path_factory.mktemp("support")
    (folder / "examples").mkdir()
    (folder / "examples" / "support.py").write_text(SUPPORT, encoding="utf-8")
    (folder / "support.yaml").write_text(rules(LIMIT, PAY_LIMIT, PAY_ORDER), encoding="utf-8")
    for name, entry in (("T", "main"), ("orders", "settle")):
        done = program(folder, "run", f"examples.support:{entry}", "--trace", name)
        assert done.returncode == 1, done.stderr
    return folder


def test_a_replay_is_equal_as_the_page_says(support: Path) -> None:
    """The first example of docs/replay.md."""
    (verb, _), shown = example("replay.md", "replay runs")
    assert_shown(shown, program(support, verb, "T"))


def test_what_is_tolerated_is_told_as_the_page_says(support: Path) -> None:
    """The agent is edited, and the field that differs is named."""
    command, shown = example("replay.md", "replay T --tolerate")
    module = support / "examples" / "support.py"
    written = module.read_text(encoding="utf-8")
    module.write_text(written.replace("shoes", "boots"), encoding="utf-8")
    done = program(support, *command)
    module.write_text(written, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert_shown(shown, done)


def test_the_debugger_stops_where_the_page_says(support: Path) -> None:
    """``--break violation`` opens pdb in the agent's own function, with the verdict in reach."""
    command, shown = example("replay.md", "replay T --break")
    *lines, typed = shown
    done = program(support, *command, typed=f"{typed.removeprefix('(Pdb) ')}\nc\n")
    assert done.returncode == 0, done.stderr
    assert_shown([*lines, "'call.args.amount_cents': 48000"], done)


def test_other_orders_are_explored_as_the_page_says(support: Path) -> None:
    """A rule that hangs on the order is told apart from one that does not."""
    command, shown = example("replay.md", "replay runs/run-000007.mat.jsonl --explore-orders")
    done = program(support, "replay", "orders", *command[2:])
    assert done.returncode == 1, done.stderr
    assert_shown([line.rpartition(";")[0] or line for line in shown], done)  # the record's own order is anybody's guess


SHOP: Final = """\
from openai import OpenAI

import harness

app = harness.Harness("shop.yaml")
client = app.wrap(OpenAI())


@app.tool(effect="write")
def refund(order_id: str, amount_cents: int) -> str:
    return "refunded"


@app.agent
def support(question: str) -> str:
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    said = client.chat.completions.create(model="m", messages=asked).choices[0].message.content
    if "owed" in said:
        try:
            refund("W-77", 48_000)
        except harness.Refused:
            return "ask a person"
    return said
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Give a folder with the agent of docs/pytest.md."""
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    (tmp_path / "shop.yaml").write_text(rules(LIMIT), encoding="utf-8")
    (tmp_path / "tests").mkdir()
    return tmp_path


def test_the_pytest_page_is_right(shop: Path) -> None:
    """Its two tests are written and run: a trace as a test, and a test as a run that is recorded and then replayed."""
    page = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
    generated, written, *_ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (diverged,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    (command,) = re.findall(r"```bash\nharness (.*?)\n```", page)
    (shop / "tests" / "test_shop.py").write_text(written, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "OPENAI_API_KEY": "x"}
    environment |= UNCACHED

    def run(base_url: str) -> subprocess.CompletedProcess[str]:
        variables = {**environment, "OPENAI_BASE_URL": base_url}
        return subprocess.run(PYTEST, cwd=shop, capture_output=True, text=True, check=False, env=variables)

    with ModelServer(lambda request: say("owed" if "owed" in str(request.body) else "It is on its way.")) as server:
        variables = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "x"}
        asked = ["--input", '{"question": "What am I owed?"}', "--trace", command.split()[1]]
        assert program(shop, "run", "shop:support", *asked, **variables).returncode == 1
        made = program(shop, *command.split())
        assert made.returncode == 0, made.stderr
        recorded = run(server.base_url)
    assert recorded.returncode == 0, recorded.stdout
    test = (shop / "tests" / "test_run_000017.py").read_text(encoding="utf-8")
    assert re.sub(r"\d+ steps|:[0-9a-f]{64}", "", test) == re.sub(r"\d+ steps|:[0-9a-f]{4}…", "", generated)
    assert (shop / "tests" / "traces" / "test_shop" / "test_where_is_it.mat.jsonl").exists()
    (shop / "shop.py").write_text(SHOP.replace("brief", "kind"), encoding="utf-8")
    assert_shown(diverged.splitlines(), run("http://127.0.0.1:9/v1"))


_PACKAGES: Final = ("registry", "route", "routine", "bench")  # verbs that have verbs of their own
COMMANDS: Final = [
    (page.name, command)
    for page in (*PAGES, ROOT / "README.md")
    for command in re.findall(
        r"(?:^ *(?:\$ )?|`)harness ([a-z][^`\n]*)", page.read_text(encoding="utf-8"), re.MULTILINE
    )
]


def test_every_command_of_the_docs_has_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    """A verb or an option that a page names is one that the command line has."""
    assert len(COMMANDS) > 40
    pages: dict[tuple[str, ...], str] = {}
    for page, command in COMMANDS:
        verb, *rest = command.split()
        if verb not in VERBS:
            continue  # a sentence about harness
        words = (verb, *rest[:1]) if verb in _PACKAGES and rest and re.fullmatch("[a-z-]+", rest[0]) else (verb,)
        if words not in pages:
            assert execute([*words, "--help"]) == 0, f"{page}: harness {command}"
            pages[words] = capsys.readouterr().out
        for option in re.findall(r"--[a-z][a-z-]*", command):
            assert option in pages[words], f"{page}: harness {command}"


CAR_SCRIPT: Final = """\
import re

from harness.testing.model_server import say


def policy(request):
    would_do = re.findall(r"one way: v_kmh: \\w+ by .* to (\\S+)", request.text)
    return say('{"v_kmh": %s}' % (would_do[0] if would_do else 50))
"""


def test_a_loop_converges_as_the_page_says(tmp_path: Path) -> None:
    """The rules and the agent of docs/converge.md, run against a scripted model."""
    page = (ROOT / "docs" / "converge.md").read_text(encoding="utf-8")
    for block in re.findall(r"```\w+\n(# .*?)```", page, re.DOTALL):
        (tmp_path / block.split()[1]).write_text(block, encoding="utf-8")
    (tmp_path / "script.py").write_text(CAR_SCRIPT, encoding="utf-8")
    command, shown = example("converge.md", "run")
    done = program(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert_shown(shown, done)


TRIP_SCRIPT: Final = """\
from harness.testing.model_server import say

SAID = {"Choose": '{"flight": {"price": 90}}', "Say": '{"care": "a leg rest"}'}


def policy(request):
    return say(SAID.get(request.text.split()[0], '{"booking": "flight 7, leg rest"}'))
"""

SHOP_TOOLS: Final = """\
registry: shop
version: 1
default: allow
tools:
  search: {effect: read}
  get_order: {effect: read, result: {schema: {type: object, properties: {id: {}, total: {}}}}}
  refund: {effect: write}
invariants: [{id: SHORT, on: end, require: step < 99}]
"""


def test_a_plan_is_pursued_as_the_page_says(tmp_path: Path) -> None:
    """The plan, the agent and the routine of docs/decompose.md; the trace replays."""
    page = (ROOT / "docs" / "decompose.md").read_text(encoding="utf-8")
    for block in re.findall(r"```\w+\n(# .*?)```", page, re.DOTALL):
        (tmp_path / block.split()[1]).write_text(block, encoding="utf-8")
    (tmp_path / "script.py").write_text(TRIP_SCRIPT, encoding="utf-8")
    (tmp_path / "shop.yaml").write_text(SHOP_TOOLS, encoding="utf-8")
    command, shown = example("decompose.md", "run agent")
    done = program(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert_shown(shown, done)
    replayed = program(tmp_path, "replay", "t", "--verify", "2", OPENAI_API_KEY="none")  # from empty folders
    assert replayed.returncode == 0, replayed.stdout
    command, shown = example("decompose.md", "routine lint")
    linted = program(tmp_path, *command)
    assert linted.returncode == 1, linted.stderr
    assert_shown(shown, linted)


ATLAS_SCRIPT: Final = """\
from harness.testing.model_server import say

asked = []


def policy(request):
    asked.append(request)
    return say({2: '{"city": "Zürich"}', 3: "It is Bern."}.get(len(asked), '{"city": "Bern"}'))
"""


def test_a_vote_is_held_as_the_page_says(tmp_path: Path) -> None:
    """The rules, the agent and the plan of docs/voting.md, run against a scripted model; the trace replays."""
    page = (ROOT / "docs" / "voting.md").read_text(encoding="utf-8")
    for block in re.findall(r"```\w+\n(# .*?)```", page, re.DOTALL):
        (tmp_path / block.split()[1]).write_text(block, encoding="utf-8")
    (tmp_path / "script.py").write_text(ATLAS_SCRIPT, encoding="utf-8")
    command, shown = example("voting.md", "run")
    done = program(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert_shown(shown, done)
    assert program(tmp_path, "replay", "atlas.mat.jsonl", OPENAI_API_KEY="none").returncode == 0
    (planned,) = re.findall(r"```python\n(from .*?)```", page, re.DOTALL)
    exec(compile(planned, "voting.md", "exec"), {})


def test_blame_is_what_the_page_says(tmp_path: Path) -> None:
    """The agent, the rules and the plan of docs/blame.md: the run is struck, and the event is named."""
    page = (ROOT / "docs" / "blame.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", page, re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    command, _ = example("blame.md", "run tickets")
    assert program(tmp_path, *command).returncode == 1
    command, shown = example("blame.md", "blame bad")
    done = program(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    assert_shown(shown, done)
    asked = re.findall(r"```python\n(from harness\.door\.blame.*?)```", page, re.DOTALL)
    subprocess.run([sys.executable, "-c", asked[0]], cwd=tmp_path, check=True, env={"PYTHONPATH": f"{ROOT}:{tmp_path}"})
