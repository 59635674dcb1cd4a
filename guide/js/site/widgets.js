// Widgets are fetched when they come near the screen. One that fails leaves the text that stands in
// its place, says so in a line, and the others go on.

/** Figures begin once their font is there: what they paint or measure isn't done twice. */
const font = document.fonts.load('1rem "Guide Sans"').catch(() => []); // without it, in another

/**
 * Fetches the module that the build has named for this element.
 * @param {HTMLElement} element
 */
async function load(element) {
  const module = element.dataset.module;
  if (!module) return;
  await font;
  try {
    await import(new URL(module, document.baseURI).href);
  } catch (error) {
    console.error(error);
    const line = document.createElement("p");
    line.className = "widget-error";
    line.textContent = "This figure could not be started; what it shows is told in the text.";
    element.append(line);
  }
}

/** Watches all widgets of the page. */
export function loadWidgets() {
  const all = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-module]"));
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        watcher.unobserve(entry.target);
        load(/** @type {HTMLElement} */ (entry.target));
      }
    },
    { rootMargin: "600px" },
  );
  for (const element of all) watcher.observe(element);
}
