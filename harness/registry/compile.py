"""The fast meaning of expressions: rules of one kind of step, compiled into one function of Python byte code.

The function answers only the question that nearly always has the answer yes: do all these rules hold? It is plain
Python over plain dicts and short-circuits. Where it says no, or where anything in it raises, the rules are asked one
by one in their exact meaning (``explain``), so the fast meaning never has to be right about why, only about yes.

No text of a registry is ever compiled: the code is made from the tree, user data enters it as constants only, and its
globals are the table below without builtins.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from harness.registry import values
from harness.registry.asking import EVENT, STEP, budget, needs_budget
from harness.registry.emit import Emitter, chains
from harness.registry.library import LIBRARY
from harness.registry.local import Env
from harness.registry.plan import Plan
from harness.registry.reduce import reduce
from harness.registry.syntax import assign, call, key, load, negation, parameters
from harness.registry.tree import Constant, Logic, Node, Span
from harness.registry.values import Budget, Undefined

ARGUMENTS: Final = ("call", "tool", "outcome", "message", "agent", "step", "moment", "past")
Holds = Callable[..., Any]
TRUE: Final = Constant(Span(0, 0), True)
MISS: Final = object()  # what a compiled match says of an event that does not fit


class Clause(NamedTuple):
    """One rule to compile.

    ``guard`` is None where the rule always speaks. ``require`` is a tree, or a test of one ``part`` of the step:
    ``arguments``, ``result`` or ``artifact``.
    """

    guard: Node | None
    require: Node | Callable[[Any], bool]
    part: str = ""


def compile_rules(
    clauses: Sequence[Clause],
    make: Callable[[tuple[int, ...]], Any],
    plans: Sequence[Plan] = (),
    known: Mapping[str, Any] | None = None,
) -> Holds:
    """Compile rules into one function of ``ARGUMENTS``.

    If all rules that speak hold, it gives what ``make`` made of the positions of those that spoke; else None. It may
    raise anything, which means that it does not know. ``plans`` and ``known`` as in ``Emitter``. O(nodes).
    """
    trees = [tree for guard, require, _ in clauses for tree in (guard, require) if isinstance(tree, Node)]
    emitter = Emitter(plans, known, chains(trees))
    body: list[ast.stmt] = []
    always = tuple(index for index, clause in enumerate(clauses) if clause.guard is None)
    guarded = len(always) < len(clauses)
    for index, clause in enumerate(clauses):
        body += _rule(clause, emitter, index)
    spoke = ast.Subscript(load("made"), load("spoke"), ast.Load())
    body = [*([assign("spoke", ast.Constant(0))] if guarded else []), *body]
    body.append(ast.Return(spoke if guarded else load("always")))
    space = emitter.constants | {"always": make(always), "made": _Made(always, len(clauses), make)}
    return _function("holds", body, space)


def can_match(plan: Plan, known: Mapping[str, Any]) -> bool:
    """Tell whether an event of which so much is known can fit a plan."""
    condition = reduce(plan.filter, known) if plan.filter is not None else None
    return not (isinstance(condition, Constant) and condition.value is False)


def compile_matches(plans: Sequence[Plan], known: Mapping[str, Any]) -> Holds:
    """Compile what plans ask of an event into one function of ``ARGUMENTS``.

    It gives for each plan the key of an event that fits, for ``total`` with the value to add, and MISS for one that
    does not. It may raise, which means that it does not know. ``known`` is what is known of the event's tool. O(nodes).
    """
    emitter = Emitter()
    body: list[ast.stmt] = []
    for at, plan in enumerate(plans):
        condition = reduce(plan.filter, known) if plan.filter is not None else TRUE
        if needs_budget(condition):
            body.append(budget())
        if isinstance(condition, Constant) and condition.value is True:
            body.append(assign(f"match_{at}", _match(plan, emitter, known)))
            continue
        fits = emitter.truth(condition, EVENT)
        with emitter.maybe():
            body.append(assign(f"match_{at}", ast.IfExp(fits, _match(plan, emitter, known), load("MISS"))))
    body.append(ast.Return(ast.Tuple([load(f"match_{at}") for at in range(len(plans))], ast.Load())))
    return _function("matches", body, emitter.constants)


def _match(plan: Plan, emitter: Emitter, known: Mapping[str, Any]) -> ast.expr:
    found = emitter.key_of_event(plan, known)
    if plan.value is None:
        return found
    return ast.Tuple([found, call("number", emitter.emit(reduce(plan.value, known), EVENT))], ast.Load())


class _Made(dict[int, Any]):
    """Give what ``make`` makes of the rules that spoke, one bit for each rule with a guard; made once."""

    def __init__(self, always: tuple[int, ...], rules: int, make: Callable[[tuple[int, ...]], Any]) -> None:
        super().__init__()
        self._always, self._rules, self._make = always, rules, make

    def __missing__(self, spoke: int) -> Any:
        positions = tuple(at for at in range(self._rules) if at in self._always or spoke >> at & 1)
        made = self._make(positions)
        if len(self) < _MOST_MADE:
            self[spoke] = made
        return made


def _function(name: str, body: list[ast.stmt], space: Mapping[str, Any]) -> Holds:
    function = ast.FunctionDef(name, parameters(list(ARGUMENTS)), body, [], None)
    module = ast.fix_missing_locations(ast.Module([function], []))
    table = _TABLE | dict(space)
    exec(compile(module, "<rules>", "exec"), table)  # noqa: S102 - made from a checked tree, see above
    compiled: Holds = table[name]
    return compiled


def _rule(clause: Clause, emitter: Emitter, index: int) -> list[ast.stmt]:
    if clause.guard is None:
        return _requirement(clause, emitter)
    fresh = [budget()] if needs_budget(clause.guard) else []
    guard = emitter.truth(clause.guard, STEP)
    with emitter.maybe():
        body = _requirement(clause, emitter)
    mark = ast.AugAssign(ast.Name("spoke", ast.Store()), ast.BitOr(), ast.Constant(1 << index))
    return [*fresh, ast.If(guard, [*body, mark], [])]


def _requirement(clause: Clause, emitter: Emitter) -> list[ast.stmt]:
    no = ast.Return(ast.Constant(None))
    if isinstance(clause.require, Node):
        return _lines(clause.require, emitter, no, STEP)
    part = key(load("call"), "args") if clause.part == "arguments" else key(load("outcome"), clause.part)
    return [ast.If(negation(call(emitter.constant(clause.require), part)), [no], [])]


def _lines(tree: Node, emitter: Emitter, otherwise: ast.stmt, env: Env) -> list[ast.stmt]:
    """Write a line for each part of a conjunction; what one has read the next need not read again."""
    parts = tree.parts if isinstance(tree, Logic) and tree.operator == "and" else (tree,)
    lines: list[ast.stmt] = [budget()] if needs_budget(tree) else []
    return lines + [ast.If(negation(emitter.truth(part, env)), [otherwise], []) for part in parts]


def _exists(value: Any) -> bool:
    return value is not None


def _default(value: Any, other: Callable[[], Any]) -> Any:
    return other() if value is None else value


def _if_there(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except (KeyError, TypeError):
        return None


def _truths(value: Any) -> Iterator[bool]:
    return map(values.truth, Budget().each(value))


_MOST_MADE: Final = 1024  # combinations of guards that are remembered


def _give_up() -> Any:
    raise Undefined("left to the exact meaning")


# every global of compiled rules; an operator and a library function go by their own spelling
_TABLE: Final[dict[str, Any]] = {
    "__builtins__": {},
    **values.ARITHMETIC,
    **values.COMPARISONS,
    **{f"{name}()": declared.call for name, declared in LIBRARY.items()},
    "negate": values.negate,
    "truth": values.truth,
    "truths": _truths,
    "text": values.text,
    "item": values.item,
    "distinct": values.unique,
    "frozen": values.frozen,
    "number": values.number,
    "MISS": MISS,
    "exists": _exists,
    "default": _default,
    "if_there": _if_there,
    "give_up": _give_up,
    "Budget": Budget,
    "type": type,
    "bool": bool,
    "any": any,
    "all": all,
    "str": str,
    "int": int,
    "float": float,
    "len": len,
    "ORDERED": frozenset({int, float, str}),
    "LEAST": -(10**15),
    "MOST": 10**15,
}
