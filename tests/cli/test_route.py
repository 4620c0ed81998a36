"""``harness route`` and ``harness show --graph``: routes before anything is called, and after."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from harness import Harness
from harness.cli import execute
from harness.cli.route.world import KINDS
from harness.errors import NoRoute
from harness.routing.graph import Policy
from tests.test_docs import assert_shown, example, program

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "benchmarks" / "suites" / "router"

TWO_WAYS = """\
registry: shop
version: 1.0.0
default: allow
tools:
  pay: {effect: write, undo: pay_back, DECLARED}
  pay_back: {effect: write}
  pay_twin: {effect: write, domain: acme}
  send: {effect: write}
  look: {effect: read}
graph:
  start: [order]
  goals: {sent: [label], paid: [payment]}
  tools:
    pay: {needs: [order], gives: [payment], cost: 1}
    pay_twin: {needs: [order], gives: [payment], cost: 2}
    send: {needs: [payment], gives: [label], cost: 1}
  policy: {retries: 1, wait_ms: 50}
"""


def ran(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Run a verb and give what it printed."""
    assert execute(["route", *arguments]) == code
    said = capsys.readouterr()
    return said.out or said.err


def facts(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """Run a verb and give its JSON object."""
    return json.loads(ran(capsys, *arguments, "--json", code=code))


def shop(folder: Path, declared: str = "domain: acme") -> str:
    """Write a registry with two ways to pay and one to send, and give its name."""
    file = folder / "shop.yaml"
    file.write_text(TWO_WAYS.replace("DECLARED", declared), encoding="utf-8")
    return str(file)


# --- plan ------------------------------------------------------------------------------------------------------------


def test_a_plan_is_told_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    """The route, what each step costs, the next best route with the difference, what is out of use, and why."""
    assert ran(capsys, "plan", str(SUITE / "tb.yaml"), "--fail", "Flight").splitlines() == [
        "to Confirm, from Start",
        "Train → Hotel → Car → Payment → Confirm  cost 1.4",
        "    Train  0.5",
        "    Hotel  0.3",
        "    Car  0.3",
        "    Payment  0.2",
        "    Confirm  0.1",
        "next best: Train → Hostel → Bus → Payment → Confirm  cost 1.5 (0.1 more): Hostel, Bus instead of Hotel, Car",
        "not to be used: Flight (down)",
    ]


def test_a_plan_begins_from_what_is_held(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fact that is held is not made again; a tool that is down takes its domain with it."""
    name = shop(tmp_path)
    assert facts(capsys, "plan", name)["path"] == ["pay", "send"]
    assert facts(capsys, "plan", name, "--have", "payment")["path"] == ["send"]
    down = facts(capsys, "plan", name, "--fail", "pay", code=1)
    assert down["barred"] == {"pay": "down", "pay_twin": "pay of its domain acme is down"}


def test_no_route_is_a_deadlock_with_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, with the facts out of reach, the tools in the way, and the other goals that can be had."""
    name = shop(tmp_path)
    found = facts(capsys, "plan", name, "--fail", "send", code=1)
    assert (found["path"], found["missing"], found["deadlock"]["unreachable"]) == (None, ["label"], ["label"])
    assert found["deadlock"]["blocked"] == {"send": {"why": "down"}}
    assert found["deadlock"]["goals"] == [{"cost": 1, "goal": "paid", "path": ["pay"], "undo": []}]
    assert "still possible: paid  pay  cost 1" in ran(capsys, "plan", name, "--fail", "send", code=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "airline"), "airline: the registry has no graph"),
        (("plan", "SHOP", "--goal", "pad"), "the graph has no goal 'pad'\n    cure  did you mean 'paid'?"),
        (("plan", "SHOP", "--have", "paymnt"), "the graph has no fact 'paymnt'\n    cure  did you mean 'payment'?"),
        (("draw", "SHOP", "--path", "pay,sned"), "the graph has no tool 'sned'\n    cure  did you mean 'send'?"),
        (("simulate", "SHOP", "--fail", "sned"), "--fail sned: the graph has no tool 'sned'"),
        (("simulate", "SHOP", "--fail", "pay:dwn"), "there is no failure 'dwn'\n    cure  did you mean 'down'?"),
        (("simulate", "SHOP", "--fail", "pay:down:0"), "how often it fails is no whole number"),
        (("simulate", "SHOP", "--fail", "pay:down:1:2"), "how often it fails is no whole number"),
        (("draw", "SHOP", "--svg", "/nowhere/x.svg"), "/nowhere/x.svg: cannot be written"),
    ],
)
def test_mistakes_name_the_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    """A name that the graph does not have is a usage error with the nearest one that it has."""
    name = shop(tmp_path)
    assert said in ran(capsys, *[name if one == "SHOP" else one for one in arguments], code=2)


# --- simulate --------------------------------------------------------------------------------------------------------

PUBLISHED = [
    ("cs", "", "CRM Stripe Email", "Stripe Email"),
    ("cs", "Stripe", "CRM Stripe Razorpay Email", "Razorpay Email"),
    ("cs", "Email", "CRM Stripe Email SMS", "Stripe SMS"),
    ("cs", "Stripe Email", "CRM Stripe Razorpay Email SMS", "Razorpay SMS"),
    ("cs", "Stripe Razorpay", "CRM Stripe Razorpay", None),
    ("cs", "Email SMS", "CRM Stripe Email SMS undo_Stripe", None),
    ("cs", "CRM", "CRM", None),
    ("tb", "Flight Hotel Car", "Flight Train Hotel Hostel Bus Payment", "Train Hostel Bus Payment"),
    ("tb", "Payment", "Flight Hotel Car Payment undo_Car undo_Hotel undo_Flight", None),
    ("cm", "Text Auto", "Text Image Toxicity Auto Human", ""),
    ("cm", "Toxicity", "Text Toxicity", None),
]


@pytest.mark.parametrize(("graph", "down", "called", "stands"), PUBLISHED)
def test_published_scenarios_come_out(
    capsys: pytest.CaptureFixture[str], graph: str, down: str, called: str, stands: str | None
) -> None:
    """Scenarios of arXiv 2603.01548: the calls made, in order, and the net effects; nothing stands without a route."""
    fail = [part for tool in down.split() for part in ("--fail", tool)]
    found = facts(capsys, "simulate", str(SUITE / f"{graph}.yaml"), *fail, code=0 if stands is not None else 1)
    assert [event["tool"] for event in found["events"] if event["does"] == "call"] == called.split()
    assert found["ledger"] == dict.fromkeys((stands or "").split(), 1)
    failed = [event["seq"] for event in found["events"] if event.get("came", "ok") != "ok"]
    assert [event["after"] for event in found["events"] if "after" in event] == failed


@pytest.mark.parametrize(
    ("declared", "kind", "code", "ledger", "calls"),
    [
        ("domain: bank", "down", 0, {"pay_twin": 1, "send": 1}, ["pay", "pay", "pay_twin", "send"]),
        ("domain: acme", "down", 1, {}, ["pay", "pay"]),
        ("domain: acme", "error", 0, {"pay_twin": 1, "send": 1}, ["pay", "pay_twin", "send"]),
        ("domain: bank", "timeout", 3, {}, ["pay"]),
        ("domain: bank", "commit-then-timeout", 3, {"pay": 1}, ["pay"]),
        ("idempotency_key: key", "commit-then-timeout:1", 0, {"pay": 1, "send": 1}, ["pay", "pay", "send"]),
        ("idempotency_key: key", "commit-then-timeout", 3, {"pay": 1}, ["pay", "pay"]),
        ("probe: look", "commit-then-timeout", 0, {"pay": 1, "send": 1}, ["pay", "look", "send"]),
        ("probe: look", "timeout:1", 0, {"pay": 1, "send": 1}, ["pay", "look", "pay", "send"]),
        ("domain: bank", "wrong", 0, {"pay": 1, "send": 1}, ["pay", "send"]),
        ("result: {schema: {type: object}}", "wrong", 3, {"pay": 1}, ["pay"]),
        ("domain: bank", "refused", 1, {}, ["pay"]),
    ],
)
def test_each_kind_of_failure_has_its_end(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    declared: str,
    kind: str,
    code: int,
    ledger: dict[str, int],
    calls: list[str],
) -> None:
    """What a failure comes to depends on what the tool declares: nothing is done twice, and no doubt is gone around."""
    found = facts(capsys, "simulate", shop(tmp_path, declared), "--fail", f"pay:{kind}", code=code)
    assert [event["tool"] for event in found["events"] if event["does"] == "call"] == calls
    assert (found["ledger"], found["in_doubt"]) == (ledger, ["pay"] if code == 3 else [])
    assert kind.partition(":")[0] in KINDS


DEAD_END = """\
registry: d1
version: 1.0.0
default: allow
tools:
  Stripe: {effect: write, undo: refund}
  refund: {effect: write, idempotent: true}
  Razorpay: {effect: write}
  Email: {effect: write}
  SMS: {effect: write}
graph:
  goals: [Done]
  edges:
    - [Start, Stripe, 1]
    - [Start, Razorpay, 2]
    - [Stripe, Email, 1]
    - [Razorpay, SMS, 1]
    - [Email, Done, 0]
    - [SMS, Done, 0]
"""


def test_a_dead_end_is_undone_and_gone_around(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A charge whose receipt cannot be sent is taken back, a refund that fails once too, and one charge stands."""
    (tmp_path / "d1.yaml").write_text(DEAD_END, encoding="utf-8")
    d1 = str(tmp_path / "d1.yaml"), "--fail", "Email:error"
    found = facts(capsys, "simulate", *d1, "--fail", "refund:down:1")
    calls = [event["tool"] for event in found["events"] if event["does"] == "call"]
    assert calls == ["Stripe", "Email", "refund", "refund", "Razorpay", "SMS"]
    assert (found["served"], found["ledger"]) == (True, {"Razorpay": 1, "SMS": 1})
    assert "undo      refund  undoes Stripe\n" in ran(capsys, "simulate", *d1)
    stuck = facts(capsys, "simulate", *d1, "--fail", "refund:error", code=1)
    assert (stuck["ledger"], stuck["left"]) == ({"Stripe": 1}, ["Stripe"])


@pytest.mark.parametrize("fail", ["pay", "pay:error", "pay:refused", "send", "send:error", "pay:timeout"])
def test_a_simulation_is_what_really_happens(tmp_path: Path, capsys: pytest.CaptureFixture[str], fail: str) -> None:
    """The route events of a simulation are those of a real session whose tools fail alike, times apart."""
    name, failing = shop(tmp_path, "domain: bank"), fail.partition(":")[0]
    registry = Path(name)
    if fail.endswith("refused"):
        rule = (
            f"invariants:\n  - {{id: R, on: action, tool: {failing}, require: 'False', otherwise: block, says: No.}}\n"
        )
        registry.write_text(registry.read_text(encoding="utf-8") + rule, encoding="utf-8")
    app = Harness(name, traces=tmp_path)

    def tool(of: str) -> None:
        def work(order: Any = None, payment: Any = None) -> str:
            if of == failing and fail.endswith("timeout"):
                raise TimeoutError("no answer")
            if of == failing and fail.endswith("error"):
                error = ValueError("no")
                error.happened = False  # type: ignore[attr-defined]
                raise error
            if of == failing:
                raise ConnectionRefusedError("down")
            return of

        app.tool(effect="write", name=of)(work)

    for one in ("pay", "pay_back", "pay_twin", "send"):
        tool(one)
    with app.session() as session:
        try:
            session.route("sent", order=1)
        except Exception as error:
            assert isinstance(error, NoRoute) or fail.endswith("refused")
    assert execute(["show", session.trace.path, "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kept = ("does", "tool", "path", "cost", "served", "undo")
    real = [{key: event["body"].get(key) for key in kept} for event in events if event["kind"] == "route"]
    execute(["route", "simulate", name, "--fail", fail, "--json"])
    simulated = json.loads(capsys.readouterr().out)["events"]
    assert [{key: event.get(key) for key in kept} for event in simulated if event["does"] != "call"] == real


# --- draw, show --graph ----------------------------------------------------------------------------------------------


def test_a_graph_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Mermaid text by itself, or an SVG file whose name is printed; a path is marked in both."""
    name, file = shop(tmp_path), tmp_path / "shop.svg"
    said = ran(capsys, "draw", name, "--path", "pay_twin, send", "--fail", "pay")
    assert said.startswith("flowchart LR\n")
    assert re.search(r'n\d\["pay_twin<br/>write · ✓ 2"\]', said)
    assert ran(capsys, "draw", name, "--path", "pay_twin,send", "--svg", str(file)) == f"{file}\n"
    assert "✓ 2" in "".join(ElementTree.parse(file).getroot().itertext())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a recorded run of examples/checkout.py."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "examples").symlink_to(ROOT / "examples")
    script = ("--model-script", "examples.checkout:policy")
    done = program(folder, "run", "examples.checkout:main", *script, "--trace", "t.mat.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"] == {"said": "Your lamp is reserved; the receipt is R-4900."}
    return folder


def test_the_example_pays_once(checkout: Path) -> None:
    """Stripe down, an answer lost after the charge, a full mailbox: one key in two calls, two model calls in all."""
    events = [json.loads(line) for line in program(checkout, "show", "t.mat.jsonl", "--json").stdout.splitlines()]
    actions = [event["body"] for event in events if event["kind"] == "action"]
    assert sum(action["surface"] == "model" for action in actions) == 2
    keys = [action["args"]["key"] for action in actions if action["tool"] == "razorpay"]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    (end,) = [event["body"] for event in events if event["kind"] == "route" and event["body"]["does"] == "end"]
    assert (end["served"], end["path"]) == (True, ["reserve", "razorpay", "sms"])
    assert program(checkout, "replay", "t.mat.jsonl", "--verify", "2").returncode == 0


def test_what_a_run_did_is_drawn_on_its_graph(checkout: Path) -> None:
    """The registry that the header names gives the graph; calls are numbered, and the path is marked."""
    said = program(checkout, "show", "t.mat.jsonl", "--graph", "-").stdout
    for box in ('"stripe<br/>write, undoable · ✕ 2, 3, 4 failed"', '"razorpay<br/>write, undoable · ✕ 5 failed · ✓ 6"'):
        assert box in said
    done = program(checkout, "show", "t.mat.jsonl", "--graph", "r.svg")
    assert (done.stdout, done.returncode) == ("r.svg\n", 0)
    assert "razorpay served, email failed, sms served. It was served." in (checkout / "r.svg").read_text("utf-8")


def test_another_registry_can_be_named(checkout: Path) -> None:
    """``--registry`` draws that graph; one without a graph is a usage error."""
    registry = str(ROOT / "examples" / "checkout.yaml")
    named = program(checkout, "show", "t.mat.jsonl", "--graph", "-", "--registry", registry)
    assert named.stdout == program(checkout, "show", "t.mat.jsonl", "--graph", "-").stdout
    assert program(checkout, "show", "t.mat.jsonl", "--graph", "-", "--registry", "airline").returncode == 2


def test_without_its_registry_the_calls_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the registry is gone, what was called stands in its order; a run without a route says that it has none."""
    name = shop(tmp_path)
    app = Harness(name, traces=tmp_path)
    for one in ("pay", "pay_back", "pay_twin", "send"):
        app.tool(effect="write", name=one)(lambda order=None, payment=None: "done")
    with app.session() as session:
        session.route("sent", order=1)
    Path(name).unlink()
    assert execute(["show", session.trace.path, "--graph", "-"]) == 0
    said = capsys.readouterr().out
    assert re.findall(r'"(\w+)<br/>', said) == ["pay", "send", "sent"]
    other = Harness(traces=tmp_path)
    with other.session() as session:
        session.note("nothing")
    assert execute(["show", session.trace.path, "--graph", "-"]) == 2
    assert "no route was planned in this run" in capsys.readouterr().err


# --- docs/routing.md -------------------------------------------------------------------------------------------------


def test_the_page_about_routing_is_right(tmp_path: Path) -> None:
    """Its registry and programs are run, and print what the page shows; the replay is equal."""
    page = (ROOT / "docs" / "routing.md").read_text(encoding="utf-8")
    (tmp_path / "shop.yaml").write_text(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8")
    code, till, callback = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "shop.py").write_text(code, encoding="utf-8")
    (tmp_path / "till.py").write_text(till, encoding="utf-8")
    (tmp_path / "asking.py").write_text(f"import harness\n\n{callback}", encoding="utf-8")
    for command, exit_code in (("run shop:main", 0), ("run till:main", 5), ("route plan", 0), ("route simulate", 3)):
        arguments, shown = example("routing.md", command)
        done = program(tmp_path, *arguments)
        assert done.returncode == exit_code, done.stdout + done.stderr
        assert_shown(shown, done)
    assert program(tmp_path, "replay", "shop.mat.jsonl").returncode == 0
    assert subprocess.run([sys.executable, "asking.py"], cwd=tmp_path, check=False).returncode == 0
    assert program(tmp_path, "show", "shop.mat.jsonl", "--graph", "-").returncode == 0


def test_the_page_tells_the_policy_as_it_is() -> None:
    """Every part of a policy stands on the page, with the value that it has by itself; every kind of failure too."""
    page = (ROOT / "docs" / "routing.md").read_text(encoding="utf-8")
    table = page[page.index("## Policy") : page.index("What a call costs")]
    told: dict[str, str] = {}
    for names, values in re.findall(r"^\| (`\w+`.*?) \| (.*?) \|", table, re.MULTILINE):
        told |= zip(re.findall(r"`(\w+)`", names), values.replace("`", "").split(", "), strict=True)
    defaults = {one.name: "none" if one.default is None else str(one.default) for one in fields(Policy)}
    assert told == defaults
    assert all(f"`{kind}`" in page for kind in KINDS)
