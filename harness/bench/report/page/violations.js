// Every violation by its rule, with the evidence where the trace is there.

const MOST_SHOWN = 50;

function violationsOf(result) {
  const rules = new Map();
  const add = (rule, found) => (rules.has(rule) ? rules.get(rule).push(found) : rules.set(rule, [found]));
  result.rows.forEach((row, at) => {
    const trace = result.traces[at],
      told = new Set();
    for (const one of trace?.violations ?? []) {
      add(one.rule, { row, trace, one });
      told.add(one.rule);
    }
    for (const rule of row.rules) if (!told.has(rule)) add(rule, { row });
  });
  for (const found of rules.values()) found.sort((one, other) => Number(Boolean(other.one)) - Number(Boolean(one.one)));
  return [...rules].sort(([, one], [, other]) => other.length - one.length);
}

function violationsView(result) {
  const rules = violationsOf(result);
  if (!rules.length)
    return [
      h(
        "p",
        { style: "margin-top:1.4rem" },
        "No row says that a rule was violated, and no trace on this page holds a violation.",
      ),
    ];
  return [
    h("h2", {}, `${counted(rules.length, "rule")} spoke up`),
    rules.map(([rule, found], at) =>
      h(
        "details",
        { class: "rule", open: at === 0 },
        h("summary", {}, h("b", {}, rule), " ", h("span", { class: "soft" }, `${found.length}×`)),
        found
          .slice(0, MOST_SHOWN)
          .map(({ row, trace, one }) =>
            h(
              "div",
              {},
              h(
                "button",
                { type: "button", class: "link", onclick: () => openRow(result, row) },
                `${named(row.facts)}${row.facts.seed === undefined ? "" : `, seed ${row.facts.seed}`}`,
              ),
              one ? violation(one, trace, false) : null,
            ),
          ),
        found.length > MOST_SHOWN
          ? h("p", { class: "soft small" }, `${counted(found.length - MOST_SHOWN, "more")}; the rows have them all.`)
          : null,
      ),
    ),
  ];
}
