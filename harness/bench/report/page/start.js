// The parts of the page, which of them is shown, and the reader's choice of result and colors.

const TABS = [
  ["summary", "Summary", (result) => summary(result)],
  ["rows", "Rows", (result, state) => rowsView(result, state)],
  ["matrix", "Matrix", (result, state) => matrixView(result, state)],
  ["violations", "Violations", (result) => violationsView(result)],
  ["difference", "Difference", (_, state) => differenceView(state)],
].filter(([name]) => name !== "difference" || DATA.differences.length);

const states = new Map(); // what the reader has chosen, by result and part
let current = 0;

function show(name, focus = false) {
  const [, , view] = TABS.find(([tab]) => tab === name),
    key = `${current} ${name}`;
  if (!states.has(key)) states.set(key, {});
  for (const tab of byId("tabs").children) {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen && focus) tab.focus();
  }
  byId("view").setAttribute("aria-labelledby", `tab-${name}`);
  byId("view").replaceChildren(
    ...view(DATA.results[current], states.get(key))
      .flat(Infinity)
      .filter((part) => part !== null && part !== undefined),
  );
  history.replaceState(null, "", `#${name}`);
}

function turn(event) {
  const names = TABS.map(([name]) => name),
    at = names.findIndex((name) => byId(`tab-${name}`) === document.activeElement);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  show(names[(to + names.length) % names.length], true);
}

function about() {
  const result = DATA.results[current];
  document.title = `${result.name} · harness report`;
  byId("title").textContent = result.name;
  const commit = result.commit ? `commit ${result.commit.slice(0, 12)}` : "";
  byId("about").textContent = [
    result.label === result.name ? "" : result.label,
    result.manifest?.suite ? `suite ${result.manifest.suite.version}` : "",
    `harness ${result.version ?? DATA.harness}`,
    commit,
    result.seed === undefined ? "" : `seed ${result.seed}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function paint(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

byId("tabs").append(
  ...TABS.map(([name, text]) =>
    h(
      "button",
      { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "view", onclick: () => show(name) },
      text,
    ),
  ),
);
byId("tabs").addEventListener("keydown", turn);
byId("theme").addEventListener("change", () => paint(byId("theme").value));
byId("result").append(...DATA.results.map((result, at) => h("option", { value: String(at) }, result.label)));
byId("result-choice").hidden = DATA.results.length < 2;
byId("result").addEventListener("change", () => {
  current = Number(byId("result").value);
  about();
  show(TABS.find(([name]) => byId(`tab-${name}`).getAttribute("aria-selected") === "true")[0]);
});
about();
show(TABS.some(([name]) => `#${name}` === location.hash) ? location.hash.slice(1) : "summary");
