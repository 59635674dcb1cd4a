// What the card beside the drawing of attention says of the part that is pointed at: the number,
// its formula and its line of code.

import { html, renew } from "../../kit/dom.js";
import { written } from "../../kit/text.js";

/** @typedef {import("./attention-shapes.js").Part} Part */
/**
 * @typedef {object} Facts
 * @property {readonly string[]} names of the positions
 * @property {number} at the position that looks
 * @property {readonly {name?: string, q: readonly number[] | null, keys: readonly number[][],
 *   values: readonly number[][], scores: readonly number[] | null,
 *   weights: readonly number[] | null, out: readonly number[] | null}[]} heads
 * @property {number} digits
 * @property {"one" | "many"} code of one head or of many
 */
/** @typedef {{title: string, lines: string[], code?: string}} Card */

/** The lines of the program; a test looks for them there. */
export const CODE = Object.freeze({
  one: {
    file: "ladder/train3.py",
    q: 'q = linear(h, state_dict["attn_wq"])',
    k: 'keys.append(linear(h, state_dict["attn_wk"]))',
    v: 'values.append(linear(h, state_dict["attn_wv"]))',
    weight: "weights = softmax([dot(q, k) / n_embd ** 0.5 for k in keys])",
    out: "mix = [dot(weights, column) for column in zip(*values)]",
  },
  many: {
    file: "ladder/train5.py",
    q: 'q = linear(h, state_dict[f"layer{i}.attn_wq"])',
    k: 'keys[i].append(linear(h, state_dict[f"layer{i}.attn_wk"]))',
    v: 'values[i].append(linear(h, state_dict[f"layer{i}.attn_wv"]))',
    weight: "weights = softmax([dot(q[part], k[part]) / head_dim ** 0.5 for k in keys[i]])",
    out: "mix += [dot(weights, column) for column in zip(*[v[part] for v in values[i]])]",
  },
});

/** @param {readonly number[]} vector @param {number} digits */
const listed = (vector, digits) => `(${vector.map((x) => written(x, digits)).join(", ")})`;

/**
 * @param {Part} part
 * @param {Facts} facts
 * @returns {Card | null}
 */
export function cardOf({ what, head, at }, facts) {
  const { names, digits } = facts;
  const code = CODE[facts.code];
  const one = facts.heads[head];
  const of = one.name ? `${one.name}: ` : "";
  const asker = names[facts.at];
  switch (what) {
    case "q":
    case "query":
      return (
        one.q && { title: `${of}query of ${asker}`, lines: [listed(one.q, digits)], code: code.q }
      );
    case "k":
      return one.keys[at]
        ? { title: `${of}key of ${names[at]}`, lines: [listed(one.keys[at], digits)], code: code.k }
        : null;
    case "v":
      return one.values[at]
        ? {
            title: `${of}value of ${names[at]}`,
            lines: [listed(one.values[at], digits)],
            code: code.v,
          }
        : null;
    case "out":
      return (
        one.out && {
          title: `${of}output`,
          lines: [`each weight times its value, summed = ${listed(one.out, digits)}`],
          code: code.out,
        }
      );
    case "column": {
      const weighed = facts.heads.flatMap(({ name, weights }) =>
        weights?.[at] === undefined
          ? []
          : [`${name ? `${name}: ` : ""}weight ${written(weights[at], digits)}`],
      );
      return weighed.length
        ? { title: `${asker} looks at ${names[at]}`, lines: weighed, code: code.weight }
        : null;
    }
    case "arrow":
    case "weight":
      return arrowCard(one, { of, asker, at, facts, code: code.weight });
    default:
      return null;
  }
}

/**
 * @param {Facts["heads"][number]} head
 * @param {{of: string, asker: string, at: number, facts: Facts, code: string}} what
 */
function arrowCard({ q, keys, scores, weights }, { of, asker, at, facts, code }) {
  if (!q || !scores) return null;
  const { digits, names } = facts;
  const score = written(scores[at], digits);
  const lines = [`score = q·k ÷ √${q.length} = ${score}`];
  if (keys[at] && q.length <= 2)
    lines.unshift(`q·k = ${listed(q, digits)}·${listed(keys[at], digits)}`);
  if (weights)
    lines.push(
      `weight = exp(${score}) ÷ the sum of exp over all scores = ${written(weights[at], digits)}`,
    );
  return { title: `${of}${asker} → ${names[at]}`, lines, code };
}

/** The card itself; it stands beside the picture and covers nothing. @param {string} hint */
export function makeCard(hint) {
  const element = html("div", { class: "att-card", role: "status" });
  const show = (/** @type {Card | null} */ card) =>
    renew(
      element,
      ...(card
        ? [
            html("p", { class: "att-card-title" }, card.title),
            ...card.lines.map((line) => html("p", {}, line)),
            ...(card.code ? [html("code", {}, card.code)] : []),
          ]
        : [html("p", { class: "mg-note" }, hint)]),
    );
  show(null);
  return { element, show };
}
