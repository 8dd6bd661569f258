// Light and dark, as the system has it or as the user wants it.

import { $ } from "./elements.js";

const THEMES = ["auto", "light", "dark"];
function setTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  $("theme-word").textContent = name;
  try {
    localStorage.setItem("replaycache-theme", name);
  } catch {
    /* it is forgotten */
  }
}
$("theme").addEventListener("click", () =>
  setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % 3]),
);
try {
  setTheme(
    THEMES.includes(localStorage.getItem("replaycache-theme"))
      ? localStorage.getItem("replaycache-theme")
      : "auto",
  );
} catch {
  setTheme("auto");
}
