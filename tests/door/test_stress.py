"""Looking for what breaks an agent that really runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness import UsageError
from harness.adapters.files import open_trace
from harness.door.replay import replay
from harness.door.shrink import shrink_trace
from harness.door.stress import stress
from harness.door.trial import trial
from harness.errors import HarnessError
from harness.stress.search.budget import Budget
from tests.door import stress_shop as shop

ROOT = Path(__file__).parents[2]
ENTRY = "tests.door.stress_shop:agent"
ORDER = {"order": "A-1"}
RULES = {"PAID-ONCE", "SHIPPED-IF-PAID"}


def _stress(tmp_path: Path, entry: Any = shop.agent, **more: Any) -> Any:
    given = {"input": ORDER, "budget": 120, "before": "tests.door.stress_shop:fresh", "out": tmp_path} | more
    return stress(entry, path=ROOT, **given)


def test_what_breaks_an_agent_is_found_and_made_small(tmp_path: Path) -> None:
    """Both rules, each by one element, in a trace that replays and under a schedule that a test can run."""
    found = _stress(tmp_path)
    assert {one.found.rule for one in found.counterexamples} == RULES
    for one in found.counterexamples:
        assert one.small is not None
        assert (len(one.small.shrunk.schedule), one.small.shrunk.minimal, one.small.replays) == (1, True, True)
        assert replay(one.small.path, entry=shop.agent).equal
        again = trial(shop.agent, one.small.shrunk.schedule, input=one.small.shrunk.input, before=shop.fresh)
        assert one.found.rule in again.seen.rules
        with open_trace(one.trace) as reader:
            assert reader.header.run["schedule"]["before"] == "tests.door.stress_shop:fresh"
    assert found.searched.singles[0] == found.searched.singles[1] > 20


def test_a_mended_agent_gives_no_alarm(tmp_path: Path) -> None:
    """Nothing that the search does to it breaks a rule, and no trace is left."""
    found = _stress(tmp_path, shop.mended)
    assert found.counterexamples == ()
    assert list(tmp_path.iterdir()) == []


def test_processes_give_the_same_as_one(tmp_path: Path) -> None:
    """How many make the runs changes nothing of what is found, nor of what was tried."""
    one = _stress(tmp_path / "one", budget=150)
    two = _stress(tmp_path / "two", budget=150, jobs=2)
    assert one.searched == two.searched
    assert [c.small.shrunk for c in one.counterexamples] == [c.small.shrunk for c in two.counterexamples]


def test_a_search_goes_on_where_it_had_stopped(tmp_path: Path) -> None:
    """With a database, the runs of the first search are not made again, and two short ones are a long one."""

    def search(budget: int | Budget, database: str) -> Any:
        return _stress(tmp_path, budget=budget, database=tmp_path / database)

    counts = [len(shop.BEGUN)]
    found = []
    for budget, database in ((60, "short"), (60, "short"), (120, "long")):
        found.append(search(budget, database))
        counts.append(len(shop.BEGUN))
    first, second, whole = found
    assert (first.before, second.before) == (0, 60)
    assert second.searched == whole.searched
    made = [after - before for before, after in pairwise(counts)]
    assert made[1] < made[0] + 60 <= made[2]
    some = [search(Budget(500, calls=60), "calls") for _ in range(2)]
    assert some[1].searched.runs > some[1].before == some[0].searched.runs


def test_the_same_under_any_hash_seed() -> None:
    """Neither sets nor what else is loaded in a process changes a search."""
    code = (
        "import json, sys, tempfile; sys.path.insert(0, '.')\n"
        "from harness.door.stress import stress\n"
        "found = stress('tests.door.stress_shop:agent', input={'order': 'A-1'}, budget=150,\n"
        "               before='tests.door.stress_shop:fresh', out=tempfile.mkdtemp(), path='.')\n"
        "print(json.dumps([repr(found.searched), [repr(c.small.shrunk) for c in found.counterexamples]]))"
    )
    said = set()
    for seed, more in (("1", ""), ("2", "import typer, rich, networkx, harness.cli.fork\n")):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", more + code]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
        said.add(json.dumps(json.loads(done.stdout)))
    assert len(said) == 1


def test_other_input_is_tried(tmp_path: Path) -> None:
    """Values that were named for parts of the input are elements of a schedule like faults."""
    found = _stress(
        tmp_path, "tests.door.stress_shop:hasty", input={**ORDER, "paid": False}, vary={"/paid": [True, False]}
    )
    [one] = found.counterexamples
    assert one.found.schedule.stated() == {"changes": [["/paid", True]]}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"rules": ["PAID-ONE"]}, "did you mean 'PAID-ONCE'"),
        ({"kinds": ["timeoutt"]}, "did you mean 'timeout'"),
        ({"input": {"ordr": "A"}}, "does not fit"),
        ({"vary": {"/orders/x": [1]}}, "orders"),
        ({"jobs": 0}, "0 jobs"),
        ({"registry": "no-such-registry"}, "no-such-registry"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_runs(tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
    """With the likely cure, and no run is made for it."""
    shop.PAID.append("before")
    with pytest.raises(UsageError, match=says):
        _stress(tmp_path, **wrong)
    assert shop.PAID[-1] == "before"


def test_rules_that_are_named_end_the_search(tmp_path: Path) -> None:
    """Each is looked for whatever its severity, and nothing else is."""
    found = _stress(tmp_path, rules=["PAID-ONCE"], budget=Budget(400))
    assert [one.found.rule for one in found.counterexamples] == ["PAID-ONCE"]
    assert found.searched.runs < 50


def test_an_agent_that_is_not_the_same_twice_is_told(tmp_path: Path) -> None:
    """Where nothing puts its world back, the difference is said and nothing is made smaller."""
    found = _stress(tmp_path, "tests.door.stress_shop:forgetful", before=None, rules=["SHIPPED-IF-PAID"])
    assert [(one.small, "another run" in one.unstable) for one in found.counterexamples] == [(None, True)]


def test_a_violation_that_does_not_come_again_is_told(tmp_path: Path) -> None:
    """What an agent does in its first runs only is kept as found, with what it is now, and ends no search."""
    shop.PAID.clear()
    found = _stress(tmp_path, "tests.door.stress_shop:hardening", before=None)
    (one,) = found.counterexamples
    assert (one.found.rule, one.small) == ("SHIPPED-IF-PAID", None)
    assert "gives another run" in one.unstable


def test_an_agent_that_goes_to_another_folder_takes_nothing_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traces are kept where they were to be, though that folder is named from where the search began."""
    for where in ("here", "there"):
        (tmp_path / where).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("ELSEWHERE", str(tmp_path / "there"))
    found = _stress(Path("runs"), "tests.door.stress_shop:wandering", rules=["PAID-ONCE"])
    (one,) = found.counterexamples
    assert one.small is not None
    assert Path(one.trace).is_file()
    assert Path(one.small.path).is_file()
    assert shrink_trace(one.trace, out="small.mat.jsonl", recorded=True).replays
    assert Path("small.mat.jsonl").is_file()
    assert not list((tmp_path / "there").iterdir())


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    """The trial of docs/stress.md breaks the rule under its schedule, and only then."""
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "stress.md").read_text(), re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    done = subprocess.run([sys.executable, "example.py"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_an_agent_that_ends_its_process_ends_its_run_only(tmp_path: Path) -> None:
    """sys.exit in an agent is how its run ends: the search goes on, and what it finds is made small and replays."""
    found = _stress(tmp_path, shop.quitter)
    (one,) = found.counterexamples
    assert one.small is not None
    assert one.small.replays
    assert one.small.shrunk.seen.end == "raised builtins:SystemExit"


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("name", "says"), [("broken", "ConnectionError: no database"), ("awaited", "is async")])
def test_a_world_that_cannot_be_put_back_is_told(tmp_path: Path, name: str, says: str, jobs: int) -> None:
    """What the function raises, or that nobody awaits it, and no traceback of ours."""
    with pytest.raises(HarnessError, match=f"stress_shop:{name} has to put the agent's world back.*{says}"):
        _stress(tmp_path, before=f"tests.door.stress_shop:{name}", jobs=jobs)


def test_what_puts_the_world_back_has_a_name(tmp_path: Path) -> None:
    """A function inside another one is refused before anything runs, because no trace and no test could name it."""
    with pytest.raises(UsageError, match="<locals>"):
        _stress(tmp_path, before=lambda: None)


@pytest.mark.parametrize("jobs", [1, 2])
def test_rules_are_found_beside_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    """An app that names a file of rules finds it in the folder of the agent, wherever the search is begun."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "beside.yaml").write_text(shop.RULES)
    text = Path(shop.__file__).read_text().replace('Harness(load(RULES, "shop.yaml"))', 'Harness("beside.yaml")')
    (tmp_path / "shop_beside.py").write_text(text)
    monkeypatch.chdir(elsewhere)
    found = stress("shop_beside:agent", input=ORDER, budget=30, before="shop_beside:fresh", path=tmp_path, jobs=jobs)
    assert {one.found.rule for one in found.counterexamples} == RULES
