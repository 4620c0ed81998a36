"""Plans drawn at random: nodes in some order, each reading what earlier ones write."""

from __future__ import annotations

from hypothesis import strategies as st

from harness.converge.plan.plan import Node, Plan


@st.composite
def plans(draw: st.DrawFn, most: int = 7) -> Plan:
    """Draw a whole plan; names do not tell the order, and some edges hand nothing on."""
    count = draw(st.integers(1, most))
    names = draw(st.permutations([f"n{number}" for number in range(count)]))
    nodes = []
    for place, name in enumerate(names):
        reads = draw(st.lists(st.sampled_from(["start", *(f"{one}.out" for one in names[:place])]), unique=True))
        after = draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else []
        tries = draw(st.integers(1, 3))
        nodes.append(Node(name, f"Do {name}.", reads, [f"{name}.out"], after=tuple(after), tries=tries))
    return Plan("drawn", draw(st.permutations(nodes)), given=["start"])
