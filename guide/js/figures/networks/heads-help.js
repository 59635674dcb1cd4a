// Two tasks on which attention, and several heads, are measured: losses on the way with the band of
// two standard errors, and where each run ended. No DOM. The numbers are guide/data/heads.json,
// which scripts/record_heads.py writes.

import { spread } from "../../kit/curve-plan.js";
import { shape } from "../../kit/shapes.js";
import { counted, ticks, written } from "../../kit/text.js";

/** @typedef {import("../../kit/shapes.js").Shape} Shape */
/**
 * @typedef {{parameters: number, mean: number[], twice: number[], ends: number[], right: number,
 *   first: number[]}}
 *   Runs twice: two standard errors
 */
/** @typedef {{steps: number, examples: string[], runs: Record<string, Runs>}} Task */
/** @typedef {{seeds: Record<TaskName, number>, batch: number, last: Task, order: Task}} Heads */
/** @typedef {"last" | "order"} TaskName */

/** What each panel is about, and what guessing costs. */
export const PANELS = {
  last: { title: "The seventh letter is the first again", guess: Math.log(12), most: 2.8 },
  order: { title: "y if the first two are in order, else n", guess: Math.log(2), most: 0.9 },
};
/** @type {Record<string, string>} */
export const NAMES = { self: "only itself", 1: "1 head", 2: "2 heads", 4: "4 heads" };
const EDGE = { left: 36, right: 128, top: 46, bottom: 44 };

const round = (/** @type {number} */ v) => Math.round(v * 10) / 10;

/** @param {number} width of one panel */
export const sizeOf = (width) => ({ width, height: width < 420 ? 268 : 320 });

/**
 * How two recipes differ: the difference of their last means, and two standard errors of it.
 * @param {Runs} one
 * @param {Runs} other
 */
export function difference(one, other) {
  const by = /** @type {number} */ (one.mean.at(-1)) - /** @type {number} */ (other.mean.at(-1));
  const twice = Math.hypot(
    /** @type {number} */ (one.twice.at(-1)),
    /** @type {number} */ (other.twice.at(-1)),
  );
  return { by, twice, isSeen: Math.abs(by) > twice };
}

/** A difference in words. @param {Runs} one @param {Runs} other */
export function verdict(one, other) {
  const { by, twice, isSeen } = difference(one, other);
  return isSeen
    ? `a difference of ${written(Math.abs(by))} ± ${written(twice)}`
    : "no difference seen";
}

/**
 * One panel: axes, bands, means, and a dot for where each seed ended.
 * @param {Task} task
 * @param {TaskName} name
 * @param {number} width
 * @param {Record<string, number>} [own] where the reader's runs ended
 * @returns {Shape[]}
 */
export function panel(task, name, width, own = {}) {
  const { title, guess, most } = PANELS[name];
  const { height } = sizeOf(width);
  const right = width - EDGE.right;
  const floor = height - EDGE.bottom;
  const px = (/** @type {number} */ share) => round(EDGE.left + share * (right - EDGE.left));
  const py = (/** @type {number} */ loss) => round(floor - (loss / most) * (floor - EDGE.top));
  const within = (/** @type {number} */ loss) => Math.max(0, Math.min(most, loss));
  const keys = Object.keys(task.runs).sort(); // 1, 2, 4, self
  const text = (
    /** @type {string} */ words,
    /** @type {number} */ x,
    /** @type {number} */ y,
    /** @type {string} */ anchor = "start",
    /** @type {string} */ looks = "mg-label",
  ) => shape("text", { class: looks, x: round(x), y: round(y), "text-anchor": anchor }, words);
  const ends = keys.map((key) => py(/** @type {number} */ (task.runs[key].mean.at(-1))));
  const rows = spread([...ends, py(guess)], 17, { low: EDGE.top, high: floor + 2 });
  const column = (/** @type {number} */ i) => round(right + 8 + 7 * i);
  const names = right + 8 + 7 * keys.length + 4;
  return [
    text(title, 0, 15, "start", "heads-title"),
    text("loss of that letter, nats", 0, 34),
    ...ticks(0, most, 4).flatMap((loss) => [
      shape("path", { class: "mg-gridline", d: `M${EDGE.left} ${py(loss)}H${right}` }),
      text(written(loss, most < 2 ? 2 : 0), EDGE.left - 6, py(loss) + 4, "end"),
    ]),
    ...ticks(0, task.steps, 3).map((step) =>
      text(counted(step), px(step / task.steps), floor + 18, step ? "middle" : "start"),
    ),
    text("training steps", px(0.5), floor + 36, "middle"),
    shape("path", { class: "mg-axis", d: `M${EDGE.left} ${floor}H${right}` }),
    shape("path", { class: "heads-guess", d: `M${EDGE.left} ${py(guess)}H${right}` }),
    text(`guessing ${written(guess)}`, names, rows[keys.length] + 4),
    ...keys.map((key) => {
      const { mean, twice } = task.runs[key];
      const at = (/** @type {number} */ i, /** @type {number} */ way) =>
        `${px(i / (mean.length - 1))} ${py(within(mean[i] + way * twice[i]))}`;
      const seen = mean.flatMap((loss, i) => (loss > most ? [] : [i]));
      const there = seen.map((i) => at(i, 1));
      const back = seen.map((i) => at(i, -1)).reverse();
      return shape("path", {
        class: `heads-band heads-of-${key}`,
        d: `M${[...there, ...back].join("L")}Z`,
      });
    }),
    ...keys.map((key) => {
      const { mean } = task.runs[key];
      const last = mean.length - 1;
      const line = mean.flatMap((loss, i) => {
        if (loss <= most) return [`${px(i / last)} ${py(loss)}`];
        const next = mean[i + 1];
        if (!(next <= most)) return [];
        const cut = i + (loss - most) / (loss - next); // it comes from above
        return [`${px(cut / last)} ${py(most)}`];
      });
      return shape("path", { class: `heads-line heads-of-${key}`, d: `M${line.join("L")}` });
    }),
    ...keys.flatMap((key, i) =>
      task.runs[key].ends.map((loss) =>
        shape("circle", {
          class: `heads-end heads-of-${key}`,
          cx: column(i),
          cy: py(loss),
          r: 2.5,
        }),
      ),
    ),
    ...keys.flatMap((key, i) =>
      key in own
        ? [
            shape("circle", {
              class: `heads-own heads-of-${key}`,
              cx: column(i),
              cy: py(Math.min(most, own[key])),
              r: 5,
            }),
          ]
        : [],
    ),
    ...keys.map((key, i) =>
      text(
        `${NAMES[key]} ${written(/** @type {number} */ (task.runs[key].mean.at(-1)))}`,
        names,
        rows[i] + 4,
        "start",
        `heads-name heads-of-${key}`,
      ),
    ),
  ];
}

/** What both panels show, in words. @param {Heads} heads */
export function sentence({ last, order, seeds }) {
  const end = (/** @type {Runs} */ { mean, twice }) =>
    `${written(/** @type {number} */ (mean.at(-1)))} ± ` +
    `${written(/** @type {number} */ (twice.at(-1)))}`;
  return (
    `Losses, ± 2 standard errors. The first letter again, ${seeds.last} seeds: only itself ` +
    `${end(last.runs.self)}, one head ${end(last.runs[1])}, four heads ` +
    `${end(last.runs[4])}; one head against four: ${verdict(last.runs[1], last.runs[4])}. In ` +
    `order or not, ${seeds.order} seeds: one head ${end(order.runs[1])}, four heads ` +
    `${end(order.runs[4])}: ` +
    `${verdict(order.runs[1], order.runs[4])}.`
  );
}
