// A request or a response as it was sent.

import { el } from "./elements.js";
import { size } from "./figures.js";

export function asSent(title, line, side, path) {
  const body = side.body;
  const inside = el("div", { class: "inside" });
  if (side.headers.length)
    inside.append(
      el(
        "dl",
        { class: "lines" },
        side.headers.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
      ),
    );
  if (body.size) {
    const shown = el("pre", { class: body.hex ? "dump" : null, tabindex: "0", "aria-label": `${title}: body` });
    const tools = el("div", { class: "tools" });
    const put = (isFormatted) => {
      shown.textContent = isFormatted ? body.formatted : body.text;
    };
    if (body.hex)
      shown.textContent = body.hex.map(([at, bytes, text]) => `${at}  ${bytes.padEnd(47)}  ${text}`).join("\n");
    else put(Boolean(body.formatted));
    if (body.formatted) {
      const toggle = el(
        "button",
        {
          type: "button",
          "aria-pressed": "true",
          onclick: () => {
            const isFormatted = toggle.getAttribute("aria-pressed") !== "true";
            toggle.setAttribute("aria-pressed", String(isFormatted));
            toggle.textContent = isFormatted ? "Formatted" : "As sent";
            put(isFormatted);
          },
        },
        "Formatted",
      );
      tools.append(toggle);
    }
    tools.append(el("a", { href: path, download: true }, `Download ${size(body.size)}`));
    if (body.shown < body.size)
      tools.append(el("span", { class: "note" }, `the first ${size(body.shown)} are shown`));
    inside.append(tools, shown);
  } else inside.append(el("p", { class: "note" }, "No body."));
  if (side.left_out.length)
    inside.append(
      el("p", { class: "gone" }, `Headers that were left out, values and all: ${side.left_out.join(", ")}`),
    );
  if (side.unknown?.length)
    inside.append(el("p", { class: "gone" }, `Not known of it: ${side.unknown.join(", ")}`));
  return el(
    "details",
    { class: "card" },
    el(
      "summary",
      {},
      `Raw ${title.toLowerCase()}`,
      el("span", { class: "note" }, body.size ? size(body.size) : "no body"),
    ),
    el("div", { class: "inside" }, el("p", { class: "url" }, line)),
    inside,
  );
}
