// Terms in the text: a link to the glossary, whose definition is shown beside it, on pointing at
// it, when the keyboard comes to it, and at the first tap of a finger. Esc puts it away.

const WAIT_MS = 250;

const note = document.createElement("div");
note.className = "term-note";
note.id = "term-note";
note.setAttribute("role", "tooltip");
note.hidden = true;

/** @type {HTMLElement | null} */
let shown = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let later;

/** @param {Event} event @returns {HTMLElement | null} */
const termOf = (event) => {
  const at = event.target;
  return at instanceof Element ? at.closest("a.term[data-note]") : null;
};

/** @param {HTMLElement} term */
function show(term) {
  clearTimeout(later);
  if (shown === term) return;
  hide();
  shown = term;
  term.classList.add("term-open");
  term.setAttribute("aria-describedby", note.id);
  note.textContent = term.dataset.note ?? "";
  note.hidden = false;
}

function hide() {
  clearTimeout(later);
  shown?.classList.remove("term-open");
  shown?.removeAttribute("aria-describedby");
  shown = null;
  note.hidden = true;
}

/** @param {() => void} act */
function soon(act) {
  clearTimeout(later);
  later = setTimeout(act, WAIT_MS);
}

export function startTerms() {
  document.body.append(note);
  let isTouch = false;
  addEventListener("pointerdown", (event) => {
    isTouch = event.pointerType === "touch";
    if (!termOf(event) && event.target !== note) hide();
  });
  addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const term = termOf(event);
    if (term) soon(() => show(term));
    else if (event.target === note)
      clearTimeout(later); // it may be pointed at, to read or to copy
    else if (shown && shown !== document.activeElement) soon(hide);
    else clearTimeout(later);
  });
  addEventListener("focusin", (event) => {
    const term = termOf(event);
    if (term && !isTouch) show(term);
    else if (!term) hide();
  });
  addEventListener("focusout", (event) => {
    if (termOf(event) === shown) hide();
  });
  addEventListener("click", (event) => {
    const term = termOf(event);
    if (!term || !isTouch || shown === term) return;
    event.preventDefault(); // the second tap follows the link
    show(term);
  });
  addEventListener("keydown", (event) => {
    isTouch = false;
    if (event.key === "Escape") hide();
  });
}
