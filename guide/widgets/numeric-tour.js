// <mg-numeric-tour>: the whole forward pass of the toy as numbers, each with its sum, from an x of
// the reader's own on two sliders. Exact, or rounded as by hand.

import { button, html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { startLinks } from "../js/kit/link.js";
import "../js/kit/number.js";
import { choiceField, numberField, wholeField } from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { StatefulElement } from "../js/figures/stateful-element.js";
import { menu } from "../js/figures/parts.js";
import { TOY_TOKENS } from "../js/numbers/toy.js";
import { Random } from "../js/random.js";
import {
  BLOCKS,
  labelOf,
  normText,
  reckoning,
  toyNumbers,
  tourSentence,
  VECTORS,
} from "../js/figures/toy/toy-steps.js";

const MOST = 3;
const STEP = 0.01;
const FIRST = Object.freeze([-0.88, 1.1]);
const xsOf = (/** @type {"hand" | "exact"} */ mode) =>
  TOY_TOKENS.map((_, token) => toyNumbers({ token }, "pinned", mode).row.x);
const TOKEN_XS = { hand: xsOf("hand"), exact: xsOf("exact") };

startLinks();

class MgNumericTour extends StatefulElement {
  /** @type {number | undefined} */ frame = undefined;

  build() {
    const state = this.stateOf("numeric-tour", {
      x0: numberField(FIRST[0], -MOST, MOST),
      x1: numberField(FIRST[1], -MOST, MOST),
      numbers: choiceField("hand", ["hand", "exact"]),
      cache: choiceField("pinned", ["pinned", "computed"]),
      seed: wholeField(0, 0, 2 ** 32 - 1),
    });
    const knob = (/** @type {string} */ key, /** @type {string} */ label) =>
      this.knob(state, key, { label, step: STEP, digits: 2, slider: true });
    this.tokens = TOY_TOKENS.map((name, token) => {
      const one = button(name, { class: "mg-button net-chosen", "aria-pressed": "false" });
      this.listen(one, "click", () => {
        const [x0, x1] = this.xOf(token);
        state.set({ x0, x1 });
      });
      return one;
    });
    const draw = button("Random x");
    this.listen(draw, "click", () => {
      const seed = (state.values.seed + 1) % 2 ** 32;
      const [x0, x1] = new Random(seed).uniforms(2);
      const placed = (/** @type {number} */ u) =>
        snapped((2 * u - 1) * MOST, { min: -MOST, max: MOST, step: STEP });
      state.set({ seed, x0: placed(x0), x1: placed(x1) });
    });
    this.menus = {
      numbers: menu(
        this,
        "Numbers",
        [
          ["hand", "rounded by hand"],
          ["exact", "exact"],
        ],
        (numbers) => state.set({ numbers }),
      ),
      cache: menu(
        this,
        "Cache",
        [
          ["pinned", "pinned"],
          ["computed", "computed from BOS, a"],
        ],
        (cache) => state.set({ cache }),
      ),
    };
    this.replaceChildren(
      html(
        "div",
        { class: "mg-row", role: "group", "aria-label": "x of a token" },
        html("span", {}, "x of"),
        ...this.tokens,
        draw,
      ),
      knob("x0", "x₀"),
      knob("x1", "x₁"),
      html("div", { class: "mg-row" }, ...Object.values(this.menus).map(({ whole }) => whole)),
      html("div", { class: "tour" }, ...this.lines()),
      this.tools(state),
    );
    this.whenLeaving(() => cancelAnimationFrame(this.frame ?? 0));
    this.draw();
  }

  /** A token's x, as the chosen numbers have it. @private @param {number} token */
  xOf(token) {
    const numbers = /** @type {"hand" | "exact"} */ (this.state?.values.numbers ?? "hand");
    return TOKEN_XS[numbers][token];
  }

  /** A line for each number, with places for its sum and its result. @private */
  lines() {
    const first = toyNumbers({ x: [...FIRST] }, "pinned", "hand");
    /** @type {{vector: string, norm: Text, sums: Text[], results: HTMLDataElement[]}[]} */
    this.places = [];
    const vectors = BLOCKS.flatMap((block) =>
      block.vectors.map((vector) => ({ block, vector })),
    ).filter(({ vector }) => first.row[vector] && vector !== "x");
    return vectors.map(({ block, vector }) => {
      const norm = new Text();
      const sums = first.row[vector].map(() => new Text());
      const results = sums.map((_, i) => html("data", { "data-number": `${vector}.${i}` }));
      this.places?.push({ vector, norm, sums, results });
      const each = sums.map((sum, i) =>
        html("p", {}, `${labelOf(vector, i)} = `, sum, " = ", results[i]),
      );
      const isNorm = normText(first, vector) !== "";
      const { sign, matrix } = VECTORS[vector];
      const name =
        block.vectors.length > 1
          ? `${sign}: ${matrix?.replace("layer0.", "") ?? block.name}`
          : block.name;
      return html(
        "div",
        { class: "tour-row", "data-link": `toy.${vector}`, "data-kind": VECTORS[vector].kind },
        html("b", {}, name),
        html("div", {}, ...(isNorm ? [html("p", { class: "mg-soft" }, norm)] : []), ...each),
      );
    });
  }

  /** At most once a frame, however fast a slider is dragged. */
  show() {
    this.frame ??= requestAnimationFrame(() => this.guard(() => this.draw()));
  }

  /** Changes the text of what is there; nothing is built anew. @private */
  draw() {
    this.frame = undefined;
    const { state, menus, places, tokens } = this;
    if (!state || !menus || !places) return;
    const { x0, x1, numbers, cache } = state.values;
    menus.numbers.select.value = numbers;
    menus.cache.select.value = cache;
    const n = toyNumbers({ x: [x0, x1] }, cache, numbers);
    const put = (/** @type {Text | HTMLElement} */ place, /** @type {string} */ text) => {
      if (place.textContent !== text) place.textContent = text;
    };
    for (const { vector, norm, sums, results } of places) {
      put(norm, normText(n, vector));
      reckoning(n, vector).forEach(({ sum, result }, i) => {
        put(sums[i], sum);
        put(results[i], written(result, n.digits));
        results[i].value = String(result);
      });
    }
    const of = TOY_TOKENS.findIndex((_, token) =>
      this.xOf(token).every((x, i) => Math.abs(x - n.row.x[i]) < 1e-9),
    );
    tokens?.forEach((one, token) => one.setAttribute("aria-pressed", String(token === of)));
    this.summary(tourSentence(n, of));
  }
}

define("mg-numeric-tour", MgNumericTour);
