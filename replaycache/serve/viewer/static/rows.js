// The lines of the two lists.

import { el } from "./elements.js";
import { clock, dated, duration, size, tokens } from "./figures.js";
import { ofCall, ofRecording, status } from "./outcome.js";

export const HEADS = {
  calls: [
    ["Time"],
    ["Outcome"],
    ["Upstream"],
    ["Asked"],
    ["Call"],
    ["Code", 1],
    ["Tokens", 1],
    ["First / total", 1],
    ["Size", 1],
  ],
  stored: [
    ["Recorded"],
    ["Answer"],
    ["Upstream"],
    ["Asked"],
    ["Call"],
    ["Code", 1],
    ["Tokens", 1],
    ["Took", 1],
    ["Size", 1],
  ],
};
export const STATUSES = {
  calls: ["hit", "miss", "live", "refused", "failed", "open"],
  stored: ["ok", "failed", "cut"],
};

function cells(row, name, when, upstream, took) {
  const asked = el(
    "span",
    { class: "asked" },
    row.model && el("span", { class: "model" }, row.model),
    el("span", { class: "quiet" }, row.asked || (row.model ? "" : row.path) || row.damaged),
  );
  return [
    el("span", { class: "time small quiet" }, when),
    el("span", { class: "status-cell" }, status(name)),
    el("span", { class: "upstream", title: upstream }, upstream),
    asked,
    el(
      "span",
      { class: "path small quiet", title: `${row.method ?? ""} ${row.path ?? ""}` },
      row.call ?? row.path,
    ),
    el(
      "span",
      { class: `code small right${row.code >= 400 ? " bad" : " quiet"}` },
      row.code ? String(row.code) : "",
    ),
    el("span", { class: "tokens small right", title: "tokens in / out" }, tokens(row)),
    el("span", { class: "took small right" }, took),
    el("span", { class: "size small right quiet" }, row.size ? size(row.size) : ""),
  ];
}
export function callRow(call) {
  const took =
    call.code || call.seconds !== null
      ? `${call.first ? duration(call.first) : "–"} / ${call.seconds === null ? "…" : duration(call.seconds)}`
      : "";
  return el(
    "li",
    {},
    el(
      "a",
      { class: "row", href: `#/calls/${call.number}`, title: call.reason || null },
      cells(call, ofCall(call), clock(call.at), call.upstream, took),
    ),
  );
}
export const nameOf = (row) => `${row.key}/${row.number}`;
export function recordingRow(row, isChosen, onChosen) {
  const pick = el("input", {
    type: "checkbox",
    "aria-label": `Choose ${row.call ?? row.key}`,
    checked: isChosen,
    onchange: (event) => onChosen(row, event.target.checked),
  });
  return el(
    "li",
    {},
    el("span", { class: "pick" }, pick),
    el(
      "a",
      { class: "row", href: `#/stored/${encodeURIComponent(row.key)}/${row.number}` },
      cells(row, ofRecording(row), dated(row.at), row.host ?? "", duration(row.seconds)),
    ),
  );
}
