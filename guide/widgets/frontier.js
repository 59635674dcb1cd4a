// <mg-frontier>: safety against usefulness. Trivial policies, the reference policy, and the policy
// that refuses from a leak on that the reader sets. The requests and their leaks are
// data/frontier.json.

import { FileError } from "../js/errors.js";
import { percent } from "../js/figures/assignment/bot-parts.js";
import { stepOf, THRESHOLD, thresholdOf, Thresholds } from "../js/figures/assignment/frontier.js";
import { freshId, html, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { isHidden, numberField } from "../js/kit/state.js";
import { readNumber } from "../js/kit/text.js";
import { StatefulElement } from "../js/figures/stateful-element.js";

/** @typedef {import("../js/figures/assignment/frontier.js").Point} Point */

const HEIGHT = 330;
const EDGE = { left: 66, right: 20, top: 20, bottom: 48 };
const TICKS = [0, 1e-4, 1e-3, 0.01, 0.1, 1]; // of what is refused
const LEVELS = [0, 1e-4, 1e-3, 0.01, 0.05, 0.25]; // of what leaks; the last is the end of the axis
/** What a policy is called here, and where that stands beside its ring: across, down, which end. */
const LABELS = /** @type {Record<string, [string, number, number, string]>} */ ({
  "allow all": ["allow all", 10, 4, "start"],
  "refuse all": ["refuse all", 0, -12, "end"],
  "whole words": ["whole words", 12, 4, "start"],
  reference: ["reference", -4, 21, "start"],
  "first 1 letter": ["1 letter", 0, -10, "middle"],
  "first 2 letters": ["2 letters", 0, -10, "middle"],
  "first 3 letters": ["3 letters", 0, 20, "start"],
  "first 4 letters": ["4 letters", 0, -10, "start"],
});

class MgFrontier extends StatefulElement {
  build() {
    this.guard(async () => {
      const answer = await fetch(new URL("../data/frontier.json", import.meta.url));
      if (!answer.ok)
        throw new FileError(
          `frontier.json can't be fetched (${answer.status}).`,
          "Is the guide still being served?",
        );
      const recorded = await answer.json();
      if (!this.isConnected || this.thresholds) return;
      this.whenLeaving(() => (this.thresholds = undefined));
      this.guard(() => this.start(recorded));
    });
  }

  /** @private @param {import("../js/figures/assignment/frontier.js").Recorded} recorded */
  start(recorded) {
    this.thresholds = new Thresholds(recorded);
    this.points = recorded.points;
    const state = this.stateOf("frontier", {
      t: numberField(THRESHOLD.first, THRESHOLD.least, THRESHOLD.most),
    });
    const about = "Ordinary requests refused, against the leak of an attacker's requests";
    this.picture = svg("svg", { class: "mg-plot", role: "img", "aria-label": about });
    this.box = html("div", { class: "mg-plot-box" }, this.picture);
    this.said = html("p", { class: "net-big" });
    this.beside = html("dl", { class: "frontier-beside" });
    this.lists = ["Just refused", "Just let through"].map((name) => {
      const list = html("dd", {});
      this.beside?.append(html("dt", {}, name), list);
      return list;
    });
    this.replaceChildren(
      this.knobs(state),
      this.box,
      this.said,
      this.beside,
      html(
        "p",
        { class: "mg-note" },
        "Both axes are drawn by fourth roots, for most of it happens near 0. “2 letters”: " +
          "refuses what begins with the first two letters of a banned word. Dashed: all that a " +
          "threshold reaches.",
      ),
      tableOf(about, () => this.tabled()),
      this.tools(state),
    );
    const watcher = new ResizeObserver(() => {
      const width = Math.max(260, Math.round(this.box?.clientWidth ?? 0));
      if (Math.abs(width - this.width) > 2) this.guard(() => this.draw(width));
    });
    watcher.observe(this.box);
    this.whenLeaving(() => watcher.disconnect());
    this.draw(Math.max(260, this.box.clientWidth || 640));
  }

  /**
   * The threshold: along a logarithmic scale, or typed.
   * @private
   * @param {import("../js/kit/state.js").UrlState} state
   */
  knobs(state) {
    const id = freshId("frontier");
    this.track = html("input", {
      id,
      type: "range",
      class: "mg-range",
      min: 0,
      max: stepOf(THRESHOLD.most),
      step: 1,
    });
    this.field = html("input", {
      class: "mg-number-field",
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      "aria-label": "The same, typed in per cent",
      "aria-describedby": `${id}-said`,
    });
    this.wrong = html("p", { id: `${id}-said`, class: "train-refused", role: "alert" });
    this.listen(this.track, "input", (event) => {
      event.stopPropagation();
      this.wrong?.replaceChildren();
      state.set({ t: thresholdOf(Number(this.track?.value)) });
    });
    this.listen(this.track, "change", (event) => event.stopPropagation());
    this.listen(this.field, "input", (event) => event.stopPropagation());
    this.listen(this.field, "change", (event) => {
      event.stopPropagation();
      const x = readNumber(this.field?.value.replace("%", "") ?? "");
      const fits = x !== null && x / 100 >= THRESHOLD.least && x / 100 <= THRESHOLD.most;
      this.wrong?.replaceChildren(
        fits
          ? ""
          : `A number from ${100 * THRESHOLD.least} to ${100 * THRESHOLD.most} is asked for, ` +
              "in per cent.",
      );
      if (fits) state.set({ t: x / 100 });
      else this.show();
    });
    return html(
      "div",
      { hidden: isHidden("t") },
      html("label", { for: id }, "Your policy refuses what leaks this much or more"),
      html("div", { class: "mg-row frontier-knobs" }, this.track, this.field, "%"),
      this.wrong,
    );
  }

  /** @private */
  width = 0;

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
    const { picture, thresholds, points } = this;
    if (!picture || !thresholds || !points) return;
    this.width = width;
    picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const [right, bottom] = [width - EDGE.right, HEIGHT - EDGE.bottom];
    const d = thresholds
      .path()
      .map((p, i) => `${i ? "L" : "M"}${this.x(p.refused).toFixed(1)} ${this.y(p.leak).toFixed(1)}`)
      .join("");
    const ticks = TICKS.filter(
      (share, i) =>
        i === 0 ||
        (this.x(share) > this.x(0) + 34 && this.x(TICKS[i + 1] ?? 9) > this.x(share) + 34),
    );
    this.mark = svg("path", { class: "frontier-own", d: "M0 -8l8 8-8 8-8-8z" });
    picture.replaceChildren(
      ...ticks.flatMap((share) => [
        svg("line", {
          class: "mg-gridline",
          x1: this.x(share),
          x2: this.x(share),
          y1: EDGE.top,
          y2: bottom,
        }),
        svg(
          "text",
          { class: "mg-label", x: this.x(share), y: bottom + 17, "text-anchor": "middle" },
          percent(share).replace(" ", ""),
        ),
      ]),
      ...LEVELS.flatMap((leak) => [
        svg("line", {
          class: "mg-gridline",
          x1: EDGE.left,
          x2: right,
          y1: this.y(leak),
          y2: this.y(leak),
        }),
        svg(
          "text",
          { class: "mg-label", x: EDGE.left - 7, y: this.y(leak) + 4, "text-anchor": "end" },
          percent(leak).replace(" ", ""),
        ),
      ]),
      svg(
        "text",
        { class: "mg-label", x: right, y: HEIGHT - 8, "text-anchor": "end" },
        "ordinary requests refused",
      ),
      svg(
        "text",
        {
          class: "mg-label",
          x: 12,
          y: (EDGE.top + bottom) / 2,
          "text-anchor": "middle",
          transform: `rotate(-90 12 ${(EDGE.top + bottom) / 2})`,
        },
        "leak of an attacker's requests",
      ),
      svg("path", { class: "frontier-path", d }),
      ...points.flatMap((point) => this.ring(point)),
      this.mark,
    );
    this.show();
  }

  /** @private @param {Point} point */
  ring({ name, refused, leak }) {
    const [called, dx, dy, end] = LABELS[name] ?? [name, 10, -6, "start"];
    const [x, y] = [this.x(refused), this.y(leak)];
    const ring =
      name === "reference"
        ? svg("rect", { class: "frontier-ring", x: x - 5, y: y - 5, width: 10, height: 10 })
        : svg("circle", { class: "frontier-ring", cx: x, cy: y, r: 5 });
    return [
      ring,
      svg("text", { class: "mg-label mg-halo", x: x + dx, y: y + dy, "text-anchor": end }, called),
    ];
  }

  show() {
    const { state, thresholds, track, field, mark, said, lists } = this;
    if (!state || !thresholds || !track || !field || !mark || !said || !lists) return;
    const { t } = state.values;
    const { refused, leak } = thresholds.at(t);
    track.value = String(stepOf(t));
    track.setAttribute("aria-valuetext", percent(t));
    if (document.activeElement !== field) field.value = percent(t).replace(" %", "");
    mark.setAttribute(
      "transform",
      `translate(${this.x(refused).toFixed(1)} ${this.y(leak).toFixed(1)})`,
    );
    const line =
      `From ${percent(t)} on: ${percent(refused)} of ordinary requests refused, ` +
      `${percent(leak)} of an attacker's requests leak.`;
    said.textContent = line;
    const beside = thresholds.beside(t);
    const listed = [beside.refused, beside.allowed].map(
      (some) => some.map((one) => `${one.prefix} (${percent(one.leak)})`).join(", ") || "none",
    );
    lists.forEach((list, i) => (list.textContent = listed[i]));
    this.summary(`${line} Just refused: ${listed[0]}. Just let through: ${listed[1]}.`);
  }

  /** @private */
  tabled() {
    const own = this.thresholds?.at(this.state?.values.t);
    const rows = [...(this.points ?? []), ...(own ? [{ name: "yours", ...own }] : [])].sort(
      (a, b) => a.leak - b.leak,
    );
    return {
      head: ["policy", "ordinary requests refused", "attacks leak"],
      rows: rows.map(({ name, refused, leak }) => [name, percent(refused), percent(leak)]),
    };
  }
}

define("mg-frontier", MgFrontier);
