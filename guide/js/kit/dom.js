// Making elements, writing numbers, and asking what the reader prefers. No inline styles anywhere:
// the pages' content security policy forbids them.

/** @typedef {string | number | boolean | null | undefined} Attribute */
/** @typedef {Node | string | number} Content */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Element} element
 * @param {Record<string, Attribute>} attributes null and false leave one out, true is empty
 * @param {Content[]} content
 */
function filled(element, attributes, content) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...content.map((one) => (one instanceof Node ? one : String(one))));
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, Attribute>} [attributes]
 * @param {Content[]} content
 * @returns {HTMLElementTagNameMap[K]}
 */
export function html(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  filled(element, attributes, content);
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, Attribute>} [attributes]
 * @param {Content[]} content
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes = {}, ...content) {
  const element = document.createElementNS(SVG, tag);
  filled(element, attributes, content);
  return element;
}

/**
 * @param {string} text
 * @param {Record<string, Attribute>} [attributes]
 */
export function button(text, attributes = {}) {
  return html("button", { type: "button", class: "mg-button", ...attributes }, text);
}

/** Pictures of buttons, 24 × 24. */
const SIGNS = {
  start: "M6 5h2.5v14H6zM20 5v14L9.5 12z",
  back: "M17 5v14L6 12z",
  play: "M7 4.5v15L20 12z",
  pause: "M6.5 5h4v14h-4zM13.5 5h4v14h-4z",
  next: "M7 5v14l11-7z",
};

/** @param {keyof typeof SIGNS} name */
export function sign(name) {
  return svg(
    "svg",
    { class: "mg-sign", viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("path", { d: SIGNS[name] }),
  );
}

/**
 * Makes an element's content alike the given nodes and touches only what differs: dragging then
 * costs little, and what has the focus keeps it. For nodes that nobody listens to: some stay,
 * others go.
 * @param {Element | null | undefined} host
 * @param {Content[]} content
 */
export function renew(host, ...content) {
  if (!host) return;
  const now = [...host.childNodes];
  content.forEach((one, i) => {
    const next = one instanceof Node ? one : document.createTextNode(String(one));
    if (i >= now.length) host.append(next);
    else if (now[i] !== next && !alike(now[i], next)) now[i].replaceWith(next);
  });
  for (const old of now.slice(content.length)) old.remove();
}

/** Whether `old` could be made what `next` is. @param {ChildNode} old @param {Node} next */
function alike(old, next) {
  if (old.nodeName !== next.nodeName) return false;
  if (old instanceof Element && next instanceof Element) {
    const names = next.getAttributeNames();
    for (const name of names) {
      const value = String(next.getAttribute(name));
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const name of old.getAttributeNames())
      if (!names.includes(name)) old.removeAttribute(name);
    if (old.firstChild || next.firstChild) renew(old, ...next.childNodes);
  } else if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
  return true;
}

/** Sets a text that differs; its node stays. @param {Element} element @param {string} text */
export function setText(element, text) {
  const { firstChild: node } = element;
  if (node instanceof Text && node === element.lastChild) {
    if (node.data !== text) node.data = text;
  } else if (element.textContent !== text) element.textContent = text;
}

let made = 0;

/** An id that no other element has. @param {string} [what] */
export function freshId(what = "mg") {
  for (;;) {
    const id = `${what}-${++made}`;
    if (!document.getElementById(id)) return id;
  }
}

export function prefersLessMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * Calls back when a picture has to be painted anew: light turns to dark or back, by the system or
 * by the page's own switch, or a font has come, in which a canvas has texts.
 * @param {() => void} changed
 * @returns {() => void} stops it
 */
export function onTheme(changed) {
  const query = matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", changed);
  addEventListener("mg-theme", changed);
  document.fonts?.addEventListener("loadingdone", changed);
  return () => {
    document.fonts?.removeEventListener("loadingdone", changed);
    query.removeEventListener("change", changed);
    removeEventListener("mg-theme", changed);
  };
}

/**
 * A table of numbers, folded away, built when it is first opened: what a figure shows, for those
 * who can't or won't look at it.
 * @param {string} caption
 * @param {() => {head: string[], rows: (string | number)[][]}} content
 */
export function tableOf(caption, content) {
  const details = html("details", { class: "mg-table" }, html("summary", {}, "As a table"));
  details.addEventListener("toggle", () => {
    details.querySelector("div")?.remove();
    if (!details.open) return;
    const { head, rows } = content();
    const line = (/** @type {(string | number)[]} */ cells, /** @type {"th" | "td"} */ tag) =>
      html(
        "tr",
        {},
        ...cells.map((cell, i) => {
          const isHead = tag === "th" || i === 0;
          return html(
            isHead ? "th" : "td",
            { scope: isHead ? (tag === "th" ? "col" : "row") : null },
            cell,
          );
        }),
      );
    const table = html(
      "table",
      {},
      html("caption", {}, caption),
      html("thead", {}, line(head, "th")),
      html("tbody", {}, ...rows.map((row) => line(row, "td"))),
    );
    details.append(
      html(
        "div",
        { class: "mg-scroll", tabindex: 0, role: "region", "aria-label": caption },
        table,
      ),
    );
  });
  return details;
}

/**
 * Sets what differs; null takes an attribute away.
 * @param {Element} element
 * @param {Record<string, string | number | null>} wanted
 */
export function setAll(element, wanted) {
  for (const [name, value] of Object.entries(wanted)) {
    if (value === null) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value))
      element.setAttribute(name, String(value));
  }
}
