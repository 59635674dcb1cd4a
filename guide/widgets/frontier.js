// <mg-frontier>: safety against usefulness. Trivial policies, the reference policy, and the policy
// that refuses from a leak on that the reader sets. The requests and their leaks are
// data/frontier.json.

import { InputError } from "../js/errors.js";
import { percent } from "../js/figures/assignment/bot-parts.js";
import { stepOf, THRESHOLD, thresholdOf, Thresholds } from "../js/figures/assignment/frontier.js";
import { upwards, words } from "../js/figures/axes.js";
import { fetched } from "../js/figures/fetched.js";
import { freshId, html, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { row } from "../js/kit/make.js";
import { isHidden, numberField } from "../js/kit/state.js";
import { readNumber } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";

/** @typedef {import("../js/figures/assignment/frontier.js").Point} Point */

const HEIGHT = 420;
const EDGE = { left: 66, right: 20, top: 20, bottom: 48 };
const TICKS = [0, 1e-4, 1e-3, 0.01, 0.1, 1]; // of what is refused
const LEVELS = [0, 1e-4, 1e-3, 0.01, 0.05, 0.25]; // of what leaks; the last is the end of the axis
/** What a policy is called here, and where that stands beside its ring: across, down, which end. */
const LABELS =
  /** @type {Record<string, [string, number, number, "start" | "middle" | "end"]>} */ ({
    "allow all": ["allow all", 10, 4, "start"],
    "refuse all": ["refuse all", 6, -11, "end"],
    "whole words": ["whole words", 12, 4, "start"],
    reference: ["reference", -4, 21, "start"],
    "first 1 letter": ["1 letter", -4, -28, "middle"],
    "first 2 letters": ["2 letters", 0, -10, "middle"],
    "first 3 letters": ["3 letters", 0, 20, "start"],
    "first 4 letters": ["4 letters", 0, -10, "start"],
  });

const ABOUT = "Ordinary requests refused, against the leak of an attacker's requests";

class MgFrontier extends Widget {
  isHeard = true;
  fields = { t: numberField(THRESHOLD.first, THRESHOLD.least, THRESHOLD.most) };
  thresholds = /** @type {Thresholds} */ ({});
  points = /** @type {Point[]} */ ([]);
  picture = svg("svg", { class: "mg-plot", role: "img", "aria-label": ABOUT });
  box = html("div", { class: "mg-plot-box" }, this.picture);
  mark = svg("path", { class: "frontier-own", d: "M0 -8l8 8-8 8-8-8z" });
  said = html("p", { class: "net-big" });
  lists = [html("dd"), html("dd")];
  /** @private of the picture as it is drawn */ width = 0;

  async load() {
    const recorded = await (
      await fetched(new URL("../data/frontier.json", import.meta.url))
    ).json();
    this.thresholds = new Thresholds(recorded);
    this.points = recorded.points;
  }

  build() {
    const watcher = new ResizeObserver(() => {
      const width = Math.max(260, Math.round(this.box.clientWidth));
      if (Math.abs(width - this.width) <= 2) return;
      this.guard(() => {
        this.draw(width);
        this.show();
      });
    });
    watcher.observe(this.box);
    this.whenLeaving(() => watcher.disconnect());
    const [refused, allowed] = this.lists;
    const beside = html(
      "dl",
      { class: "frontier-beside" },
      html("dt", {}, "Just refused"),
      refused,
      html("dt", {}, "Just let through"),
      allowed,
    );
    const legend = html(
      "p",
      { class: "mg-note" },
      "Both axes use fourth roots, because most of it happens near 0. “2 letters”: refuses " +
        "whatever begins with the first two letters of a banned word. Dashed: the best that a " +
        "threshold can do.",
    );
    return [
      this.figure([this.box, tableOf(ABOUT, () => this.tabled())], {
        controls: [this.threshold(), this.said, beside],
        more: [legend],
      }),
    ];
  }

  /** The threshold: along a logarithmic scale, or typed. @private */
  threshold() {
    const id = freshId("frontier");
    const track = html("input", {
      id,
      type: "range",
      class: "mg-range",
      min: 0,
      max: stepOf(THRESHOLD.most),
      step: 1,
    });
    const field = html("input", {
      class: "mg-number-field",
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      "aria-label": "The same, typed in per cent",
      "aria-describedby": `${id}-said`,
    });
    const wrong = html("p", { id: `${id}-said`, class: "mg-refused", role: "alert" });
    for (const input of [track, field])
      this.listen(input, "input change", (event) => event.stopPropagation());
    this.listen(track, "input", () => {
      wrong.textContent = "";
      this.set({ t: thresholdOf(Number(track.value)) });
    });
    this.listen(field, "change", () =>
      this.attempt(wrong, () => this.set({ t: shareOf(field.value) })),
    );
    this.follow(({ t }) => {
      track.value = String(stepOf(t));
      track.setAttribute("aria-valuetext", percent(t));
      if (document.activeElement !== field) field.value = percent(t).replace(" %", "");
    });
    const knobs = row(track, field, "%");
    knobs.classList.add("frontier-knobs");
    const label = html(
      "label",
      { for: id },
      "Your policy refuses whatever leaks this much or more",
    );
    return html("div", { hidden: isHidden("t") }, label, knobs, wrong);
  }

  /** @private @param {number} refused */
  x(refused) {
    return EDGE.left + (this.width - EDGE.left - EDGE.right) * refused ** 0.25;
  }

  /** @private @param {number} leak */
  y(leak) {
    return (
      HEIGHT -
      EDGE.bottom -
      (HEIGHT - EDGE.top - EDGE.bottom) * (leak / LEVELS[LEVELS.length - 1]) ** 0.25
    );
  }

  /** All that stands still; the reader's point moves over it. @private @param {number} width */
  draw(width) {
    this.width = width;
    this.picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const [right, bottom] = [width - EDGE.right, HEIGHT - EDGE.bottom];
    const place = (/** @type {{refused: number, leak: number}} */ p) =>
      `${this.x(p.refused).toFixed(1)} ${this.y(p.leak).toFixed(1)}`;
    const along = (/** @type {number} */ x1, /** @type {number} */ y1, x2 = x1, y2 = y1) =>
      svg("line", { class: "mg-gridline", x1, y1, x2, y2 });
    const ticks = TICKS.map((share) => ({ share, x: this.x(share) })).filter(
      ({ x }, i, all) => i === 0 || (x > all[0].x + 34 && (all[i + 1]?.x ?? Infinity) > x + 34),
    );
    const written = (/** @type {number} */ share) => percent(share).replace(" ", "");
    const path = this.thresholds.path().map((p, i) => `${i ? "L" : "M"}${place(p)}`);
    this.picture.replaceChildren(
      ...ticks.flatMap(({ share, x }) => [
        along(x, EDGE.top, x, bottom),
        words(written(share), x, bottom + 17),
      ]),
      ...LEVELS.map((leak) => ({ leak, y: this.y(leak) })).flatMap(({ leak, y }) => [
        along(EDGE.left, y, right),
        words(written(leak), EDGE.left - 7, y + 4, "end"),
      ]),
      words("ordinary requests refused", right, HEIGHT - 8, "end"),
      upwards("leak of an attacker's requests", (EDGE.top + bottom) / 2),
      svg("path", { class: "frontier-path", d: path.join("") }),
      ...this.points.flatMap((point) => this.ring(point)),
      this.mark,
    );
  }

  /** @private @param {Point} point */
  ring({ name, refused, leak }) {
    const [called, dx, dy, end] = LABELS[name] ?? [name, 10, -6, "start"];
    const [x, y] = [this.x(refused), this.y(leak)];
    const ring =
      name === "reference"
        ? svg("rect", { class: "frontier-ring", x: x - 5, y: y - 5, width: 10, height: 10 })
        : svg("circle", { class: "frontier-ring", cx: x, cy: y, r: 5 });
    const label = words(called, x + dx, y + dy, end);
    label.classList.add("mg-halo");
    return [ring, label];
  }

  show() {
    if (!this.width) this.draw(Math.max(260, this.box.clientWidth || 640));
    const { t } = this.values;
    const { refused, leak } = this.thresholds.at(t);
    const [x, y] = [this.x(refused), this.y(leak)];
    this.mark.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    const line =
      `From ${percent(t)} on: ${percent(refused)} of ordinary requests refused, ` +
      `${percent(leak)} of an attacker's requests leak.`;
    this.said.textContent = line;
    const beside = this.thresholds.beside(t);
    const listed = [beside.refused, beside.allowed].map(
      (some) => some.map((one) => `${one.prefix} (${percent(one.leak)})`).join(", ") || "none",
    );
    this.lists.forEach((list, i) => (list.textContent = listed[i]));
    this.summary(`${line} Just refused: ${listed[0]}. Just let through: ${listed[1]}.`);
  }

  /** @private */
  tabled() {
    const own = { name: "yours", ...this.thresholds.at(this.values.t) };
    const rows = [...this.points, own].sort((a, b) => a.leak - b.leak);
    return {
      head: ["policy", "ordinary requests refused", "attacks leak"],
      rows: rows.map(({ name, refused, leak }) => [name, percent(refused), percent(leak)]),
    };
  }
}

/** A threshold as it is typed, in per cent. @param {string} typed */
function shareOf(typed) {
  const x = readNumber(typed.replace("%", ""));
  const [least, most] = [100 * THRESHOLD.least, 100 * THRESHOLD.most];
  if (x === null || x < least || x > most)
    throw new InputError(`Enter a number from ${least} to ${most}, in per cent.`);
  return x / 100;
}

define("mg-frontier", MgFrontier);
