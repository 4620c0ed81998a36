"""The pieces of which rules are made that nobody wrote: they follow from what is stated of agents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase, translate
from typing import Final, NamedTuple

from harness.errors import Mistake
from harness.registry.context import Context, tools_cure
from harness.registry.document import Written
from harness.registry.invariant import Expression, Invariant
from harness.registry.parse import parse
from harness.registry.template import read_template
from harness.trace.verdict import Response

_GLOB: Final = frozenset("*?[")


class Agent(NamedTuple):
    """An agent, or with ``below`` what holds of it while it is trusted less than that."""

    name: str
    place: Written
    below: float | None = None

    @property
    def id(self) -> str:
        """How the ids of its rules begin."""
        tier = "" if self.below is None else f"-BELOW-{self.below:g}"
        return f"AGENT-{re.sub('[^A-Za-z0-9_.-]', '-', self.name)}{tier}"

    @property
    def is_it(self) -> str:
        """The condition that it acts."""
        return f"agent == {self.name!r}"

    @property
    def speaks(self) -> str:
        """The condition that a rule speaks which cannot require anything of the trust itself."""
        return self.is_it if self.below is None else f"{self.is_it} and trust < {self.below!r}"

    def unless_trusted(self, require: str) -> str:
        """Require something only while it is trusted less, so that a verdict shows the trust."""
        return require if self.below is None else f"trust >= {self.below!r} or {require}"

    @property
    def spoken(self) -> str:
        """Since when they speak, for a reader."""
        return "" if self.below is None else f" while it is trusted less than {self.below:g}"


def make_rule(
    name: str,
    title: str,
    at: Written,
    require: str,
    says: str,
    *,
    when: str = "",
    tools: tuple[str, ...] = (),
    grants: tuple[str, ...] = (),
    otherwise: Response = "block",
) -> Invariant:
    """Make a rule on actions, of high severity, of the texts of its expressions."""
    return Invariant(
        name,
        "action",
        expression(require, at),
        at,
        title=title,
        tools=tools,
        when=expression(when, at) if when else None,
        severity="high",
        otherwise=otherwise,
        says=read_template(says),
        derived=True,
        grants=grants,
    )


def expression(text: str, at: Written) -> Expression:
    """Read an expression that stands nowhere."""
    return Expression(text, parse(text), at)


def one_of(patterns: Sequence[str]) -> str:
    """Write the condition that a call is of one of some tools."""
    names = [pattern for pattern in patterns if _GLOB.isdisjoint(pattern)]
    globs = [f"call.tool.matches({_pattern(pattern)!r})" for pattern in patterns if pattern not in names]
    parts = ([f"call.tool in {names!r}"] if names or not globs else []) + globs
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"


def _pattern(glob: str) -> str:
    """Write a glob as a regular expression of RE2's syntax."""
    # translate ends in \Z, since Python 3.14 in \z; RE2 has no atomic groups, and needs none to be quick
    return f"^{translate(glob)[:-2].replace('(?>', '(?:')}\\z"


def in_id(text: str) -> str:
    """Spell a text as a part of a rule's id."""
    return re.sub("[^A-Za-z0-9_.-]+", "-", text).strip("-") or "ANY"


def escaped(text: str) -> str:
    """Spell a text so that a template says it as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def unknown_tool(at: Written, context: Context) -> Iterator[Mistake]:
    """Report a pattern that fits no declared tool, where any are declared."""
    if context.declared and not any(fnmatchcase(name, at.value) for name in context.declared):
        yield at.mistake(f"no declared tool is called {at.value!r}", tools_cure(at.value, context))
