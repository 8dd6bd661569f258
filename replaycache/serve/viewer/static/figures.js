// Numbers, sizes, moments and lengths of time, as people read them.

export const count = (number) => (number ?? 0).toLocaleString("en");
export const many = (number, what) => `${count(number)} ${what}${number === 1 ? "" : "s"}`;

export function short(number) {
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ])
    if (number >= size)
      return `${(number / (unit === "k" ? 1e3 : size)).toFixed(number >= size * 10 || unit === "k" ? 0 : 1)}${unit}`;
  return count(number);
}
export function size(bytes) {
  let unit = 0;
  const units = ["B", "kB", "MB", "GB", "TB"];
  while (bytes >= 999.5 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return `${unit && bytes < 9.95 ? bytes.toFixed(1) : bytes.toFixed(0)} ${units[unit]}`;
}
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds === 0) return "0 s";
  if (seconds < 0.001) return "<1 ms";
  if (seconds < 0.9995) return `${(seconds * 1e3).toFixed(0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600).toLocaleString("en")} h ${Math.floor((seconds % 3600) / 60)} min`;
}
const pad = (number) => String(number).padStart(2, "0");
export function clock(at) {
  const moment = new Date(at * 1000);
  return `${pad(moment.getHours())}:${pad(moment.getMinutes())}:${pad(moment.getSeconds())}`;
}
export function day(at) {
  const moment = new Date(at * 1000);
  return `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
}
export const dated = (at) => (at ? `${day(at)} ${clock(at).slice(0, 5)}` : "no date");
export const tokens = (row) =>
  row.tokens_in || row.tokens_out ? `${short(row.tokens_in ?? 0)} / ${short(row.tokens_out ?? 0)}` : "";
