// A stream, and its replay at the recorded pace.

import { el, svg } from "./elements.js";
import { count, duration, many } from "./figures.js";

const WIDTH = 1000; // of the drawing, in its own units

let playing = 0;
export function stopPlayer() {
  cancelAnimationFrame(playing);
  playing = 0;
}
export function player(stream) {
  const chunks = stream.chunks;
  const end = chunks.length ? chunks[chunks.length - 1][0] : 0;
  const last = stream.last || end;
  const state = { at: end, shown: 0, speed: 1, asSent: false, before: 0 };
  const most = Math.max(1, ...stream.bars);
  const step = WIDTH / stream.bars.length;
  const bars = stream.bars.map((bytes, index) => {
    const height = bytes ? Math.max(2, (bytes / most) * 58) : 0;
    return svg("rect", {
      class: "bar-of",
      x: (index * step + step * 0.12).toFixed(2),
      y: (60 - height).toFixed(2),
      width: (step * 0.76).toFixed(2),
      height: height.toFixed(2),
    });
  });
  const head = svg("line", { class: "head", y1: 0, y2: 62, "vector-effect": "non-scaling-stroke" });
  const drawing = svg(
    "svg",
    {
      class: "timeline",
      viewBox: `0 0 ${WIDTH} 62`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${many(stream.count, "chunk")} in ${duration(last)}, the first after ${duration(stream.first)}`,
    },
    svg("line", { class: "base", x1: 0, x2: WIDTH, y1: 60.5, y2: 60.5 }),
    bars,
    head,
  );
  // what it came to stands in the conversation already
  const output = el("pre", {
    class: "output spoken",
    tabindex: "0",
    hidden: true,
    "aria-label": "What had come until then",
  });
  const told = el("span", { class: "clock" });
  const seek = el("input", {
    class: "seek",
    type: "range",
    min: "0",
    max: "1000",
    step: "1",
    "aria-label": "Moment of the stream",
  });
  const play = el("button", { type: "button", class: "main", id: "play" }, "Replay");
  const speed = el(
    "select",
    { "aria-label": "Speed" },
    [0.25, 0.5, 1, 2, 5, 20, 100].map((by) => el("option", { value: String(by) }, `${by}×`)),
  );
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
  const again = () => {
    state.shown = 0;
    draw(state.at);
  };
  const setPlaying = (isPlaying) => {
    stopPlayer();
    play.textContent = isPlaying ? "Pause" : state.at >= end ? "Replay" : "Play";
    output.hidden = false;
    if (!isPlaying) return;
    if (state.at >= end) {
      state.shown = 0;
      draw(0);
    }
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
  speed.addEventListener("change", () => {
    state.speed = Number(speed.value);
  });
  seek.addEventListener("input", () => {
    setPlaying(false);
    draw((Number(seek.value) / 1000) * end);
    play.textContent = state.at >= end ? "Replay" : "Play";
  });
  const says = chunks.some((chunk) => chunk[4].length);
  const toggle = el(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      onclick: () => {
        state.asSent = !state.asSent;
        output.hidden = false;
        toggle.setAttribute("aria-pressed", String(state.asSent));
        output.classList.toggle("spoken", !state.asSent);
        again();
      },
    },
    "As sent",
  );
  if (!says) {
    state.asSent = true;
    output.classList.remove("spoken");
  }
  draw(end);
  const notes =
    stream.count > chunks.length
      ? el(
          "p",
          { class: "note" },
          `The first ${count(chunks.length)} of ${many(stream.count, "chunk")} are replayed; the bars tell of all.`,
        )
      : "";
  return el(
    "section",
    { class: "card", "aria-label": "Stream" },
    el("h2", {}, "Stream", el("span", { class: "note" }, many(stream.count, "chunk"))),
    el(
      "div",
      { class: "inside" },
      drawing,
      el(
        "div",
        { class: "axis" },
        el("span", {}, "0 s"),
        el("span", {}, `first after ${duration(stream.first)}, longest pause ${duration(stream.longest_pause)}`),
        el("span", {}, duration(last)),
      ),
      el("div", { class: "player" }, play, speed, seek, told, says ? toggle : ""),
      output,
      notes,
    ),
  );
}
