// The drawing of <mg-neuron> on a page: what neuron-plan.js describes, with numbers to drag on it.

import { prefersLessMotion, setAll, svg } from "../../kit/dom.js";
import { redraw } from "../../kit/shapes.js";
import { written } from "../../kit/text.js";
import { neuron } from "../../numbers/neuron.js";
import * as planning from "./neuron-plan.js";
import { Grip, NumberLine, set } from "./number-line.js";

/** @typedef {import("./neuron-plan.js").Shown} Shown */

const BEND_MS = 350;

export class NeuronPicture {
  /**
   * @param {import("../../kit/element.js").KitElement} host
   * @param {(key: "x" | "w" | "b", i: number, value: number) => void} moved
   */
  constructor(host, moved) {
    /** @private */ this.host = host;
    /** @private @type {Shown} */ this.shown = planning.firstOf(1);
    /** @private */ this.plan = planning.planOf(1, 800); // until its width is known
    /** @private what stands still is drawn for */ this.framed = "";
    /** @private */ this.bend = 1;
    /** @private */ this.frame = 0;
    const { x, w, b } = planning.FIRST;
    /** @private one input, and three */ this.sets = [{ xs: [x], ws: [w], b }, planning.MANY].map(
      (first) => {
        const line = (
          /** @type {"x" | "w" | "b"} */ key,
          /** @type {number} */ i,
          /** @type {number} */ initial,
        ) =>
          new NumberLine(host, {
            label: key + (first.xs.length > 1 && key !== "b" ? planning.SUBS[i] : ""),
            control: key,
            kind: key === "x" ? "x" : "param",
            min: -planning.REACH,
            max: planning.REACH,
            initial,
            moved: (value) => moved(key, i, value),
          });
        const xs = first.xs.map((value, i) => line("x", i, value));
        const ws = first.ws.map((value, i) => line("w", i, value));
        const bias = line("b", 0, first.b);
        const weights = svg("g", { class: "net-new" }, ...ws.map(({ node }) => node));
        const node = svg("g", { class: "net-new" }, ...[...xs, bias].map((one) => one.node));
        return { xs, ws, b: bias, weights, node };
      },
    );
    /** @private */ this.hinge = new Grip(host, {
      label: "The corner: the x at which the neuron turns on",
      control: "b",
      kind: "param",
      min: -planning.REACH,
      max: planning.REACH,
      initial: planning.thresholdOf(planning.firstOf(3)),
      valueAt: (place) => planning.scaleOf(this.plan, this.shown).back(place.x),
      moved: (at) => moved("b", 0, planning.biasAt(at, this.shown)),
    });
    /** @private */ this.lines = svg("g");
    /** @private */ this.wires = svg("g");
    /** @private */ this.still = svg("g");
    /** @private */ this.moving = svg("g");
    this.picture = svg(
      "svg",
      { class: "net-drawing", role: "group" },
      this.still,
      this.wires,
      this.moving,
      this.lines,
      this.hinge.node,
    );
    host.whenLeaving(() => cancelAnimationFrame(this.frame));
  }

  /**
   * Finds a place for everything.
   * @param {number} step 1 to 4
   * @param {number} width
   */
  stand(step, width) {
    if (step === this.plan.step && width === this.plan.width && this.framed) return;
    const before = this.framed ? this.plan.step : step;
    this.plan = planning.planOf(step, width);
    this.framed = "";
    setAll(this.picture, { viewBox: `0 0 ${width} ${this.plan.height}` });
    const { now } = this;
    this.lines.replaceChildren(...(step > 1 ? [now.weights, now.node] : [now.node]));
    const { xs, ws, b } = this.now;
    const { plan } = this;
    plan.xs.forEach(({ left, y, width: wide }, i) => xs[i].stand(left, y, wide));
    plan.ws.forEach(({ left, y, width: wide }, i) => ws[i].stand(left, y, wide));
    b.stand(plan.b.left, plan.b.y, plan.b.width);
    cancelAnimationFrame(this.frame);
    this.bend = 1;
    if (before < 3 && step > 2 && !prefersLessMotion()) this.fold();
  }

  /** @private the numbers that are dragged in this step */
  get now() {
    return this.sets[Number(this.plan.step === 4)];
  }

  /** Lifts what is below zero, as ReLU does. @private */
  fold() {
    /** @type {number | null} */ let began = null;
    this.bend = 0;
    const go = (/** @type {number} */ now) => {
      began ??= now;
      const share = Math.min(1, (now - began) / BEND_MS);
      this.bend = share * share * (3 - 2 * share);
      this.host.guard(() => this.draw());
      if (share < 1) this.frame = requestAnimationFrame(go);
    };
    this.frame = requestAnimationFrame(go);
  }

  /** @param {Shown} shown */
  show(shown) {
    this.shown = shown;
    const { xs, ws, b } = this.now;
    xs.forEach((line, i) => line.show(shown.xs[i]));
    ws.forEach((line, i) => line.show(shown.ws[i]));
    b.show(shown.b);
    this.draw();
  }

  /** @private */
  draw() {
    const { plan, shown } = this;
    const at = planning.scaleOf(plan, shown);
    const framed = `${at.reach} ${at.high}`;
    if (framed !== this.framed) redraw(this.still, planning.frame(plan, shown));
    this.framed = framed;
    redraw(this.wires, planning.wires(plan, shown));
    redraw(this.moving, planning.drawn(plan, shown, this.bend));
    const turn = planning.thresholdOf(shown);
    const seen = plan.step > 2 && Math.abs(turn) <= planning.REACH;
    set(this.hinge.node, "visibility", seen ? "visible" : "hidden");
    const place = seen ? turn : 0; // where it isn't seen, it still has to be inside the picture
    this.hinge.put({ x: at.x(place), y: at.y(0) }, place);
    const { z, a } = neuron(shown.xs, shown.ws, shown.b);
    const said = plan.step > 2 ? `z = ${written(z)}, a = ${written(a)}` : written(z);
    set(this.picture, "aria-label", `The neuron, step ${plan.step} of 4: ${said}`);
  }
}
