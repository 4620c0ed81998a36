"""The suite of a million steps, on small towers: what it measures, and that it would notice what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import harness
from benchmarks.suites.million import SUITE
from benchmarks.suites.million.cells import chain, races, run, run_here
from benchmarks.suites.million.climb import climb, rules, tower
from benchmarks.suites.million.figures import figures
from benchmarks.suites.million.proposer import Proposer, next_move
from benchmarks.suites.million.recheck import read_again, right_move, right_pegs
from harness.bench.task import Cell, Condition, Row, Task
from harness.cli import execute
from harness.converge.vote.race import Reply
from harness.door.app import Harness
from harness.statistics.voting import decided_right, expected_votes

DISKS = 10
STEPS = 2**DISKS - 1


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Record a tower of ten disks at an error rate of 0.10, as the suite does; give its trace and what was found."""
    folder = tmp_path_factory.mktemp("million")
    found = run_here({"disks": DISKS, "error": 0.10, "seed": 0}, str(folder))
    return folder / "run.mat.jsonl", found


def test_ten_disks_without_an_error(recorded: tuple[Path, dict[str, Any]]) -> None:
    """Every move is made and right, each by the planned lead; replies were discarded, and the plan's cost is kept."""
    found = recorded[1]
    assert (found["made"], found["refused"], found["wrong"]) == (STEPS, 0, 0)
    assert (found["verdict"], found["sealed"], found["findings"]) == ("holds", True, 0)
    assert (found["lead"], found["sampled"], found["unequal"]) == (5, 1000, 0)
    assert found["discarded"] > 0
    assert found["votes_per_step"] == pytest.approx(found["planned_votes"], rel=0.05)


def test_the_command_line_agrees(recorded: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """``harness verify`` finds the trace whole, and ``harness check`` finds that every rule holds."""
    trace = str(recorded[0])
    registry = Path("benchmarks/suites/million/towers.yaml").resolve()
    assert execute(["verify", trace]) == 0
    assert execute(["check", trace, "--registry", str(registry), "--param", "lead=5"]) == 0
    capsys.readouterr()


def test_the_run_replays(recorded: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """The proposer is asked again, every vote is counted again, and every line comes out the same; no disk is moved."""
    app, begin, move = tower(rules(5), tmp_path)
    session = app.replaying(recorded[0])
    with session:
        climbed = climb(begin, move, DISKS, Proposer(0.10), 5)
    assert climbed.steps == STEPS
    assert session.failed is None


def test_another_proposer_is_noticed(recorded: tuple[Path, dict[str, Any]]) -> None:
    """Sampled steps that are asked of a proposer with other draws come out otherwise."""
    assert read_again(recorded[0], DISKS, Proposer(0.10, seed=1), 5)["unequal"] > 500


def test_rules_that_are_not_those_of_the_run_are_noticed(recorded: tuple[Path, dict[str, Any]]) -> None:
    """Judged for a longer lead than was voted for, steps do not hold."""
    found = read_again(recorded[0], DISKS, Proposer(0.10), 6)
    assert found["verdict"] == "violated"
    assert found["findings"] > 500


# --- what is right ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("disks", [2, 4, 6, 8, 10])
def test_three_ways_to_the_same_moves(disks: int) -> None:
    """Closed forms, the proposer's way of going on, and the recursion of the textbook give the same moves and pegs."""
    pegs, last, moves = dict(right_pegs(0, disks)), "", []
    for number in range(1, 2**disks):
        move = next_move(pegs, last)
        last = move["disk"]
        pegs[move["source"]] = pegs[move["source"]][1:]
        pegs[move["target"]] = last + pegs[move["target"]]
        moves.append("".join(move.values()))
        assert (right_move(number), right_pegs(number, disks)) == (moves[-1], pegs)
    assert moves == list(textbook(disks, "A", "C", "B"))


def textbook(disks: int, source: str, target: str, spare: str) -> Any:
    """Yield the moves of the recursive solution."""
    if disks:
        yield from textbook(disks - 1, source, spare, target)
        yield "abcdefghijklmnopqrst"[disks - 1] + source + target
        yield from textbook(disks - 1, spare, target, source)


@pytest.mark.parametrize(
    ("move", "rule"),
    [
        ({"disk": "a", "source": "A", "target": "C"}, "NEXT-PEG"),
        ({"disk": "b", "source": "A", "target": "B"}, "LEGAL-TOP"),
        ({"disk": "a", "source": "B", "target": "C"}, "LEGAL-TOP"),
    ],
)
def test_a_wrong_move_is_refused(move: dict[str, str], rule: str, tmp_path: Path) -> None:
    """However many votes are for it: no move but the next one passes the rules, and no move without its votes."""
    app, begin, make = tower(rules(3), tmp_path)
    with app.session():
        begin(4)
        with pytest.raises(harness.Refused) as refused:
            make(**move, votes=["".join(move.values())] * 9)
        assert refused.value.rule == rule
        with pytest.raises(harness.Refused) as refused:
            make("a", "A", "B", votes=["aAB", "aAB"])
        assert refused.value.rule == "VOTE-LEADS"
        make("a", "A", "B", votes=["aAB"] * 3)
        with pytest.raises(harness.Refused) as refused:
            make("b", "A", "B", votes=["bAB"] * 3)
        assert refused.value.rule == "LEGAL-SMALLER"
        with pytest.raises(harness.Refused) as refused:
            make("a", "B", "C", votes=["aBC"] * 3)
        assert refused.value.rule == "NEXT-TURN"


def test_wrong_moves_that_were_made_are_found(tmp_path: Path) -> None:
    """Where the rules only look on, errors stand in the trace; whoever reads it finds them, by rules and without."""
    _, begin, move = tower(rules(1), tmp_path)
    watching = Harness(rules(1), traces=tmp_path, mode="shadow", durability="none")
    begin = watching.tool(effect="write")(begin.__wrapped__)
    move = watching.tool(effect="write")(move.__wrapped__)
    trace = tmp_path / "shadow.mat.jsonl"
    with watching.session(trace=trace):
        begin(4)
        move("a", "A", "C", votes=["aAC"])
        move("b", "A", "B", votes=["bAB"])
    found = read_again(trace, 4, Proposer(0.10), 1)
    assert (found["made"], found["wrong"], found["verdict"]) == (2, 2, "violated")


# --- what votes cannot do ---------------------------------------------------------------------------------------------


def test_one_vote_lets_errors_through(tmp_path: Path) -> None:
    """With a lead of one, one step in ten is decided wrong; rules refuse each, and the tower is moved all the same."""
    found = run_here({"disks": 8, "error": 0.10, "lead": 1, "seed": 0}, str(tmp_path))
    assert 10 < found["refused"] < 45
    assert (found["made"], found["wrong"], found["verdict"]) == (255, 0, "violated")


def test_shared_errors_come_through_any_lead(tmp_path: Path) -> None:
    """Votes that repeat one another are decided wrong whatever the lead, and the measured correlation says why."""
    found = run_here({"disks": 8, "error": 0.10, "correlation": 0.5, "seed": 0}, str(tmp_path))
    assert found["lead"] >= 4
    assert found["refused"] > 3
    assert found["wrong"] == 0
    (tmp_path / "apart").mkdir()
    independent = run_here({"disks": 8, "error": 0.10, "correlation": 0.0, "seed": 0}, str(tmp_path / "apart"))
    assert independent["refused"] == 0
    assert independent["correlation"] == pytest.approx(0.0, abs=0.1)
    assert found["correlation"] == pytest.approx(0.5, abs=0.2)


def test_the_proposer_is_as_noisy_as_it_says() -> None:
    """Its votes are wrong and spoilt as often as stated, independently; asked again it says the same."""
    proposer, pegs = Proposer(0.2, spoilt=0.1), right_pegs(0, 4)
    pairs = []
    for step in range(2000):
        replies = proposer.replies(step, 0, pegs, "")
        pairs.append([next(replies) for _ in range(2)])
        again = proposer.replies(step, 0, pegs, "")
        assert [next(again) for _ in range(2)] == pairs[-1]
    right = Reply({"disk": "a", "source": "A", "target": "B"})
    wrong = Reply({"disk": "a", "source": "A", "target": "C"})
    said = [one for pair in pairs for one in pair]
    assert said.count(wrong) / (said.count(wrong) + said.count(right)) == pytest.approx(0.2, abs=0.03)
    assert 1 - (said.count(wrong) + said.count(right)) / len(said) == pytest.approx(0.1, abs=0.02)
    assert pairs.count([wrong, wrong]) / len(pairs) == pytest.approx((0.2 * 0.9) ** 2, abs=0.015)


# --- the whole --------------------------------------------------------------------------------------------------------


def test_races_and_the_chain() -> None:
    """20,000 races are within four standard errors of the formula, and the chain within 1e-9."""
    found = races(0.9, 3, seed=1, number=20_000)
    assert found["standard_errors"] < 4
    assert found["chain_difference"] < 1e-9
    assert chain(0.7, 2) == pytest.approx((decided_right(0.7, 2), expected_votes(0.7, 2)), abs=1e-12)


def test_the_figures_are_met_and_missed(recorded: tuple[Path, dict[str, Any]]) -> None:
    """Rows as they should be meet every bar but the number of steps; an error or a broken seal misses one more."""
    limits = {"lead": 1, "refused": 9, "wrong": 0}, {"lead": 5, "refused": 9, "wrong": 0, "correlation": 0.5}
    race = races(0.9, 1, seed=1, number=1000)

    def missed(**other: Any) -> set[str]:
        # the memory is that of this process, which has done other tests before
        found = recorded[1] | {"votes_per_step": 0, "peak_rss_mb": 50.0} | other
        rows = [Row(_cell("tower"), found), *(Row(_cell("limit"), one) for one in limits), Row(_cell("races"), race)]
        return {name for name, one in figures(rows).items() if one.ok is False}

    known = missed()
    assert known == {"steps"}
    assert {"steps", "verified", "sampled"} <= {name for name, one in figures([]).items() if one.ok is False}
    assert missed(refused=1) - known == {"errors"}
    assert missed(wrong=1) - known == {"errors"}
    assert missed(sealed=False) - known == {"verified"}
    assert missed(findings=1) - known == {"verified"}
    assert missed(unequal=1) - known == {"sampled_unequal"}
    assert missed(votes_per_step=recorded[1]["planned_votes"] * 1.02) - known == {"votes_over_plan"}
    assert missed(seconds=601.0, peak_rss_mb=501.0) - known == {"seconds", "peak_rss_mb"}


def test_a_cell_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    """The suite's own way: the same findings as here, in less memory than this process has."""
    task = Task("4 disks", "tower", {"disks": 4, "error": 0.10}, seeded=True)
    found = run(Cell(task, Condition("vote"), 0), tmp_path)
    assert (found["made"], found["wrong"], found["verdict"]) == (15, 0, "holds")
    assert [task.group for task in SUITE.tasks] == ["tower"] * 2 + ["limit"] * 2 + ["races"] * 4


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    """What goes wrong in the other process is a measurement that failed, with the reason."""
    task = Task("no error rate", "tower", {"disks": 4, "error": 0.75})
    with pytest.raises(RuntimeError, match=r"accuracy of 0\.25"):
        run(Cell(task, Condition("vote"), 0), tmp_path)


def _cell(group: str) -> Cell:
    return Cell(Task(group, group), Condition("vote"), 0)
