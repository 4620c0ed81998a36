"""A picture as Mermaid text, which GitHub and many editors draw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.routing.draw.picture import Kind, Picture, State

_SHAPES: Final[dict[Kind, tuple[str, str]]] = {
    "start": ("([", "])"),
    "tool": ("[", "]"),
    "fact": ("(", ")"),
    "gate": ("((", "))"),
    "goal": ("{{", "}}"),
}
_PLAIN: Final = " .,:_-✓✕↶…?/·"
_STYLES: Final[dict[State, str]] = {
    "served": "stroke-width:3px",
    "failed": "stroke-dasharray:5 4",
    "undone": "stroke-dasharray:2 3",
}


def mermaid(picture: Picture) -> str:
    """Give a picture as a Mermaid flowchart; thick arrows were gone along. O(size)."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield "flowchart LR"
    yield f"  accTitle: {_line(picture.title)}"
    yield f"  accDescr: {_line(picture.says)}"
    ids = {node.name: f"n{at}" for at, node in enumerate(picture.nodes)}
    for node in picture.nodes:
        opening, closing = _SHAPES[node.kind]
        text = "<br/>".join(_quoted(part) for part in (node.label, node.below) if part)
        yield f'  {ids[node.name]}{opening}"{text}"{closing}'
    for arrow in picture.arrows:
        line = "==>" if arrow.taken else "-->"
        label = f'|"{_quoted(arrow.label)}"|' if arrow.label else ""
        yield f"  {ids[arrow.source]} {line}{label} {ids[arrow.target]}"
    for state, style in _STYLES.items():
        of = [ids[node.name] for node in picture.nodes if node.state == state]
        if of:
            yield f"  classDef {state} {style}"
            yield f"  class {','.join(of)} {state}"


def _quoted(text: str) -> str:
    """Spell a text so that nothing in it is read as Mermaid or HTML: by character codes."""
    line = " ".join(text.split())
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in line)


def _line(text: str) -> str:
    """Give a text as one line in which nothing is read as Mermaid."""
    return " ".join("".join(char if char.isalnum() or char in _PLAIN else " " for char in text).split())
