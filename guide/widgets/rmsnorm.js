// <mg-rmsnorm>: a vector of two numbers to drag, whose image stays on the circle; beside it, how
// large the vectors in the trained model are, with the norms and without.

import { html, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { redraw } from "../js/kit/shapes.js";
import { numberField } from "../js/kit/state.js";
import { counted, snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import { fetched } from "../js/figures/fetched.js";
import {
  arrows,
  FIRST,
  ground,
  histograms,
  inPlane,
  MOST,
  normed,
  PLANE,
  sentence,
  SIZES,
} from "../js/figures/networks/norm-drawing.js";

const STEP = 0.01;

class MgRmsnorm extends Widget {
  fields = {
    x0: numberField(FIRST[0], -MOST, MOST, STEP),
    x1: numberField(FIRST[1], -MOST, MOST, STEP),
  };
  norms = /** @type {import("../js/figures/networks/norm-drawing.js").Norms} */ ({});
  still = svg("g");
  moving = svg("g");
  plane = svg(
    "svg",
    {
      class: "norm-plane",
      viewBox: `0 0 ${PLANE.width} ${PLANE.height}`,
      role: "img",
      "aria-label":
        "A vector of two numbers and its image on the circle; drag it, or type its numbers",
    },
    this.still,
    this.moving,
  );
  sizes = svg("svg", {
    class: "norm-sizes",
    viewBox: `0 0 ${SIZES.width} ${SIZES.height}`,
    role: "img",
    "aria-label": "Sizes of the vectors in the trained model at three places, as histograms",
  });

  async load() {
    const answer = await fetched(new URL("../data/norms.json", import.meta.url));
    this.norms = await answer.json();
  }

  build() {
    redraw(this.still, ground());
    redraw(this.sizes, histograms(this.norms));
    this.drag();
    const two = html("div", { class: "norm-two" }, html("div", {}, this.plane), this.sizes);
    return [
      this.figure(two, {
        controls: [
          this.knob("x0", { label: "x₀", digits: 2 }),
          this.knob("x1", { label: "x₁", digits: 2 }),
          html(
            "p",
            { class: "mg-note" },
            "Drag the vector. The histograms show the size (root mean square) of the trained " +
              `model's vectors at ${counted(this.norms.positions)} positions: filled with the ` +
              "norms, in outline without.",
          ),
        ],
      }),
      tableOf("Sizes in the trained model", () => this.asTable()),
    ];
  }

  /** @private */
  drag() {
    let isHeld = false;
    const move = (/** @type {PointerEvent} */ event) => {
      const box = this.plane.getBoundingClientRect();
      const value = (/** @type {number} */ x) => snapped(x, { min: -MOST, max: MOST, step: STEP });
      this.set({
        x0: value(inPlane((event.clientX - box.left) / box.width)),
        x1: value(-inPlane((event.clientY - box.top) / box.height)),
      });
    };
    this.listen(this.plane, "pointerdown", (event) => {
      if (event.button !== 0) return;
      isHeld = true;
      this.plane.setPointerCapture(event.pointerId);
      move(event);
    });
    this.listen(this.plane, "pointermove", (event) => {
      if (isHeld) move(event);
    });
    this.listen(this.plane, "pointerup pointercancel", () => (isHeld = false));
  }

  show() {
    const vector = [this.values.x0, this.values.x1];
    redraw(this.moving, arrows(vector));
    this.summary(() => sentence(vector, this.norms));
  }

  /** @private */
  asTable() {
    const halves = /** @type {const} */ (["with", "without"]);
    const { scale } = normed([this.values.x0, this.values.x1]);
    return {
      head: ["place", "norms", "smallest", "largest"],
      rows: [
        ...Object.keys(this.norms.with.points).flatMap((point) =>
          halves.map((half) => {
            const { least, most } = this.norms[half].points[point];
            return [point, half, written(least), written(most)];
          }),
        ),
        ["the vector above", "factor", written(scale, 4), ""],
      ],
    };
  }
}

define("mg-rmsnorm", MgRmsnorm);
