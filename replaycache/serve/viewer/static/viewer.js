// The viewer's page: its two lists, where one is, and the keyboard.

import { exportThem } from "./actions.js";
import { showCall, showRecording } from "./detail.js";
import { $, el } from "./elements.js";
import { count, many } from "./figures.js";
import { ofCall } from "./outcome.js";
import { stopPlayer } from "./player.js";
import { HEADS, STATUSES, callRow, nameOf, recordingRow } from "./rows.js";
import { showSaved } from "./saved.js";
import { Problem, ask, attempt, recordingPath, tell } from "./server.js";
import "./theme.js";

const EVERY = 1000; // milliseconds between two looks at what is new
const KEPT = 1000; // calls that are listed

const live = { calls: new Map(), changes: 0, run: "", paused: false, nodes: new Map(), loaded: false };
const stored = { rows: [], next: 0, looked: 0, total: 0, loaded: false, chosen: new Map(), asking: null };
const filters = {
  calls: { text: "", status: "", upstream: "", model: "" },
  stored: { text: "", status: "", upstream: "", model: "" },
};
let view = "calls";
let opened = ""; // the address of the row that was opened last

const itemOf = (row) =>
  recordingRow(row, stored.chosen.has(nameOf(row)), (chosen, isChosen) => {
    if (isChosen) stored.chosen.set(nameOf(chosen), chosen);
    else stored.chosen.delete(nameOf(chosen));
    showChosen();
  });
function showChosen() {
  $("chosen").hidden = view !== "stored" || !stored.chosen.size;
  $("chosen-word").textContent = `${count(stored.chosen.size)} chosen`;
}

// -- the list of calls

function isWanted(call) {
  const wanted = filters.calls;
  const holds = (text, part) => (text ?? "").toLowerCase().includes(part.toLowerCase());
  if (wanted.status && ofCall(call) !== wanted.status) return false;
  if (!holds(call.upstream, wanted.upstream) || !holds(call.model, wanted.model)) return false;
  return (
    !wanted.text ||
    [call.model, call.asked, call.path, call.upstream, call.reason, call.status].some((text) =>
      holds(text, wanted.text),
    ) ||
    call.key.startsWith(wanted.text.toLowerCase())
  );
}
async function look(isFirst = !live.loaded) {
  const told = await ask(`api/calls?since=${live.changes}&run=${live.run}`);
  const isNew = told.run !== live.run;
  if (isNew) {
    live.calls.clear();
    for (const node of live.nodes.values()) node.remove();
    live.nodes.clear();
  }
  const first = isFirst || isNew;
  live.run = told.run;
  live.changes = told.changes;
  $("location").textContent = told.location;
  const fresh = told.calls.filter((call) => !live.calls.has(call.number));
  for (const call of told.calls) live.calls.set(call.number, call);
  for (const call of told.calls) place(call, !first && fresh.includes(call));
  while (live.calls.size > KEPT) {
    const [oldest] = live.calls.keys();
    live.calls.delete(oldest);
    live.nodes.get(oldest)?.remove();
    live.nodes.delete(oldest);
  }
  live.loaded = true;
  if (told.calls.length || first) {
    suggest([...live.calls.values()], "upstream");
    countCalls();
  }
  if (!first && fresh.length)
    $("news").textContent =
      fresh.length === 1
        ? `A call: ${ofCall(fresh[0])}, ${fresh[0].upstream} ${fresh[0].model ?? ""}`
        : `${fresh.length} calls`;
  if (told.more) await look(first);
}
function place(call, isFresh) {
  const before = live.nodes.get(call.number);
  if (!isWanted(call)) {
    before?.remove();
    live.nodes.delete(call.number);
    return;
  }
  const node = callRow(call);
  node.number = call.number;
  if (isFresh) node.classList.add("fresh");
  live.nodes.set(call.number, node);
  if (view !== "calls") return;
  if (before?.isConnected) {
    const hadFocus = before.contains(document.activeElement);
    before.replaceWith(node);
    if (hadFocus) node.firstChild.focus({ preventScroll: true });
    return;
  }
  let next = $("rows").firstChild;
  while (next && next.number > call.number) next = next.nextSibling;
  $("rows").insertBefore(node, next);
}
function listCalls() {
  live.nodes.clear();
  const nodes = [];
  for (const call of [...live.calls.values()].sort((one, other) => other.number - one.number)) {
    if (!isWanted(call)) continue;
    const node = callRow(call);
    node.number = call.number;
    live.nodes.set(call.number, node);
    nodes.push(node);
  }
  $("rows").replaceChildren(...nodes);
  $("more").hidden = true;
  countCalls();
}
function countCalls() {
  if (view !== "calls") return;
  const shown = live.nodes.size;
  const all = live.calls.size;
  $("count").textContent = shown === all ? many(all, "call") : `${count(shown)} of ${many(all, "call")}`;
  if (all && !live.calls.has(1)) $("count").textContent += `: the last ${count(all)} are remembered`;
  showEmpty(shown, all, live.loaded);
}
function showEmpty(shown, all, isLoaded) {
  const empty = $("empty");
  empty.hidden = shown > 0 || !isLoaded;
  if (empty.hidden) return;
  if (all)
    empty.replaceChildren(
      el("h2", {}, "Nothing matches"),
      el("p", {}, "Change the search or the filters. "),
      el("p", {}, el("button", { type: "button", onclick: clearFilters }, "Clear them")),
    );
  else if (view === "calls") {
    empty.replaceChildren(
      el("h2", {}, "Nothing was asked yet"),
      el("p", {}, "Set the base URL of your client to this proxy, and its calls appear here as they come."),
      el(
        "pre",
        {},
        `export OPENAI_BASE_URL=${location.origin}/openai/v1\nexport ANTHROPIC_BASE_URL=${location.origin}/anthropic`,
      ),
    );
  } else
    empty.replaceChildren(
      el("h2", {}, "Nothing is recorded yet"),
      el("p", {}, "A call that goes upstream is recorded, and stands here from then on."),
    );
}
function clearFilters() {
  Object.assign(filters[view], { text: "", status: "", upstream: "", model: "" });
  showFilters();
  refresh();
  $("search").focus();
}
function suggest(rows, upstream) {
  for (const [id, name] of [
    ["upstreams", upstream],
    ["models", "model"],
  ]) {
    const names = [...new Set(rows.map((row) => row[name]).filter(Boolean))].sort().slice(0, 50);
    const known = [...$(id).options].map((option) => option.value);
    if (names.join("\n") !== known.join("\n"))
      $(id).replaceChildren(...names.map((value) => el("option", { value })));
  }
}

// -- the list of what is stored

async function listStored(isMore = false) {
  stored.asking?.abort();
  const asking = (stored.asking = new AbortController());
  const wanted = filters.stored;
  const start = isMore ? stored.next : 0;
  const query = new URLSearchParams({ start, ...wanted });
  $("more").disabled = true;
  const told = await ask(`api/recordings?${query}`, { signal: asking.signal }).finally(() => {
    $("more").disabled = false;
  });
  if (stored.asking !== asking) return;
  if (!isMore) stored.rows = [];
  stored.rows.push(...told.rows);
  Object.assign(stored, { next: told.next, looked: told.looked, total: told.total, loaded: true });
  if (view !== "stored") return;
  if (isMore) $("rows").append(...told.rows.map(itemOf));
  else $("rows").replaceChildren(...told.rows.map(itemOf));
  showStored();
}
function showStored() {
  const isFiltered = Object.values(filters.stored).some(Boolean);
  const shown = stored.rows.length;
  let text = isFiltered
    ? `${many(shown, "recording")} found in the newest ${count(stored.looked)} of ${count(stored.total)}`
    : `${count(shown)} of ${many(stored.total, "recording")}`;
  if (shown === stored.total && !isFiltered) text = many(stored.total, "recording");
  if (isFiltered && stored.looked >= stored.total) text = `${count(shown)} of ${many(stored.total, "recording")}`;
  $("count").textContent = text;
  $("more").hidden = stored.next === null;
  $("more").textContent = isFiltered ? "Look further" : "More";
  suggest(stored.rows, "host");
  showEmpty(shown || stored.next !== null, stored.total, stored.loaded);
  showChosen();
}

// -- where one is

function showOnly(id) {
  for (const each of ["list", "detail", "saved"]) $(each).hidden = each !== id;
}
function showFilters() {
  const wanted = filters[view];
  $("search").value = wanted.text;
  $("search").placeholder = view === "calls" ? "Search the calls listed" : "Search what was asked and answered";
  $("status").replaceChildren(
    el("option", { value: "" }, view === "calls" ? "Outcome" : "Answer"),
    ...STATUSES[view].map((value) => el("option", { value }, value)),
  );
  $("status").value = wanted.status;
  $("upstream").value = wanted.upstream;
  $("model").value = wanted.model;
}
async function refresh() {
  if (view === "calls") listCalls();
  else await attempt(() => listStored());
}
async function open([name, place]) {
  const here = location.hash;
  let key = name;
  try {
    key = decodeURIComponent(name);
  } catch {
    // as it stands
  }
  const number = view === "calls" ? Number(name) || 0 : Number(place) || 0;
  const told = await attempt(() => ask(view === "calls" ? `api/calls/${number}` : recordingPath(key, number)));
  if (location.hash !== here) return; // one is elsewhere by now
  if (!told)
    $("detail").replaceChildren(
      el("div", { class: "top" }, el("a", { class: "back", href: `#/${view}` }, "← Back to the list")),
    );
  else if (view === "calls") showCall(told, number, deleted);
  else showRecording(told, deleted);
  showOnly("detail");
  $("detail").querySelector("h1")?.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}
function deleted(row) {
  stored.chosen.delete(nameOf(row));
  stored.loaded = false;
  $("news").textContent = "Deleted.";
  location.hash = `#/${view}`;
}
async function route() {
  stopPlayer();
  if ($("dialog").open) $("dialog").close();
  const [, place = "calls", ...rest] = location.hash.split("/");
  const before = view;
  view = ["stored", "saved"].includes(place) ? place : "calls";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = "replaycache";
  tell("");
  if (rest.length && view !== "saved") {
    opened = location.hash;
    return open(rest);
  }
  if (view === "saved") {
    const told = await attempt(() => ask("api/saved"));
    if (view !== "saved") return; // one is elsewhere by now
    showOnly("saved");
    if (told) showSaved(told);
    else $("saved").replaceChildren();
    return;
  }
  $("list").className = view;
  $("list").setAttribute("aria-label", view === "calls" ? "Calls" : "Stored");
  $("heads").replaceChildren(
    ...HEADS[view].map(([word, isRight]) => el("span", { class: isRight ? "right" : null }, word)),
  );
  showFilters();
  showOnly("list");
  showChosen();
  if (view === "calls") listCalls();
  else if (stored.loaded && before === "stored") {
    $("rows").replaceChildren(...stored.rows.map(itemOf));
    showStored();
  } else {
    $("rows").replaceChildren();
    $("empty").hidden = true;
    $("count").textContent = "";
    await attempt(() => listStored());
  }
  const row =
    opened && [...document.querySelectorAll("#rows a.row")].find((link) => link.getAttribute("href") === opened);
  if (row) row.focus();
}

// -- the keyboard

function neighbour(by) {
  const links = [...document.querySelectorAll("#rows a.row")];
  if (!$("list").hidden) {
    const index = links.indexOf(document.activeElement?.closest("li")?.querySelector("a.row"));
    (links[index < 0 ? (by > 0 ? 0 : links.length - 1) : index + by] ?? links[index])?.focus();
    return;
  }
  const index = links.findIndex((link) => link.getAttribute("href") === location.hash);
  if (!$("detail").hidden && index >= 0 && links[index + by])
    location.hash = links[index + by].getAttribute("href");
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog").open) return;
  const field = event.target.closest?.("input:not([type=checkbox]), select, textarea");
  if (event.key === "Escape") {
    if (field) {
      event.preventDefault(); // a browser empties the field, and tells nobody who has left it
      field.blur();
      return;
    }
    if (!$("detail").hidden) location.hash = view === "stored" ? "#/stored" : "#/calls";
    return;
  }
  if (field) return;
  const isList = !$("list").hidden;
  if (event.key === "j" || (isList && event.key === "ArrowDown")) neighbour(1);
  else if (event.key === "k" || (isList && event.key === "ArrowUp")) neighbour(-1);
  else if (event.key === "/" && isList) $("search").focus();
  else return;
  event.preventDefault();
});

let waiting = 0;
for (const [id, name] of [
  ["search", "text"],
  ["status", "status"],
  ["upstream", "upstream"],
  ["model", "model"],
]) {
  $(id).addEventListener("input", () => {
    filters[view][name] = $(id).value.trim();
    opened = "";
    clearTimeout(waiting);
    if (view === "calls") listCalls();
    else waiting = setTimeout(refresh, 200);
  });
}
$("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  refresh();
});
$("more").addEventListener("click", () => attempt(() => listStored(true)));
$("export-chosen").addEventListener("click", () => exportThem([...stored.chosen.values()]));
$("choose-none").addEventListener("click", () => {
  stored.chosen.clear();
  for (const box of document.querySelectorAll("#rows input")) box.checked = false;
  showChosen();
});

// -- as they come

$("pause").addEventListener("click", () => {
  live.paused = !live.paused;
  $("pause").setAttribute("aria-pressed", String(live.paused));
  $("pause-word").textContent = live.paused ? "Paused" : "Live";
  if (!live.paused) watch();
});
let watching = 0;
let isLooking = false;
async function watch() {
  clearTimeout(watching);
  if (live.paused || isLooking) return;
  isLooking = true;
  if (!document.hidden) {
    try {
      await look();
      if (live.isLost) tell("");
      live.isLost = false;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      live.isLost = true;
      tell(error.message);
    }
  }
  isLooking = false;
  watching = setTimeout(watch, EVERY);
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) watch();
});
window.addEventListener("hashchange", route);
await route();
watch();
