// <mg-numeric-tour>: the whole forward pass of the toy as numbers, each with its sum, from an x of
// the reader's own on two sliders. Exact, or rounded as by hand.

import { html, setAll } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { startLinks } from "../js/kit/link.js";
import { group, row } from "../js/kit/make.js";
import { choiceField, numberField, wholeField } from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { TOY_TOKENS } from "../js/numbers/toy.js";
import { Random } from "../js/random.js";
import {
  BLOCKS,
  labelOf,
  normText,
  workings,
  toyNumbers,
  tourSentence,
  VECTORS,
} from "../js/figures/toy/toy-steps.js";

const MOST = 3;
const STEP = 0.01;
/** Names that are short enough to stand beside sums. @type {Record<string, string>} */
const SHORT = {
  "norm-attention": "norm",
  "norm-mlp": "norm",
  mix: "mix",
  wo: "Wo",
  fc1: "fc1",
  fc2: "fc2",
  head: "lm_head",
  "add-attention": "+ x",
  "add-mlp": "+ x",
};
/** With what a column of sums ends. */
const LAST_OF_COLUMN = ["head_out", "fc1"];
const FIRST = Object.freeze([-0.88, 1.1]);
const xsOf = (/** @type {"hand" | "exact"} */ mode) =>
  TOY_TOKENS.map((_, token) => toyNumbers({ token }, "pinned", mode).row.x);
const TOKEN_XS = { hand: xsOf("hand"), exact: xsOf("exact") };

startLinks();

class MgNumericTour extends Widget {
  fields = {
    x0: numberField(FIRST[0], -MOST, MOST),
    x1: numberField(FIRST[1], -MOST, MOST),
    numbers: choiceField("hand", ["hand", "exact"]),
    cache: choiceField("pinned", ["pinned", "computed"]),
    seed: wholeField(0, 0, 2 ** 32 - 1),
  };
  /** @private @type {number | undefined} */ frame = undefined;
  /** @private @type {HTMLButtonElement[]} */ tokens = [];
  /** @private @type {{vector: string, norm: Text, sums: Text[], results: HTMLDataElement[]}[]} */
  places = [];

  build() {
    this.whenLeaving(() => cancelAnimationFrame(this.frame ?? 0));
    this.tokens = TOY_TOKENS.map((name, token) => {
      const take = () => {
        const [x0, x1] = this.xOf(token);
        this.set({ x0, x1 });
      };
      return this.button(name, take, { class: "mg-button mg-chosen", "aria-pressed": "false" });
    });
    const numbers = { hand: "rounded by hand", exact: "exact" };
    const cache = { pinned: "pinned", computed: "computed from BOS, a" };
    return [
      this.figure(html("div", { class: "tour" }, ...this.columns()), {
        under: true,
        controls: [
          group("x of a token", {}, html("span", {}, "x of"), ...this.tokens),
          this.knob("x0", { label: "x₀", step: STEP, slider: true }),
          this.knob("x1", { label: "x₁", step: STEP, slider: true }),
        ],
        more: [
          row(
            this.button("Random x", () => this.random()),
            this.menu("numbers", { label: "Numbers", options: numbers }),
            this.menu("cache", { label: "Cache", options: cache }),
          ),
        ],
      }),
    ];
  }

  /** The lines in three columns, in the order of the sums. @private */
  columns() {
    const lines = this.lines();
    const starts = [0, ...LAST_OF_COLUMN.map((name) => 1 + this.placeOf(name)), lines.length];
    return starts.slice(1).map((end, i) => html("div", {}, ...lines.slice(starts[i], end)));
  }

  /** @private @param {string} name */
  placeOf(name) {
    return this.places.findIndex(({ vector }) => vector === name);
  }

  /** @private */
  random() {
    const seed = (this.values.seed + 1) % 2 ** 32;
    const [x0, x1] = new Random(seed)
      .uniforms(2)
      .map((u) => snapped((2 * u - 1) * MOST, { min: -MOST, max: MOST, step: STEP }));
    this.set({ seed, x0, x1 });
  }

  /** A token's x, as the chosen numbers have it. @private @param {number} token */
  xOf(token) {
    return TOKEN_XS[/** @type {"hand" | "exact"} */ (this.values.numbers)][token];
  }

  /** A line for each number, with places for its sum and its result. @private */
  lines() {
    const first = toyNumbers({ x: [...FIRST] }, "pinned", "hand");
    this.places = [];
    const vectors = BLOCKS.flatMap((block) =>
      block.vectors.map((vector) => ({ block, vector })),
    ).filter(({ vector }) => first.row[vector] && vector !== "x");
    return vectors.map(({ block, vector }) => {
      const norm = new Text();
      const sums = first.row[vector].map(() => new Text());
      const results = sums.map((_, i) => html("data", { "data-number": `${vector}.${i}` }));
      this.places.push({ vector, norm, sums, results });
      const each = sums.map((sum, i) =>
        html("p", {}, `${labelOf(vector, i)} = `, sum, " = ", results[i]),
      );
      const isNorm = normText(first, vector) !== "";
      const { sign, matrix } = VECTORS[vector];
      const name =
        block.vectors.length > 1
          ? sign
          : (SHORT[block.id] ?? matrix?.replace("layer0.", "") ?? block.name);
      return html(
        "div",
        { class: "tour-row", "data-link": `toy.${vector}`, "data-kind": VECTORS[vector].kind },
        html("b", {}, name),
        html("div", {}, ...(isNorm ? [html("p", { class: "mg-soft" }, norm)] : []), ...each),
      );
    });
  }

  /** At first at once, then at most once a frame, however fast a slider is dragged. */
  show() {
    if ("ready" in this.dataset)
      this.frame ??= requestAnimationFrame(() => this.guard(() => this.draw()));
    else this.draw();
  }

  /** Changes the text of what is there; nothing is built anew. @private */
  draw() {
    this.frame = undefined;
    const { x0, x1, numbers, cache } = this.values;
    const which = /** @type {"pinned" | "computed"} */ (cache);
    const n = toyNumbers({ x: [x0, x1] }, which, /** @type {"hand" | "exact"} */ (numbers));
    const put = (/** @type {Text | HTMLElement} */ place, /** @type {string} */ text) => {
      if (place.textContent !== text) place.textContent = text;
    };
    for (const { vector, norm, sums, results } of this.places) {
      put(norm, normText(n, vector));
      workings(n, vector).forEach(({ sum, result }, i) => {
        put(sums[i], sum);
        put(results[i], written(result, n.digits));
        results[i].value = String(result);
      });
    }
    const of = TOY_TOKENS.findIndex((_, token) =>
      this.xOf(token).every((x, i) => Math.abs(x - n.row.x[i]) < 1e-9),
    );
    this.tokens.forEach((one, token) => setAll(one, { "aria-pressed": String(token === of) }));
    this.summary(tourSentence(n, of));
  }
}

define("mg-numeric-tour", MgNumericTour);
