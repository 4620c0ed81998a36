"""The page in a real browser: what a reader clicks, types and sees, in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from harness.bench.report.html_page import html_page
from harness.bench.report.stored import Stored
from tests.bench.report.browser import CHROMIUM, Browser
from tests.bench.report.made import FIGURES, ROWS, RUNS, TRACES, many, stored

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
    pytest.mark.xdist_group("browser"),
]
TABS: Final = ("summary", "rows", "matrix", "violations", "difference")
CONTROLS: Final = {"button", "combobox", "searchbox", "tab", "link", "table", "img", "region", "image", "dialog"}
TASKS: Final = "[...document.querySelectorAll('tbody th')].map((one) => one.textContent)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give one browser for all tests."""
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(autouse=True)
def no_complaints(browser: Browser) -> Iterator[None]:
    """Hold every test to a page that says nothing in the console and asks for no other file."""
    browser.dark(False)
    browser.complaints.clear()
    browser.requested.clear()
    yield
    browser.evaluate("1")  # what was still to be heard comes before its answer
    assert browser.complaints == []
    assert {url.partition("#")[0].rpartition(".")[2] for url in browser.requested} <= {"html"}


def shown(browser: Browser, tmp_path: Path, *results: Stored) -> float:
    """Write results as a page, open it, and give the seconds that took."""
    file = tmp_path / "page.html"
    file.write_text(html_page(results, "1.0.0"), encoding="utf-8")
    return browser.open(file)


def with_trace(name: str) -> Stored:
    """Give a result of one row that has a trace of this repository."""
    (trace,) = [path for path in TRACES if path.name.startswith(f"{name}.")]
    row = {"task": name, "group": "g", "condition": "us", "seed": 1, "passed": False, "trace": trace.name}
    return stored([row], folder=trace.parent)


def test_a_thousand_rows_open_in_two_seconds(browser: Browser, tmp_path: Path) -> None:
    """A page of 1,000 rows with their traces is less than 10 MB and drawn within 2 s, at least once of three times."""
    took: list[float] = []
    while len(took) < 3 and min(took, default=2) >= 2:
        took.append(shown(browser, tmp_path, many(1000)))
    assert (tmp_path / "page.html").stat().st_size < 10_000_000
    assert min(took) < 2, took
    assert "1,000\nrows" in browser.text()


def test_the_summary_tells_bars_and_intervals(browser: Browser, tmp_path: Path) -> None:
    """A missed bar is said in words, and a broken measurement is told apart from a failed task."""
    shown(browser, tmp_path, stored())
    text = browser.text("#view")
    assert "1 of 2" in text
    assert re.search(r"seconds\s+2\.5 s\s+2\.25 … 3\s+<= 2\s+✕ missed", text), text
    assert "1\nrows could not be measured" in text
    assert "guarded 2 of 2" in browser.evaluate("document.querySelector('svg.plot[aria-label^=Share]').ariaLabel")


def test_runs_are_told_in_tables(browser: Browser, tmp_path: Path) -> None:
    """Decisions stand below the figures; what a later result has lost stands in the difference."""
    shown(
        browser,
        tmp_path,
        stored(RUNS, {"cost": FIGURES["cost"]}),
        stored([{**row, "passed": False} for row in RUNS], name="after"),
    )
    text = browser.text("#view")
    assert text.startswith("no\nbar to meet\n"), text
    assert re.search(r"write payment\s+4\s+1 \(25\.0 %\)\s+0\s+1 \(25\.0 %\)\s+2 \(50\.0 %\)", text), text
    browser.click("#tab-difference")
    text = browser.text("#view")
    assert re.search(r"passed\s+1\s+1\s+100 %\s+20\.7 % … 100 %", text), text


def test_rows_are_searched_filtered_and_sorted(browser: Browser, tmp_path: Path) -> None:
    """What is left is what was asked for, in the order that was asked for, and its number is said."""
    shown(browser, tmp_path, stored())
    browser.click("#tab-rows")
    assert browser.evaluate(TASKS) == [row["task"] for row in ROWS]
    browser.click("thead button", "steps")
    assert browser.evaluate(TASKS)[-3:] == ["refund", "refund", "cancel"]
    browser.click("thead button", "steps")
    assert browser.evaluate(TASKS)[:3] == ["cancel", "refund", "refund"]
    assert browser.evaluate("document.querySelector('th[aria-sort]').ariaSort") == "descending"
    browser.choose("Outcome", "failed")
    assert browser.text("[role=status]") == "2 of 6 rows"
    browser.click("input[type=search]")
    browser.write("TWICE")
    assert browser.evaluate(TASKS) == ["refund"]


def test_a_row_of_many_tries_says_how_many_passed(browser: Browser, tmp_path: Path) -> None:
    """It has no verdict of its own, and counts as so many tries."""
    rows = [{"task": "IP", "condition": "pair", "passes": 7, "injections": 24}, {"task": "IA", "passed": True}]
    shown(browser, tmp_path, stored(rows))
    browser.click("#tab-rows")
    assert [line.split("\t")[1] for line in browser.text("tbody").split("\n")] == ["7 of 24", "✓ passed"]
    browser.click("#tab-matrix")
    assert "7/24" in browser.text(".matrix")


def test_a_row_opens_with_its_timeline_and_evidence(browser: Browser, tmp_path: Path) -> None:
    """A click shows the row; evidence leads to its event; Escape closes it."""
    shown(browser, tmp_path, with_trace("team"))
    browser.click("#tab-rows")
    browser.click("tbody .link", "team")
    text = browser.text("#detail")
    assert "Do not tell others an account" in text
    assert "harness show" in text
    events = browser.evaluate("document.querySelectorAll('.timeline li').length")
    assert events == TRACES[[path.name for path in TRACES].index("team.mat.jsonl")].read_bytes().count(b'"seq":')
    browser.click("#detail .violation .link")
    seq = re.match(r"event (\d+):", browser.text("#detail .violation .link"))
    assert seq is not None
    assert browser.evaluate("document.activeElement.dataset.seq") == seq[1]
    browser.press("Escape")
    assert not browser.evaluate("document.getElementById('detail').open")


def test_a_route_is_drawn(browser: Browser, tmp_path: Path) -> None:
    """The picture of the graph is in the row, with its sentence for those who do not see it."""
    shown(browser, tmp_path, with_trace("transfer"))
    browser.click("#tab-rows")
    browser.click("tbody .link")
    assert browser.evaluate("document.querySelector('.routes svg').getBoundingClientRect().width") > 300
    assert browser.evaluate("document.querySelector('.routes svg').getAttribute('aria-label').length") > 20


def test_violations_stand_by_their_rules(browser: Browser, tmp_path: Path) -> None:
    """Each rule says how often it was violated, and its evidence comes with the trace."""
    shown(browser, tmp_path, with_trace("bank"))
    browser.click("#tab-violations")
    assert "TRANSFER-LIMIT" in browser.text("#view")
    assert "beyond the boundary by 50,000" in browser.text("#view")


def test_the_matrix_counts_tries(browser: Browser, tmp_path: Path) -> None:
    """Tasks by faults, and any other two facts; a cell leads to its rows."""
    rows = [
        {"task": task, "group": "g", "condition": "us", "seed": seed, "fault": fault, "passed": seed < bound}
        for task, fault, bound in (("a", "late", 1), ("a", "lost", 3), ("b", "late", 0))
        for seed in range(3)
    ]
    shown(browser, tmp_path, stored(rows))
    browser.click("#tab-matrix")
    assert browser.text(".matrix").split() == ["task", "late", "lost", "a", "1/3", "3/3", "b", "0/3", "·"]
    browser.choose("Lines", "condition")
    assert browser.text(".matrix").split() == ["condition", "late", "lost", "us", "1/6", "3/3"]
    browser.click(".matrix button", "1/6")
    assert browser.text("#detail-title").startswith("a · us")


def test_two_results_are_compared(browser: Browser, tmp_path: Path) -> None:
    """Flips are listed and lead to their rows; the other result can be looked at."""
    after = stored([ROWS[0], {**ROWS[1], "passed": True}, *ROWS[2:5]], name="later")
    shown(browser, tmp_path, stored(), after)
    browser.click("#tab-difference")
    text = browser.text("#view")
    assert "1\nrows better" in text
    assert "1 / 0\nrows only before / only after" in text
    browser.click(".flips .link", "refund · bare")
    assert "✓ passed" in browser.text("#detail-title")
    browser.press("Escape")
    browser.choose("Result", "1")
    assert browser.text("h1") == "later"


def test_the_keyboard_is_enough(browser: Browser, tmp_path: Path) -> None:
    """Arrows go from part to part, Tab to what can be used, Enter opens a row, Escape leaves it."""
    shown(browser, tmp_path, stored())
    browser.evaluate("document.querySelector('[role=tab][aria-selected=true]').focus()")
    browser.press("ArrowRight")
    assert browser.evaluate("document.activeElement.id") == "tab-rows"
    for _ in range(40):
        browser.press("Tab")
        if browser.evaluate("document.activeElement.matches('tbody .link')"):
            break
    browser.press("Enter")
    assert browser.evaluate("document.getElementById('detail').open")
    browser.press("Escape")
    assert browser.evaluate("document.activeElement.matches('tbody .link')")
    browser.evaluate("document.getElementById('tab-rows').focus()")
    browser.press("End")
    assert browser.evaluate("document.activeElement.textContent") == "Violations"


def test_colors_follow_the_system_or_the_reader(browser: Browser, tmp_path: Path) -> None:
    """Dark is dark by either; the reader's choice is above the system's."""

    def brightness() -> int:
        color = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", color)[:3]))

    shown(browser, tmp_path, stored())
    light = brightness()
    browser.dark(True)
    dark = brightness()
    assert dark < 150 < 600 < light
    browser.choose("Colors", "light")
    assert brightness() == light
    browser.dark(False)
    browser.choose("Colors", "dark")
    assert brightness() == dark


CONTRAST: Final = """(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const part = (value) => { value /= 255; return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (one) => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) layers.unshift(parse(getComputedStyle(at).backgroundColor));
    return layers.reduce((under, [r, g, b, a = 1]) => [r, g, b].map((value, at) => a * value + (1 - a) * under[at]),
      [255, 255, 255]);
  };
  const worst = {};
  for (const one of document.querySelectorAll("body *")) {
    const says = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!one.checkVisibility() || !says || one instanceof SVGElement || one.matches("option, .skip")) continue;
    const [dark, bright] = [light(parse(getComputedStyle(one).color)), light(behind(one))].sort((a, b) => a - b);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < 4.5) worst[`${one.tagName}.${one.className} ${one.textContent.slice(0, 20)}`] = ratio;
  }
  return worst;
})()"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read(browser: Browser, tmp_path: Path, dark: bool) -> None:
    """All text stands out from what is behind it by 4.5 to 1 (WCAG 2.1, 1.4.3), on every part of the page."""
    shown(browser, tmp_path, stored(), with_trace("team"))
    browser.dark(dark)
    for tab in TABS:
        browser.click(f"#tab-{tab}")
        assert browser.evaluate(CONTRAST) == {}, tab


def test_every_control_has_a_name(browser: Browser, tmp_path: Path) -> None:
    """The accessibility tree names whatever can be used or looked at, on every part and in an open row."""
    shown(browser, tmp_path, with_trace("transfer"), many(30))

    def nameless() -> list[str]:
        used = [node for node in browser.tree() if not node["ignored"] and node["role"]["value"] in CONTROLS]
        assert len(used) > 5
        return [str(node) for node in used if not node.get("name", {}).get("value", "").strip()]

    for tab in TABS:
        browser.click(f"#tab-{tab}")
        assert nameless() == [], tab
    browser.click("#tab-rows")
    browser.click("tbody .link")
    assert nameless() == []


def test_a_row_that_says_markup_says_it(browser: Browser, tmp_path: Path) -> None:
    """Text of the data is shown and never run."""
    nasty = "</script><img src=x onerror=\"document.title='run'\"><b>bold</b>"
    shown(browser, tmp_path, stored([{"task": nasty, "passed": False, "why": nasty}]))
    browser.click("#tab-rows")
    assert nasty in browser.text("tbody")
    browser.click("tbody .link")
    assert nasty in browser.text("#detail")
    assert browser.evaluate("document.title") == "shop · harness report"
