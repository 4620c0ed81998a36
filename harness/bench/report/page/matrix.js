// How many tries passed where two facts of the rows meet: tasks and faults, tasks and conditions, groups and seeds.

const MOST_LINES = 60;

function axesOf(result) {
  const keys = new Set();
  for (const row of result.rows)
    if (row.tries)
      for (const [key, value] of Object.entries(row.facts))
        if (!["why", "reason", "trace", "infrastructure"].includes(key) && typeof value === "string" && value)
          keys.add(key);
  return [...keys];
}

function matrixView(result, state) {
  const axes = axesOf(result);
  if (!axes.length) return [h("p", {}, "No row says whether its task was done right.")];
  const few = axes.includes("task") && valuesOf(result, "task").length <= MOST_LINES;
  state.down ??= few || !axes.includes("group") ? axes[0] : "group";
  state.across ??= ["fault", "condition"].find((key) => axes.includes(key) && key !== state.down) ?? axes.at(-1);
  const place = h("div");
  const options = axes.map((axis) => [axis, axis]);
  const draw = () => place.replaceChildren(...matrix(result, state.down, state.across));
  draw();
  return [
    h(
      "div",
      { class: "filters" },
      choice("Lines", options, state.down, (value) => {
        state.down = value;
        draw();
      }),
      choice("Columns", options, state.across, (value) => {
        state.across = value;
        draw();
      }),
    ),
    place,
  ];
}

function matrix(result, down, across) {
  const lines = valuesOf(result, down),
    columns = valuesOf(result, across),
    cells = new Map();
  for (const row of result.rows) {
    const key = JSON.stringify([row.facts[down], row.facts[across]]);
    const cell = cells.get(key) ?? { passed: 0, tries: 0, rows: [] };
    cell.passed += row.passed;
    cell.tries += row.tries;
    cell.rows.push(row);
    cells.set(key, cell);
  }
  const shownLines = lines.slice(0, MOST_LINES * 5);
  const body = shownLines.map((line) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, line),
      columns.map((column) => share(result, line, column, cells.get(JSON.stringify([line, column])))),
    ),
  );
  return [
    table([h("th", { scope: "col" }, down), ...columns], body, `Passed, ${down} by ${across}`, "matrix"),
    h(
      "p",
      { class: "soft small" },
      "Tries that passed, of those made. The stronger the color, the more passed; a cell leads to its rows.",
      lines.length > shownLines.length ? ` ${counted(lines.length - shownLines.length, "more line")} not shown.` : "",
    ),
  ];
}

function share(result, line, column, cell) {
  if (!cell?.tries) return h("td", { class: "share none" }, "·");
  const part = cell.passed / cell.tries;
  return h(
    "td",
    { class: "share", style: `background: rgba(var(--shade), ${(0.42 * part).toFixed(3)})` },
    h(
      "button",
      {
        type: "button",
        "aria-label": `${line}, ${column}: ${cell.passed} of ${cell.tries} passed`,
        onclick: () => openRow(result, cell.rows[0], cell.rows),
      },
      `${cell.passed}/${cell.tries}`,
    ),
  );
}
