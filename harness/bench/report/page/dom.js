// Elements are made here and nowhere else; what the data says becomes text, never markup.

const DATA = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const SIGNS = {
  passed: ["good", "✓ passed"],
  failed: ["bad", "✕ failed"],
  unmeasured: ["doubt", "! not measured"],
  unjudged: ["", "– not judged"],
};

function chip(tone, text) {
  return h("span", { class: `chip ${tone}` }, text);
}

const outcomeChip = (outcome) => chip(...SIGNS[outcome]);

/** What became of a row; of one that tried many things, how many of them passed. */
const rowChip = (row) => (row.tries > 1 ? chip("", `${row.passed} of ${row.tries}`) : outcomeChip(row.outcome));

function number(value) {
  if (typeof value !== "number") return value === null || value === undefined ? "" : String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  return Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4
    ? value.toExponential(3)
    : String(Number(value.toPrecision(4)));
}

function shown(value) {
  if (typeof value === "string") return value;
  return typeof value === "number" ? number(value) : JSON.stringify(value);
}

const counted = (count, thing) => `${count.toLocaleString("en-US")} ${thing}${count === 1 ? "" : "s"}`;
const percent = (share) => `${number(Number((100 * share).toFixed(1)))} %`;
const named = (facts) => [facts.task, facts.condition].filter(Boolean).join(" · ");

function table(heads, rows, caption, kind = "") {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      { "aria-label": caption, class: kind },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head) => (head instanceof Node ? head : h("th", { scope: "col" }, head))),
        ),
      ),
      h("tbody", {}, rows),
    ),
  );
}

function choice(label, options, value, changed) {
  const select = h(
    "select",
    { "aria-label": label, onchange: () => changed(select.value) },
    options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)),
  );
  return h("label", {}, label, select);
}
