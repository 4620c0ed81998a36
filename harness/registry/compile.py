"""The fast meaning of expressions: rules of one kind of step, compiled into one function of Python byte code.

The function answers only the question that nearly always has the answer yes: do all these rules hold? It is plain
Python over plain dicts and short-circuits. Where it says no, or where anything in it raises, the rules are asked one
by one in their exact meaning (``explain``), so the fast meaning never has to be right about why, only about yes.

No text of a registry is ever compiled: the code is made from the tree, user data enters it as constants only, and its
globals are the table below without builtins.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from harness.registry import values
from harness.registry.emit import STEP, Emitter, budget, needs_budget
from harness.registry.library import LIBRARY
from harness.registry.scope import Remembered
from harness.registry.syntax import assign, attribute, call, invoke, key, load, negation, parameters
from harness.registry.tree import Node
from harness.registry.values import Budget, Undefined

ARGUMENTS: Final = ("call", "tool", "outcome", "message", "agent", "step", "run", "past")
Holds = Callable[..., Any]
Fits = Callable[[dict[str, Any]], bool]


class Clause(NamedTuple):
    """One rule to compile.

    ``guard`` is None where the rule always speaks. ``require`` is a tree, or a test of one ``part`` of the step:
    ``arguments`` or ``result``.
    """

    id: str
    guard: Node | None
    require: Node | Callable[[Any], bool]
    part: str = ""


def compile_rules(clauses: list[Clause], always: Any, make: Callable[[tuple[str, ...]], Any]) -> Holds:
    """Compile rules into one function of ``ARGUMENTS``.

    If all rules that speak hold, it gives ``always``, or where some rules have guards, what ``make`` makes of the ids
    of those that spoke; else None. It may raise anything, which means that it does not know. O(nodes).
    """
    emitter = Emitter()
    guarded = any(clause.guard for clause in clauses)
    body: list[ast.stmt] = [assign("spoke", ast.List([], ast.Load()))] if guarded else []
    for clause in clauses:
        body += _rule(clause, emitter, guarded)
    body.append(ast.Return(call("make", call("tuple", load("spoke"))) if guarded else load("always")))
    holds = ast.FunctionDef("holds", parameters(list(ARGUMENTS)), body, [], None)
    module = ast.fix_missing_locations(ast.Module([holds], []))
    space = _TABLE | emitter.constants | {"always": always, "make": make}
    exec(compile(module, "<rules>", "exec"), space)  # noqa: S102 - made from a checked tree, see above
    compiled: Holds = space["holds"]
    return compiled


def _rule(clause: Clause, emitter: Emitter, guarded: bool) -> list[ast.stmt]:
    body = _requirement(clause, emitter)
    if guarded:
        body.append(ast.Expr(invoke(attribute("spoke", "append"), ast.Constant(clause.id))))
    if clause.guard is None:
        return body
    fresh = [budget()] if needs_budget(clause.guard) else []
    return [*fresh, ast.If(emitter.truth(clause.guard, STEP), body, [])]


def _requirement(clause: Clause, emitter: Emitter) -> list[ast.stmt]:
    if isinstance(clause.require, Node):
        fresh = [budget()] if needs_budget(clause.require) else []
        holds = emitter.truth(clause.require, STEP)
    else:
        fresh = []
        part = key(load("call"), "args") if clause.part == "arguments" else key(load("outcome"), "result")
        holds = call(emitter.constant(clause.require), part)
    return [*fresh, ast.If(negation(holds), [ast.Return(ast.Constant(None))], [])]


def _happened(events: list[Remembered], fits: Fits) -> bool:
    return any(fits(event.names) for event in reversed(events))


def _count(events: list[Remembered], fits: Fits) -> int:
    return sum(1 for event in events if fits(event.names))


def _last(events: list[Remembered], fits: Fits) -> dict[str, Any]:
    return _first(reversed(events), fits)


def _first(events: Iterable[Remembered], fits: Fits) -> dict[str, Any]:
    for event in events:
        if fits(event.names):
            return event.names
    raise Undefined("no such event so far")


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
    "happened": _happened,
    "count": _count,
    "last": _last,
    "first": _first,
    "exists": _exists,
    "default": _default,
    "if_there": _if_there,
    "give_up": _give_up,
    "always_true": lambda _: True,
    "Budget": Budget,
    "type": type,
    "bool": bool,
    "any": any,
    "all": all,
    "tuple": tuple,
}
