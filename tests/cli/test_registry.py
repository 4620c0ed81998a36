"""``harness registry``: the tools for those who write rules."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import trace_files
from harness.adapters.registries import load_registry
from harness.cli import execute
from harness.cli.registry import VERBS

REGISTRIES = Path(__file__).parents[2] / "registries"
SHIPPED = sorted(REGISTRIES.rglob("*.yaml"))

SHOP = """\
registry: shop
version: 1.0.0
default: allow
parameters: {limit: 20}
invariants:
  - id: LIMIT
    on: action
    tool: refund
    require: call.args.amount <= params.limit
    otherwise: block
    examples:
      holds: [[{refund: {amount: 20}}]]
      violated: [[{refund: {amount: 21}}]]
"""
NEVER = "  - {id: NEVER, on: action, tool: other, require: step > 2 and call.args.a}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Give a folder with a registry and four recorded refunds of 10, 20, 25 and 30, the last two labelled bad."""
    (tmp_path / "shop.yaml").write_text(SHOP)
    call = {"id": "c", "function": {"name": "refund"}}
    talks = [
        [
            {"role": "assistant", "content": None, "tool_calls": [_calling(call, amount)]},
            {"role": "tool", "tool_call_id": "c", "content": "done"},
        ]
        for amount in (10, 20, 25, 30)
    ]
    (tmp_path / "talks.json").write_text(json.dumps(talks))
    assert execute(["import", "openai", str(tmp_path / "talks.json"), "--out", str(tmp_path / "runs")]) == 0
    paths = trace_files([tmp_path / "runs"])
    labels = [json.dumps({"trace": path.name, "reward": int(at < 2)}) for at, path in enumerate(paths)]
    (tmp_path / "runs" / "labels.jsonl").write_text("\n".join(labels))
    return tmp_path


def _calling(call: dict[str, Any], amount: int) -> dict[str, Any]:
    return {**call, "function": {**call["function"], "arguments": json.dumps({"amount": amount})}}


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Any:
    """Give a function that runs a verb of ``harness registry``: exit code and what was printed, JSON as data."""

    def run(*arguments: str | Path) -> tuple[int, Any]:
        capsys.readouterr()
        code = execute(["registry", *map(str, arguments)])
        said = capsys.readouterr().out
        return code, json.loads(said) if "--json" in arguments else said

    return run


def test_help_lists_the_verbs(told: Any) -> None:
    """``harness registry`` alone names every verb; each has a help page of its own."""
    _, said = told()
    assert all(re.search(rf"\b{verb} +{re.escape(text[:20])}", said) for verb, text in VERBS.items())
    for verb in VERBS:
        code, said = told(verb, "--help")
        assert code == 0
        assert "--json" in said


def test_good_examples_are_exit_0_and_a_line_each_file(told: Any, shop: Path) -> None:
    """A file and a folder of files; nothing is told of what is as it should be."""
    (shop / "more").mkdir()
    (shop / "more" / "b.yaml").write_text(SHOP)
    code, said = told("test", shop / "shop.yaml", shop / "more")
    assert code == 0
    assert said.splitlines() == [
        f"{shop / 'shop.yaml'}   1 rule   2 examples   none failed",
        f"{shop / 'more' / 'b.yaml'}   1 rule   2 examples   none failed",
    ]


def test_an_example_that_fails_is_told_with_its_values(told: Any, shop: Path) -> None:
    """File and line, expected and found, every value that decided; exit 1."""
    (shop / "shop.yaml").write_text(SHOP.replace("amount: 20}", "amount: 22}") + NEVER)
    code, said = told("test", shop / "shop.yaml")
    assert code == 1
    assert said.splitlines() == [
        f"LIMIT  {shop / 'shop.yaml'}:12   expected holds, found violated",
        "    values    call.args.amount = 22",
        "              params.limit = 20",
        "              call.args.amount <= params.limit = false",
        "",
        f"{shop / 'shop.yaml'}   2 rules   2 examples   1 failed",
        f"    NEVER  {shop / 'shop.yaml'}:14   has no example that holds",
        f"    NEVER  {shop / 'shop.yaml'}:14   has no example that is violated",
    ]
    code, facts = told("test", shop / "shop.yaml", "--json")
    assert (code, facts["verdict"], facts["registries"][0]["failures"][0]["found"]) == (1, "failed", "violated")


def test_missing_examples_are_inconclusive(told: Any, shop: Path) -> None:
    """Nothing failed, but a rule shows nothing: exit 3."""
    (shop / "shop.yaml").write_text(SHOP + NEVER)
    assert told("test", shop / "shop.yaml")[0] == 3


def test_all_mistakes_of_all_registries_are_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two broken files are one error, exit 2; so is a folder without registries."""
    for name in ("a", "b"):
        (shop / f"{name}.yaml").write_text(SHOP.replace("params.limit", f"params.{name}"))
    assert execute(["registry", "test", str(shop)]) == 2
    said = capsys.readouterr().err
    assert "2 mistakes in 2 files; nothing was loaded" in said
    assert "a.yaml:9" in said
    assert "b.yaml:9" in said
    (shop / "none").mkdir()
    assert execute(["registry", "mutate", str(shop / "none")]) == 2
    assert "no *.yaml here" in capsys.readouterr().err


def test_mutants_that_survive_are_told(told: Any, shop: Path) -> None:
    """The score of each rule and of all, each survivor as a small diff; exit 1 where a rule is below the mark."""
    (shop / "shop.yaml").write_text(SHOP.replace("amount: 21", "amount: 30"))
    code, said = told("mutate", shop / "shop.yaml")
    assert code == 1
    assert said.splitlines() == [
        f"LIMIT  0.75 (3/4)   {shop / 'shop.yaml'}:6",
        f"    survived  a parameter moved   params.limit   {shop / 'shop.yaml'}:4",
        "      - 20",
        "      + 21",
        "1 rule   0.75 (3/4)   0 more mutants mean the same as their rule",
        "below 0.8: LIMIT",
    ]
    assert told("mutate", shop / "shop.yaml", "--at-least", "0.7")[0] == 0
    (shop / "shop.yaml").write_text(SHOP)
    code, facts = told("mutate", shop / "shop.yaml", "--json")
    assert (code, facts["score"], facts["mutants"], facts["below"]) == (0, 1.0, 4, [])


def test_stored_traces_may_notice_mutants(told: Any, shop: Path) -> None:
    """Without any example, the recorded refunds of 20 and 25 pin the comparison and one side of the limit."""
    (shop / "shop.yaml").write_text(SHOP.split("    examples:", maxsplit=1)[0])
    assert told("mutate", shop / "shop.yaml", "--json")[1]["noticed"] == 0
    code, facts = told("mutate", shop / "shop.yaml", "--traces", shop / "runs", "--json")
    assert (code, facts["noticed"], facts["mutants"]) == (1, 3, 4)
    assert [mutant["after"] for mutant in facts["rules"][0]["survivors"]] == ["21"]


def test_one_rule_can_be_chosen(told: Any, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--rule leaves the others out; an unknown one is exit 2. A rule two registries hold is tried once."""
    (shop / "shop.yaml").write_text(SHOP + NEVER)
    (shop / "copy.yaml").write_text(SHOP + NEVER)
    rules = told("mutate", shop, "--json")[1]["rules"]
    assert [rule["rule"] for rule in rules] == ["LIMIT", "NEVER"]
    assert [rule["rule"] for rule in told("mutate", shop, "--rule", "NEVER", "--json")[1]["rules"]] == ["NEVER"]
    assert execute(["registry", "mutate", str(shop), "--rule", "NOPE"]) == 2
    assert "no such rule: NOPE" in capsys.readouterr().err


def test_coverage_tells_what_never_spoke_and_what_never_decided(told: Any, shop: Path) -> None:
    """The table of the rules, the parts that decided one way only, and exit 3 for a rule that never spoke."""
    code, said = told("coverage", shop / "shop.yaml", shop / "runs")
    assert (code, said.splitlines()[1].split()) == (0, ["LIMIT", "4", "(4)", "2", "(2)", "·"])
    assert "never" not in said
    lower = SHOP.replace("limit: 20", "limit: 50") + NEVER
    (shop / "shop.yaml").write_text(lower)
    code, said = told("coverage", shop / "shop.yaml", shop / "runs")
    assert code == 3
    assert f"LIMIT  require  {shop / 'shop.yaml'}:9   never violated the rule" in said
    assert said.splitlines()[-1] == "never spoke: NEVER"
    facts = told("coverage", shop / "shop.yaml", shop / "runs", "--json")[1]
    assert [(part["rule"], part["decided_true"], part["decided_false"]) for part in facts["parts"]] == [
        ("LIMIT", 4, 0),
        ("NEVER", 0, 0),
        ("NEVER", 0, 0),
    ]


def test_backtest_tells_what_a_new_version_changes(told: Any, shop: Path) -> None:
    """Newly blocked in traces with an interval, the first step, and the labels of the traces; exit 1."""
    (shop / "new.yaml").write_text(SHOP.replace("limit: 20", "limit: 15"))
    (shop / "high.yaml").write_text(SHOP.replace("limit: 20", "limit: 26"))
    code, said = told("backtest", shop / "shop.yaml", shop / "new.yaml", shop / "runs", "--labels")
    first = trace_files([shop / "runs"])[1]
    assert code == 1
    assert said.splitlines() == [
        "all rules  newly blocked   1 step   1 of 4 traces [4.6, 69.9] %",
        f"    first     {first}  step 0, event 1   allow → block",
        "LIMIT  newly blocked   1 step   1 of 4 traces [4.6, 69.9] %",
        f"    first     {first}  step 0, event 1   holds or silent → violated, block",
        "traces blocked by the new version only: 0 labelled bad, 1 labelled good",
        "traces blocked by the old version only: 0 labelled bad, 0 labelled good",
    ]
    facts = told("backtest", shop / "shop.yaml", shop / "high.yaml", shop / "runs", "--labels", "--json")[1]
    assert [(row["rule"], row["turn"], row["events"]) for row in facts["changes"]] == [
        (None, "newly allowed", 1),
        ("LIMIT", "newly allowed", 1),
    ]
    assert facts["labels"]["blocked by the old version only"] == {"bad": 1, "good": 0}
    code, said = told("backtest", shop / "shop.yaml", shop / "shop.yaml", shop / "runs")
    assert (code, said) == (0, "nothing changes on 4 traces\n")


def test_diff_shows_texts_and_places(told: Any, shop: Path) -> None:
    """What was changed, as text before and after; exit 1 where the meaning differs, 0 where only the layout does."""
    (shop / "new.yaml").write_text(SHOP.replace("<=", "<"))
    code, said = told("diff", shop / "shop.yaml", shop / "new.yaml")
    assert code == 1
    assert said.splitlines() == [
        f"~ rule LIMIT  require   {shop / 'new.yaml'}:9",
        "      - call.args.amount <= params.limit",
        "      + call.args.amount < params.limit",
    ]
    (shop / "new.yaml").write_text(SHOP.replace("<=", " <= "))
    code, facts = told("diff", shop / "shop.yaml", shop / "new.yaml", "--json")
    assert (code, facts["equal"], facts["digests"][0]) == (0, True, facts["digests"][1])


@pytest.mark.parametrize("options", [("--yaml",), ("--yaml", "--json")])
def test_the_effective_registry_loads_to_the_same_digest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    """Two registries joined, written out as YAML or JSON, and loaded again."""
    names = ["demo", "airline"]
    assert execute(["registry", "effective", *names, *options]) == 0
    (tmp_path / "both.yaml").write_text(capsys.readouterr().out)
    assert load_registry(tmp_path / "both.yaml").digest == load_registry(*names).digest


def test_what_a_registry_changes_stands_above_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is overridden or left out of what it takes over, with both places and the reason, as comments."""
    drop = "drop: [LIMIT: nobody asks]\nparameters: {limit: {value: 5, override: true}}\n"
    own = f"registry: own\nversion: 1\ndefault: allow\nextends: [shop]\n{drop}invariants:\n{NEVER}"
    (shop / "own.yaml").write_text(own)
    assert execute(["registry", "effective", str(shop / "own.yaml"), "--yaml"]) == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        f"# parameter changed  limit   shop:4 -> {shop / 'own.yaml'}:6",
        f"# left out  LIMIT   shop:6 -> {shop / 'own.yaml'}:5: nobody asks",
    ]
    (shop / "again.yaml").write_text(text)
    assert load_registry(shop / "again.yaml").digest == load_registry(shop / "own.yaml").digest


def test_the_policy_in_force_is_told_for_each_agent(told: Any, capsys: Any, shop: Path) -> None:
    """What is allowed by itself, and by each rule what it does, in which share, and who may decide otherwise."""
    agents = "agents: {clerk: {may: [refund], budget: {calls: 5}, trust: {tiers: [{below: 0.5, may: []}]}}, boss: }\n"
    more = f"{agents}rollout: {{LIMIT: 10 %}}\nkill: fail_open\n"
    (shop / "shop.yaml").write_text(SHOP.replace("    on: action\n", "    on: action\n    who: ann\n", 1) + more)
    assert execute(["registry", "effective", str(shop / "shop.yaml"), "--agent", "clerk"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("kill fail_open")
    assert lines[4:8] == [
        "clerk   may refund",
        "   budget calls 5",
        "   trust begins at 1, falls by 0.02 low, 0.1 medium, 0.25 high, 0.5 critical (refusals), recovers by 0.01",
        "   trusted less than 0.5: may nothing",
    ]
    rows = [line.split() for line in lines[9:]]
    assert ["refund", "write", "allowed", "LIMIT", "block,", "or", "ann", "10", "%"] in rows
    assert ["AGENT-clerk-BELOW-0.5-MAY", "block"] in rows
    code, facts = told("effective", shop / "shop.yaml", "--json")
    assert (code, [one["agent"] for one in facts["agents"]]) == (0, ["clerk", "boss"])
    assert facts["agents"][0]["trust"]["recover"] == 0.01


def test_whoever_a_rule_escalates_to_is_named(shop: Path, capsys: Any) -> None:
    """A rule that blocks names who may decide otherwise, one that asks names whom it is put to."""
    text = SHOP.replace("    on: action\n", "    on: action\n    who: ann\n", 1)
    (shop / "shop.yaml").write_text(text.replace("otherwise: block", "otherwise: escalate", 1))
    assert execute(["registry", "effective", str(shop / "shop.yaml")]) == 0
    assert "escalate to ann" in capsys.readouterr().out


def test_rules_made_of_agents_are_left_out_and_counted(told: Any, shop: Path) -> None:
    """Nobody writes examples for them: neither test nor mutate nor lint asks for any."""
    (shop / "shop.yaml").write_text(SHOP + "agents: {clerk: {may: [refund], budget: {calls: 5}}}\n")
    code, said = told("test", shop / "shop.yaml")
    assert (code, said) == (0, f"{shop / 'shop.yaml'}   1 rule   2 examples   none failed   2 more made from agents\n")
    code, said = told("mutate", shop / "shop.yaml")
    assert code == 0
    assert said.splitlines()[-1] == "2 rules made from agents: left out, there is nothing to write examples for"
    assert told("mutate", shop / "shop.yaml", "--json")[1]["derived"] == 2
    assert all(one["rule"] in ("LIMIT", "") for one in told("lint", shop / "shop.yaml", "--json")[1]["findings"])


def test_the_published_schema_is_up_to_date(told: Any) -> None:
    """``registries/registry.schema.json`` is what ``harness registry schema`` prints."""
    assert told("schema") == (0, (REGISTRIES / "registry.schema.json").read_text("utf-8"))
    assert told("schema", "--json")[1] == json.loads((REGISTRIES / "registry.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_editors_find_the_schema(path: Path) -> None:
    """A comment in the first line of each shipped registry leads to the published schema."""
    first = path.read_text("utf-8").splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema="), first
    assert (path.parent / first.split("=", 1)[1]).resolve() == REGISTRIES / "registry.schema.json"
