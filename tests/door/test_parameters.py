"""Parameters of a registry bound by whoever uses it: at the app, at a check, on the command line, on replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.adapters.files import open_trace
from harness.cli import execute
from harness.door.app import Harness
from harness.door.replay import replay
from harness.errors import Refused, RegistryError

SHOP = """registry: shop
version: 1
default: refuse
parameters: {limit: {value: 100, narrower: lower}}
tools: {pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}}
invariants: [{id: LIMIT, on: action, require: call.args.cents <= params.limit, otherwise: block}]
"""


def shop(folder: Path, **bound: Any) -> tuple[Harness, Any]:
    """Make an app under the registry, and its tool."""
    (folder / "shop.yaml").write_text(SHOP, encoding="utf-8")
    app = Harness(folder / "shop.yaml", traces=folder, parameters=bound)

    @app.tool(effect="write")
    def pay(cents: int) -> str:
        return f"paid {cents}"

    return app, pay


def test_an_app_binds_narrower_values_only(tmp_path: Path) -> None:
    """The door judges by the bound value; a wider one or a misspelt name is refused before anything runs."""
    app, pay = shop(tmp_path, limit=50)
    with app.session():
        assert pay(cents=50) == "paid 50"
        with pytest.raises(Refused, match="LIMIT"):
            pay(cents=51)
    with pytest.raises(RegistryError, match="limit=101 is wider than 100"):
        shop(tmp_path, limit=101)
    with pytest.raises(RegistryError, match="did you mean 'limit'"):
        shop(tmp_path, limt=1)


def test_a_registry_made_in_code_is_taken_like_a_path(tmp_path: Path) -> None:
    """By the app, by a session and by an offline check, with the same verdict."""
    rule = harness.invariant("LIMIT", on="action", tool="pay", require="call.args.cents <= 5", otherwise="block")
    made = harness.build_registry("made", "1", default="refuse", invariants=[rule])
    app = Harness(made, traces=tmp_path)

    @app.tool(effect="write")
    def pay(cents: int) -> int:
        return cents

    with app.session() as session:
        assert pay(cents=5) == 5
        with pytest.raises(Refused, match="LIMIT"):
            pay(cents=6)
    report = harness.check(session.trace.path, registry=made)
    assert [finding.verdict.rule for finding in report.findings] == ["LIMIT"]


def test_a_replay_binds_what_the_record_was_bound_by(tmp_path: Path) -> None:
    """The values are in the header; an app of other values is told as a change of the registry."""
    app, pay = shop(tmp_path, limit=50)

    def agent(cents: int) -> str:
        return str(pay(cents=cents))

    session = app.session()
    session.run(agent, cents=7)
    with open_trace(session.trace.path) as reader:
        assert reader.header.host["parameters"] == {"limit": 50}
    plain, pay = shop(tmp_path)
    assert replay(session.trace.path, entry=agent, app=plain).equal
    other, pay = shop(tmp_path, limit=60)
    divergence = replay(session.trace.path, entry=agent, app=other).divergence
    assert divergence is not None
    assert divergence.cause == "the registry changed"


def test_a_check_on_the_command_line_binds_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--param`` narrows what a stored trace is judged by; its digest says so."""
    app, pay = shop(tmp_path)
    with app.session() as session:
        pay(cents=70)
    stated = ["check", session.trace.path, "--registry", str(tmp_path / "shop.yaml"), "--json"]
    digests = []
    for more, code in (([], 0), (["--param", "limit=60"], 1)):
        assert execute([*stated, *more]) == code
        digests.append(json.loads(capsys.readouterr().out)["registry"]["digest"])
    assert digests[0] != digests[1]
    for wrong, message in (
        ("limit", "write --param name=value"),
        ("limt=5", "did you mean 'limit'?"),
        ("limit=x", "limit='x' is text, and the parameter is a number"),
        ("limit=200", "limit=200 is wider than 100"),
    ):
        assert execute([*stated, "--param", wrong]) == 2
        assert message in capsys.readouterr().err
    assert execute([*stated, "--param", "limit=6", "--param", "limit=5"]) == 2
    assert "twice" in capsys.readouterr().err
