// All rows, to be searched, filtered and sorted; a row opens in full.

const PAGE = 200;
const HIDDEN = new Set([
  "task",
  "condition",
  "group",
  "seed",
  "why",
  "reason",
  "infrastructure",
  "trace",
  "violations",
  "passed",
  "correct",
]);
const MOST_COLUMNS = 8;

/** The facts that rows have a number, a word or nothing for, and that are not the same in all of them. */
function columnsOf(result) {
  const columns = new Map();
  for (const row of result.rows) {
    for (const [key, value] of Object.entries(row.facts)) {
      if (HIDDEN.has(key) || (value !== null && typeof value === "object")) continue;
      if (!columns.has(key)) columns.set(key, new Set());
      columns.get(key).add(value);
    }
  }
  return [...columns.keys()].filter((key) => columns.get(key).size > 1);
}

const valuesOf = (result, key) => [
  ...new Set(result.rows.map((row) => row.facts[key]).filter((value) => typeof value === "string" && value)),
];

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one ?? "").localeCompare(String(other ?? ""), "en", { numeric: true });
}

function rowsView(result, state) {
  const columns = columnsOf(result).slice(0, MOST_COLUMNS),
    seeded = new Set(result.rows.map((row) => row.facts.seed)).size > 1;
  const numeric = new Set([
    "seed",
    ...columns.filter((column) => result.rows.some((row) => typeof row.facts[column] === "number")),
  ]);
  const reasoned = result.rows.some((row) => row.why);
  const fixed = [
    ["task", "Task"],
    ["outcome", "Outcome"],
    ["condition", "Condition"],
    ...(seeded ? [["seed", "Seed"]] : []),
    ...(reasoned ? [["why", "Why"]] : []),
    ...columns.map((column) => [column, column]),
  ];
  const place = h("div"),
    status = h("p", { class: "soft small", role: "status", "aria-live": "polite" });
  const of = (row, key) => (key === "outcome" || key === "why" ? row[key] : row.facts[key]);
  const filter = (label, key, options) =>
    options.length < 2
      ? null
      : choice(
          label,
          [["", "all"], ...options.map((option) => [option, key === "outcome" ? SIGNS[option][1] : option])],
          state[key] ?? "",
          (value) => {
            state[key] = value;
            draw();
          },
        );
  const search = h("input", {
    type: "search",
    placeholder: "task, reason, any value",
    "aria-label": "Search rows",
    value: state.search ?? "",
    oninput: () => {
      state.search = search.value;
      state.many = PAGE;
      draw();
    },
  });

  function chosen() {
    const words = (state.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const rows = result.rows.filter(
      (row) =>
        ["outcome", "condition", "group"].every((key) => !state[key] || of(row, key) === state[key]) &&
        words.every((word) => (row.text ??= JSON.stringify(row.facts).toLowerCase() + row.outcome).includes(word)),
    );
    if (state.sort) rows.sort((one, other) => state.way * compare(of(one, state.sort), of(other, state.sort)));
    return rows;
  }

  function head([key, text]) {
    const sorted = state.sort === key;
    const sort = () => {
      state.way = sorted ? -state.way : 1;
      state.sort = key;
      draw();
      place.querySelector(`th[data-key="${CSS.escape(key)}"] button`).focus();
    };
    return h(
      "th",
      {
        scope: "col",
        "data-key": key,
        class: numeric.has(key) ? "number" : null,
        "aria-sort": sorted ? (state.way > 0 ? "ascending" : "descending") : null,
      },
      h(
        "button",
        { type: "button", title: `Sort by ${text}`, onclick: sort },
        text,
        sorted ? (state.way > 0 ? " ↑" : " ↓") : "",
      ),
    );
  }

  function draw() {
    const rows = chosen(),
      many = state.many ?? PAGE;
    status.textContent = `${rows.length.toLocaleString("en-US")} of ${counted(result.rows.length, "row")}`;
    const more =
      rows.length > many
        ? h(
            "button",
            {
              type: "button",
              class: "more",
              onclick: () => {
                state.many = many + PAGE * 5;
                draw();
              },
            },
            `Show more (${counted(rows.length - many, "row")} left)`,
          )
        : null;
    place.replaceChildren(
      table(
        fixed.map(head),
        rows.slice(0, many).map((row) => line(row, rows)),
        "Rows",
      ),
      more ?? "",
    );
  }

  function line(row, among) {
    return h(
      "tr",
      {},
      h(
        "th",
        { scope: "row" },
        h("button", { type: "button", class: "link", onclick: () => openRow(result, row, among) }, row.facts.task),
      ),
      h("td", {}, rowChip(row)),
      h("td", {}, row.facts.condition),
      seeded ? h("td", { class: "number" }, String(row.facts.seed ?? "")) : null,
      reasoned ? h("td", { class: "text why" }, row.why) : null,
      columns.map((column) =>
        h(
          "td",
          { class: numeric.has(column) ? "number" : "text" },
          column in row.facts ? shown(row.facts[column]) : "",
        ),
      ),
    );
  }

  draw();
  return [
    h(
      "div",
      { class: "filters" },
      h("label", {}, "Search", search),
      filter(
        "Outcome",
        "outcome",
        Object.keys(SIGNS).filter((key) => result.outcomes[key]),
      ),
      filter("Condition", "condition", valuesOf(result, "condition")),
      filter("Group", "group", valuesOf(result, "group")),
    ),
    status,
    place,
  ];
}
