// Slides that show a figure of another page: a link with `data-show` says which, in which state.
// The figure is taken from its page when the slide comes up, and gone when it goes.

/** @typedef {{element: HTMLElement, hash: string, sheets: HTMLLinkElement[]}} Taken */

const WITH = "with-figure"; // the root's class, for a smaller type

/** Pages by address, for another figure of one. @type {Map<string, Promise<Document>>} */
const fetched = new Map();

/** @param {URL} address @returns {Promise<Document>} */
function pageAt(address) {
  const page = address.origin + address.pathname;
  let known = fetched.get(page);
  if (!known) {
    known = fetch(page).then(async (answer) => {
      if (!answer.ok) throw new Error(`${page} answers ${answer.status}`);
      return new DOMParser().parseFromString(await answer.text(), "text/html");
    });
    known.catch(() => fetched.delete(page)); // another try, when the slide comes again
    fetched.set(page, known);
  }
  return known;
}

/** Makes addresses of another page good here. @param {Element} part @param {URL} at */
function rooted(part, at) {
  for (const name of ["href", "src", "data-module"])
    for (const one of [part, ...part.querySelectorAll(`[${name}]`)]) {
      const address = one.getAttribute(name);
      if (!address) continue;
      const { origin, pathname, search, hash, href } = new URL(address, at);
      one.setAttribute(name, origin === at.origin ? pathname + search + hash : href);
    }
}

/**
 * The figure that a link shows, not yet in the page.
 * @param {HTMLAnchorElement} link
 * @returns {Promise<Taken | null>}
 */
async function taken(link) {
  const address = new URL(link.href);
  const page = await pageAt(address);
  const found = page.querySelector(`main ${link.dataset.show}[data-module]`);
  if (!found) return null;
  const element = /** @type {HTMLElement} */ (document.importNode(found, true));
  rooted(element, address);
  const here = new Set([...document.styleSheets].map((sheet) => sheet.href));
  const sheets = [...page.querySelectorAll("link[rel=stylesheet]")]
    .map((sheet) => new URL(sheet.getAttribute("href") ?? "", address).href)
    .filter((href) => !here.has(href))
    .map((href) => {
      const sheet = document.createElement("link");
      sheet.rel = "stylesheet";
      sheet.href = href;
      return sheet;
    });
  return { element, hash: address.hash, sheets };
}

/** @param {HTMLLinkElement} sheet */
const arrived = (sheet) =>
  new Promise((done) => {
    sheet.onload = sheet.onerror = done;
    document.head.append(sheet);
  });

export class Slides {
  /** @param {Element} main */
  constructor(main) {
    this.main = main;
    /** @private */ this.turn = 0;
    /** @private @type {{element: HTMLElement, link: HTMLElement | null} | null} */ this.shown =
      null;
  }

  /** Shows the figure of a section, if it has one. @param {Element[]} section */
  async show(section) {
    const turn = ++this.turn;
    await this.away();
    const own = this.turn === 1 && location.hash.includes("?") ? location.hash : "";
    const link = section
      .flatMap((part) => [...part.querySelectorAll(/** @type {"a"} */ ("a[data-show]"))])
      .at(0);
    if (!link) return;
    try {
      const figure = await taken(link);
      if (!figure || turn !== this.turn) return;
      await Promise.all(figure.sheets.map(arrived));
      if (turn !== this.turn) return;
      this.address(own || figure.hash); // where the figure finds its state
      const line = link.closest(/** @type {"p"} */ (".show"));
      line?.after(figure.element);
      if (line) line.hidden = true;
      document.documentElement.classList.add(WITH);
      this.shown = { element: figure.element, link: line };
      await import(figure.element.dataset.module ?? "");
    } catch (error) {
      console.warn(error); // the link is still there
    }
  }

  /** @private */
  async away() {
    if (!this.shown) return;
    const { element, link } = this.shown;
    this.shown = null;
    element.remove();
    document.documentElement.classList.remove(WITH);
    if (link) link.hidden = false;
    await new Promise((done) => setTimeout(done)); // what it still had to write is written
    this.address("");
  }

  /** @private @param {string} hash */
  address(hash) {
    history.replaceState(history.state, "", location.pathname + location.search + hash);
  }

  end() {
    this.turn++;
    this.away();
  }
}
