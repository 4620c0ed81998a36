"""Everything in one HTML file that opens from disk: style, script and data are inside, and nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from harness.bench.report.data import page_data
from harness.bench.report.stored import Stored

_STYLES: Final = ("base", "parts")
_SCRIPTS: Final = ("dom", "charts", "summary", "rows", "trace", "matrix", "violations", "difference", "start")


def html_page(results: Sequence[Stored], version: str) -> str:
    """Give the page of one or more results; ``version`` is that of harness. Equal results give equal bytes."""
    data = json.dumps({"harness": version, **page_data(results)}, ensure_ascii=False, separators=(",", ":"))
    parts = {
        "style": "\n".join(_part(f"{name}.css") for name in _STYLES),
        "script": "\n".join(_part(f"{name}.js") for name in _SCRIPTS),
        "data": data.replace("<", "\\u003c"),  # nothing of the data ends the script that it stands in
    }
    page = _part("page.html")
    for name, text in parts.items():
        before, mark, after = page.partition(f"/*{name}*/")
        assert mark
        page = before + text + after
    return page


def _part(name: str) -> str:
    return (files("harness.bench.report") / "page" / name).read_text(encoding="utf-8")
