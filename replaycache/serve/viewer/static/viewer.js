// The viewer's page. Whatever was recorded becomes text nodes and values of form fields, and nothing else: no text is read
// as markup here, and the policy that the page comes with would run nothing that got past.

const MARK = { "x-replaycache-viewer": "1" };
const EVERY = 1000; // milliseconds between two looks at what is new
const KEPT = 1000; // calls that are listed
const WIDTH = 1000; // of drawings, in their own units

const $ = (id) => document.getElementById(id);

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "open") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return node;
}
const el = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
const svg = (tag, properties, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);

// -- figures ---------------------------------------------------------------------------------------------------

const count = (number) => (number ?? 0).toLocaleString("en");
const many = (number, what) => `${count(number)} ${what}${number === 1 ? "" : "s"}`;

function short(number) {
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) if (number >= size) return `${(number / (unit === "k" ? 1e3 : size)).toFixed(number >= size * 10 || unit === "k" ? 0 : 1)}${unit}`;
  return count(number);
}
function size(bytes) {
  let unit = 0;
  const units = ["B", "kB", "MB", "GB", "TB"];
  while (bytes >= 999.5 && unit < units.length - 1) { bytes /= 1000; unit += 1; }
  return `${unit && bytes < 9.95 ? bytes.toFixed(1) : bytes.toFixed(0)} ${units[unit]}`;
}
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds === 0) return "0 s";
  if (seconds < 0.001) return "<1 ms";
  if (seconds < 0.9995) return `${(seconds * 1e3).toFixed(0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600).toLocaleString("en")} h ${Math.floor((seconds % 3600) / 60)} min`;
}
const pad = (number) => String(number).padStart(2, "0");
function clock(at) {
  const moment = new Date(at * 1000);
  return `${pad(moment.getHours())}:${pad(moment.getMinutes())}:${pad(moment.getSeconds())}`;
}
function day(at) {
  const moment = new Date(at * 1000);
  return `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
}
const dated = (at) => (at ? `${day(at)} ${clock(at).slice(0, 5)}` : "no date");
const tokens = (row) => (row.tokens_in || row.tokens_out ? `${short(row.tokens_in ?? 0)} / ${short(row.tokens_out ?? 0)}` : "");

// -- the outcome of a call: by a word, a shape and a colour ------------------------------------------------------

const SHAPES = {
  hit: () => svg("circle", { cx: 5, cy: 5, r: 5, fill: "currentColor" }),
  ok: () => svg("circle", { cx: 5, cy: 5, r: 5, fill: "currentColor" }),
  miss: () => svg("circle", { cx: 5, cy: 5, r: 4, fill: "none", stroke: "currentColor", "stroke-width": 2 }),
  live: () => svg("path", { d: "M5 0 10 10H0z", fill: "currentColor" }),
  refused: () => svg("rect", { x: 0.5, y: 0.5, width: 9, height: 9, fill: "currentColor" }),
  failed: () => svg("path", { d: "M1 1 9 9M9 1 1 9", fill: "none", stroke: "currentColor", "stroke-width": 2.4 }),
  damaged: () => svg("path", { d: "M1 1 9 9M9 1 1 9", fill: "none", stroke: "currentColor", "stroke-width": 2.4 }),
  cut: () => svg("path", { d: "M0 0h5v10H0z", fill: "currentColor" }),
  open: () => svg("circle", { cx: 5, cy: 5, r: 4, fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": "2.5 2.5" }),
};
const MEANS = {
  hit: "answered by a recording", miss: "went upstream, and was recorded", live: "went upstream, and was not recorded",
  refused: "nothing was recorded for it, and upstream may not be called", failed: "it failed", open: "it has not been answered yet",
  ok: "the answer is whole", cut: "the answer is not all there", damaged: "it cannot be read",
};
function status(name) {
  return el("span", { class: `status ${name}`, title: MEANS[name] }, svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, SHAPES[name]?.()), name);
}
const ofCall = (call) => (call.status in SHAPES ? call.status : "open");
function ofRecording(row) {
  if (row.damaged) return "damaged";
  if (!row.complete || row.verdict === "unfinished") return "cut";
  return row.code >= 400 || row.verdict === "failed" ? "failed" : "ok";
}

// -- asking the server -------------------------------------------------------------------------------------------

class Problem extends Error {}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", redirect: "error", ...options, headers: { ...MARK, ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The proxy does not answer. Is `replaycache serve` still running?");
  }
  if (response.status === 401) {
    location.assign("login");
    throw new Problem("The proxy asks for its token.");
  }
  let told;
  try {
    told = await response.json();
  } catch {
    throw new Problem(`The proxy answered ${response.status}, and not to this page.`);
  }
  if (!response.ok) throw new Problem(told.error ?? `The proxy answered ${response.status}.`);
  return told;
}
function tell(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}
async function attempt(work) {
  try {
    const result = await work();
    tell("");
    return result;
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    if (!(error instanceof Problem)) throw error;
    tell(error.message);
    return undefined;
  }
}
const recordingPath = (key, number) => `api/recordings/${encodeURIComponent(key)}/${number}`;

// -- what is known -----------------------------------------------------------------------------------------------

const live = { calls: new Map(), changes: 0, run: "", paused: false, nodes: new Map(), loaded: false };
const stored = { rows: [], next: 0, looked: 0, total: 0, loaded: false, chosen: new Map(), asking: null };
const filters = { calls: { text: "", status: "", upstream: "", model: "" }, stored: { text: "", status: "", upstream: "", model: "" } };
let view = "calls";
let opened = ""; // the address of the row that was opened last

const HEADS = {
  calls: [["Time"], ["Outcome"], ["Upstream"], ["Asked"], ["Call"], ["Code", 1], ["Tokens", 1], ["First / total", 1], ["Size", 1]],
  stored: [["Recorded"], ["Answer"], ["Upstream"], ["Asked"], ["Call"], ["Code", 1], ["Tokens", 1], ["Took", 1], ["Size", 1]],
};
const STATUSES = {
  calls: ["hit", "miss", "live", "refused", "failed", "open"],
  stored: ["ok", "failed", "cut"],
};

function cells(row, name, when, upstream, took) {
  const asked = el("span", { class: "asked" }, row.model && el("span", { class: "model" }, row.model), el("span", { class: "quiet" }, row.asked || (row.model ? "" : row.path) || row.damaged));
  return [
    el("span", { class: "time small quiet" }, when),
    el("span", { class: "status-cell" }, status(name)),
    el("span", { class: "upstream", title: upstream }, upstream),
    asked,
    el("span", { class: "path small quiet", title: `${row.method ?? ""} ${row.path ?? ""}` }, row.call ?? row.path),
    el("span", { class: `code small right${row.code >= 400 ? " bad" : " quiet"}` }, row.code ? String(row.code) : ""),
    el("span", { class: "tokens small right", title: "tokens in / out" }, tokens(row)),
    el("span", { class: "took small right" }, took),
    el("span", { class: "size small right quiet" }, row.size ? size(row.size) : ""),
  ];
}
function callRow(call) {
  const took = call.code || call.seconds !== null ? `${call.first ? duration(call.first) : "–"} / ${call.seconds === null ? "…" : duration(call.seconds)}` : "";
  return el("li", {}, el("a", { class: "row", href: `#/calls/${call.number}`, title: call.reason || null }, cells(call, ofCall(call), clock(call.at), call.upstream, took)));
}
function recordingItem(row) {
  const name = `${row.key}/${row.number}`;
  const pick = el("input", {
    type: "checkbox", "aria-label": `Choose ${row.call ?? row.key}`, checked: stored.chosen.has(name),
    onchange: (event) => {
      if (event.target.checked) stored.chosen.set(name, row);
      else stored.chosen.delete(name);
      showChosen();
    },
  });
  return el("li", {}, el("span", { class: "pick" }, pick), el("a", { class: "row", href: `#/stored/${encodeURIComponent(row.key)}/${row.number}` }, cells(row, ofRecording(row), dated(row.at), row.host ?? "", duration(row.seconds))));
}
function showChosen() {
  $("chosen").hidden = view !== "stored" || !stored.chosen.size;
  $("chosen-word").textContent = `${count(stored.chosen.size)} chosen`;
}

// -- the list of calls -------------------------------------------------------------------------------------------

function isWanted(call) {
  const wanted = filters.calls;
  const holds = (text, part) => (text ?? "").toLowerCase().includes(part.toLowerCase());
  if (wanted.status && ofCall(call) !== wanted.status) return false;
  if (!holds(call.upstream, wanted.upstream) || !holds(call.model, wanted.model)) return false;
  return !wanted.text || [call.model, call.asked, call.path, call.upstream, call.reason, call.status].some((text) => holds(text, wanted.text)) || call.key.startsWith(wanted.text.toLowerCase());
}
async function look() {
  const told = await ask(`api/calls?since=${live.changes}&run=${live.run}`);
  const isNew = told.run !== live.run;
  if (isNew) {
    live.calls.clear();
    for (const node of live.nodes.values()) node.remove();
    live.nodes.clear();
  }
  const first = !live.loaded || isNew;
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
  if (!first && fresh.length) $("news").textContent = fresh.length === 1 ? `A call: ${ofCall(fresh[0])}, ${fresh[0].upstream} ${fresh[0].model ?? ""}` : `${fresh.length} calls`;
  if (told.more) await look();
}
function place(call, isFresh) {
  const before = live.nodes.get(call.number);
  if (!isWanted(call)) {
    before?.remove();
    live.nodes.delete(call.number);
    return;
  }
  const node = callRow(call);
  if (isFresh) node.classList.add("fresh");
  live.nodes.set(call.number, node);
  if (view !== "calls") return;
  if (before?.isConnected) {
    const hadFocus = before.contains(document.activeElement);
    before.replaceWith(node);
    if (hadFocus) node.firstChild.focus({ preventScroll: true });
    return;
  }
  node.number = call.number;
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
  if (all) empty.replaceChildren(el("h2", {}, "Nothing matches"), el("p", {}, "Change the search or the filters. "), el("p", {}, el("button", { type: "button", onclick: clearFilters }, "Clear them")));
  else if (view === "calls") {
    empty.replaceChildren(
      el("h2", {}, "Nothing was asked yet"),
      el("p", {}, "Set the base URL of your client to this proxy, and its calls appear here as they come."),
      el("pre", {}, `export OPENAI_BASE_URL=${location.origin}/openai/v1\nexport ANTHROPIC_BASE_URL=${location.origin}/anthropic`),
    );
  } else empty.replaceChildren(el("h2", {}, "Nothing is recorded yet"), el("p", {}, "A call that goes upstream is recorded, and stands here from then on."));
}
function clearFilters() {
  Object.assign(filters[view], { text: "", status: "", upstream: "", model: "" });
  showFilters();
  refresh();
  $("search").focus();
}
function suggest(rows, upstream) {
  for (const [id, name] of [["upstreams", upstream], ["models", "model"]]) {
    const names = [...new Set(rows.map((row) => row[name]).filter(Boolean))].sort().slice(0, 50);
    const known = [...$(id).options].map((option) => option.value);
    if (names.join("\n") !== known.join("\n")) $(id).replaceChildren(...names.map((value) => el("option", { value })));
  }
}

// -- the list of what is stored ----------------------------------------------------------------------------------

async function listStored(isMore = false) {
  stored.asking?.abort();
  const asking = (stored.asking = new AbortController());
  const wanted = filters.stored;
  const start = isMore ? stored.next : 0;
  const query = new URLSearchParams({ start, ...wanted });
  $("more").disabled = true;
  const told = await ask(`api/recordings?${query}`, { signal: asking.signal });
  if (stored.asking !== asking) return;
  if (!isMore) stored.rows = [];
  stored.rows.push(...told.rows);
  Object.assign(stored, { next: told.next, looked: told.looked, total: told.total, loaded: true });
  if (view !== "stored") return;
  if (isMore) $("rows").append(...told.rows.map(recordingItem));
  else $("rows").replaceChildren(...told.rows.map(recordingItem));
  showStored();
}
function showStored() {
  const isFiltered = Object.values(filters.stored).some(Boolean);
  const shown = stored.rows.length;
  let text = isFiltered ? `${many(shown, "recording")} found in the newest ${count(stored.looked)} of ${count(stored.total)}` : `${count(shown)} of ${many(stored.total, "recording")}`;
  if (shown === stored.total && !isFiltered) text = many(stored.total, "recording");
  if (isFiltered && stored.next === null) text = `${count(shown)} of ${many(stored.total, "recording")}`;
  $("count").textContent = text;
  $("more").hidden = stored.next === null;
  $("more").disabled = false;
  $("more").textContent = isFiltered ? "Look further" : "More";
  suggest(stored.rows, "host");
  showEmpty(shown || stored.next !== null, stored.total, stored.loaded);
  showChosen();
}

// -- one call or recording ---------------------------------------------------------------------------------------

async function openCall(number) {
  const here = location.hash;
  const told = await attempt(() => ask(`api/calls/${number}`));
  if (location.hash !== here) return; // one is elsewhere by now
  if (!told) return showGone();
  const call = told.call;
  const recording = told.recording;
  const about = recording?.row ?? told.request ?? {};
  const target = {
    copy: recording ? `${recordingPath(recording.row.key, recording.row.number)}/copy` : told.request ? `api/calls/${number}/copy` : "",
    request: recording ? `${recordingPath(recording.row.key, recording.row.number)}/request-body` : `api/calls/${number}/request-body`,
  };
  showDetail({
    title: `${call.method} ${call.upstream} ${call.path}`, name: ofCall(call), reason: call.reason, back: ["#/calls", "Calls"],
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
    recording, request: told.request, why: told.why, problem: told.problem, target, number,
    note: recording ? "" : unrecorded(call),
  });
}
function unrecorded(call) {
  if (call.status === "hit" || call.status === "miss") return "Its recording is not in this store: it was deleted, or another store answered.";
  if (call.status === "live") return "Its answer was not recorded.";
  if (call.status === "") return "It is not over yet. Open it again when it is.";
  return "";
}
async function openRecording(key, number) {
  const here = location.hash;
  const told = await attempt(() => ask(recordingPath(key, number)));
  if (location.hash !== here) return;
  if (!told) return showGone();
  const row = told.recording.row;
  showDetail({
    title: `${row.method} ${row.host}${row.path}`, name: ofRecording(row), reason: "", back: ["#/stored", "Stored"],
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
    recording: told.recording, request: null, why: null, problem: "", note: "",
    target: { copy: `${recordingPath(row.key, row.number)}/copy`, request: `${recordingPath(row.key, row.number)}/request-body` },
  });
}
function showGone() {
  $("detail").replaceChildren(el("div", { class: "top" }, el("a", { class: "back", href: view === "stored" ? "#/stored" : "#/calls" }, "← Back to the list")));
  showOnly("detail");
}

function showDetail({ title, name, reason, back, facts, recording, request, why, problem, target, note }) {
  stopPlayer();
  const row = recording?.row;
  const usage = recording?.usage;
  if (usage) {
    const more = [usage.cached && `${count(usage.cached)} cached`, usage.reasoning && `${count(usage.reasoning)} for reasoning`].filter(Boolean).join(", ");
    if (usage.input || usage.output) facts.splice(6, 0, ["Tokens in / out", `${count(usage.input)} / ${count(usage.output)}`, more]);
    if (usage.units) facts.splice(6, 0, ["Units", usage.units]);
    facts.splice(7, 0, ["Price", usage.price || "not known", usage.price ? "at list prices" : usage.no_price]);
  }
  const sent = recording?.request ?? request;
  const heading = el("h1", { tabindex: "-1" }, title);
  const actions = [];
  if (target.copy) {
    actions.push(el("button", { type: "button", onclick: () => copy(target, "curl", "A curl command") }, "Copy as curl"));
    if (recording) actions.push(el("button", { type: "button", onclick: () => copy(target, "pytest", "A pytest test") }, "Copy as pytest"));
  }
  if (recording) {
    actions.push(el("button", { type: "button", onclick: () => exportThem([row]) }, "Export as a cassette"));
    actions.push(el("button", { type: "button", class: "danger", onclick: () => confirmDelete(row, back[0]) }, "Delete"));
  }
  $("detail").replaceChildren(
    el("div", { class: "top" }, el("a", { class: "back", href: back[0] }, `← ${back[1]}`), actions),
    el("div", { class: "headline" }, heading, status(name)),
    sent && el("p", { class: "url" }, sent.url) || "",
    reason ? el("p", { class: "reason" }, reason) : "",
    el("dl", { class: "facts" }, facts.filter(([, value]) => value !== "" && value !== undefined && value !== null).map(([term, value, more, isWide]) => el("div", { class: isWide ? "wide" : null }, el("dt", {}, term), el("dd", { class: term === "Key" ? "mono" : null }, String(value), more && el("small", {}, more))))),
    problem ? el("p", { class: "problem" }, problem) : "",
    note ? el("p", { class: "note empty" }, note) : "",
    why ? missed(why) : "",
    sent ? talk(sent, recording?.response) : "",
    recording?.stream ? player(recording.stream) : "",
    sent ? asSent("Request", [sent.method, sent.url].join(" "), sent, target.request) : "",
    recording ? asSent("Response", String(recording.response.code), recording.response, `${recordingPath(row.key, row.number)}/response-body`) : "",
  );
  showOnly("detail");
  heading.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  document.title = `${title} – replaycache`;
}

function missed(why) {
  const near = why.nearest;
  const inside = el("div", { class: "inside why" });
  if (!near) {
    inside.append(el("p", {}, why.looked ? `Nothing comes near it: none of the newest ${many(why.looked, "recording")} is of the same endpoint and differs in a few places only.` : "The store has no other recording."));
  } else {
    inside.append(el("p", {}, "The nearest recording ", el("a", { href: `#/stored/${encodeURIComponent(near.key)}/${near.number}` }, `${near.call} ${near.model} of ${dated(near.at)}`), why.differences.length ? ` differs in ${many(why.differences.length, "place")}:` : " differs in nothing that is shown: a rule, a sample, its age or a header made the difference."));
    const shown = why.differences.slice(0, 20);
    if (shown.length) {
      inside.append(el("table", { class: "differences" }, el("thead", {}, el("tr", {}, ["Path", "Recorded", "Asked"].map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, shown.map((one) => el("tr", {}, el("td", {}, one.path), el("td", { "data-as": "recorded" }, one.recorded), el("td", { "data-as": "asked" }, one.asked))))));
      const more = why.differences.length - shown.length;
      if (more > 0) inside.append(el("p", { class: "note" }, `and ${many(more, "more place")}.`));
    }
  }
  return el("section", { class: "card" }, el("h2", {}, "Why no recording answered"), inside);
}

// -- the conversation ----------------------------------------------------------------------------------------------

function talk(request, response) {
  const card = el("section", { class: "card" }, el("h2", {}, "Conversation"));
  const about = [request.settings, request.tools.length ? `tools: ${request.tools.join(", ")}` : ""].filter(Boolean).join(" · ");
  if (about) card.append(el("p", { class: "inside note" }, about));
  if (request.turns.before) card.append(el("p", { class: "inside note" }, `${many(request.turns.before, "turn")} before these are left out; the raw request has them.`));
  for (const turn of request.turns.turns) card.append(turnOf(turn, false));
  if (request.too_large) card.append(el("p", { class: "inside note" }, "The request is too large to be read here; download it below."));
  for (const turn of response?.turns.turns ?? []) card.append(turnOf(turn, true));
  if (response?.too_large) card.append(el("p", { class: "inside note" }, `The answer is too large to be read here (${size(response.body.size)}); download it below.`));
  if (response?.unread) card.append(el("p", { class: "inside note" }, "It is nested too deeply to be read; see the raw request and response."));
  if (!card.querySelector(".turn, .note")) card.append(el("p", { class: "inside note" }, "Nothing in it is a conversation; see the raw request and response."));
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
  return el("div", { class: `turn${isAnswer ? " answer" : ""}` }, el("div", { class: "role" }, role), el("div", {}, turn.parts.map(partOf), turn.more ? el("p", { class: "note" }, `and ${many(turn.more, "more part")}`) : ""));
}
function partOf(part) {
  const rest = part.more ? el("p", { class: "note" }, `… and ${many(part.more, "more character")}; the raw body has all.`) : "";
  const kind = part.kind.replace(" ", "-");
  const said = el("div", { class: "said" }, part.text);
  if (part.kind === "reasoning") return el("details", { class: "part reasoning" }, el("summary", {}, "Reasoning"), said, rest);
  if (part.kind === "tool call" || part.kind === "tool result") {
    const arrow = part.kind === "tool call" ? "→" : "←";
    const title = part.kind === "tool call" ? `calls ${part.name}` : part.name ? `result of ${part.name}` : "result";
    return el("div", { class: `part ${kind}` }, el("div", { class: "tool" }, el("div", { class: "name" }, el("span", { "aria-hidden": "true" }, `${arrow} `), title), part.text && said), rest);
  }
  if (["image", "audio", "video", "file"].includes(part.kind)) return el("div", { class: `part ${kind}` }, el("span", { class: "held" }, el("strong", {}, part.kind), [part.name, part.text].filter(Boolean).join(", ")));
  if (part.kind === "data") return el("div", { class: "part data" }, el("pre", {}, part.text), rest);
  const word = part.kind === "error" ? `Error${part.name ? ` (${part.name})` : ""}: ` : part.kind === "refusal" ? "Refused: " : "";
  if (word) said.prepend(word);
  return el("div", { class: `part ${kind}` }, said, rest);
}

// -- both sides as they were sent ------------------------------------------------------------------------------------

function asSent(title, line, side, path) {
  const body = side.body;
  const inside = el("div", { class: "inside" });
  if (side.headers.length) inside.append(el("dl", { class: "lines" }, side.headers.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
  if (body.size) {
    const shown = el("pre", { class: body.hex ? "dump" : null, tabindex: "0", "aria-label": `${title}: body` });
    const tools = el("div", { class: "tools" });
    const put = (isFormatted) => { shown.textContent = isFormatted ? body.formatted : body.text; };
    if (body.hex) shown.textContent = body.hex.map(([at, bytes, text]) => `${at}  ${bytes.padEnd(47)}  ${text}`).join("\n");
    else put(Boolean(body.formatted));
    if (body.formatted) {
      const toggle = el("button", { type: "button", "aria-pressed": "true", onclick: () => {
        const isFormatted = toggle.getAttribute("aria-pressed") !== "true";
        toggle.setAttribute("aria-pressed", String(isFormatted));
        toggle.textContent = isFormatted ? "Formatted" : "As sent";
        put(isFormatted);
      } }, "Formatted");
      tools.append(toggle);
    }
    tools.append(el("a", { href: path, download: true }, `Download ${size(body.size)}`));
    if (body.shown < body.size) tools.append(el("span", { class: "note" }, `the first ${size(body.shown)} are shown`));
    inside.append(tools, shown);
  } else inside.append(el("p", { class: "note" }, "No body."));
  if (side.left_out.length) inside.append(el("p", { class: "gone" }, `Headers that were left out, values and all: ${side.left_out.join(", ")}`));
  if (side.unknown?.length) inside.append(el("p", { class: "gone" }, `Not known of it: ${side.unknown.join(", ")}`));
  return el("details", { class: "card" }, el("summary", {}, `Raw ${title.toLowerCase()}`, el("span", { class: "note" }, body.size ? size(body.size) : "no body")), el("div", { class: "inside" }, el("p", { class: "url" }, line)), inside);
}

// -- the stream, replayed ---------------------------------------------------------------------------------------------

let playing = 0;
function stopPlayer() {
  cancelAnimationFrame(playing);
  playing = 0;
}
function player(stream) {
  const chunks = stream.chunks;
  const end = chunks.length ? chunks[chunks.length - 1][0] : 0;
  const last = stream.last || end;
  const state = { at: end, shown: 0, speed: 1, asSent: false, before: 0 };
  const most = Math.max(1, ...stream.bars);
  const step = WIDTH / stream.bars.length;
  const bars = stream.bars.map((bytes, index) => {
    const height = bytes ? Math.max(2, (bytes / most) * 58) : 0;
    return svg("rect", { class: "bar-of", x: (index * step + step * 0.12).toFixed(2), y: (60 - height).toFixed(2), width: (step * 0.76).toFixed(2), height: height.toFixed(2) });
  });
  const head = svg("line", { class: "head", y1: 0, y2: 62, "vector-effect": "non-scaling-stroke" });
  const drawing = svg("svg", { class: "timeline", viewBox: `0 0 ${WIDTH} 62`, preserveAspectRatio: "none", role: "img", "aria-label": `${many(stream.count, "chunk")} in ${duration(last)}, the first after ${duration(stream.first)}` }, svg("line", { class: "base", x1: 0, x2: WIDTH, y1: 60.5, y2: 60.5 }), bars, head);
  // what it came to stands in the conversation already
  const output = el("pre", { class: "output spoken", tabindex: "0", hidden: true, "aria-label": "What had come until then" });
  const told = el("span", { class: "clock" });
  const seek = el("input", { class: "seek", type: "range", min: "0", max: "1000", step: "1", "aria-label": "Moment of the stream" });
  const play = el("button", { type: "button", class: "main", id: "play" }, "Replay");
  const speed = el("select", { "aria-label": "Speed" }, [0.25, 0.5, 1, 2, 5, 20, 100].map((by) => el("option", { value: String(by) }, `${by}×`)));
  speed.value = "1";

  const put = (chunk) => {
    if (state.asSent) {
      output.append(chunk[2] + (chunk[3] ? `… and ${count(chunk[3])} more\n` : ""));
      return;
    }
    for (const [kind, text] of chunk[4]) {
      let run = output.lastElementChild;
      if (run?.dataset.kind !== kind) {
        run = el("span", { class: `run ${kind === "tool call" ? "call" : kind}`, "data-kind": kind });
        output.append(run);
      }
      run.append(text);
    }
  };
  const draw = (at) => {
    if (at < state.at || !state.shown) {
      state.shown = 0;
      output.replaceChildren();
    }
    state.at = at;
    const before = state.shown;
    while (state.shown < chunks.length && chunks[state.shown][0] <= at + 1e-9) put(chunks[state.shown++]);
    if (state.shown > before) output.scrollTop = output.scrollHeight;
    const x = last ? Math.min(1, at / last) * WIDTH : WIDTH;
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
    bars.forEach((bar, index) => bar.classList.toggle("past", index * step < x || x === WIDTH));
    seek.value = String(end ? Math.round((at / end) * 1000) : 1000);
    told.textContent = `${duration(at)} of ${duration(end)} · chunk ${count(state.shown)} of ${count(chunks.length)}`;
  };
  const again = () => { state.shown = 0; draw(state.at); };
  const setPlaying = (isPlaying) => {
    stopPlayer();
    play.textContent = isPlaying ? "Pause" : state.at >= end ? "Replay" : "Play";
    output.hidden = false;
    if (!isPlaying) return;
    if (state.at >= end) { state.shown = 0; draw(0); }
    state.before = performance.now();
    const tick = (now) => {
      const at = Math.min(end, state.at + ((now - state.before) / 1000) * state.speed);
      state.before = now;
      draw(at);
      if (at >= end) setPlaying(false);
      else playing = requestAnimationFrame(tick);
    };
    playing = requestAnimationFrame(tick);
  };
  play.addEventListener("click", () => setPlaying(!playing));
  speed.addEventListener("change", () => { state.speed = Number(speed.value); });
  seek.addEventListener("input", () => { setPlaying(false); draw((Number(seek.value) / 1000) * end); play.textContent = state.at >= end ? "Replay" : "Play"; });
  const says = chunks.some((chunk) => chunk[4].length);
  const toggle = el("button", { type: "button", "aria-pressed": "false", onclick: () => {
    state.asSent = !state.asSent;
    output.hidden = false;
    toggle.setAttribute("aria-pressed", String(state.asSent));
    output.classList.toggle("spoken", !state.asSent);
    again();
  } }, "As sent");
  if (!says) { state.asSent = true; output.classList.remove("spoken"); }
  draw(end);
  const notes = stream.count > chunks.length ? el("p", { class: "note" }, `The first ${count(chunks.length)} of ${many(stream.count, "chunk")} are replayed; the bars tell of all.`) : "";
  return el("section", { class: "card", "aria-label": "Stream" }, el("h2", {}, "Stream", el("span", { class: "note" }, many(stream.count, "chunk"))),
    el("div", { class: "inside" }, drawing,
      el("div", { class: "axis" }, el("span", {}, "0 s"), el("span", {}, `first after ${duration(stream.first)}, longest pause ${duration(stream.longest_pause)}`), el("span", {}, duration(last))),
      el("div", { class: "player" }, play, speed, seek, told, says ? toggle : ""), output, notes));
}

// -- what is done to recordings -----------------------------------------------------------------------------------------

function dialog(title, inside, buttons) {
  const box = $("dialog");
  const back = document.activeElement;
  box.replaceChildren(el("h2", { id: "dialog-title" }, title), ...inside, el("div", { class: "actions" }, buttons));
  box.onclose = () => { if (back?.isConnected) back.focus({ preventScroll: true }); };
  if (!box.open) box.showModal();
}
const closing = (word = "Close", properties = {}) => el("button", { type: "button", ...properties, onclick: () => $("dialog").close() }, word);

async function toClipboard(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy"); // where the page is no secure context
  }
}
async function copy(target, kind, title) {
  const told = await attempt(() => ask(`${target.copy}?as=${kind}`));
  if (!told) return;
  const field = el("textarea", { readonly: true, spellcheck: "false", "aria-label": title, value: told.text });
  const said = el("p", { class: "note", role: "status" });
  const button = el("button", { type: "button", class: "main", onclick: async () => {
    said.textContent = (await toClipboard(field)) ? "Copied." : "The browser does not let this page copy: it is selected, press Ctrl+C.";
  } }, "Copy");
  const needsBody = told.text.includes("request-body");
  dialog(title, [field, told.note && el("p", { class: "note" }, told.note), needsBody && el("p", {}, el("a", { href: target.request, download: true }, "Download request-body")), said].filter(Boolean), [closing(), button]);
  button.focus();
}
async function exportThem(rows, secrets = "refuse") {
  const order = { recordings: rows.map((row) => ({ key: row.key, number: row.number })), secrets };
  const told = await attempt(() => ask("api/export", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(order) }));
  if (!told) return;
  if (told.cassette !== null) {
    const address = URL.createObjectURL(new Blob([told.cassette], { type: "application/json" }));
    el("a", { href: address, download: told.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }
  const listed = (title, which) => (which.length ? [el("p", {}, title), el("ul", {}, which.slice(0, 20).map((one) => el("li", {}, el("span", { class: "mono" }, one.recording), `: ${one.why}`)))] : []);
  const inside = [
    el("p", {}, told.cassette === null ? "Nothing was written." : `${many(told.written, "recording")} in ${told.name}.`),
    ...listed("Not written, for it holds what looks like a credential:", told.secrets),
    ...listed("Left out:", told.left_out),
    ...listed("Cannot be read:", told.damaged),
  ];
  const buttons = [closing()];
  if (told.secrets.length) buttons.push(el("button", { type: "button", class: "main", onclick: () => exportThem(rows, "replace") }, "Export with placeholders instead"));
  dialog("Export as a cassette", inside, buttons);
}
function confirmDelete(row, back) {
  const button = el("button", { type: "button", class: "danger main", onclick: async () => {
    const told = await attempt(() => ask(recordingPath(row.key, row.number), { method: "DELETE" }));
    $("dialog").close();
    if (!told) return;
    stored.chosen.delete(`${row.key}/${row.number}`);
    stored.loaded = false;
    $("news").textContent = "Deleted.";
    location.hash = back;
  } }, "Delete");
  dialog("Delete this recording?", [el("p", {}, `${row.call} ${row.model}: ${row.asked}`), el("p", { class: "note" }, "The same request goes upstream again the next time. What is deleted does not come back.")], [closing("Keep it", { autofocus: true }), button]);
}

// -- what was saved -------------------------------------------------------------------------------------------------------

async function openSaved() {
  const told = await attempt(() => ask("api/saved"));
  if (view !== "saved") return;
  const section = $("saved");
  showOnly("saved");
  if (!told) return section.replaceChildren();
  const total = told.total;
  const ofCalls = told.of === "calls";
  if (!total.calls) return section.replaceChildren(el("div", { class: "empty" }, el("h2", {}, "Nothing was saved yet"), el("p", {}, ofCalls ? "No call was noted in this store yet. The second time that something is asked, it is." : "Nothing is recorded in this store yet.")));
  const tile = (term, figure, more, isMain) => el("div", {}, el("dt", {}, term), el("dd", { class: `figure${isMain ? " main" : ""}` }, figure), el("dd", { class: "note" }, more));
  const tiles = ofCalls
    ? [
        tile("Calls", count(total.calls), `${count(total.hits)} by a recording (${Math.floor((100 * total.hits) / total.calls)}%)`),
        total.saved.usd_told || total.spent.usd_told ? tile("Money saved", total.saved.usd_told || "$0.00", `${total.spent.usd_told || "$0.00"} spent upstream`, true) : "",
        tile("Tokens saved", total.saved.tokens_told, `${total.spent.tokens_told} upstream`),
        tile("Time saved", total.seconds_told, `${total.spent.seconds_told} upstream`),
      ]
    : [
        tile("Recordings", count(total.calls), total.spent.size_told),
        total.spent.usd_told ? tile("Recording them cost", total.spent.usd_told, "saved by every replay", true) : "",
        tile("Tokens", total.spent.tokens_told, "in and out"),
        tile("They took", total.spent.seconds_told, "upstream"),
      ];
  const kinds = [["usd", "Money"], ["tokens", "Tokens"], ["calls", "Calls"]].filter(([kind]) => kind !== "usd" || total.saved.usd !== null || total.spent.usd !== null);
  const space = el("div");
  const show = (kind) => {
    for (const button of choice.children) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    space.replaceChildren(chart(told.days, kind));
  };
  const choice = el("div", { class: "switch", role: "group", "aria-label": "What is drawn" }, kinds.map(([kind, word]) => el("button", { type: "button", "data-kind": kind, onclick: () => show(kind) }, word)));
  const legend = el("div", { class: "legend" }, ofCalls ? el("span", { class: "saved" }, el("i"), "saved by recordings") : "", el("span", { class: "spent" }, el("i"), ofCalls ? "spent upstream" : "spent on recording"));
  const money = (sum) => sum.usd_told || "–";
  section.replaceChildren(
    el("dl", { class: "tiles" }, tiles),
    el("section", { class: "card" }, el("div", { class: "side" }, el("h2", {}, "By day"), el("span", { class: "spring" }), legend, choice), el("div", { class: "inside" }, space)),
    el("section", { class: "card" }, el("h2", {}, "By model"), el("div", { class: "inside scrolls", tabindex: "0", role: "group", "aria-label": "By model" }, el("table", { class: "sums" },
      el("thead", {}, el("tr", {}, (ofCalls ? ["Model", "Calls", "Hits", "Tokens saved", "Time saved", "Saved", "Spent"] : ["Model", "Recordings", "Tokens", "Took", "Cost"]).map((word) => el("th", { scope: "col" }, word)))),
      el("tbody", {}, told.models.map((line) => el("tr", {}, (ofCalls ? [line.name || "(not told)", count(line.calls), `${Math.floor((100 * line.hits) / Math.max(1, line.calls))}%`, line.saved.tokens_told, line.seconds_told, money(line.saved), money(line.spent)] : [line.name || "(not told)", count(line.calls), line.spent.tokens_told, line.spent.seconds_told, money(line.spent)]).map((value) => el("td", {}, value)))))))),
    el("p", { class: "note" }, [ofCalls ? "Time saved is what the answers took upstream, less what replaying took." : `Added up from ${told.counted < told.stored ? `the newest ${count(told.counted)} of ${count(told.stored)}` : "all"} recordings: this store notes no calls.`, told.prices ? "Money is in US dollars at list prices. Days are in UTC." : 'Days are in UTC. For money: pip install "replaycache[prices]".'].join(" ")),
  );
  show(kinds[0][0]);
}
function chart(days, kind) {
  const value = (line, part) => (kind === "calls" ? (part === "saved" ? line.hits : line.upstream) : line[part][kind] ?? 0);
  const told = (number) => (kind === "usd" ? `$${number >= 1 ? number.toFixed(2) : number.toPrecision(2)}` : short(number));
  if (!days.length) return el("p", { class: "note" }, "Nothing of it bears a date.");
  const width = Math.max(280, $("saved").clientWidth - 40);
  const [top, bottom, left] = [14, 190, 0];
  const most = Math.max(...days.map((line) => value(line, "saved") + value(line, "spent"))) || 1;
  const slots = Math.max(days.length, 14);
  const step = (width - left) / slots;
  const bar = Math.min(36, Math.max(1, step * 0.72));
  const drawing = svg("svg", { class: "chart", width, height: 222, viewBox: `0 0 ${width} 222`, role: "img", "aria-label": `By day: ${kind}` });
  for (const share of [0.5, 1]) {
    const y = bottom - (bottom - top) * share;
    drawing.append(svg("line", { class: "grid", x1: left, x2: width, y1: y, y2: y }), svg("text", { x: width, y: y - 4, "text-anchor": "end" }, told(most * share)));
  }
  drawing.append(svg("line", { class: "grid", x1: left, x2: width, y1: bottom + 0.5, y2: bottom + 0.5 }));
  days.forEach((line, index) => {
    const x = left + index * step;
    const name = new Date(line.day * 1000).toISOString().slice(0, 10);
    const group = svg("g", {}, svg("title", {}, `${name}: ${told(value(line, "saved"))} saved, ${told(value(line, "spent"))} spent; ${many(line.calls, "call")}`), svg("rect", { class: "hover", x, y: top, width: step, height: bottom - top }));
    let y = bottom;
    for (const part of ["saved", "spent"]) {
      const height = (value(line, part) / most) * (bottom - top);
      y -= height;
      if (height > 0) group.append(svg("rect", { class: part, x: x + (step - bar) / 2, y, width: bar, height, rx: Math.min(2, height / 2) }));
    }
    drawing.append(group);
    const every = Math.max(1, Math.ceil(days.length / Math.max(2, Math.floor(width / 90))));
    if (index % every === 0) drawing.append(svg("text", { x: x + step / 2, y: bottom + 20, "text-anchor": index || step > 60 ? "middle" : "start" }, name.slice(5)));
  });
  return drawing;
}

// -- where one is -----------------------------------------------------------------------------------------------------------

function showOnly(id) {
  for (const each of ["list", "detail", "saved"]) $(each).hidden = each !== id;
}
function showFilters() {
  const wanted = filters[view];
  $("search").value = wanted.text;
  $("search").placeholder = view === "calls" ? "Search the calls listed" : "Search what was asked and answered";
  $("status").replaceChildren(el("option", { value: "" }, view === "calls" ? "Outcome" : "Answer"), ...STATUSES[view].map((value) => el("option", { value }, value)));
  $("status").value = wanted.status;
  $("upstream").value = wanted.upstream;
  $("model").value = wanted.model;
}
async function refresh() {
  if (view === "calls") listCalls();
  else await attempt(() => listStored());
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
    if (view === "calls") return openCall(Number(rest[0]) || 0);
    let key = rest[0];
    try { key = decodeURIComponent(rest[0]); } catch { /* as it stands */ }
    return openRecording(key, Number(rest[1]) || 0);
  }
  if (view === "saved") return openSaved();
  $("list").className = view;
  $("list").setAttribute("aria-label", view === "calls" ? "Calls" : "Stored");
  $("heads").replaceChildren(...HEADS[view].map(([word, isRight]) => el("span", { class: isRight ? "right" : null }, word)));
  showFilters();
  showOnly("list");
  showChosen();
  if (view === "calls") listCalls();
  else if (stored.loaded && before === "stored") {
    $("rows").replaceChildren(...stored.rows.map(recordingItem));
    showStored();
  } else {
    $("rows").replaceChildren();
    $("empty").hidden = true;
    $("count").textContent = "";
    await attempt(() => listStored());
  }
  const row = opened && [...document.querySelectorAll("#rows a.row")].find((link) => link.getAttribute("href") === opened);
  if (row) row.focus();
}

// -- the keyboard -------------------------------------------------------------------------------------------------------------

function neighbour(by) {
  const links = [...document.querySelectorAll("#rows a.row")];
  if (!$("list").hidden) {
    const index = links.indexOf(document.activeElement?.closest("li")?.querySelector("a.row"));
    (links[index < 0 ? (by > 0 ? 0 : links.length - 1) : index + by] ?? links[index])?.focus();
    return;
  }
  const index = links.findIndex((link) => link.getAttribute("href") === location.hash);
  if (!$("detail").hidden && index >= 0 && links[index + by]) location.hash = links[index + by].getAttribute("href");
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog").open) return;
  const field = event.target.closest?.("input:not([type=checkbox]), select, textarea");
  if (event.key === "Escape") {
    if (field) { field.blur(); return; }
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
for (const [id, name] of [["search", "text"], ["status", "status"], ["upstream", "upstream"], ["model", "model"]]) {
  $(id).addEventListener("input", () => {
    filters[view][name] = $(id).value.trim();
    opened = "";
    clearTimeout(waiting);
    if (view === "calls") listCalls();
    else waiting = setTimeout(refresh, 200);
  });
}
$("filters").addEventListener("submit", (event) => { event.preventDefault(); refresh(); });
$("more").addEventListener("click", () => attempt(() => listStored(true)));
$("export-chosen").addEventListener("click", () => exportThem([...stored.chosen.values()]));
$("choose-none").addEventListener("click", () => {
  stored.chosen.clear();
  for (const box of document.querySelectorAll("#rows input")) box.checked = false;
  showChosen();
});

// -- light and dark ---------------------------------------------------------------------------------------------------------

const THEMES = ["auto", "light", "dark"];
function setTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  $("theme").textContent = name[0].toUpperCase() + name.slice(1);
  $("theme").setAttribute("aria-label", `Theme: ${name}`);
  $("theme").title = `Theme: ${name}`;
  try { localStorage.setItem("replaycache-theme", name); } catch { /* it is forgotten */ }
}
$("theme").addEventListener("click", () => setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % 3]));
try { setTheme(THEMES.includes(localStorage.getItem("replaycache-theme")) ? localStorage.getItem("replaycache-theme") : "auto"); } catch { setTheme("auto"); }

// -- as they come --------------------------------------------------------------------------------------------------------------

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
document.addEventListener("visibilitychange", () => { if (!document.hidden) watch(); });
window.addEventListener("hashchange", route);
await route();
watch();
