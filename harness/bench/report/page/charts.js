// Small plots. Each is told in words too, for those who do not see it.

function plot(width, height, label, ...children) {
  return s(
    "svg",
    { class: "plot", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
    ...children,
  );
}

/** One figure on a scale of its own: the interval as a band, the value as a dot, the bar as a dashed line. */
function figurePlot(figure) {
  const [low, high] = figure.interval ?? [figure.value, figure.value];
  const goal = figure.target ? Number(figure.target.split(" ")[1]) : figure.value;
  const least = Math.min(low, goal, figure.value),
    most = Math.max(high, goal, figure.value);
  if (least === most) return null;
  const x = (value) => 8 + (134 * (value - least)) / (most - least);
  const said =
    `${figure.name}: ${number(figure.value)}` +
    (figure.interval ? `, between ${number(low)} and ${number(high)}` : "") +
    (figure.target ? `, bar ${figure.target}` : "");
  return plot(
    150,
    20,
    said,
    s("line", { class: "axis", x1: 8, x2: 142, y1: 10, y2: 10 }),
    figure.interval ? s("line", { class: "band", x1: x(low), x2: x(high), y1: 10, y2: 10 }) : null,
    figure.target ? s("line", { class: "goal", x1: x(goal), x2: x(goal), y1: 2, y2: 18 }) : null,
    s("circle", { class: "dot", cx: x(figure.value), cy: 10, r: 4 }),
  );
}

/** Shares of tries that passed, one line for each value of an axis, with their intervals. */
function sharePlot(shares, axis) {
  const names = Object.keys(shares),
    left = 190,
    wide = 420,
    high = 30;
  const x = (share) => left + wide * share;
  const lines = names.map((name, at) => {
    const [passed, tries, low, up] = shares[name],
      y = 16 + high * at;
    return s(
      "g",
      {},
      s("title", {}, `${name}: ${passed} of ${tries}, ${percent(low)} to ${percent(up)}`),
      s(
        "text",
        { class: "strong", x: left - 12, y: y + 4, "text-anchor": "end" },
        name.length > 26 ? `${name.slice(0, 25)}…` : name,
      ),
      s("line", { class: "axis", x1: left, x2: left + wide, y1: y, y2: y }),
      s("line", { class: "band", x1: x(low), x2: x(up), y1: y, y2: y }),
      s("circle", { class: "dot", cx: x(passed / tries), cy: y, r: 4.5 }),
      s("text", { x: left + wide + 14, y: y + 4 }, `${percent(passed / tries)}  (${passed}/${tries})`),
    );
  });
  const bottom = 16 + high * names.length;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    s("text", { x: x(share), y: bottom + 8, "text-anchor": "middle" }, `${100 * share} %`),
  );
  const said =
    `Share of tries that passed by ${axis}: ` +
    names.map((name) => `${name} ${shares[name][0]} of ${shares[name][1]}`).join(", ");
  return plot(760, bottom + 16, said, lines, ticks);
}

/** How many rows have a number in each of up to twenty equal ranges. */
function histogram(values, column) {
  const least = values.reduce((one, other) => Math.min(one, other)),
    most = values.reduce((one, other) => Math.max(one, other));
  const whole = values.every(Number.isInteger),
    bins = Math.min(20, whole ? most - least + 1 : 20);
  const step = whole ? Math.ceil((most - least + 1) / bins) : (most - least) / bins || 1;
  const counts = new Array(bins).fill(0);
  for (const value of values) counts[Math.min(bins - 1, Math.floor((value - least) / step))] += 1;
  const tallest = Math.max(...counts),
    wide = 560 / bins;
  const bars = counts.map((count, at) => {
    const tall = (130 * count) / tallest,
      from = least + at * step;
    const range = whole && step === 1 ? number(from) : `${number(from)} to ${number(from + step)}`;
    return s(
      "g",
      {},
      s("title", {}, `${range}: ${counted(count, "row")}`),
      s("rect", { class: "bar", x: 40 + at * wide + 1, y: 145 - tall, width: Math.max(1, wide - 2), height: tall }),
    );
  });
  const said = `${column} of ${counted(values.length, "row")}: from ${number(least)} to ${number(most)}`;
  return plot(
    640,
    172,
    said,
    s("line", { class: "axis", x1: 40, x2: 600, y1: 145.5, y2: 145.5 }),
    bars,
    s("text", { x: 34, y: 20, "text-anchor": "end" }, number(tallest)),
    s("text", { x: 40, y: 163 }, number(least)),
    s(
      "text",
      { x: 600, y: 163, "text-anchor": "end" },
      number(whole ? least + bins * step - (step === 1 ? 1 : 0) : most),
    ),
    s("text", { x: 320, y: 163, "text-anchor": "middle" }, column),
  );
}

/** Calls over time, one lane for each agent; a call that did not go well is marked. */
function lanes(spans) {
  const agents = [...new Set(spans.map((span) => span[1]))],
    left = 120,
    wide = 780;
  const end = Math.max(...spans.map((span) => span[5]), 0.001),
    x = (ms) => left + (wide * ms) / end;
  const bars = spans.map(([step, agent, surface, tool, from, to, how]) => {
    const tone =
      how === "ok" ? (surface === "model" ? "model" : "") : how === "unknown" || how === "" ? "doubt" : "bad";
    return s(
      "g",
      {},
      s("title", {}, `step ${step}  ${tool}: ${how || "no outcome"}, ${number(from)} to ${number(to)} ms`),
      s("rect", {
        class: `bar ${tone}`,
        x: x(from),
        y: 6 + 26 * agents.indexOf(agent),
        width: Math.max(3, x(to) - x(from)),
        height: 16,
        rx: 2,
      }),
    );
  });
  const bottom = 6 + 26 * agents.length;
  const names = agents.map((agent, at) => [
    s("text", { class: "strong", x: left - 10, y: 18 + 26 * at, "text-anchor": "end" }, agent),
    s("line", { class: "axis", x1: left, x2: left + wide, y1: 27 + 26 * at, y2: 27 + 26 * at }),
  ]);
  return plot(
    920,
    bottom + 16,
    `${counted(spans.length, "call")} of ${counted(agents.length, "agent")} in ${number(end)} ms`,
    names,
    bars,
    s("text", { x: left, y: bottom + 12 }, "0 ms"),
    s("text", { x: left + wide, y: bottom + 12, "text-anchor": "end" }, `${number(end)} ms`),
  );
}
