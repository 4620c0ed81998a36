// The first thing to see: what was measured, which bars are met, and how sure that is.

function summary(result) {
  const bars = result.figures.filter((figure) => figure.target);
  const met = bars.filter((figure) => figure.ok).length;
  const { passed, failed, unmeasured, unjudged } = result.outcomes;
  const judged = passed + failed;
  return [
    h(
      "div",
      { class: "cards" },
      bars.length
        ? card(
            `${met} of ${bars.length}`,
            met === bars.length ? "bars met" : "bars met, the others are missed",
            met === bars.length ? "" : "bad",
          )
        : card("no", "bar to meet"),
      judged
        ? card(
            `${passed.toLocaleString("en-US")} of ${judged.toLocaleString("en-US")}`,
            "rows passed",
            failed ? "" : "good",
          )
        : null,
      card(
        result.rows.length.toLocaleString("en-US"),
        unjudged ? `rows, ${unjudged.toLocaleString("en-US")} without a verdict of their own` : "rows",
      ),
      unmeasured
        ? card(unmeasured.toLocaleString("en-US"), "rows could not be measured: the figures are not complete", "doubt")
        : null,
    ),
    h("h2", {}, "Figures"),
    table(
      ["Figure", h("th", { scope: "col", class: "number" }, "Value"), "Interval", "", "Bar", ""],
      result.figures.map(figureRow),
      "Figures",
    ),
    h(
      "p",
      { class: "soft small" },
      "Intervals are those that the suite gives: of a count or a share Wilson's at 95 %, of a ratio a bootstrap's, of a time the smallest and largest sample. Where there is none, nothing was sampled.",
    ),
    Object.entries(result.shares)
      .filter(([, shares]) => Object.keys(shares).length > 1)
      .map(([axis, shares]) => [
        h("h2", {}, `Passed, by ${axis}`),
        h(
          "div",
          { class: "card scroll", tabindex: "0", role: "region", "aria-label": `Passed, by ${axis}` },
          sharePlot(shares, axis),
        ),
      ]),
    result.tables.map(runsTable),
    spreads(result),
    made(result),
  ];
}

/** What rows tell of their runs: words to the left, counts to the right. */
function runsTable({ title, heads, rows }) {
  const counts = heads.map((_, at) => rows.every((row) => typeof row[at] === "number"));
  const kind = (at) => ({ class: counts[at] ? "number" : null });
  return [
    h("h2", {}, title),
    table(
      heads.map((head, at) => h("th", { scope: "col", ...kind(at) }, head)),
      rows.map((row) =>
        h(
          "tr",
          {},
          row.map((cell, at) => h("td", kind(at), number(cell))),
        ),
      ),
      title,
    ),
  ];
}

function card(value, text, tone = "") {
  return h("div", { class: "card" }, h("b", { class: tone }, value), h("span", { class: "soft" }, text));
}

function figureRow(figure) {
  const unit = figure.unit && figure.unit !== "1" ? ` ${figure.unit}` : "";
  const sign = figure.ok === true ? chip("good", "✓ met") : figure.ok === false ? chip("bad", "✕ missed") : null;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("code", {}, figure.name)),
    h("td", { class: "number" }, number(figure.value) + unit),
    h("td", {}, figure.interval ? figure.interval.map(number).join(" … ") : ""),
    h("td", { class: "figure-plot" }, figurePlot(figure)),
    h("td", {}, figure.target || ""),
    h("td", {}, sign),
  );
}

/** Any column of numbers that differ between rows, as a histogram; what every suite measures of time comes last. */
function spreads(result) {
  const columns = columnsOf(result)
    .filter((column) => {
      const values = result.rows.map((row) => row.facts[column]).filter((value) => typeof value === "number");
      return new Set(values).size > 1;
    })
    .sort((one, other) => (one === "wall_s") - (other === "wall_s"));
  if (!columns.length) return null;
  const place = h("div", { class: "card scroll", tabindex: "0", role: "region", "aria-label": "Spread of a number" });
  const draw = (column) =>
    place.replaceChildren(
      histogram(
        result.rows.map((row) => row.facts[column]).filter((value) => typeof value === "number"),
        column,
      ),
    );
  draw(columns[0]);
  return [
    h("h2", {}, "Spread"),
    h(
      "div",
      { class: "filters" },
      choice(
        "Number",
        columns.map((column) => [column, column]),
        columns[0],
        draw,
      ),
    ),
    place,
  ];
}

/** What a reader asks first, and behind it everything that the rows depend on. */
function made(result) {
  const { name, version, commit, seed, environment, manifest } = result;
  const first = {
    suite: manifest?.suite ? `${name} ${manifest.suite.version}` : name,
    harness: version,
    commit,
    seeds: (manifest?.seeds ?? [seed]).join(", "),
    python: environment?.python,
    machine: environment?.machine,
  };
  const all = { ...flat(environment, "environment"), ...flat(manifest, "manifest") };
  return [
    h("h2", {}, "How it was made"),
    pairs(first),
    Object.keys(all).length
      ? h("details", {}, h("summary", {}, `Everything it depends on: ${counted(Object.keys(all).length, "fact")}`), pairs(all))
      : null,
  ];
}

function pairs(facts) {
  return h(
    "dl",
    {},
    Object.entries(facts)
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([key, value]) => [h("dt", {}, key), h("dd", { class: "code" }, shown(value))]),
  );
}

function flat(value, prefix) {
  const found = {};
  for (const [key, inner] of Object.entries(value ?? {})) {
    const path = prefix ? `${prefix}.${key}` : key;
    if (inner && typeof inner === "object" && !Array.isArray(inner)) Object.assign(found, flat(inner, path));
    else found[path] = inner;
  }
  return found;
}
