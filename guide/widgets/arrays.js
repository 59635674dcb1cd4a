// <mg-arrays>: what one step of rungs 5 to 9 works on, and how fast each of them learns.

import { html, renew, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { choiceField } from "../js/kit/state.js";
import { Widget } from "../js/kit/widget.js";
import { RUNGS, speeds, stepOf, tally, twoDigits } from "../js/figures/rungs/arrays.js";
import { loadLadder } from "../js/figures/rungs/ladder.js";

const CELL = { width: 34, height: 24 };
const GRID = { width: 10 * CELL.width, height: 16 * CELL.height };
const BARS = { width: 360, high: 46, left: 62, most: 230 };

class MgArrays extends Widget {
  ladder = /** @type {import("../js/figures/rungs/ladder.js").Ladder} */ ({});
  fields = { rung: choiceField("7", Object.keys(RUNGS)) };
  grid = svg("svg", {
    class: "arr-grid",
    role: "img",
    viewBox: `-1 -1 ${GRID.width + 2} ${GRID.height + 2}`,
  });
  bars = svg("svg", {
    class: "arr-bars",
    role: "img",
    viewBox: `0 0 ${BARS.width} ${5 * BARS.high + 4}`,
  });
  said = html("dl", { class: "arr-said" });

  async load() {
    this.ladder = await loadLadder();
  }

  build() {
    const step = html(
      "div",
      {},
      html("p", { class: "mg-title" }, "What one step learns from"),
      this.grid,
    );
    const title = html("p", { class: "mg-title" }, "Times as fast as rung 5, per token");
    const beside = html("div", {}, title, this.bars, this.said);
    const picture = html("div", { class: "arr-both" }, step, beside);
    const names = Object.fromEntries(Object.keys(RUNGS).map((n) => [n, `rung ${n}`]));
    const controls = [this.choices("rung", "Rung", names)];
    return [this.figure(picture, { under: true, controls })];
  }

  show() {
    const { batches, speed } = this.ladder;
    const rung = Number(this.values.rung);
    const rows = stepOf(rung, batches.first);
    const { names: many, real, padding } = tally(rows);
    const { at, back } = RUNGS[/** @type {keyof typeof RUNGS} */ (rung)];
    const times = speeds(speed);
    renew(this.grid, ...rows.flatMap((row, y) => row.map((cell, x) => cellOf(cell, x, y))));
    renew(this.bars, ...times.flatMap((one, y) => barOf(one, y, rung, times)));
    renew(
      this.said,
      ...Object.entries({ "At once": at, "The way back": back }).map(([name, text]) =>
        html("div", {}, html("dt", {}, name), html("dd", {}, text)),
      ),
    );
    const mine = twoDigits(times.find((one) => one.rung === rung)?.times ?? 0);
    const names = many === 1 ? `the name ${batches.first[0]}` : `${many} names`;
    const filled = padding ? ` and ${padding} of padding` : "";
    const fast = rung === 5 ? "" : ` Token for token it learns ${mine} times as fast as rung 5.`;
    this.grid.setAttribute("aria-label", `${names}, ${real} positions${filled}`);
    this.bars.setAttribute(
      "aria-label",
      times.map((one) => `rung ${one.rung}: ${twoDigits(one.times)}`).join(", "),
    );
    this.summary(
      `A step of rung ${rung}: ${names}, ${real} positions${filled}; at once, ${at}.${fast}`,
    );
  }
}

/** @param {{text: string, kind: string}} cell @param {number} x @param {number} y */
function cellOf({ text, kind }, x, y) {
  const [left, top] = [x * CELL.width, y * CELL.height];
  const box = { x: left, y: top, width: CELL.width, height: CELL.height };
  const middle = { x: left + CELL.width / 2, y: top + 17 };
  const stroke = `M${left + 6} ${top + CELL.height - 5}L${left + CELL.width - 6} ${top + 5}`;
  return svg(
    "g",
    { class: "arr-cell", "data-kind": kind },
    svg("rect", box),
    kind === "padding"
      ? svg("path", { d: stroke })
      : svg("text", { ...middle, "text-anchor": "middle" }, text),
  );
}

/**
 * @param {{rung: number, times: number}} one
 * @param {number} y
 * @param {number} chosen
 * @param {{times: number}[]} all
 */
function barOf({ rung, times }, y, chosen, all) {
  const top = y * BARS.high + 8;
  const most = Math.max(...all.map((one) => one.times));
  const width = Math.max(1.5, (times / most) * BARS.most);
  return [
    svg("text", { class: "mg-label arr-name", x: 0, y: top + 20 }, `rung ${rung}`),
    svg("rect", {
      class: "arr-bar",
      "data-chosen": rung === chosen || null,
      x: BARS.left,
      y: top,
      width,
      height: 30,
    }),
    svg("text", { class: "mg-label", x: BARS.left + width + 6, y: top + 20 }, twoDigits(times)),
  ];
}

define("mg-arrays", MgArrays);
