// <mg-neuron step="1">: a neuron in four steps: x + b; x·w + b; ReLU of it, with its
// graph; many inputs. <mg-net>: a net of 3 inputs, 4 hidden numbers and 2 outputs.

import { html } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group } from "../js/kit/make.js";
import { isHidden, numberField, numbersField, seedField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { neuron, runNet, smallNet } from "../js/numbers/neuron.js";
import { NetPicture } from "../js/figures/networks/net-picture.js";
import { factor, NeuronPicture } from "../js/figures/networks/neuron-picture.js";
import { onWidth } from "../js/figures/networks/number-line.js";
import { ReluGraph } from "../js/figures/networks/relu-graph.js";

const LOOKS = { step: 0.1, digits: 2 };
const SUBS = ["₁", "₂", "₃"];

/** What is added, with its sign. @param {number} v */
const added = (v) => (v < 0 ? `− ${written(-v)}` : `+ ${written(v)}`);

class MgNeuron extends Widget {
  /** @private */ step = 1;
  /** @private @type {NeuronPicture | null} */ picture = null;
  /** @private @type {ReluGraph | null} */ graph = null;

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

  /** The numbers that go in, as lists. @private */
  get now() {
    const { x, w, b } = this.values;
    if (this.step === 4) return { xs: x, ws: w, b };
    return { xs: [x], ws: [this.step === 1 ? 1 : w], b };
  }

  build() {
    this.picture = new NeuronPicture(this, this.step, {
      initial: this.now,
      moved: (key, i, value) => {
        const isList = this.step === 4 && key !== "b";
        this.set({ [key]: isList ? this.values[key].with(i, value) : value });
      },
    });
    const boxes = [html("div", {}, this.picture.picture)];
    if (this.step === 3) {
      const { x, w, b } = this.values;
      this.graph = new ReluGraph(this, {
        initial: { x, w, b },
        moved: (key, value) => this.set({ [key]: value }),
      });
      boxes.push(html("div", {}, this.graph.picture));
    }
    const room = html("div", { class: "net-beside", "data-two": boxes.length > 1 }, ...boxes);
    onWidth(this, room, () => {
      this.picture?.stand(boxes[0].clientWidth);
      this.graph?.stand(boxes[1].clientWidth, 330);
      this.show();
    });
    return [this.figure(room, { under: true, more: this.exactly() })];
  }

  /** The same numbers to type. @private */
  exactly() {
    if (this.step !== 4) {
      const names = this.step === 1 ? ["x", "b"] : ["x", "w", "b"];
      const knobs = names.map((label) => this.knob(label, { label, ...LOOKS }));
      return [group("Numbers to type", { class: "net-fields" }, ...knobs)];
    }
    const many = (/** @type {string} */ key) => {
      const each = SUBS.map((sub) => ({ label: key + sub, control: key }));
      return this.knobs(key, each, LOOKS);
    };
    const all = [...many("x"), ...many("w"), this.knob("b", { label: "b", ...LOOKS })];
    return [group("Numbers to type", { class: "net-fields" }, ...all)];
  }

  show() {
    const { xs, ws, b } = this.now;
    const { z, a } = neuron(xs, ws, b);
    this.picture?.show(this.now);
    this.graph?.show({ x: xs[0], w: ws[0], b });
    const [x, w] = [xs[0], ws[0]];
    if (this.step === 1) this.summary(`x + b = ${written(x)} ${added(b)} = ${written(z)}.`);
    else if (this.step === 2)
      this.summary(
        `x·w = ${written(x)}·${factor(w)} = ${written(x * w)}, and with the bias z = ` +
          `${written(x * w)} ${added(b)} = ${written(z)}.`,
      );
    else
      this.summary(
        `z = ${written(z)}, a = ReLU(z) = ${written(a)}: ` +
          `${a > 0 ? "the neuron fires" : "the neuron is silent"}.`,
      );
  }
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
