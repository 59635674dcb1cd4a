// <mg-gradient-check>: the gradient of rung 1's first step in two ways, one dot a parameter:
// across by the chain rule, up by nudging. The chain rule can be broken on purpose.

import { loadNames } from "../js/figures/dataset.js";
import { html, renew, svg, tableOf } from "../js/kit/dom.js";
import { define, KitElement } from "../js/kit/element.js";
import { choiceField, urlState, wholeField } from "../js/kit/state.js";
import { written } from "../js/kit/text.js";
import { BREAKS, checkOf, LIMIT, power } from "../js/figures/gradients/gradient-dots.js";
import { menu, numberInput, tools } from "../js/figures/parts.js";
import { RungOne } from "../js/figures/rungs/rung-one.js";

const SIZE = { side: 360, edge: 52 };

class MgGradientCheck extends KitElement {
  constructor() {
    super();
    /** @private @type {RungOne | null} */ this.run = null;
    /** @private a check that is overtaken stops */ this.round = 0;
  }

  build() {
    const state = urlState("gradient-check", {
      nudge: wholeField(-5, -12, -1),
      every: choiceField("17", ["1", "17"]),
      broken: choiceField("none", Object.keys(BREAKS)),
    });
    this.state = state;
    this.whenLeaving(() => state.close());
    this.every = menu(
      this,
      "Dots",
      [
        ["17", "every 17th parameter, as the program"],
        ["1", "all 3,184"],
      ],
      (every) => state.set({ every }),
    );
    this.broken = menu(
      this,
      "Chain rule",
      Object.entries(BREAKS).map(
        ([key, { name }]) => /** @type {[string, string]} */ ([key, name]),
      ),
      (broken) => state.set({ broken }),
    );
    this.nudge = numberInput(
      this,
      {
        label: "Nudge: 10 to the power",
        control: "nudge",
        value: -5,
        min: -12,
        max: -1,
        step: 1,
        whole: true,
        slider: true,
      },
      (nudge) => state.set({ nudge }),
    );
    this.plot = html("div");
    this.verdict = html("p", { class: "net-big" });
    this.replaceChildren(
      this.every.whole,
      this.broken.whole,
      this.nudge,
      this.verdict,
      this.plot,
      tableOf("The dots that lie farthest off the diagonal", () => this.tabled()),
      tools(this, state),
    );
    state.onChange(() => this.fresh());
    return this.fresh();
  }

  /** @private */
  async fresh() {
    const { nudge, every, broken } = /** @type {any} */ (this.state).values;
    if (this.every && this.broken && this.nudge) {
      this.every.select.value = every;
      this.broken.select.value = broken;
      if (this.nudge.value !== nudge) this.nudge.value = nudge;
    }
    const mine = ++this.round;
    try {
      const { docs } = await loadNames();
      this.run ??= new RungOne(docs);
      // A slider that still moves asks again.
      await new Promise((resolve) => setTimeout(resolve, 30));
      if (mine !== this.round || !this.isConnected) return;
      const found = await checkOf(
        this.run.model,
        this.run.tokens(0),
        { stride: Number(every), nudge: 10 ** nudge, broken },
        () => mine === this.round && this.isConnected,
      );
      if (!found) return;
      this.found = found;
      this.guard(() => this.show());
    } catch (error) {
      this.fail(error);
    }
  }

  /** @private */
  show() {
    const { found } = this;
    if (!found) return;
    const { nudge, broken } = /** @type {any} */ (this.state).values;
    const good = found.worst < LIMIT;
    renew(this.plot, scatter(found.points));
    renew(
      this.verdict,
      `${good ? "✓ passes" : "✗ fails"}: the largest difference is ${power(found.worst)}; ` +
        `the limit is ${power(LIMIT)}`,
    );
    this.summary(
      `First name, “${this.run?.docs[0]}”, untrained: ` +
        `${found.points.length.toLocaleString("en")} parameters, nudge ${power(10 ** nudge)}, ` +
        `chain rule ${BREAKS[broken].said}. Largest difference ${power(found.worst)}.`,
    );
  }

  /** @private */
  tabled() {
    const points = [...(this.found?.points ?? [])]
      .sort((a, b) => Math.abs(b.numerical - b.analytic) - Math.abs(a.numerical - a.analytic))
      .slice(0, 30);
    return {
      head: ["parameter", "chain rule", "nudge", "difference"],
      rows: points.map((p) => [
        p.name,
        written(p.analytic, 9),
        written(p.numerical, 9),
        power(Math.abs(p.numerical - p.analytic)),
      ]),
    };
  }
}

/** @param {{analytic: number, numerical: number}[]} points */
function scatter(points) {
  const most = Math.max(
    1e-12,
    ...points.map((p) => Math.max(Math.abs(p.analytic), Math.abs(p.numerical))),
  );
  const { side, edge } = SIZE;
  const at = (/** @type {number} */ v) => ((v / most + 1) / 2) * (side - edge - 12);
  const [x, y] = [
    (/** @type {number} */ v) => edge + at(v),
    (/** @type {number} */ v) => side - edge - at(v),
  ];
  const specks = points
    .map((p) => `M${x(p.analytic).toFixed(1)} ${y(p.numerical).toFixed(1)}h0`)
    .join("");
  return svg(
    "svg",
    {
      class: "net-picture",
      viewBox: `0 0 ${side} ${side}`,
      role: "img",
      "aria-label":
        `${points.length} dots: gradient by the chain rule across, by nudging upwards. Dots on ` +
        "the diagonal agree.",
    },
    svg("line", { class: "net-axis", x1: edge, x2: side - 12, y1: side - edge, y2: side - edge }),
    svg("line", { class: "net-axis", x1: edge, x2: edge, y1: 12, y2: side - edge }),
    svg("line", { class: "net-diagonal", x1: x(-most), y1: y(-most), x2: x(most), y2: y(most) }),
    svg("path", { class: "net-speck", d: specks }),
    ...[-most, 0, most].flatMap((v) => [
      svg(
        "text",
        {
          class: "mg-label",
          x: Math.min(x(v), side - 26),
          y: side - edge + 17,
          "text-anchor": "middle",
        },
        written(v, 3),
      ),
      svg(
        "text",
        { class: "mg-label", x: edge - 6, y: y(v) + 4, "text-anchor": "end" },
        written(v, 3),
      ),
    ]),
    svg(
      "text",
      { class: "mg-label", x: (side + edge) / 2, y: side - 14, "text-anchor": "middle" },
      "by the chain rule",
    ),
    svg(
      "text",
      {
        class: "mg-label",
        x: 12,
        y: (side - edge) / 2,
        "text-anchor": "middle",
        transform: `rotate(-90 12 ${(side - edge) / 2})`,
      },
      "by nudging",
    ),
  );
}

define("mg-gradient-check", MgGradientCheck);
