// Parts of a picture that are described anew for every frame: an element is touched only where its
// description differs from the last one, and none is made to be compared.

import { setText, svg } from "./dom.js";

/** @typedef {Record<string, string | number | null>} Looks null leaves one out */
/** @typedef {{tag: keyof SVGElementTagNameMap, looks: Looks, text: string}} Shape */

/**
 * @param {keyof SVGElementTagNameMap} tag
 * @param {Looks} looks
 * @param {string} [text]
 * @returns {Shape}
 */
export const shape = (tag, looks, text = "") => ({ tag, looks, text });

/** What stands in an element. @type {WeakMap<Element, Shape[]>} */
const known = new WeakMap();

/** Makes an element's content what is described. @param {Element} host @param {Shape[]} shapes */
export function redraw(host, shapes) {
  const before = known.get(host) ?? [];
  known.set(host, shapes);
  const nodes = [...host.children];
  shapes.forEach((next, i) => {
    const old = before[i];
    if (old?.tag === next.tag) {
      change(nodes[i], old, next);
      return;
    }
    const made = svg(next.tag, next.looks, ...(next.text ? [next.text] : []));
    if (old) nodes[i].replaceWith(made);
    else host.append(made);
  });
  for (const gone of nodes.slice(shapes.length)) gone.remove();
}

/** @param {Element} node @param {Shape} old @param {Shape} next */
function change(node, old, next) {
  for (const name of Object.keys(next.looks)) {
    const value = next.looks[name];
    if (value === old.looks[name]) continue;
    if (value === null) node.removeAttribute(name);
    else node.setAttribute(name, String(value));
  }
  for (const name of Object.keys(old.looks)) if (!(name in next.looks)) node.removeAttribute(name);
  if (next.text !== old.text) setText(node, next.text);
}
