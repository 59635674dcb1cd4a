// <mg-neuron>: a neuron that grows in four steps: x + b; x·w + b; ReLU of it; many inputs.
// <mg-net>: a net of 3 inputs, 4 hidden numbers and 2 outputs.

import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group } from "../js/kit/make.js";
import { isHidden, numberField, numbersField, seedField, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { neuron, runNet, smallNet } from "../js/numbers/neuron.js";
import { NetPicture } from "../js/figures/networks/net-picture.js";
import { NeuronPicture } from "../js/figures/networks/neuron-picture.js";
import { factor, FIRST, MANY, REACH, STEPS, SUBS } from "../js/figures/networks/neuron-plan.js";
import { onWidth } from "../js/figures/networks/number-line.js";

/** @typedef {import("../js/figures/networks/neuron-plan.js").Shown} Shown */

const LOOKS = { step: 0.1, digits: 2 };

/** What is added, with its sign. @param {number} v */
const added = (v) => (v < 0 ? `− ${written(-v)}` : `+ ${written(v)}`);

class MgNeuron extends Widget {
  fields = {
    step: wholeField(1, 1, 4),
    x: numberField(FIRST.x, -REACH, REACH),
    w: numberField(FIRST.w, -REACH, REACH),
    b: numberField(FIRST.b, -REACH, REACH),
    xs: numbersField(MANY.xs, -REACH, REACH),
    ws: numbersField(MANY.ws, -REACH, REACH),
    bs: numberField(MANY.b, -REACH, REACH),
  };
  /** @private @type {NeuronPicture | null} */ picture = null;
  /** @private */ room = html("div");

  /** The numbers that go in, as lists. @private @returns {Shown} */
  get now() {
    const { step, x, w, b, xs, ws, bs } = this.values;
    if (step === 4) return { xs, ws, b: bs };
    return { xs: [x], ws: [step === 1 ? 1 : w], b };
  }

  build() {
    this.picture = new NeuronPicture(this, (key, i, value) => this.moved(key, i, value));
    const steps = Object.fromEntries(STEPS.map((name, i) => [String(i + 1), name]));
    const choices = this.choices("step", "Steps", steps);
    this.room.replaceChildren(this.picture.picture);
    onWidth(this, this.room, () => this.show());
    return [this.figure([choices, this.room], { under: true, more: this.exactly() })];
  }

  /** @private @param {"x" | "w" | "b"} key @param {number} i @param {number} value */
  moved(key, i, value) {
    const many = `${key}s`;
    if (this.values.step < 4) this.set({ [key]: value });
    else if (key === "b") this.set({ bs: value });
    else this.set({ [many]: /** @type {any} */ (this.values)[many].with(i, value) });
  }

  /** The same numbers to type. @private */
  exactly() {
    const knobs = ["x", "w", "b"].map((label) => this.knob(label, { label, ...LOOKS }));
    const one = group("Numbers to type", { class: "net-fields" }, ...knobs);
    const each = (/** @type {string} */ key) =>
      SUBS.map((sub) => ({ label: key + sub, control: key }));
    const many = group(
      "The numbers of three inputs to type",
      { class: "net-fields" },
      ...this.knobs("xs", each("x"), LOOKS),
      ...this.knobs("ws", each("w"), LOOKS),
      this.knob("bs", { label: "b", control: "b", ...LOOKS }),
    );
    this.follow(({ step }) => {
      one.hidden = step === 4;
      many.hidden = step < 4;
      knobs[1].hidden = step === 1 || isHidden("w");
    });
    return [one, many];
  }

  show() {
    const { xs, ws, b } = this.now;
    const { step } = this.values;
    const { z, a } = neuron(xs, ws, b);
    this.picture?.stand(step, Math.round(this.room.clientWidth) || 800);
    this.picture?.show(this.now);
    this.summary(() => sentence(step, this.now, z, a));
  }
}

/** What the drawing shows, in words. @param {number} step @param {Shown} shown @param {number} z
 * @param {number} a */
function sentence(step, { xs: [x], ws: [w], b }, z, a) {
  if (step === 1) return `x + b = ${written(x)} ${added(b)} = ${written(z)}.`;
  const product = `${written(x)}·${factor(w)} = ${written(x * w)}`;
  if (step === 2)
    return `x·w = ${product}, and with the bias z = ${written(x * w)} ${added(b)} = ${written(z)}.`;
  const fires = a > 0 ? "the neuron fires" : "the neuron is silent";
  return `z = ${written(z)}, a = ReLU(z) = ${written(a)}: ${fires}.`;
}

class MgNet extends Widget {
  fields = { x: numbersField([1, -0.5, 0.5], -2, 2), seed: seedField(9) };
  seed = html("span", { class: "mg-soft" });
  /** @private @type {NetPicture | null} */ picture = null;

  build() {
    this.picture = new NetPicture(this, {
      initial: this.values.x,
      reach: this.fields.x.max,
      moved: (i, value) => this.set({ x: this.values.x.with(i, value) }),
    });
    const next = this.button("Randomise", () =>
      this.set({ seed: (this.values.seed + 1) % 2 ** 32 }),
    );
    next.hidden ||= isHidden("seed");
    const each = SUBS.map((sub) => ({ label: `x${sub}`, control: "x" }));
    const fields = group("Inputs", { class: "net-fields" }, ...this.knobs("x", each, LOOKS));
    const room = html("div", {}, this.picture.picture);
    onWidth(this, room, (width) => {
      this.picture?.stand(width);
      this.show();
    });
    const note =
      "Thick: a large weight. Orange: above zero. Blue and dashed: below. A dashed circle: a " +
      "hidden number that ReLU keeps at 0.";
    const key = html("p", { class: "mg-note" }, note);
    return [this.figure(room, { under: true, controls: [next, this.seed, key], more: [fields] })];
  }

  show() {
    const { x, seed } = this.values;
    const net = smallNet(seed);
    const all = runNet(net, x);
    this.seed.textContent = `weights of seed ${seed}`;
    this.picture?.show(net, all);
    const silent = all[1].filter((h) => h === 0).length;
    const list = (/** @type {number[]} */ row) => row.map((v) => written(v));
    this.summary(
      `Inputs ${list(x).join(", ")}; hidden ${list(all[1]).join(", ")} (${silent} silent); ` +
        `outputs ${list(all[2]).join(" and ")}.`,
    );
  }
}

define("mg-neuron", MgNeuron);
define("mg-net", MgNet);
