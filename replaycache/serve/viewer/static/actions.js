// What is done with recordings: copied, exported, deleted.

import { $, el } from "./elements.js";
import { many } from "./figures.js";
import { ask, attempt, recordingPath } from "./server.js";

function dialog(title, inside, buttons) {
  const box = $("dialog");
  const back = document.activeElement;
  box.replaceChildren(
    el("h2", { id: "dialog-title" }, title),
    ...inside,
    el("div", { class: "actions" }, buttons),
  );
  box.onclose = () => {
    if (back?.isConnected) back.focus({ preventScroll: true });
  };
  if (!box.open) box.showModal();
}
const closing = (word = "Close", properties = {}) =>
  el("button", { type: "button", ...properties, onclick: () => $("dialog").close() }, word);

async function toClipboard(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy"); // where the page is no secure context
  }
}
export async function copy(target, kind, title) {
  const told = await attempt(() => ask(`${target.copy}?as=${kind}`));
  if (!told) return;
  const field = el("textarea", { readonly: true, spellcheck: "false", "aria-label": title, value: told.text });
  const said = el("p", { class: "note", role: "status" });
  const button = el(
    "button",
    {
      type: "button",
      class: "main",
      onclick: async () => {
        said.textContent = (await toClipboard(field))
          ? "Copied."
          : "The browser does not let this page copy: it is selected, press Ctrl+C.";
      },
    },
    "Copy",
  );
  const needsBody = told.text.includes("request-body");
  dialog(
    title,
    [
      field,
      told.note && el("p", { class: "note" }, told.note),
      needsBody && el("p", {}, el("a", { href: target.request, download: true }, "Download request-body")),
      said,
    ].filter(Boolean),
    [closing(), button],
  );
  button.focus();
}
export async function exportThem(rows, secrets = "refuse") {
  const order = { recordings: rows.map((row) => ({ key: row.key, number: row.number })), secrets };
  const told = await attempt(() =>
    ask("api/export", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(order),
    }),
  );
  if (!told) return;
  if (told.cassette !== null) {
    const address = URL.createObjectURL(new Blob([told.cassette], { type: "application/json" }));
    el("a", { href: address, download: told.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }
  const listed = (title, which) =>
    which.length
      ? [
          el("p", {}, title),
          el(
            "ul",
            {},
            which
              .slice(0, 20)
              .map((one) => el("li", {}, el("span", { class: "mono" }, one.recording), `: ${one.why}`)),
          ),
        ]
      : [];
  const inside = [
    el(
      "p",
      {},
      told.cassette === null ? "Nothing was written." : `${many(told.written, "recording")} in ${told.name}.`,
    ),
    ...listed("Not written, for it holds what looks like a credential:", told.secrets),
    ...listed("Left out:", told.left_out),
    ...listed("Cannot be read:", told.damaged),
  ];
  const buttons = [closing()];
  if (told.secrets.length)
    buttons.push(
      el(
        "button",
        { type: "button", class: "main", onclick: () => exportThem(rows, "replace") },
        "Export with placeholders instead",
      ),
    );
  dialog("Export as a cassette", inside, buttons);
}
export function confirmDelete(row, onDeleted) {
  const button = el(
    "button",
    {
      type: "button",
      class: "danger main",
      onclick: async () => {
        const told = await attempt(() => ask(recordingPath(row.key, row.number), { method: "DELETE" }));
        $("dialog").close();
        if (!told) return;
        onDeleted(row);
      },
    },
    "Delete",
  );
  dialog(
    "Delete this recording?",
    [
      el("p", {}, `${row.call} ${row.model}: ${row.asked}`),
      el(
        "p",
        { class: "note" },
        "The same request goes upstream again the next time. What is deleted does not come back.",
      ),
    ],
    [closing("Keep it", { autofocus: true }), button],
  );
}
