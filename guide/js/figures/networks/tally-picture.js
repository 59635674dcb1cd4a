// Matrices to scale, in the order in which a token meets them: as many rows high and as many
// columns wide as each of them is. A matrix is chosen by a click or by its key.

import { renew, setAll, svg } from "../../kit/dom.js";
import { counted } from "../../kit/text.js";

/** @typedef {{name: string, out: number, into: number, count: number}} Matrix */
/** @typedef {{matrix: Matrix, x: number, y: number, w: number, h: number}} Placed */

const GAP = 26;
const LABEL = 48; // px below a matrix
const KINDS = /** @type {[RegExp, string][]} */ ([
  [/attn/, "attention"],
  [/mlp/, "mlp"],
  [/lm_head/, "logit"],
]);

/** @param {string} name */
const kindOf = (name) => KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? "x";
/** @param {string} name */
export const shortName = (name) => name.replace(/^layer0\./, "").replace(/^(attn|mlp)_/, "");

/** Embeddings, attention, MLP, and what makes the logits. @param {Matrix[]} matrices */
function inOrder(matrices) {
  const order = ["wte", "wpe", "attn_wq", "attn_wk", "attn_wv", "attn_wo", "fc1", "fc2", "lm_head"];
  const place = (/** @type {Matrix} */ { name }) => order.findIndex((key) => name.endsWith(key));
  return matrices.toSorted((a, b) => place(a) - place(b));
}

/**
 * Where each stands, bottoms in one line; in three lines where there is little room.
 * @param {Matrix[]} matrices
 * @param {number} width
 * @returns {{placed: Placed[], height: number, scale: number}}
 */
export function layOut(matrices, width) {
  const all = inOrder(matrices);
  const lines =
    width >= 700 ? [all] : [[...all.slice(0, 2), all[8]], all.slice(2, 6), all.slice(6, 8)];
  const room = (/** @type {Matrix[]} */ line) => width - GAP * (line.length - 1) - 8;
  const wide = (/** @type {Matrix[]} */ line) => line.reduce((sum, { into }) => sum + into, 0);
  const tall = lines.reduce((sum, line) => sum + Math.max(...line.map(({ out }) => out)), 0);
  const scale = Math.min(
    (width >= 700 ? 300 : 430) / tall,
    ...lines.map((line) => room(line) / wide(line)),
  );
  let y = 8;
  const placed = lines.flatMap((line) => {
    const gap = Math.max(GAP, Math.min(60, (width - 8 - scale * wide(line)) / line.length));
    let x = 4;
    const foot = y + scale * Math.max(...line.map(({ out }) => out));
    y = foot + LABEL;
    return line.map((matrix) => {
      const [w, h] = [scale * matrix.into, scale * matrix.out];
      const one = { matrix, x, y: foot - h, w, h };
      x += Math.max(w, 30) + gap;
      return one;
    });
  });
  return { placed, height: y + 8, scale };
}

export class TallyPicture {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {(name: string) => void} chosen
   */
  constructor(host, chosen) {
    this.picture = svg("svg", { class: "net-drawing", role: "group", "aria-label": "Matrices" });
    const choose = (/** @type {Event} */ event) => {
      const one = /** @type {Element} */ (event.target).closest("[data-name]");
      if (one) chosen(one.getAttribute("data-name") ?? "");
      return Boolean(one);
    };
    host.listen(this.picture, "click", choose);
    host.listen(this.picture, "keydown", (event) => {
      if ((event.key === "Enter" || event.key === " ") && choose(event)) event.preventDefault();
    });
  }

  /** @param {Matrix[]} matrices @param {string} chosen @param {number} width */
  show(matrices, chosen, width) {
    const { placed, height } = layOut(matrices, width);
    setAll(this.picture, { viewBox: `0 0 ${width} ${height}` });
    renew(
      this.picture,
      ...placed.flatMap(({ matrix: { name, out, into, count }, x, y, w, h }) => {
        const isChosen = name === chosen;
        const text = (
          /** @type {string} */ words,
          /** @type {number} */ dy,
          /** @type {string} */ looks,
        ) =>
          svg(
            "text",
            { class: looks, x: x + Math.max(w, 30) / 2, y: y + h + dy, "text-anchor": "middle" },
            words,
          );
        const made = svg(
          "g",
          {
            class: "net-matrix",
            "data-kind": kindOf(name),
            "data-name": name,
            role: "button",
            tabindex: 0,
            "aria-pressed": String(isChosen),
            "aria-label": `${shortName(name)}, ${out} × ${into}, ${counted(count)} numbers`,
          },
          svg("rect", {
            class: "net-reach",
            x: x - 4,
            y: y - 4,
            width: Math.max(w, 30) + 8,
            height: h + LABEL,
          }),
          svg("rect", { class: "net-sheet", x, y, width: w, height: h }),
          text(shortName(name), 17, "net-text"),
        );
        return [made, text(counted(count), 33, "mg-label net-count")];
      }),
    );
  }
}
