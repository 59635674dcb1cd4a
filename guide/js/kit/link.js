// Linked highlighting: everything on the page with the same data-link lights up together, by hover,
// by keyboard focus and by tap. A tap or Enter pins it, Escape or a tap elsewhere lets it go.
//
//     <code data-link="q k" tabindex="0">…</code>   <g data-link="q">…</g>
//
// An element may carry several ids, apart by spaces. `mg-link` on the document tells {ids, pinned},
// for what isn't made of elements.

const LIT = "mg-lit";

/** @param {EventTarget | null} target */
function idsOf(target) {
  const source = target instanceof Element ? target.closest("[data-link]") : null;
  return (
    source
      ?.getAttribute("data-link")
      ?.split(/\s+/)
      .filter((id) => id) ?? []
  );
}

class Links {
  /** @param {Document} page */
  constructor(page) {
    this.page = page;
    /** @type {string[]} */ this.ids = [];
    /** @type {string[]} */ this.pinned = [];
    page.addEventListener("pointerover", (event) => {
      if (event.pointerType !== "touch") this.show(idsOf(event.target));
    });
    page.addEventListener("focusin", (event) => this.show(idsOf(event.target)));
    page.addEventListener("focusout", () => this.show([]));
    page.addEventListener("click", (event) => this.pin(idsOf(event.target)));
    page.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.pin([]);
      const source = event.target;
      if (event.key !== "Enter" || !(source instanceof Element) || !source.matches("[data-link]"))
        return;
      if (!source.matches("button, a, input, select, summary")) this.pin(idsOf(source));
    });
  }

  /** Lights these, or the pinned ones where there are none. @param {string[]} ids */
  show(ids) {
    this.light(ids.length ? ids : this.pinned);
  }

  /** Pins these; the same ones again let go. @param {string[]} ids */
  pin(ids) {
    const again = ids.join(" ") === this.pinned.join(" ");
    if (again && !ids.length) return;
    this.pinned = again ? [] : ids;
    this.light(this.pinned);
  }

  /** @param {string[]} ids */
  light(ids) {
    if (ids.join(" ") === this.ids.join(" ") && ids.length === 0) return;
    this.ids = ids;
    const wanted = new Set(
      ids.flatMap((id) => [...this.page.querySelectorAll(`[data-link~="${CSS.escape(id)}"]`)]),
    );
    for (const element of this.page.querySelectorAll(`.${LIT}`)) {
      if (!wanted.has(element)) element.classList.remove(LIT);
    }
    for (const element of wanted) element.classList.add(LIT);
    this.page.dispatchEvent(
      new CustomEvent("mg-link", { detail: { ids, pinned: ids === this.pinned } }),
    );
  }
}

/** @type {Links | null} */
let links = null;

/** Starts linked highlighting on this page, once. */
export function startLinks() {
  return (links ??= new Links(document));
}
