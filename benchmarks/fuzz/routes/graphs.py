"""Random cases: plain graphs and AND/OR graphs, tools of every kind, and failures of every kind at every time."""

from __future__ import annotations

from random import Random
from typing import Final

from benchmarks.fuzz.routes.case import FAULTS, Case, Need, Tool, Way

_STEP: Final = 100_000
_DOMAINS: Final = ("east", "west")


def small(random: Random) -> Case:
    """Give a case of at most twelve arcs, whose best route can be found by brute force."""
    shape = random.random()
    if shape < 0.25:
        ways, goals = _plain(random)
    elif shape < 0.4:
        ways, goals = _joins(random, branches=random.randint(2, 4), most=12)
    elif shape < 0.65:
        ways, goals = _branches(random)
        return _dead_ends(random, _with_tools(random, ways, goals, trouble=random.choice((0.0, 0.2)), reads=0.2))
    else:
        ways, goals = _and_or(random, facts=random.randint(3, 6), most=12)
    return _with_tools(random, ways, goals, trouble=random.choice((0.3, 0.5, 0.8)))


def large(random: Random) -> Case:
    """Give a case of 50 to 300 arcs."""
    arcs = random.randint(50, 300)
    ways, goals = _and_or(random, facts=arcs // 3, most=arcs)
    return _with_tools(random, ways, goals, trouble=random.choice((0.1, 0.3)))


def wide(random: Random) -> Case:
    """Give a case of up to 60 arcs in which much can be under way at once."""
    ways, goals = _joins(random, branches=random.randint(3, 8), most=60)
    return _with_tools(random, ways, goals, trouble=random.choice((0.1, 0.3, 0.5)))


def lost_answers(random: Random) -> Case:
    """Give a case in which at least one write commits and then times out."""
    while True:
        case = small(random)
        writes = [name for name, tool in case.tools.items() if tool.effect == "write"]
        if writes:
            break
    late = {
        name: case.tools[name]._replace(does=(random.choice(("late", "cut")), *case.tools[name].does))
        for name in random.sample(writes, random.randint(1, len(writes)))
    }
    return case._replace(tools=case.tools | late)


def _plain(random: Random) -> tuple[list[Way], dict[str, tuple[Need, ...]]]:
    nodes = [f"n{number}" for number in range(random.randint(2, 6))]
    wanted = random.randint(len(nodes), 11)
    ends = {}
    for _ in range(wanted):
        begin, end = random.choice(["s0", *nodes]), random.choice([*nodes, "goal"])
        ends[begin, end] = _cost(random)
    ends.setdefault((random.choice(nodes), "goal"), _cost(random))
    ends.setdefault(("s0", random.choice(nodes)), _cost(random))
    ways = [
        Way(None if end == "goal" else end, (((begin,), 1),), (end,), cost)
        for (begin, end), cost in ends.items()
        if begin != end
    ]
    random.shuffle(ways)
    return ways, {"goal": (_one("goal"),), "less": (_one(random.choice(nodes)),)}


def _branches(random: Random) -> tuple[list[Way], dict[str, tuple[Need, ...]]]:
    """Lead to the goal by chains that hardly meet, so that a late failure is a dead end."""
    ways: list[Way] = []
    ends = []
    for branch in "abc"[: random.randint(2, 3)]:
        fact = random.choice(["s0", "s0", *(way.gives[0] for way in ways[:1])])
        for place in range(random.randint(1, 3)):
            needs = [_one(fact)]
            if ways and random.random() < 0.1:
                needs.append(_one(random.choice(ways).gives[0]))
            fact = f"{branch}{place}"
            ways.append(Way(f"t_{fact}", tuple(dict.fromkeys(needs)), (fact,), _cost(random)))
        ends.append(fact)
    if random.random() < 0.3:  # a dear way to the first end, at once, or past what was done when that has to be used
        ways.append(Way("t_past", (_one("a0"),), ("past",), _cost(random)))
        ways.append(Way("t_round", ((("s0", "past"), 1),), (ends[0],), 10 * _cost(random)))
    wanted: tuple[Need, ...] = ((tuple(ends), 1 if random.random() < 0.8 else 2),)
    less: tuple[Need, ...] = (_one(random.choice([way.gives[0] for way in ways if way.name.endswith("0")])),)
    if random.random() < 0.3 and len(ways) < 12:
        ways.append(Way("t_last", wanted, ("last",), _cost(random)))
        wanted = (_one("last"),)
    random.shuffle(ways)
    return ways, {"goal": wanted, "less": less}


def _joins(random: Random, branches: int, most: int) -> tuple[list[Way], dict[str, tuple[Need, ...]]]:
    """Lead to the goal by chains that are all needed, most facts of which can be had in two ways."""
    ways: list[Way] = []
    ends, made = [], ["s0"]
    for branch in range(branches):
        fact = "s0"
        for place in range(random.randint(1, 3)):
            before, fact = fact, f"b{branch}{place}"
            for other in "ab"[: random.choice((1, 2, 2))]:
                others = random.sample(made, random.randint(0, min(2, len(made))))
                extra: tuple[Need, ...] = ((tuple(others), 1),) if others and random.random() < 0.3 else ()
                ways.append(
                    Way(f"t_{fact}{other}", tuple(dict.fromkeys((_one(before), *extra))), (fact,), _cost(random))
                )
            made.append(fact)
        ends.append(fact)
    ways = ways[: most - 1]
    had = [end for end in ends if any(end in way.gives for way in ways)]
    some = (tuple(had), random.randint(max(len(had) - 1, 1), len(had)))
    wanted = (some,) if len(had) > 2 and random.random() < 0.4 else tuple(map(_one, had))
    if random.random() < 0.4:
        ways.append(Way(random.choice(("t_last", None)), wanted, ("last",), _cost(random)))
        wanted = (_one("last"),)
    random.shuffle(ways)
    return ways, {"goal": wanted, "less": (_one(random.choice(had)),)}


def _dead_ends(random: Random, case: Case) -> Case:
    """Let tools late in their chains fail, so that what was done before them has to be given up."""
    late = {
        name: tool._replace(does=(random.choice(("refused", "busy", "declined", "void", "lost", "late")),))
        for name, tool in case.tools.items()
        if not name.endswith("0") and random.random() < 0.5
    }
    return case._replace(tools=case.tools | late)


def _and_or(random: Random, facts: int, most: int) -> tuple[list[Way], dict[str, tuple[Need, ...]]]:
    names = [f"f{number}" for number in range(facts)]
    ways: list[Way] = []
    while len(ways) < most - 1 and (len(ways) < facts or random.random() < 0.95):
        place = len(ways) if len(ways) < facts else random.randrange(facts)
        ways.append(_way(random, names, place, f"t{len(ways)}"))
        if random.random() < 0.15 and len(ways) < most - 1:  # the same tool once more, for other needs
            last = ways[-1]
            ways.append(Way(last.tool, _needs(random, names, place), last.gives, _cost(random)))
    goals = {"goal": _needs(random, names, facts, first=facts - 1), "less": (_one(random.choice(names)),)}
    if random.random() < 0.2 and len(goals["goal"]) > 1:
        ways.append(Way(None, goals["goal"], ("ready",), random.choice((0, _cost(random)))))
        goals["goal"] = (_one("ready"),)
    random.shuffle(ways)
    return ways, goals


def _way(random: Random, names: list[str], place: int, tool: str) -> Way:
    gives = [names[place]]
    if random.random() < 0.12:
        gives.append(random.choice([name for name in names if name not in gives] or ["spare"]))
    if random.random() < 0.08:
        return Way(None, _needs(random, names, place), tuple(gives[:1]), random.choice((0, _cost(random))))
    return Way(tool, _needs(random, names, place), tuple(gives), _cost(random))


def _needs(random: Random, names: list[str], place: int, first: int | None = None) -> tuple[Need, ...]:
    """Ask for facts that mostly come before a place; now and then a later one, so that there are circles."""
    before = ["s0", *names[max(place - 4, 0) : place]]
    if random.random() < 0.05:
        before = ["s0", *names]
    needs = [] if first is None else [_one(names[first])]
    for _ in range(random.choice((1, 1, 1, 2, 2, 3)) - len(needs)):
        of = random.sample(before, min(len(before), random.choice((1, 1, 1, 2, 2, 3, 4))))
        if len(of) > 1 and random.random() < 0.4:
            needs.append((tuple(of), random.randint(1, len(of))))
        else:
            needs.append((tuple(of), 1))
    return tuple(dict.fromkeys(needs))


def _one(fact: str) -> Need:
    return (fact,), 1


def _cost(random: Random) -> int:
    return random.randint(1, 5) * _STEP


def _with_tools(
    random: Random, ways: list[Way], goals: dict[str, tuple[Need, ...]], trouble: float, reads: float | None = None
) -> Case:
    names = sorted({way.tool for way in ways if way.tool})
    share = random.choice((0.1, 0.3, 0.6, 1.0)) if reads is None else reads
    case = Case(
        start=("s0",),
        goals=goals,
        goal="goal",
        ways=tuple(ways),
        tools={name: _tool(random, share, trouble) for name in names},
        retries=random.choice((0, 1, 2)),
        refusal=random.choice(("stop", "reroute")),
        person=random.random() < 0.5,
        choice=random.choice((None, None, "stop", "less")),
        word=random.choice((None, None, "truth")),
    )
    if random.random() < 0.2:
        case = case._replace(outages=tuple((name, random.randint(1, 6)) for name in _DOMAINS if random.random() < 0.7))
    if names and random.random() < 0.15:
        case = case._replace(forbidden=(random.choice(names),))
    if names and random.random() < 0.1:
        case = case._replace(asked=(random.choice(names),))
    return _with_limits(random, case)


def _with_limits(random: Random, case: Case) -> Case:
    """Let time and cost matter now and then: waits, rests that end, a deadline, a cap."""
    if random.random() < 0.2:
        case = case._replace(wait_ms=random.choice((5, 30)))
    if random.random() < 0.2:
        case = case._replace(cool_ms=random.choice((20, 110)), choice=random.choice((case.choice, "wait")))
    if random.random() < 0.1:
        case = case._replace(deadline_ms=random.choice((25, 75)))
    if random.random() < 0.1:
        case = case._replace(cost_cap=random.randint(5, 25) * _STEP)
    return case


def _tool(random: Random, reads: float, trouble: float) -> Tool:
    does = _schedule(random) if random.random() < trouble else ("ok",)
    domain = random.choice(_DOMAINS) if random.random() < 0.25 else None
    if random.random() < reads:
        return Tool("read", domain=domain, does=does)
    undo: tuple[str, ...] = ()
    if random.random() < 0.7:
        undo = ("ok",) if random.random() < 0.9 else (random.choice(FAULTS), "ok")
    return Tool(
        "write",
        random.choice(("", "", "key", "key", "idempotent")),
        undo,
        random.choice(("", "", "knows", "knows", "knows", "unsure", "broken")),
        domain,
        does,
    )


def _schedule(random: Random) -> tuple[str, ...]:
    fault = random.choice(FAULTS)
    match random.choice(("down", "recovers", "flaps", "breaks", "mixed", "slow")):
        case "down":
            return (fault,)
        case "recovers":
            return (*[fault] * random.randint(1, 4), "ok")
        case "flaps":
            return (fault, "ok") * 3
        case "breaks":
            return ("ok", fault)
        case "slow":
            return ("slow",)
        case _:
            return tuple(random.choice((*FAULTS, "ok", "slow")) for _ in range(random.randint(2, 5)))
