// The map carries the reader's own word: letters and token ids at once, what the trained model makes
// of it when the page is idle. The word stays in this tab. A widget that wants to say which word was
// typed sends the window an event "mg-word" with it; text fields of widgets are watched anyway.

const KEPT = "word";
const MOST = 15; // letters: with BOS, all positions that the model has
const MOST_SHOWN = 9; // letters, and ids
const MOST_IDS = 5;

/** @type {NodeListOf<HTMLElement>} */
const maps = document.querySelectorAll("nav.map");
const letters = maps[0]?.dataset.letters ?? "abcdefghijklmnopqrstuvwxyz";

/** @param {unknown} word */
const fits = (word) =>
  typeof word === "string" &&
  word.length >= 2 &&
  word.length <= MOST &&
  [...word].every((letter) => letters.includes(letter));

/** The reader's word, null if none is known. */
function kept() {
  try {
    const word = sessionStorage.getItem(KEPT);
    return fits(word) ? word : null;
  } catch {
    return null; // storage is shut off
  }
}

/** @param {HTMLElement} map @param {string} part */
const pictureOf = (map, part) => map.querySelector(`[data-part="${part}"]`);

/** @param {(string | number)[]} parts @param {number} most @param {string} between */
const cut = (parts, most, between) =>
  (parts.length > most ? [...parts.slice(0, most - 1), "…"] : parts).join(between);

/** What the model is needed for. */
const COMPUTED = ["embed", "attention", "MLP", "logits", "loss", "backward", "write"];

/**
 * @param {Element} picture
 * @param {string | [kinds: string, path: string][]} shown
 */
function redraw(picture, shown) {
  if (typeof shown === "string") picture.textContent = shown;
  else
    picture.replaceChildren(
      ...shown.map(([kinds, d]) => {
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
        path.setAttribute("class", kinds);
        path.setAttribute("d", d);
        return path;
      }),
    );
  picture.removeAttribute("data-waiting");
}

/** The numbers of the word, unless another has come meanwhile. @param {string} word */
async function compute(word) {
  const [{ loadReal }, { picturesOf }] = await Promise.all([
    import("../figures/trained/real-model.js"),
    import("../figures/trained/word-map.js"),
  ]);
  const pictures = picturesOf(await loadReal(), word);
  for (const map of maps) {
    if (map.dataset.word !== word) continue;
    for (const part of COMPUTED) {
      const picture = pictureOf(map, part);
      if (picture) redraw(picture, pictures[part]);
    }
  }
}

/** @param {string} word */
function carry(word) {
  for (const map of maps) {
    if (map.dataset.word === word) return;
    map.dataset.word = word;
    const ids = [letters.length, ...Array.from(word, (letter) => letters.indexOf(letter))];
    const names = pictureOf(map, "names");
    const tokens = pictureOf(map, "tokens");
    if (names) redraw(names, cut([...word], MOST_SHOWN, ""));
    if (tokens) redraw(tokens, cut(ids, MOST_IDS, " "));
    for (const part of COMPUTED) pictureOf(map, part)?.setAttribute("data-waiting", "");
  }
  if (maps.length === 0) return;
  const idle =
    globalThis.requestIdleCallback ?? ((/** @type {() => void} */ act) => setTimeout(act));
  idle(() => compute(word).catch((error) => console.error(error))); // those parts stay empty
}

/** @param {unknown} typed */
function take(typed) {
  if (!fits(typed)) return;
  const word = String(typed);
  try {
    sessionStorage.setItem(KEPT, word);
  } catch {
    // storage is shut off: it holds for this page
  }
  carry(word);
}

export function startMap() {
  const word = kept();
  if (word) carry(word);
  addEventListener("mg-word", (event) => take(/** @type {CustomEvent} */ (event).detail));
  addEventListener("change", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLInputElement) || field.type !== "text") return;
    if (field.closest('[data-module*="widgets/"]')) take(field.value.trim());
  });
}
