// <mg-attention-play>: the toy's attention with a query of the reader's own, dragged or on sliders;
// its output goes straight through lm_head, which is a shortcut and labelled as one.

import "../js/kit/bars.js";
import { html, renew, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { make } from "../js/kit/make.js";
import { numberField } from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import {
  FIRST_QUERY,
  play,
  playCache,
  vectorText,
} from "../js/figures/networks/attention-steps.js";
import { TOY_TOKENS } from "../js/numbers/toy.js";
import { shareList } from "../js/figures/networks/shares.js";

const MOST = 1.5;
const SIZE = 260;
const EDGE = 12;
const at = (/** @type {number} */ x) => EDGE + ((x + MOST) / (2 * MOST)) * (SIZE - 2 * EDGE);

class MgAttentionPlay extends Widget {
  fields = {
    q0: numberField(FIRST_QUERY[0], -MOST, MOST),
    q1: numberField(FIRST_QUERY[1], -MOST, MOST),
  };
  picture = svg("svg", {
    class: "att-pad",
    viewBox: `0 0 ${SIZE} ${SIZE}`,
    role: "img",
    "aria-label":
      "The query and the three keys as points of a plane, larger where the weight is " +
      "larger; drag the query, or use the two sliders",
  });
  weights = html("div");
  output = html("p");
  bars = make("mg-bars", {
    label: "The output straight through lm_head, softmax of its logits",
    digits: 3,
  });

  build() {
    this.drag(this.picture);
    const sliders = { step: 0.01, digits: 2, slider: true };
    const beside = html(
      "div",
      {},
      this.knob("q0", { label: "q₀", ...sliders }),
      this.knob("q1", { label: "q₁", ...sliders }),
      html("h3", {}, "Weights of the three keys"),
      this.weights,
    );
    return [
      html("div", { class: "att-two" }, this.picture, beside),
      html("h3", {}, "What comes out"),
      this.output,
      html(
        "p",
        { class: "mg-note" },
        "A shortcut: here the output goes straight through lm_head. In the model, Wo, the " +
          "residual and the MLP come in between.",
      ),
      this.bars,
    ];
  }

  /** @private @param {SVGSVGElement} picture */
  drag(picture) {
    let isHeld = false;
    const move = (/** @type {PointerEvent} */ event) => {
      const box = picture.getBoundingClientRect();
      const value = (/** @type {number} */ share) =>
        snapped(((share * SIZE - EDGE) / (SIZE - 2 * EDGE)) * 2 * MOST - MOST, {
          min: -MOST,
          max: MOST,
          step: 0.01,
        });
      this.set({
        q0: value((event.clientX - box.left) / box.width),
        q1: value(1 - (event.clientY - box.top) / box.height),
      });
    };
    this.listen(picture, "pointerdown", (event) => {
      if (event.button !== 0) return;
      isHeld = true;
      picture.setPointerCapture(event.pointerId);
      move(event);
    });
    this.listen(picture, "pointermove", (event) => {
      if (isHeld) move(event);
    });
    this.listen(picture, "pointerup pointercancel", () => (isHeld = false));
  }

  show() {
    const q = [this.values.q0, this.values.q1];
    const { weights, scores, headOut, logits, probs } = play(q);
    this.draw(q, weights);
    const rows = weights.map((share, t) => ({
      name: `key ${t}`,
      share,
      text: `${written(share, 3)}, score ${written(scores[t], 3)}`,
    }));
    renew(this.weights, shareList("Weights", rows));
    renew(
      this.output,
      `The head's output is ${vectorText(headOut, 3)}; lm_head turns it into the logits ` +
        `${logits.map((z) => written(z)).join(", ")}.`,
    );
    const best = probs.indexOf(Math.max(...probs));
    this.bars.data = { names: [...TOY_TOKENS], values: probs, marked: best, most: 0.5 };
    this.summary(
      `Query ${vectorText(q, 2)}: weights ${weights.map((p) => written(p)).join(", ")}, ` +
        `output ${vectorText(headOut, 2)}. By the shortcut, ${TOY_TOKENS[best]} would be ` +
        `the most likely, ${written(probs[best], 3)}.`,
    );
  }

  /** @private @param {number[]} q @param {number[]} weights */
  draw(q, weights) {
    const { keys } = playCache();
    const [x, y] = [at(q[0]), SIZE - at(q[1])];
    renew(
      this.picture,
      svg("rect", {
        class: "att-ground",
        x: EDGE,
        y: EDGE,
        width: SIZE - 2 * EDGE,
        height: SIZE - 2 * EDGE,
      }),
      svg("line", { class: "mg-axis", x1: EDGE, x2: SIZE - EDGE, y1: SIZE / 2, y2: SIZE / 2 }),
      svg("line", { class: "mg-axis", x1: SIZE / 2, x2: SIZE / 2, y1: EDGE, y2: SIZE - EDGE }),
      ...keys.flatMap((key, t) => [
        svg("circle", {
          class: "att-key",
          cx: at(key[0]),
          cy: SIZE - at(key[1]),
          r: 3 + 14 * weights[t],
        }),
        svg(
          "text",
          {
            class: "att-key-name",
            x: at(key[0]),
            y: SIZE - at(key[1]) + 3.2,
            "text-anchor": "middle",
          },
          t,
        ),
      ]),
      svg("line", { class: "att-query-line", x1: SIZE / 2, y1: SIZE / 2, x2: x, y2: y }),
      svg("circle", { class: "att-query", cx: x, cy: y, r: 10 }),
      svg(
        "text",
        {
          class: "mg-label mg-halo",
          x: x + (q[0] < 0 ? -14 : 14),
          y: y - 8,
          "text-anchor": q[0] < 0 ? "end" : "start",
        },
        "q",
      ),
    );
  }
}

define("mg-attention-play", MgAttentionPlay);
