// Shares as a list of bars, one below the other: for words and positions, whose names need room.

import { html, setAll, setText, svg } from "../../kit/dom.js";

/** @typedef {{name: string, share: number, text: string, marked?: boolean}} Share from 0 to 1 */

/**
 * @param {string} label
 * @param {Share[]} shares
 */
export function shareList(label, shares) {
  const list = html("dl", { class: "att-shares", "aria-label": label });
  const rows = shares.map(() => rowOf());
  list.append(...rows.flatMap(({ term, told }) => [term, told]));
  const show = (/** @type {Share[]} */ now) => {
    for (const [i, { name, share, text, marked = false }] of now.entries()) {
      const { term, bar, number } = rows[i];
      const end = Math.max(0, Math.min(100, 100 * share)).toFixed(2);
      setAll(term, { class: marked ? "att-now" : null });
      setText(term, name);
      setAll(bar, { points: `0,0 ${end},0 ${end},8 0,8` }); // restyles nothing, unlike a width
      setText(number, text);
    }
  };
  show(shares);
  return { list, show };
}

/** The elements of one share. */
function rowOf() {
  const [term, number] = [html("dt"), html("span")];
  const bar = svg("polygon", { class: "att-share" });
  const track = svg(
    "svg",
    {
      class: "net-track",
      viewBox: "0 0 100 8",
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    bar,
  );
  return { term, number, bar, told: html("dd", {}, track, number) };
}
