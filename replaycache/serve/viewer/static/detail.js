// One call or recording.

import { confirmDelete, copy, exportThem } from "./actions.js";
import { talk } from "./conversation.js";
import { $, el } from "./elements.js";
import { clock, count, dated, day, duration, many, size } from "./figures.js";
import { ofCall, ofRecording, status } from "./outcome.js";
import { player, stopPlayer } from "./player.js";
import { asSent } from "./sent.js";
import { recordingPath } from "./server.js";

export function showCall(told, number, onDeleted) {
  const call = told.call;
  const recording = told.recording;
  const about = recording?.row ?? told.request ?? {};
  const target = {
    copy: recording
      ? `${recordingPath(recording.row.key, recording.row.number)}/copy`
      : told.request
        ? `api/calls/${number}/copy`
        : "",
    request: recording
      ? `${recordingPath(recording.row.key, recording.row.number)}/request-body`
      : `api/calls/${number}/request-body`,
  };
  showDetail({
    title: `${call.method} ${call.upstream} ${call.path}`,
    name: ofCall(call),
    reason: call.reason,
    back: ["#/calls", "Calls"],
    facts: [
      ["Asked", call.at ? day(call.at) : "", clock(call.at)],
      ["Model", about.model || call.model],
      ["Code", call.code || ""],
      ["First byte", call.first ? duration(call.first) : ""],
      ["Total", call.seconds === null ? "not over yet" : duration(call.seconds)],
      ["Size", call.size ? size(call.size) : ""],
      ["Store", call.store, "", true],
      ["Key", call.key, "", true],
    ],
    recording,
    request: told.request,
    why: told.why,
    problem: told.problem,
    target,
    onDeleted,
    note: recording ? elsewhere(told) : unrecorded(call),
  });
}
function elsewhere(told) {
  if (!told.elsewhere) return "";
  return `It came to another store, ${told.elsewhere}. What follows is stored here under the same key.`;
}
function unrecorded(call) {
  if (call.status === "hit" || call.status === "miss")
    return "Its recording is not in this store: it was deleted, or another store answered.";
  if (call.status === "live") return "Its answer was not recorded.";
  if (call.status === "") return "It is not over yet. Open it again when it is.";
  return "";
}
export function showRecording(told, onDeleted) {
  const row = told.recording.row;
  showDetail({
    title: `${row.method} ${row.host}${row.path}`,
    name: ofRecording(row),
    reason: "",
    back: ["#/stored", "Stored"],
    facts: [
      ["Recorded", row.at ? day(row.at) : "no date", row.at ? clock(row.at) : ""],
      ["Model", row.model],
      ["Code", row.code],
      ["First byte", row.first ? duration(row.first) : ""],
      ["Total", duration(row.seconds)],
      ["Size", size(row.size)],
      ["Sample", told.recording.sample || ""],
      ["Key", row.key, row.number ? `number ${row.number} in the file` : "", true],
    ],
    recording: told.recording,
    request: null,
    why: null,
    problem: "",
    note: "",
    onDeleted,
    target: {
      copy: `${recordingPath(row.key, row.number)}/copy`,
      request: `${recordingPath(row.key, row.number)}/request-body`,
    },
  });
}
function showDetail({
  title,
  name,
  reason,
  back,
  facts,
  recording,
  request,
  why,
  problem,
  target,
  note,
  onDeleted,
}) {
  stopPlayer();
  const row = recording?.row;
  const usage = recording?.usage;
  if (usage) {
    const more = [
      usage.cached && `${count(usage.cached)} cached`,
      usage.reasoning && `${count(usage.reasoning)} for reasoning`,
    ]
      .filter(Boolean)
      .join(", ");
    if (usage.input || usage.output)
      facts.splice(6, 0, ["Tokens in / out", `${count(usage.input)} / ${count(usage.output)}`, more]);
    if (usage.units) facts.splice(6, 0, ["Units", usage.units]);
    facts.splice(7, 0, ["Price", usage.price || "not known", usage.price ? "at list prices, or yours" : usage.no_price]);
  }
  const sent = recording?.request ?? request;
  const heading = el("h1", { tabindex: "-1" }, title);
  const actions = [];
  if (target.copy) {
    actions.push(
      el("button", { type: "button", onclick: () => copy(target, "curl", "A curl command") }, "Copy as curl"),
    );
    if (recording)
      actions.push(
        el("button", { type: "button", onclick: () => copy(target, "pytest", "A pytest test") }, "Copy as pytest"),
      );
  }
  if (recording) {
    actions.push(el("button", { type: "button", onclick: () => exportThem([row]) }, "Export as a cassette"));
    actions.push(
      el("button", { type: "button", class: "danger", onclick: () => confirmDelete(row, onDeleted) }, "Delete"),
    );
  }
  $("detail").replaceChildren(
    el("div", { class: "top" }, el("a", { class: "back", href: back[0] }, `← ${back[1]}`), actions),
    el("div", { class: "headline" }, heading, status(name)),
    (sent && el("p", { class: "url" }, sent.url)) || "",
    reason ? el("p", { class: "reason" }, reason) : "",
    el(
      "dl",
      { class: "facts" },
      facts
        .filter(([, value]) => value !== "" && value !== undefined && value !== null)
        .map(([term, value, more, isWide]) =>
          el(
            "div",
            { class: isWide ? "wide" : null },
            el("dt", {}, term),
            el("dd", { class: term === "Key" ? "mono" : null }, String(value), more && el("small", {}, more)),
          ),
        ),
    ),
    problem ? el("p", { class: "problem" }, problem) : "",
    note ? el("p", { class: "note empty" }, note) : "",
    why ? missed(why) : "",
    sent ? talk(sent, recording?.response) : "",
    recording?.stream ? player(recording.stream) : "",
    sent ? asSent("Request", [sent.method, sent.url].join(" "), sent, target.request) : "",
    recording
      ? asSent(
          "Response",
          String(recording.response.code),
          recording.response,
          `${recordingPath(row.key, row.number)}/response-body`,
        )
      : "",
  );
  document.title = `${title} – replaycache`;
}

function missed(why) {
  const near = why.nearest;
  const inside = el("div", { class: "inside why" });
  if (!near) {
    inside.append(
      el(
        "p",
        {},
        why.looked
          ? `Nothing comes near it: none of the newest ${many(why.looked, "recording")} is of the same endpoint and differs in a few places only.`
          : "The store has no other recording.",
      ),
    );
  } else {
    inside.append(
      el(
        "p",
        {},
        "The nearest recording ",
        el(
          "a",
          { href: `#/stored/${encodeURIComponent(near.key)}/${near.number}` },
          `${near.call} ${near.model} of ${dated(near.at)}`,
        ),
        why.differences.length
          ? ` differs in ${many(why.differences.length, "place")}:`
          : " differs in nothing that is shown: a rule, a sample, its age or a header made the difference.",
      ),
    );
    const shown = why.differences.slice(0, 20);
    if (shown.length) {
      inside.append(
        el(
          "table",
          { class: "differences" },
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              ["Path", "Recorded", "Asked"].map((head) => el("th", { scope: "col" }, head)),
            ),
          ),
          el(
            "tbody",
            {},
            shown.map((one) =>
              el(
                "tr",
                {},
                el("td", {}, one.path),
                el("td", { "data-as": "recorded" }, one.recorded),
                el("td", { "data-as": "asked" }, one.asked),
              ),
            ),
          ),
        ),
      );
      const more = why.differences.length - shown.length;
      if (more > 0) inside.append(el("p", { class: "note" }, `and ${many(more, "more place")}.`));
    }
  }
  return el("section", { class: "card" }, el("h2", {}, "Why no recording answered"), inside);
}
