// What a page gains with scripts: the buttons of its head, its widgets, and the chosen reading
// path. Search and presenting are loaded when they are first used.

import { startMap } from "./map.js";
import { startPaths } from "./progress.js";
import { loadWidgets } from "./widgets.js";

const ICONS = {
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 20 20",
  theme: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 3v18M14 6h3M14 9h5.5M14 12h6.5M14 15h5.5M14 18h3",
  present: "M4 5h16v11H4zM12 16v4M8 20h8",
};

/**
 * A button with a picture and a name.
 * @param {keyof typeof ICONS} picture
 * @param {string} name
 * @param {() => void} action
 */
function button(picture, name, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button";
  made.title = name;
  made.setAttribute("aria-label", name);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[picture]);
  svg.append(path);
  made.append(svg);
  made.addEventListener("click", action);
  return made;
}

/** Light to dark and back, remembered. */
function turnTheme() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const next = (root.dataset.theme ?? system) === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // storage is shut off: it holds for this page
  }
  dispatchEvent(new CustomEvent("mg-theme", { detail: next }));
}

const root = new URL(document.body.dataset.root ?? ".", document.baseURI);
const openSearch = () => import("./search.js").then((search) => search.open(root));
/** @param {number} section */
const present = (section) => import("./present.js").then((mode) => mode.start(section));

document.querySelector(".tools")?.append(
  button("search", "Search", openSearch),
  button("theme", "Light or dark", turnTheme),
  button("present", "Present: large type, arrow keys", () => present(0)),
);

addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.composedPath()[0];
  if (at instanceof HTMLElement && (at.matches("input, textarea, select") || at.isContentEditable))
    return;
  event.preventDefault();
  openSearch();
});

for (const link of document.querySelectorAll(".bar nav a")) {
  if (/** @type {HTMLAnchorElement} */ (link).pathname === location.pathname)
    link.setAttribute("aria-current", "page");
}

const asked = new URLSearchParams(location.search);
startPaths();
if (asked.has("present")) present(Math.max(0, Number(asked.get("present")) - 1 || 0));

if (document.querySelector("a.term")) import("./terms.js").then((terms) => terms.startTerms());

startMap();
loadWidgets();
