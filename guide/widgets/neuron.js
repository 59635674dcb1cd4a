// <mg-neuron step="1">: a neuron in four steps: x + b; x·w + b; ReLU of it, with its
// graph; many inputs. <mg-net>: a net of 3 inputs, 4 hidden numbers and 2 outputs.

import { freshId, html, renew, svg } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group } from "../js/kit/make.js";
import { isHidden, numberField, numbersField, seedField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { neuron, relu, runNet, smallNet } from "../js/numbers/neuron.js";

const LOOKS = { step: 0.1, digits: 2 };
const SUBS = ["₁", "₂", "₃"];

/** A factor as it stands in a product. @param {number} v */
const factor = (v) => (v < 0 ? `(${written(v)})` : written(v));
/** What is added, with its sign. @param {number} v */
const added = (v) => (v < 0 ? `− ${written(-v)}` : `+ ${written(v)}`);
/** @param {string} text @param {string} [kind] */
const chip = (text, kind = "number") =>
  html("span", { class: "net-chip", "data-kind": kind }, text);

class MgNeuron extends Widget {
  /** @private */ step = 1;
  flow = html("div", { class: "net-flow", "aria-hidden": "true" });
  plot = html("div");

  load() {
    this.step = this.numberOf("step", 1);
    this.called = `neuron-${this.step}`;
    const one = (/** @type {number} */ initial) => numberField(initial, -5, 5);
    const many = (/** @type {number[]} */ initial) => numbersField(initial, -5, 5);
    this.fields =
      this.step === 4
        ? { x: many([0.5, -0.3, 1.2]), w: many([0.4, 0.7, -0.1]), b: one(0) }
        : { x: one(2), w: one(1.5), b: one(-1) };
  }

  build() {
    return [...this.inputs(), this.flow, this.step === 3 ? this.plot : null];
  }

  /** @private */
  inputs() {
    if (this.step !== 4) {
      const names = this.step === 1 ? ["x", "b"] : ["x", "w", "b"];
      const knobs = names.map((label) => this.knob(label, { label, ...LOOKS, slider: true }));
      return [html("div", {}, ...knobs)];
    }
    const many = (/** @type {string} */ key, /** @type {string} */ label) => {
      const each = SUBS.map((sub) => ({ label: key + sub, control: key }));
      return group(label, { class: "net-fields" }, ...this.knobs(key, each, LOOKS));
    };
    return [many("x", "Inputs"), many("w", "Weights"), this.knob("b", { label: "b", ...LOOKS })];
  }

  show() {
    const { x, w, b } = this.values;
    const [xs, ws] = this.step === 4 ? [x, w] : [[x], [this.step === 1 ? 1 : w]];
    const { z, a } = neuron(xs, ws, b);
    let chips;
    let said;
    if (this.step === 1) {
      chips = [chip(`x ${written(x)}`), chip(`${added(b)}`, "op"), chip(`out ${written(z)}`)];
      said = `x + b = ${written(x)} ${added(b)} = ${written(z)}`;
    } else if (this.step === 2) {
      chips = [
        chip(`x ${written(x)}`),
        chip(`× ${factor(w)}`, "op"),
        chip(written(x * w)),
        chip(added(b), "op"),
        chip(`z ${written(z)}`),
      ];
      said =
        `x·w = ${written(x)}·${factor(w)} = ${written(x * w)}, and with the bias z = ` +
        `${written(x * w)} ${added(b)} = ${written(z)}`;
    } else {
      const sum = xs
        .map(
          (/** @type {number} */ xi, /** @type {number} */ i) => `${factor(xi)}·${factor(ws[i])}`,
        )
        .join(" + ");
      chips = [
        chip(`z = ${sum} ${added(b)} = ${written(z)}`),
        chip("ReLU", "op"),
        chip(`a ${written(a)}`),
      ];
      said =
        `z = ${written(z)}, a = ReLU(z) = ${written(a)}: ` +
        `${a > 0 ? "the neuron fires" : "the neuron is silent"}`;
    }
    renew(this.flow, ...chips.flatMap((one, i) => (i ? [html("span", {}, "→"), one] : [one])));
    if (this.step === 3) renew(this.plot, reluPlot(z));
    this.summary(`${said}.`);
  }
}

/** The graph of ReLU with the point that the neuron is at. @param {number} z */
function reluPlot(z) {
  const most = Math.max(6, Math.ceil(Math.abs(z)));
  const [px, py] = [
    (/** @type {number} */ v) => 180 + (v / most) * 150,
    (/** @type {number} */ v) => 170 - (v / most) * 150,
  ];
  const a = relu(z);
  return svg(
    "svg",
    {
      class: "net-picture",
      viewBox: "0 0 360 200",
      role: "img",
      "aria-label":
        `ReLU: flat at 0 up to z = 0, then rising as z. The neuron is at z ${written(z)}, ` +
        `a ${written(a)}.`,
    },
    svg("line", { class: "net-axis", x1: 20, x2: 340, y1: py(0), y2: py(0) }),
    svg("line", { class: "net-axis", x1: px(0), x2: px(0), y1: 10, y2: 180 }),
    svg("text", { class: "mg-label", x: 340, y: py(0) + 18, "text-anchor": "end" }, "z"),
    svg("text", { class: "mg-label", x: px(0) - 8, y: 20, "text-anchor": "end" }, "a"),
    svg(
      "text",
      { class: "mg-label", x: px(-most), y: py(0) + 18, "text-anchor": "start" },
      written(-most, 0),
    ),
    svg("text", { class: "mg-label", x: px(0) - 8, y: py(most) + 12, "text-anchor": "end" }, ""),
    svg("path", {
      class: "net-curve",
      d: `M${px(-most)} ${py(0)}L${px(0)} ${py(0)}L${px(most)} ${py(most)}`,
    }),
    svg("path", { class: "net-drop", d: `M${px(z)} ${py(0)}V${py(a)}H${px(0)}` }),
    svg("circle", { class: "net-dot", cx: px(z), cy: py(a), r: 7 }),
    svg(
      "text",
      {
        class: "net-text mg-halo",
        x: Math.min(300, Math.max(60, px(z))),
        y: Math.max(16, py(a) - 12),
        "text-anchor": "middle",
      },
      `(${written(z)}, ${written(a)})`,
    ),
  );
}

const SIZES = [3, 4, 2];

class MgNet extends Widget {
  fields = { x: numbersField([1, -0.5, 0.5], -2, 2), seed: seedField(9) };
  picture = html("div");
  seed = html("span", { class: "mg-soft" });

  build() {
    const each = SUBS.map((sub) => ({ label: `x${sub}`, control: "x" }));
    const next = this.button("Randomise", () =>
      this.set({ seed: (this.values.seed + 1) % 2 ** 32 }),
    );
    next.hidden ||= isHidden("seed");
    return [
      html("div", {}, ...this.knobs("x", each, { ...LOOKS, slider: true })),
      this.picture,
      html(
        "p",
        { class: "mg-note" },
        "A thick line is a large weight; orange is above zero, blue and dashed below. A " +
          "dashed circle is a hidden number that ReLU keeps at 0.",
      ),
      this.tools(next, this.seed),
    ];
  }

  show() {
    const { x, seed } = this.values;
    const net = smallNet(seed);
    const all = runNet(net, x);
    this.seed.textContent = `Weights of seed ${seed}`;
    renew(this.picture, netPicture(net, all));
    const silent = all[1].filter((h) => h === 0).length;
    const list = (/** @type {number[]} */ row) => row.map((v) => written(v));
    this.summary(
      `Inputs ${list(x).join(", ")}; hidden ${list(all[1]).join(", ")} (${silent} silent); ` +
        `outputs ${list(all[2]).join(" and ")}.`,
    );
  }
}

/**
 * @param {import("../js/numbers/neuron.js").Layers} net
 * @param {number[][]} all
 */
function netPicture(net, all) {
  const spot = (/** @type {number} */ layer, /** @type {number} */ i) => ({
    x: 46 + layer * 150,
    y: 140 + (i - (SIZES[layer] - 1) / 2) * 64,
  });
  const picture = svg("svg", {
    class: "net-picture",
    viewBox: "0 0 392 276",
    role: "img",
    "aria-labelledby": "",
  });
  const title = svg(
    "title",
    { id: freshId("net") },
    `A net with ${SIZES.join(", ")} numbers in its layers; the line below gives their values.`,
  );
  picture.setAttribute("aria-labelledby", title.id);
  picture.append(title);
  net.forEach(({ w }, l) =>
    w.forEach((row, to) =>
      row.forEach((weight, from) => {
        const [a, b] = [spot(l, from), spot(l + 1, to)];
        const sign = weight > 0 ? "+" : weight < 0 ? "−" : "0";
        picture.append(
          svg(
            "line",
            {
              class: "net-edge",
              "data-sign": sign,
              x1: a.x,
              y1: a.y,
              x2: b.x,
              y2: b.y,
              "stroke-width": (0.5 + 4 * Math.abs(weight)).toFixed(2),
            },
            svg("title", {}, `weight ${written(weight)}`),
          ),
        );
      }),
    ),
  );
  all.forEach((numbers, l) =>
    numbers.forEach((v, i) => {
      const { x, y } = spot(l, i);
      picture.append(
        svg("circle", {
          class: "net-node",
          "data-on": l === 1 && v === 0 ? "no" : "yes",
          cx: x,
          cy: y,
          r: 25,
        }),
        svg(
          "text",
          { class: "net-text", x, y, "text-anchor": "middle", "dominant-baseline": "central" },
          written(v),
        ),
      );
    }),
  );
  ["inputs", "hidden", "outputs"].forEach((name, l) =>
    picture.append(
      svg("text", { class: "mg-label", x: 46 + l * 150, y: 14, "text-anchor": "middle" }, name),
    ),
  );
  return picture;
}

define("mg-neuron", MgNeuron);
define("mg-net", MgNet);
