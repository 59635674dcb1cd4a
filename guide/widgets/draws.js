// <mg-draws>: three weights, the shares they make, and draws by chance beside them.

import { html, renew, setAll, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group } from "../js/kit/make.js";
import { numbersField, seedField, wholeField } from "../js/kit/state.js";
import { counted, snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { draggedOn, legend, widthOf } from "../js/figures/gradients/plane.js";
import { drawn, sharesOf } from "../js/figures/refresher.js";

const TOKENS = ["a", "b", "c"];
const MOST = 10_000;
const LEAST = 0.01; // what can't come at all has a surprise without end
const WEIGHTS = { min: LEAST, max: 100, step: 1 };
const SHOWN = 200; // draws that have a tick on the line
const SIZE = { left: 46, right: 12, top: 28, foot: 236, line: 340, high: 400 };

class MgDraws extends Widget {
  fields = {
    w: numbersField([5, 3, 2], LEAST, WEIGHTS.max),
    n: wholeField(10, 0, MOST),
    seed: seedField(),
  };
  picture = svg("svg", {
    class: "draws-picture",
    role: "img",
    "aria-label": "Shares of three tokens, how often each was drawn, and the draws on a line",
  });
  /** @private the bar that is dragged */ held = 0;

  build() {
    const weights = TOKENS.map((name) => ({ label: `weight ${name}`, control: name }));
    const draws = [0, 10, 100, 1000, MOST].map((n) => {
      const text = n ? `Draw ${n.toLocaleString("en")}` : "Draw none";
      const made = this.button(text, () => this.set({ n }), { control: "draw" });
      return this.idle(made, (values) => values.n === n);
    });
    const words = legend([
      { class: "draws-share", name: "share, by the weights", mark: "box" },
      { class: "draws-drawn", name: "drawn, of all draws", mark: "box" },
    ]);
    const box = html("div", {}, this.picture);
    const figure = this.figure([words, box], {
      controls: [group("Draws", {}, ...draws), this.knob("seed", { label: "seed" })],
      more: this.knobs("w", weights, { step: WEIGHTS.step, digits: 0 }),
    });
    this.width = widthOf(this, box, () => this.show());
    draggedOn(this, this.picture, (event, isFirst) => this.drag(event, isFirst));
    return [figure, tableOf("Shares and draws", () => this.tabled())];
  }

  /**
   * The top of a share is dragged: its weight becomes what gives that share beside the others.
   * @private
   * @param {PointerEvent} event
   * @param {boolean} isFirst
   */
  drag(event, isFirst) {
    const box = this.picture.getBoundingClientRect();
    const wide = this.width?.() ?? 560;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map(
      (at) => (at * wide) / box.width,
    );
    if (isFirst) {
      const lane = Math.floor(((x - SIZE.left) / (wide - SIZE.left - SIZE.right)) * TOKENS.length);
      this.held = y > SIZE.foot + 10 || lane < 0 || lane >= TOKENS.length ? -1 : lane;
    }
    if (this.held < 0) return;
    const { w } = this.values;
    const rest = w.reduce(
      (/** @type {number} */ sum, /** @type {number} */ one, /** @type {number} */ i) =>
        i === this.held ? sum : sum + one,
      0,
    );
    const share = Math.max(0, Math.min(0.97, (SIZE.foot - y) / (SIZE.foot - SIZE.top)));
    const weight = snapped((share / (1 - share)) * rest, { ...WEIGHTS, min: 0 });
    this.set({ w: w.with(this.held, Math.max(1, weight)) });
  }

  /** @private */
  tabled() {
    const { w, n, seed } = this.values;
    const { shares, surprises } = sharesOf(w);
    const { counts } = drawn(w, seed, n);
    return {
      head: ["token", "share", "−ln p", "drawn", "of all"],
      rows: TOKENS.map((name, i) => [
        name,
        written(shares[i], 3),
        written(surprises[i], 3),
        counted(counts[i]),
        n ? written(counts[i] / n, 3) : "–",
      ]),
    };
  }

  show() {
    const { w, n, seed } = this.values;
    const { entropy } = sharesOf(w);
    const { mean } = drawn(w, seed, n);
    const wide = this.width?.() ?? 560;
    setAll(this.picture, { viewBox: `0 0 ${wide} ${SIZE.high}` });
    renew(this.picture, ...this.bars(wide), ...this.line(wide));
    const came = n
      ? `In ${n.toLocaleString("en")} draws the mean surprise was ${written(mean, 3)}.`
      : "Nothing is drawn yet.";
    this.summary(
      `Entropy: ${written(entropy, 3)} nats, ${written(entropy / Math.LN2, 3)} bits, at most ` +
        `${written(Math.log(3), 3)} nats for three. ${came}`,
    );
  }

  /** Shares, and beside them what came. @private @param {number} wide */
  bars(wide) {
    const { w, n, seed } = this.values;
    const { shares, surprises } = sharesOf(w);
    const { counts } = drawn(w, seed, n);
    const { left, right, top, foot } = SIZE;
    const py = (/** @type {number} */ p) => foot - p * (foot - top);
    const lane = (wide - left - right) / TOKENS.length;
    const bar = Math.min(90, lane * 0.34);
    return [
      label(2, 14, "of all", "start"),
      ...[0, 0.25, 0.5, 0.75, 1].flatMap((p) => [
        svg("line", {
          class: p ? "mg-gridline" : "mg-axis",
          x1: left,
          x2: wide - right,
          y1: py(p),
          y2: py(p),
        }),
        label(left - 6, py(p) + 4, written(p, p % 0.5 ? 2 : p % 1 ? 1 : 0), "end"),
      ]),
      ...TOKENS.flatMap((name, i) => {
        const x = left + (i + 0.5) * lane;
        const part = n ? counts[i] / n : 0;
        return [
          svg("rect", {
            class: "draws-share",
            x: x - bar - 2,
            y: py(shares[i]),
            width: bar,
            height: foot - py(shares[i]),
          }),
          svg("rect", {
            class: "draws-drawn",
            x: x + 2,
            y: py(part),
            width: bar,
            height: foot - py(part),
          }),
          svg("circle", { class: "plane-now", cx: x - bar / 2 - 2, cy: py(shares[i]), r: 8 }),
          n ? label(x + 2 + bar / 2, py(part) - 6, counted(counts[i]), "middle", "mg-halo") : "",
          label(x, foot + 20, name, "middle", "draws-name"),
          label(x, foot + 38, `share ${written(shares[i], 3)}`),
          label(x, foot + 54, `−ln p ${written(surprises[i], 3)}`),
        ];
      }),
    ].filter((part) => part !== "");
  }

  /** The numbers drawn, on a line that the shares divide. @private @param {number} wide */
  line(wide) {
    const { w, n, seed } = this.values;
    const { shares } = sharesOf(w);
    const { uniforms } = drawn(w, seed, Math.min(n, SHOWN));
    const [left, right, y] = [SIZE.left, wide - SIZE.right, SIZE.line];
    const px = (/** @type {number} */ u) => left + u * (right - left);
    let from = 0;
    const pieces = shares.flatMap((share, i) => {
      const [x1, x2] = [px(from), px((from += share))];
      const piece = { class: "draws-piece", x: x1, y, width: Math.max(0, x2 - x1), height: 24 };
      return [
        svg("rect", piece),
        ...(x2 - x1 > 14 ? [label((x1 + x2) / 2, y + 17, TOKENS[i], "middle", "mg-halo")] : []),
      ];
    });
    const some = n > SHOWN ? `the first ${SHOWN} draws` : n ? "the draws" : "no draws yet";
    return [
      label(left, y - 12, `from 0 to 1: ${some}`, "start"),
      ...pieces,
      svg("path", {
        class: "draws-ticks",
        d: uniforms.map((u) => `M${px(u).toFixed(1)} ${y - 6}v6m0 24v6`).join(""),
      }),
      ...[0, 0.5, 1].map((u) => label(px(u), y + 46, String(u), u === 1 ? "end" : "middle")),
    ];
  }
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} words
 * @param {string} [anchor]
 * @param {string} [looks]
 */
const label = (x, y, words, anchor = "middle", looks = "") =>
  svg("text", { class: `mg-label ${looks}`, x, y, "text-anchor": anchor }, words);

define("mg-draws", MgDraws);
