// What became of a call or a recording: told by a word, a shape and a colour.

import { el, svg } from "./elements.js";

const SHAPES = {
  hit: () => svg("circle", { cx: 5, cy: 5, r: 5, fill: "currentColor" }),
  ok: () => svg("circle", { cx: 5, cy: 5, r: 5, fill: "currentColor" }),
  miss: () => svg("circle", { cx: 5, cy: 5, r: 4, fill: "none", stroke: "currentColor", "stroke-width": 2 }),
  live: () => svg("path", { d: "M5 0 10 10H0z", fill: "currentColor" }),
  refused: () => svg("rect", { x: 0.5, y: 0.5, width: 9, height: 9, fill: "currentColor" }),
  failed: () => svg("path", { d: "M1 1 9 9M9 1 1 9", fill: "none", stroke: "currentColor", "stroke-width": 2.4 }),
  damaged: () => svg("path", { d: "M1 1 9 9M9 1 1 9", fill: "none", stroke: "currentColor", "stroke-width": 2.4 }),
  cut: () => svg("path", { d: "M0 0h5v10H0z", fill: "currentColor" }),
  open: () =>
    svg("circle", {
      cx: 5,
      cy: 5,
      r: 4,
      fill: "none",
      stroke: "currentColor",
      "stroke-width": 2,
      "stroke-dasharray": "2.5 2.5",
    }),
};
const MEANS = {
  hit: "answered by a recording",
  miss: "went upstream, and was recorded",
  live: "went upstream, and was not recorded",
  refused: "nothing was recorded for it, and upstream may not be called",
  failed: "it failed",
  open: "it has not been answered yet",
  ok: "the answer is whole",
  cut: "the answer is not all there",
  damaged: "it cannot be read",
};
export function status(name) {
  return el(
    "span",
    { class: `status ${name}`, title: MEANS[name] },
    svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, SHAPES[name]?.()),
    name,
  );
}
export const ofCall = (call) => (call.status in SHAPES ? call.status : "open");
export function ofRecording(row) {
  if (row.damaged) return "damaged";
  if (!row.complete || row.verdict === "unfinished") return "cut";
  return row.code >= 400 || row.verdict === "failed" ? "failed" : "ok";
}
