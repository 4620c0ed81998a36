"""A judged case as one HTML file that opens from disk: the drawing, and below it what was found of each element."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from harness.bench.case.argument import WORST_LAST, Element
from harness.bench.case.drawing import SIGNS, drawn
from harness.bench.case.judge import Judged

_STYLE: Final = """\
:root{color-scheme:light dark;--back:#fff;--text:#1f2328;--soft:#59636e;--line:#d1d9e0;--link:#0550ae}
@media (prefers-color-scheme:dark){:root{--back:#0d1117;--text:#f0f6fc;--soft:#b7bdc8;--line:#3d444d;--link:#79c0ff}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back)}
body{margin:0 auto;padding:1.5rem;max-width:78rem}
h1{margin:0}h1+p{margin-top:.2rem}
a{color:var(--link)}
.drawing{overflow:auto;border:1px solid var(--line);border-radius:6px;max-height:85vh}
.drawing svg{display:block;margin:auto}
article{border-top:1px solid var(--line);padding:.6rem 0;scroll-margin-top:1rem}
article:target{outline:3px solid var(--link);outline-offset:4px}
article h3{margin:0;font-size:1rem}
.soft{color:var(--soft)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.4rem 0 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
code{font:13px ui-monospace,monospace}"""

_IN_VIEW: Final = """\
const drawing = document.querySelector(".drawing"), seen = drawing.getBoundingClientRect();
const goal = drawing.querySelector("[data-root]").getBoundingClientRect();
drawing.scrollLeft = goal.left + goal.width / 2 - seen.left - seen.width / 2;"""
"""A wide drawing begins where its goal at the top is; the page says everything without this as well."""


def html_page(judged: Judged) -> str:
    """Give the page of a case; nothing is fetched. Equal cases give equal bytes."""
    return "\n".join(_lines(judged)) + "\n"


def _lines(judged: Judged) -> Iterator[str]:
    case = judged.case
    title = escape(case.title)
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body>"
    about = " ".join(part for part in (case.name, case.version) if part)
    yield f'<header><h1>{title}</h1><p class="soft">{escape(about)} · {escape(judged.file)}</p></header>'
    yield f"<main><p><strong>{SIGNS[judged.status]}</strong>{_counts(judged)}</p>"
    yield '<div class="drawing" role="region" aria-label="The argument" tabindex="0">'
    yield f"{drawn(judged, linked=True)}</div>"
    yield "<h2>Elements</h2>"
    for one in case.elements.values():
        yield from _article(judged, one)
    yield f"</main><script>{_IN_VIEW}</script></body></html>"


def _counts(judged: Judged) -> str:
    """Say how many items of evidence there are of each status."""
    found = [judged.findings[one.id].status for one in judged.case.elements.values() if one.kind == "solution"]
    told = [f"{found.count(status)} {SIGNS[status][2:]}" for status in WORST_LAST if status in found]
    return f" — evidence: {', '.join(told)}" if told else " — no evidence"


def _article(judged: Judged, one: Element) -> Iterator[str]:
    finding = judged.findings[one.id]
    sign = f" · {SIGNS[finding.status]}" if one.kind in ("goal", "strategy", "solution") else ""
    yield f'<article id="{escape(one.id)}"><h3>{escape(one.id)} <span class="soft">{one.kind}{sign}</span></h3>'
    yield f"<div>{escape(one.says)}</div>"
    if finding.told:
        yield f"<div><em>{escape(finding.told)}</em></div>"
    rows = [("supported by", _names(one.by)), ("in the context of", _names(one.context))]
    rows += [(f"{one.linked}: {key}", _value(value)) for key, value in one.link.items()]
    rows += [(f"found: {key}", _value(value)) for key, value in finding.facts.items()]
    told = [f"<dt>{escape(key)}</dt><dd>{value}</dd>" for key, value in rows if value]
    if told:
        yield f"<dl>{''.join(told)}</dl>"
    yield "</article>"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names)


def _value(value: Any) -> str:
    if isinstance(value, Mapping | list | tuple):
        return f"<code>{escape(json.dumps(value, ensure_ascii=False))}</code>"
    return escape(f"{value}") if value is not None else ""
