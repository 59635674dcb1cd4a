// <mg-attention-play>: the toy's attention with a query of the reader's own, dragged as an arrow or
// typed; its output goes straight through lm_head, which is a shortcut and labelled as one.

import { html, setAll, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { numberField } from "../js/kit/state.js";
import { steady } from "../js/kit/steady.js";
import { snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { cardOf, makeCard } from "../js/figures/networks/attention-card.js";
import { AttentionDrawing } from "../js/figures/networks/attention-drawing.js";
import {
  FIRST_QUERY,
  KEYS_LARGER,
  MOST_OF_QUERY as MOST,
  play,
  playCache,
  vectorText,
} from "../js/figures/networks/attention-steps.js";
import { TOY_TOKENS } from "../js/numbers/toy.js";
import { shareList } from "../js/figures/networks/shares.js";

const SIZE = 300;
const EDGE = 8;
const STEP = 0.05;
const TICKS = [-10, -5, 5, 10];
const at = (/** @type {number} */ x) => EDGE + ((x + MOST) / (2 * MOST)) * (SIZE - 2 * EDGE);
const up = (/** @type {number} */ y) => SIZE - at(y);
const MIDDLE = SIZE / 2;
const NAMES = ["position 0", "position 1", "b"];
const ROWS = [
  { kind: "k", name: "keys" },
  { kind: "v", name: "values" },
];

class MgAttentionPlay extends Widget {
  fields = {
    q0: numberField(FIRST_QUERY[0], -MOST, MOST),
    q1: numberField(FIRST_QUERY[1], -MOST, MOST),
  };
  card = makeCard("Point at an arrow, or at a box: its number, its formula, its line of code.");
  drawing = new AttentionDrawing({
    label: "Your query, the three keys that it is compared with, and their values",
    pointed: (part) => this.card.show(part && cardOf(part, this.facts)),
  });
  arrow = svg("line", { class: "att-query-line", x1: MIDDLE, y1: MIDDLE });
  grip = svg("circle", { class: "att-query", r: 11 });
  name = svg("text", { class: "att-query-name mg-halo" }, "q");
  keys = playCache().keys.map(() => svg("line", { class: "att-key", x1: MIDDLE, y1: MIDDLE }));
  letters = shareList("Letters by the shortcut", sharesOf(TOY_TOKENS.map(() => 0)));

  build() {
    this.drawing.live(this);
    const plane = this.plane(); // in a box: as an item of a grid it would lay out the page
    this.drag(plane);
    const field = { step: STEP, digits: 2 };
    return [
      this.figure(
        [html("div", { class: "att-two" }, html("div", {}, plane), this.drawing.element)],
        {
          controls: [
            this.knob("q0", { label: "q₀", ...field }),
            this.knob("q1", { label: "q₁", ...field }),
            html(
              "p",
              { class: "mg-note" },
              "A shortcut: the output straight through lm_head. In the model, Wo, the residual " +
                "and the MLP come in between.",
            ),
            steady(this.letters.list),
            this.card.element,
          ],
        },
      ),
      tableOf("Scores and weights", () => this.asTable()),
    ];
  }

  /** What doesn't move, with what does in it. @private */
  plane() {
    const { keys } = playCache();
    const label = (
      /** @type {string | number} */ text,
      /** @type {number} */ x,
      /** @type {number} */ y,
      /** @type {string} */ anchor,
    ) => svg("text", { class: "att-tick-label", x, y, "text-anchor": anchor }, text);
    const axis = (/** @type {string} */ d) => svg("path", { class: "mg-axis", d });
    return svg(
      "svg",
      {
        class: "att-pad",
        viewBox: `0 0 ${SIZE} ${SIZE}`,
        role: "img",
        "aria-label":
          "The query and the three keys as arrows in a plane; drag the query, or type its two " +
          "numbers",
      },
      svg("rect", { class: "att-ground", x: 1, y: 1, width: SIZE - 2, height: SIZE - 2, rx: 6 }),
      axis(`M${EDGE} ${MIDDLE}H${SIZE - EDGE}M${MIDDLE} ${EDGE}V${SIZE - EDGE}`),
      ...TICKS.flatMap((tick) => [
        axis(`M${at(tick)} ${MIDDLE - 3}v6M${MIDDLE - 3} ${up(tick)}h6`),
        ...(Math.abs(tick) < MOST
          ? [
              label(written(tick, 0), at(tick), MIDDLE + 15, "middle"),
              label(written(tick, 0), MIDDLE + 7, up(tick) + 4, "start"),
            ]
          : []),
      ]),
      label("q₀", SIZE - 8, MIDDLE - 7, "end"),
      label("q₁", MIDDLE + 8, 17, "start"),
      label(`keys drawn ${KEYS_LARGER} × as long`, 9, SIZE - 10, "start"),
      ...keys.map((key, t) => {
        const [x, y] = [at(key[0] * KEYS_LARGER), up(key[1] * KEYS_LARGER)];
        setAll(this.keys[t], { x2: x, y2: y });
        return this.keys[t];
      }),
      ...keys.flatMap((key, t) => {
        const [x, y] = [at(key[0] * KEYS_LARGER), up(key[1] * KEYS_LARGER)];
        const isLeft = key[0] < 0;
        return [
          tipAt(x, y),
          svg(
            "text",
            {
              class: "att-key-name mg-halo",
              x: x + (isLeft ? -8 : 8),
              y: y + (t === 1 ? -8 : 4),
              "text-anchor": isLeft ? "end" : "start",
            },
            `key ${t}`,
          ),
        ];
      }),
      this.arrow,
      this.grip,
      this.name,
    );
  }

  /** @private @param {SVGSVGElement} plane */
  drag(plane) {
    let isHeld = false;
    const move = (/** @type {PointerEvent} */ event) => {
      const box = plane.getBoundingClientRect();
      const value = (/** @type {number} */ share) =>
        snapped(((share * SIZE - EDGE) / (SIZE - 2 * EDGE)) * 2 * MOST - MOST, {
          min: -MOST,
          max: MOST,
          step: STEP,
        });
      this.set({
        q0: value((event.clientX - box.left) / box.width),
        q1: value(1 - (event.clientY - box.top) / box.height),
      });
    };
    this.listen(plane, "pointerdown", (event) => {
      if (event.button !== 0) return;
      isHeld = true;
      plane.setPointerCapture(event.pointerId);
      move(event);
    });
    this.listen(plane, "pointermove", (event) => {
      if (isHeld) move(event);
    });
    this.listen(plane, "pointerup pointercancel", () => (isHeld = false));
    this.listen(plane, "dblclick", () => this.reset());
  }

  /** @private */
  get query() {
    return [this.values.q0, this.values.q1];
  }

  /** @private */
  get facts() {
    const q = this.query;
    const { keys, values, scores, weights, headOut } = play(q);
    return {
      names: NAMES,
      at: 2,
      heads: [{ q, keys, values, scores, weights, out: headOut }],
      digits: 2,
      code: /** @type {const} */ ("one"),
    };
  }

  show() {
    const q = this.query;
    const { keys, values, weights, headOut, probs } = play(q);
    this.turn(q, weights);
    this.drawing.show({
      columns: NAMES.map((_, t) => ({
        name: String(t),
        under: t === 2 ? "b" : "pinned",
        vectors: [[keys[t]], [values[t]]],
      })),
      at: 2,
      rows: ROWS,
      asks: "your q",
      vectors: true,
      heads: [{ piece: 0, tone: "attention", weights, query: q, out: headOut, isFull: true }],
      digits: 2,
      height: 340,
    });
    const most = Math.max(...probs);
    this.letters.show(sharesOf(probs));
    const best = probs.indexOf(most);
    this.summary(
      () =>
        `Query ${vectorText(q, 2)}: weights ${weights.map((p) => written(p)).join(", ")}, ` +
        `output ${vectorText(headOut, 2)}. By the shortcut, ${TOY_TOKENS[best]} would be ` +
        `the most likely, ${written(probs[best], 3)}.`,
    );
  }

  /** Turns the query, and makes the keys as thick as their weights. @private
   * @param {number[]} q
   * @param {number[]} weights
   */
  turn(q, weights) {
    const [x, y] = [at(q[0]), up(q[1])];
    setAll(this.arrow, { x2: x, y2: y });
    setAll(this.grip, { cx: x, cy: y });
    const isLeft = q[0] < 0;
    setAll(this.name, {
      x: Math.max(14, Math.min(SIZE - 14, x + (isLeft ? -16 : 16))),
      y: Math.max(16, Math.min(SIZE - 8, y + (q[1] < 0 ? 16 : -8))),
      "text-anchor": isLeft ? "end" : "start",
    });
    this.keys.forEach((key, t) => setAll(key, { "stroke-width": written(2 + 7 * weights[t], 1) }));
  }

  /** @private */
  asTable() {
    const { scores, weights } = play(this.query);
    return {
      head: ["key", "score", "weight"],
      rows: weights.map((weight, t) => [t, written(scores[t], 3), written(weight, 3)]),
    };
  }
}

/** @param {number[]} probs */
function sharesOf(probs) {
  const most = Math.max(...probs);
  return probs.map((share, i) => ({
    name: TOY_TOKENS[i],
    share,
    text: written(share, 3),
    marked: share === most,
  }));
}

/** The tip of a key's arrow, which comes from the middle. @param {number} x @param {number} y */
function tipAt(x, y) {
  const length = Math.hypot(x - MIDDLE, y - MIDDLE);
  const [dx, dy] = [(x - MIDDLE) / length, (y - MIDDLE) / length];
  const back = (/** @type {number} */ side) =>
    `${x - 5 * dx - 6 * side * dy},${y - 5 * dy + 6 * side * dx}`;
  return svg("polygon", {
    class: "att-key-tip",
    points: `${back(1)} ${back(-1)} ${x + 6 * dx},${y + 6 * dy}`,
  });
}

define("mg-attention-play", MgAttentionPlay);
