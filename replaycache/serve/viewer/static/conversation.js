// Who said what.

import { el } from "./elements.js";
import { many, size } from "./figures.js";

export function talk(request, response) {
  const card = el("section", { class: "card" }, el("h2", {}, "Conversation"));
  const about = [request.settings, request.tools.length ? `tools: ${request.tools.join(", ")}` : ""]
    .filter(Boolean)
    .join(" · ");
  if (about) card.append(el("p", { class: "inside note" }, about));
  if (request.turns.before)
    card.append(
      el(
        "p",
        { class: "inside note" },
        `${many(request.turns.before, "turn")} before these are left out; the raw request has them.`,
      ),
    );
  for (const turn of request.turns.turns) card.append(turnOf(turn, false));
  if (request.too_large)
    card.append(el("p", { class: "inside note" }, "The request is too large to be read here; download it below."));
  for (const turn of response?.turns.turns ?? []) card.append(turnOf(turn, true));
  if (response?.too_large)
    card.append(
      el(
        "p",
        { class: "inside note" },
        `The answer is too large to be read here (${size(response.body.size)}); download it below.`,
      ),
    );
  if (response?.unread)
    card.append(
      el("p", { class: "inside note" }, "It is nested too deeply to be read; see the raw request and response."),
    );
  if (!card.querySelector(".turn, .note"))
    card.append(
      el("p", { class: "inside note" }, "Nothing in it is a conversation; see the raw request and response."),
    );
  const end = [];
  if (response && !response.complete) end.push("cut short: its reader closed it before its end");
  if (response?.verdict === "unfinished") end.push("unfinished: it ended before the API said that this was all");
  if (response?.verdict === "failed") end.push("the answer tells of a failure");
  if (response?.finish_reasons.length) end.push(`finished: ${response.finish_reasons.join(", ")}`);
  if (end.length) card.querySelector("h2").append(el("span", { class: "note" }, end.join("; ")));
  return card;
}
function turnOf(turn, isAnswer) {
  const role = turn.role || (isAnswer ? "answer" : "asked");
  return el(
    "div",
    { class: `turn${isAnswer ? " answer" : ""}` },
    el("div", { class: "role" }, role),
    el(
      "div",
      {},
      turn.parts.map(partOf),
      turn.more ? el("p", { class: "note" }, `and ${many(turn.more, "more part")}`) : "",
    ),
  );
}
function partOf(part) {
  const rest = part.more
    ? el("p", { class: "note" }, `… and ${many(part.more, "more character")}; the raw body has all.`)
    : "";
  const kind = part.kind.replace(" ", "-");
  const said = el("div", { class: "said" }, part.text);
  if (part.kind === "reasoning")
    return el("details", { class: "part reasoning" }, el("summary", {}, "Reasoning"), said, rest);
  if (part.kind === "tool call" || part.kind === "tool result") {
    const arrow = part.kind === "tool call" ? "→" : "←";
    const title =
      part.kind === "tool call" ? `calls ${part.name}` : part.name ? `result of ${part.name}` : "result";
    return el(
      "div",
      { class: `part ${kind}` },
      el(
        "div",
        { class: "tool" },
        el("div", { class: "name" }, el("span", { "aria-hidden": "true" }, `${arrow} `), title),
        part.text && said,
      ),
      rest,
    );
  }
  if (["image", "audio", "video", "file"].includes(part.kind))
    return el(
      "div",
      { class: `part ${kind}` },
      el(
        "span",
        { class: "held" },
        el("strong", {}, part.kind),
        [part.name, part.text].filter(Boolean).join(", "),
      ),
    );
  if (part.kind === "data") return el("div", { class: "part data" }, el("pre", {}, part.text), rest);
  const word =
    part.kind === "error"
      ? `Error${part.name ? ` (${part.name})` : ""}: `
      : part.kind === "refusal"
        ? "Refused: "
        : "";
  if (word) said.prepend(word);
  return el("div", { class: `part ${kind}` }, said, rest);
}
