// Tokens and money saved over time.

import { $, el, svg } from "./elements.js";
import { count, many, short } from "./figures.js";

export function showSaved(told) {
  const section = $("saved");
  const total = told.total;
  const ofCalls = told.of === "calls";
  if (!total.calls)
    return section.replaceChildren(
      el(
        "div",
        { class: "empty" },
        el("h2", {}, "Nothing was saved yet"),
        el(
          "p",
          {},
          ofCalls
            ? "No call was noted in this store yet. The second time that something is asked, it is."
            : "Nothing is recorded in this store yet.",
        ),
      ),
    );
  const tile = (term, figure, more, isMain) =>
    el(
      "div",
      {},
      el("dt", {}, term),
      el("dd", { class: `figure${isMain ? " main" : ""}` }, figure),
      el("dd", { class: "note" }, more),
    );
  const tiles = ofCalls
    ? [
        tile(
          "Calls",
          count(total.calls),
          `${count(total.hits)} by a recording (${Math.floor((100 * total.hits) / total.calls)}%)`,
        ),
        total.saved.usd_told || total.spent.usd_told
          ? tile(
              "Money saved",
              total.saved.usd_told || "$0.00",
              `${total.spent.usd_told || "$0.00"} spent upstream`,
              true,
            )
          : "",
        tile("Tokens saved", total.saved.tokens_told, `${total.spent.tokens_told} upstream`),
        tile("Time saved", total.seconds_told, `${total.spent.seconds_told} upstream`),
      ]
    : [
        tile("Recordings", count(total.calls), total.spent.size_told),
        total.spent.usd_told
          ? tile("Recording them cost", total.spent.usd_told, "saved by every replay", true)
          : "",
        tile("Tokens", total.spent.tokens_told, "in and out"),
        tile("They took", total.spent.seconds_told, "upstream"),
      ];
  const kinds = [
    ["usd", "Money"],
    ["tokens", "Tokens"],
    ["calls", "Calls"],
  ].filter(([kind]) => kind !== "usd" || total.saved.usd !== null || total.spent.usd !== null);
  const space = el("div");
  const show = (kind) => {
    for (const button of choice.children)
      button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    space.replaceChildren(chart(told.days, kind));
  };
  const choice = el(
    "div",
    { class: "switch", role: "group", "aria-label": "What is drawn" },
    kinds.map(([kind, word]) =>
      el("button", { type: "button", "data-kind": kind, onclick: () => show(kind) }, word),
    ),
  );
  const legend = el(
    "div",
    { class: "legend" },
    ofCalls ? el("span", { class: "saved" }, el("i"), "saved by recordings") : "",
    el("span", { class: "spent" }, el("i"), ofCalls ? "spent upstream" : "spent on recording"),
  );
  const less = (place) => ((ofCalls ? [1, 3, 4] : [3]).includes(place) ? "less" : null); // what a phone has no room for
  const money = (sum) => sum.usd_told || "–";
  section.replaceChildren(
    el("dl", { class: "tiles" }, tiles),
    el(
      "section",
      { class: "card" },
      el("div", { class: "side" }, el("h2", {}, "By day"), el("span", { class: "spring" }), legend, choice),
      el("div", { class: "inside" }, space),
    ),
    el(
      "section",
      { class: "card" },
      el("h2", {}, "By model"),
      el(
        "div",
        { class: "inside scrolls", tabindex: "0", role: "group", "aria-label": "By model" },
        el(
          "table",
          { class: "sums" },
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              (ofCalls
                ? ["Model", "Calls", "Hits", "Tokens saved", "Time saved", "Saved", "Spent"]
                : ["Model", "Recordings", "Tokens", "Took", "Cost"]
              ).map((word, place) => el("th", { scope: "col", class: less(place) }, word)),
            ),
          ),
          el(
            "tbody",
            {},
            told.models.map((line) =>
              el(
                "tr",
                {},
                (ofCalls
                  ? [
                      line.name || "(not told)",
                      count(line.calls),
                      `${Math.floor((100 * line.hits) / Math.max(1, line.calls))}%`,
                      line.saved.tokens_told,
                      line.seconds_told,
                      money(line.saved),
                      money(line.spent),
                    ]
                  : [
                      line.name || "(not told)",
                      count(line.calls),
                      line.spent.tokens_told,
                      line.spent.seconds_told,
                      money(line.spent),
                    ]
                ).map((value, place) => el("td", { class: less(place) }, value)),
              ),
            ),
          ),
        ),
      ),
    ),
    el(
      "p",
      { class: "note" },
      [
        ofCalls
          ? "Time saved is what the answers took upstream, less what replaying took."
          : `Added up from ${told.counted < told.stored ? `the newest ${count(told.counted)} of ${count(told.stored)}` : "all"} recordings: this store notes no calls.`,
        told.prices
          ? "Money is in US dollars at list prices, or yours. Days are in UTC."
          : 'Days are in UTC. For money: pip install "replaycache[prices]".',
      ].join(" "),
    ),
  );
  show(kinds[0][0]);
}
function ceiling(value, isWhole) {
  if (!value) return 2;
  const unit = 10 ** Math.floor(Math.log10(value));
  const round = [1, 2, 4, 6, 8, 10].map((times) => times * unit);
  return round.find((each) => each >= value && (!isWhole || each % 2 === 0)) ?? 20 * unit;
}
function chart(days, kind) {
  const value = (line, part) =>
    kind === "calls" ? (part === "saved" ? line.hits : line.upstream) : (line[part][kind] ?? 0);
  const told = (number) =>
    kind === "usd" ? `$${number >= 1 ? number.toFixed(2) : number.toPrecision(2)}` : short(number);
  if (!days.length) return el("p", { class: "note" }, "Nothing of it bears a date.");
  const width = Math.max(280, $("saved").clientWidth - 40);
  const [top, bottom, left] = [14, 190, 0];
  const most = ceiling(Math.max(...days.map((line) => value(line, "saved") + value(line, "spent"))), kind !== "usd");
  const slots = Math.max(days.length, 14);
  const step = (width - left) / slots;
  const bar = Math.min(36, Math.max(1, step * 0.72));
  const drawing = svg("svg", {
    class: "chart",
    width,
    height: 222,
    viewBox: `0 0 ${width} 222`,
    role: "img",
    "aria-label": `By day: ${kind}`,
  });
  for (const share of [0.5, 1]) {
    const y = bottom - (bottom - top) * share;
    drawing.append(
      svg("line", { class: "grid", x1: left, x2: width, y1: y, y2: y }),
      svg("text", { x: width, y: y - 4, "text-anchor": "end" }, told(most * share)),
    );
  }
  drawing.append(svg("line", { class: "grid", x1: left, x2: width, y1: bottom + 0.5, y2: bottom + 0.5 }));
  days.forEach((line, index) => {
    const x = left + index * step;
    const name = new Date(line.day * 1000).toISOString().slice(0, 10);
    const group = svg(
      "g",
      {},
      svg(
        "title",
        {},
        `${name}: ${told(value(line, "saved"))} saved, ${told(value(line, "spent"))} spent; ${many(line.calls, "call")}`,
      ),
      svg("rect", { class: "hover", x, y: top, width: step, height: bottom - top }),
    );
    let y = bottom;
    for (const part of ["saved", "spent"]) {
      const height = (value(line, part) / most) * (bottom - top);
      y -= height;
      if (height > 0)
        group.append(
          svg("rect", {
            class: part,
            x: x + (step - bar) / 2,
            y,
            width: bar,
            height,
            rx: Math.min(2, height / 2),
          }),
        );
    }
    drawing.append(group);
    const every = Math.max(1, Math.ceil(days.length / Math.max(2, Math.floor(width / 90))));
    if (index % every === 0)
      drawing.append(
        svg(
          "text",
          { x: index ? x + step / 2 : x, y: bottom + 20, "text-anchor": index ? "middle" : "start" },
          name.slice(5),
        ),
      );
  });
  return drawing;
}
