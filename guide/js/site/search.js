// Search over all pages. The index is fetched when the search is first opened. What is found is
// only ever shown as text.

/**
 * A section of a page; `terms` are the words in bold that it explains.
 * @typedef {{location: string, title: string, text: string, page: string, terms?: string[]}} Entry
 */
/** @typedef {Entry & {words: string, heading: string, names: string[]}} Known */

/** @type {Promise<Known[]> | undefined} */
let index;
/** @type {HTMLDialogElement | undefined} */
let dialog;

/**
 * @param {URL} root
 * @returns {Promise<Known[]>}
 */
async function fetchIndex(root) {
  const answer = await fetch(new URL("search.json", root));
  if (!answer.ok) throw new Error(`the index answers ${answer.status}`);
  return /** @type {Entry[]} */ (await answer.json()).map(known);
}

/**
 * As people type it, sign for sign as long as the text: no capitals, accents or hyphens, w1 for w₁,
 * s for the z of quantization.
 * @param {string} text
 */
export const folded = (text) =>
  [...text.toLowerCase()]
    .map((sign) => (sign.length > 1 ? sign : sign.normalize("NFKD")[0]))
    .join("")
    .replace(/-/g, " ")
    .replace(/(?<=[\p{L}]{3})z(?=(?:e|ed|er|es|ing|ation|ations)(?![\p{L}]))/gu, "s");

/** A term without article and spaces, in the singular. @param {string} text */
const bare = (text) =>
  folded(text)
    .replace(/^the |\s+/g, "")
    .replace(/(?<=[^s]{2})s$/, "");

/** An entry with what it is looked up by. @param {Entry} entry @returns {Known} */
export const known = (entry) => ({
  ...entry,
  heading: folded(`${entry.title} ${entry.page}`),
  words: folded(entry.text),
  names: [entry.title, ...(entry.terms ?? [])].map(bare),
});

/**
 * The entries that hold every word, best first: what is called like this or explains it, then in
 * the title before in the text, at a word's start before inside it.
 * @param {Known[]} entries
 * @param {string} query
 */
export function find(entries, query) {
  const words = wordsOf(query);
  if (words.length === 0) return [];
  const name = bare(query);
  const starts = words.map(
    (word) =>
      new RegExp(`(?<![\\p{L}\\p{N}])${word.replace(/[\^$.*+?()[\]{}|/\\]/g, "\\$&")}`, "u"),
  );
  /** @type {{entry: Known, score: number}[]} */
  const found = [];
  for (const entry of entries) {
    const defined = entry.location.startsWith("glossary/") ? 5 : 0;
    const called = entry.names.includes(name) ? 40 + defined : 0;
    let score = called;
    for (const [i, word] of words.entries()) {
      const start = starts[i];
      let points = 0;
      if (start.test(entry.heading)) points = 12;
      else if (entry.heading.includes(word)) points = 6;
      if (start.test(entry.words)) points += 3;
      else if (entry.words.includes(word)) points += 1;
      score = points === 0 && !called ? -Infinity : score + points;
    }
    if (score > 0) found.push({ entry, score });
  }
  found.sort((a, b) => b.score - a.score);
  return found.slice(0, 12).map(({ entry }) => entry);
}

/** The words of a query, the longer ones in the singular. @param {string} query */
const wordsOf = (query) =>
  folded(query)
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => word.replace(/(?<=[^s]{3})s$/, ""));

/**
 * A piece of the text around the first of the words.
 * @param {Known} entry
 * @param {string} query
 */
function excerpt(entry, query) {
  const word = wordsOf(query).find((w) => entry.words.includes(w));
  const at = word ? entry.words.indexOf(word) : 0;
  const from = at < 50 ? 0 : entry.text.indexOf(" ", at - 50) + 1;
  const piece = entry.text.slice(from, from + 150);
  return (from > 0 ? "… " : "") + piece + (from + 150 < entry.text.length ? " …" : "");
}

/** @param {URL} root */
function build(root) {
  const made = document.createElement("dialog");
  made.className = "search";
  made.setAttribute("aria-label", "Search");
  const row = document.createElement("div");
  row.className = "search-row";
  const field = document.createElement("div");
  const label = document.createElement("label");
  label.htmlFor = "search-words";
  label.textContent = "Search all pages";
  const input = document.createElement("input");
  input.id = "search-words";
  input.type = "search";
  input.autocomplete = "off";
  field.append(label, input);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => made.close());
  row.append(field, close);
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const list = document.createElement("ol");
  made.append(row, status, list);

  const show = async () => {
    const query = input.value.trim();
    try {
      const entries = await (index ??= fetchIndex(root));
      if (query !== input.value.trim()) return;
      const found = find(entries, query);
      status.textContent =
        query === "" ? "" : `${found.length === 12 ? "The first 12" : found.length} found`;
      list.replaceChildren(
        ...found.map((entry) => {
          const item = document.createElement("li");
          const link = document.createElement("a");
          link.href = new URL(entry.location, root).href;
          const where = document.createElement("span");
          where.textContent =
            entry.page === entry.title
              ? excerpt(entry, query)
              : `${entry.page} — ${excerpt(entry, query)}`;
          link.append(entry.title, where);
          link.addEventListener("click", () => made.close());
          item.append(link);
          return item;
        }),
      );
    } catch (error) {
      index = undefined;
      console.error(error);
      status.textContent = "The search index could not be read. Is the guide still being served?";
    }
  };
  input.addEventListener("input", show);
  made.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [...list.querySelectorAll("a")];
    if (links.length === 0) return;
    event.preventDefault();
    const at = links.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    (next < 0 ? input : links[Math.min(next, links.length - 1)]).focus();
  });
  document.body.append(made);
  return { made, input, show };
}

/**
 * Opens the search; the first time fetches the index.
 * @param {URL} root
 */
export function open(root) {
  if (!dialog) {
    const { made, show } = build(root);
    dialog = made;
    show();
  }
  if (!dialog.open) dialog.showModal();
  /** @type {HTMLInputElement} */ (dialog.querySelector("input")).select();
}
