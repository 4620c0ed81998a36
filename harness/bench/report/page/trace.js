// One row in full: what it says, its trace from the first event to the last, what was violated, and the way it went.

const SAID_ABOVE = new Set(["task", "condition", "why", "passed", "correct", "infrastructure"]);
let opened = null; // the row that is shown, and those beside it

function openRow(result, row, among = result.rows) {
  opened = { result, row, among };
  const dialog = byId("detail");
  dialog.replaceChildren(...detail(result, row, among));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function step(by) {
  const { result, row, among } = opened,
    next = among[among.indexOf(row) + by];
  if (next) openRow(result, next, among);
  byId("detail")
    .querySelector(by < 0 ? ".before" : ".after")
    .focus();
}

function detail(result, row, among) {
  const at = among.indexOf(row),
    trace = result.traces[result.rows.indexOf(row)];
  const facts = Object.entries(row.facts).filter(([key]) => !SAID_ABOVE.has(key));
  return [
    h(
      "div",
      { class: "detail-head" },
      h("h2", { id: "detail-title", style: "margin:0" }, named(row.facts), " ", rowChip(row)),
      h(
        "div",
        { class: "buttons" },
        h(
          "button",
          { type: "button", class: "before", "aria-disabled": at <= 0 ? "true" : null, onclick: () => step(-1) },
          "← Row before",
        ),
        h(
          "button",
          {
            type: "button",
            class: "after",
            "aria-disabled": at >= among.length - 1 ? "true" : null,
            onclick: () => step(1),
          },
          "Next row →",
        ),
        h("button", { type: "button", onclick: () => byId("detail").close() }, "Close"),
      ),
    ),
    h(
      "div",
      { class: "detail-body" },
      row.why ? h("p", { class: `says ${SIGNS[row.outcome][0]}` }, row.why) : null,
      h(
        "dl",
        {},
        facts.map(([key, value]) => [
          h("dt", {}, key),
          h("dd", { class: "code" }, key === "seed" ? String(value) : shown(value)),
        ]),
      ),
      trace ? traceParts(trace) : h("p", { class: "soft" }, "No trace was stored for this row."),
    ),
  ];
}

function traceParts(trace) {
  const command = h("p", { class: "soft small" }, "The same in a terminal: ", h("code", {}, trace.show));
  if (trace.unreadable) return [h("h3", {}, "Trace"), h("p", { class: "bad" }, trace.unreadable)];
  if (!trace.lines)
    return [
      h("h3", {}, "Trace"),
      h("p", {}, "This page had no room for the trace: those of failed rows go first."),
      command,
    ];
  return [
    trace.violations.length ? [h("h3", {}, "Violations"), trace.violations.map((one) => violation(one, trace))] : null,
    trace.routes === null ? null : [h("h3", {}, "Route"), routePicture(trace.routes)],
    h("h3", {}, "Timeline"),
    trace.spans.length
      ? h(
          "div",
          { class: "card scroll", tabindex: "0", role: "region", "aria-label": "Calls over time" },
          lanes(trace.spans),
        )
      : null,
    h(
      "p",
      { class: "soft small" },
      [
        trace.entry,
        `verdict ${trace.verdict}`,
        trace.faults.length ? `faults: ${trace.faults.join(", ")}` : "",
        `sha256:${trace.digest}`,
      ]
        .filter(Boolean)
        .join(" · "),
    ),
    h("ol", { class: "timeline", "aria-label": "Events of the trace" }, trace.lines.map(eventLine)),
    trace.cut ? h("p", { class: "soft small" }, `${counted(trace.cut, "more event")} in the trace.`) : null,
    command,
  ];
}

function eventLine([seq, at, step, agent, head, tone, text]) {
  return h(
    "li",
    { "data-seq": seq, tabindex: "-1" },
    h("span", { class: "at" }, `${number(at)} ms`),
    h("span", { class: "step soft" }, step < 0 ? "" : `step ${step}`),
    h("span", { class: "who soft" }, agent),
    h("span", { class: "what" }, h("b", { class: tone }, head), text),
  );
}

function told(margin) {
  if (margin === null) return "";
  if (margin === 0) return "on the boundary, which is not allowed";
  return margin < 0 ? `beyond the boundary by ${number(-margin)}` : `${number(margin)} before the boundary`;
}

/** A violation with all that decided it; evidence leads to its line where the trace is shown. */
function violation(one, trace, leads = true) {
  const facts = [
    ["where", `${one.step < 0 ? "before any step" : `step ${one.step}`}${one.agent ? `, agent ${one.agent}` : ""}`],
    ["call", one.call],
    ["margin", told(one.margin)],
    ["nearest right", one.nearest.join("; ")],
    ["done about it", one.decision],
  ];
  const values = one.values.map(([text, value]) => [
    h("dt", {}, h("code", {}, text)),
    h("dd", { class: "code" }, value),
  ]);
  const evidence = one.evidence.map(([seq, text]) =>
    h(
      "li",
      {},
      leads && text
        ? h("button", { type: "button", class: "link", onclick: () => lead(seq) }, `event ${seq}: ${text}`)
        : `event ${seq}${text ? `: ${text}` : ""}`,
    ),
  );
  return h(
    "div",
    { class: `violation ${one.verdict}` },
    h(
      "p",
      {},
      chip(one.verdict === "violated" ? "bad" : "doubt", one.verdict === "violated" ? "✕ violated" : "? undecided"),
      " ",
      h("b", {}, one.rule),
      " ",
      h("span", { class: "soft" }, one.severity),
    ),
    one.says ? h("p", { class: "says" }, one.says) : null,
    h(
      "dl",
      {},
      facts.filter(([, value]) => value).map(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]),
      values,
    ),
    evidence.length ? [h("p", { class: "soft small" }, "Evidence"), h("ul", { class: "flips" }, evidence)] : null,
    h("p", { class: "small" }, h("code", { class: "soft" }, `${trace.show} --at seq:${one.seq}`)),
  );
}

function lead(seq) {
  const line = byId("detail").querySelector(`li[data-seq="${seq}"]`);
  byId("detail")
    .querySelectorAll("li.shown")
    .forEach((other) => other.classList.remove("shown"));
  line.classList.add("shown");
  line.scrollIntoView({ block: "center" });
  line.focus({ preventScroll: true });
}

function routePicture(at) {
  const picture = new DOMParser().parseFromString(DATA.pictures[at], "image/svg+xml").documentElement;
  return h(
    "div",
    { class: "routes", tabindex: "0", role: "region", "aria-label": "Route" },
    document.importNode(picture, true),
  );
}
