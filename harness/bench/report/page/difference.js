// Two results side by side: figures that moved, rows that flipped.

function differenceView(state) {
  const place = h("div"),
    options = DATA.differences.map((one, at) => [String(at), DATA.results[one.of].label]);
  const draw = () =>
    place.replaceChildren(
      ...parts(DATA.differences[Number(state.with ?? 0)])
        .flat(Infinity)
        .filter(Boolean),
    );
  draw();
  return [
    h(
      "div",
      { class: "filters" },
      h("span", {}, "Before: ", h("b", {}, DATA.results[0].label)),
      options.length > 1
        ? choice("After", options, state.with ?? "0", (value) => {
            state.with = value;
            draw();
          })
        : h("span", {}, "After: ", h("b", {}, options[0][1])),
    ),
    place,
  ];
}

function parts(found) {
  const { worse, better, other } = found.flips,
    after = DATA.results[found.of];
  const headings = [
    "Figure",
    ...["Before", "After", "Change"].map((text) => h("th", { scope: "col", class: "number" }, text)),
    "Interval before",
    "Interval after",
    "Bar",
  ];
  return [
    h(
      "div",
      { class: "cards" },
      card(worse.length, "rows worse", worse.length ? "bad" : ""),
      card(better.length, "rows better", better.length ? "good" : ""),
      card(found.alike.toLocaleString("en-US"), "rows as before"),
      found.only_before.length || found.only_after.length
        ? card(`${found.only_before.length} / ${found.only_after.length}`, "rows only before / only after", "doubt")
        : null,
    ),
    h(
      "p",
      { class: "soft small" },
      "A flip may be chance: harness bench compare tells whether a difference is more than that.",
    ),
    flips("Worse: passed before, failed after", worse, after),
    flips("Better: failed before, passed after", better, after),
    flips("Other", other, after),
    regressions(found.regressions),
    h("h2", {}, "Figures"),
    table(headings, found.figures.map(moved), "Figures before and after"),
    only("Only before", found.only_before),
    only("Only after", found.only_after),
  ];
}

function moved({ name, before, after, change }) {
  const range = (figure) => (figure?.interval ? figure.interval.map(number).join(" … ") : "");
  const bar = after?.ok === false ? chip("bad", "✕ missed") : after?.ok ? chip("good", "✓ met") : null;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("code", {}, name)),
    h("td", { class: "number" }, number(before?.value)),
    h("td", { class: "number" }, number(after?.value)),
    h(
      "td",
      { class: "number" },
      change ? `${change > 0 ? "+" : "−"}${number(Math.abs(change))}` : change === 0 ? "=" : "–",
    ),
    h("td", {}, range(before)),
    h("td", {}, range(after)),
    h("td", {}, bar),
  );
}

/** Of rows that were well before, how many are not any more. */
function regressions(found) {
  if (!found.length) return null;
  const counts = ["Before", "Lost", "Share"].map((text) => h("th", { scope: "col", class: "number" }, text));
  return [
    h("h2", {}, "Regressions"),
    table(
      ["Rows that", ...counts, "95 % interval of the share"],
      found.map(({ name, passed, lost, rate, interval }) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, name),
          h("td", { class: "number" }, number(passed)),
          h("td", { class: lost ? "number bad" : "number" }, number(lost)),
          h("td", { class: "number" }, percent(rate)),
          h("td", {}, interval.map(percent).join(" … ")),
        ),
      ),
      "Regressions",
    ),
  ];
}

function flips(title, found, after) {
  if (!found.length) return null;
  return [
    h("h2", {}, title),
    h(
      "ul",
      { class: "flips" },
      found.map((flip) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              class: "link",
              onclick: () =>
                openRow(
                  after,
                  after.rows[flip.rows[1]],
                  found.map((one) => after.rows[one.rows[1]]),
                ),
            },
            flip.key,
          ),
          flip.seed === null ? "" : ` seed ${flip.seed}`,
          " ",
          outcomeChip(flip.before),
          " → ",
          outcomeChip(flip.after),
        ),
      ),
    ),
  ];
}

function only(title, keys) {
  return keys.length
    ? h(
        "details",
        {},
        h("summary", {}, `${title} (${keys.length})`),
        h(
          "ul",
          { class: "flips" },
          keys.slice(0, 500).map((key) => h("li", {}, key)),
        ),
      )
    : null;
}
