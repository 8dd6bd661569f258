// Asking the server, and telling what is wrong.

import { $ } from "./elements.js";

const MARK = { "x-replaycache-viewer": "1" }; // no page of another origin can send it unasked

export class Problem extends Error {}

export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, {
      cache: "no-store",
      redirect: "error",
      ...options,
      headers: { ...MARK, ...options.headers },
    });
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
  if (!response.ok) throw new Problem((told.error?.message ?? told.error) || `The proxy answered ${response.status}.`);
  return told;
}
export function tell(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}
export async function attempt(work) {
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
export const recordingPath = (key, number) => `api/recordings/${encodeURIComponent(key)}/${number}`;
