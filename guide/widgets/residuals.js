// <mg-residuals>: the residual stream of the trained model as a river. Attention or the MLP can be
// switched off; the page then measures the loss on unseen names, and writes three.

import { loadNames, STEPS } from "../js/figures/dataset.js";
import { fetched } from "../js/figures/fetched.js";
import { pageKernel } from "../js/figures/runs/run-view.js";
import { OnPrefix, prefixFields } from "../js/figures/trained/on-prefix.js";
import {
  boxes,
  losses,
  river,
  riverSize,
  rowAt,
  SCALE,
  sentence,
} from "../js/figures/trained/river.js";
import { lossOf, namesFrom, offOf, onOf, streamAt } from "../js/figures/trained/river-facts.js";
import { html, setAll, setText, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { group } from "../js/kit/make.js";
import { redraw } from "../js/kit/shapes.js";
import { flagField, wholeField } from "../js/kit/state.js";
import { counted, written } from "../js/kit/text.js";

/** @typedef {import("../js/figures/trained/river-facts.js").Off} Off */
/** @typedef {import("../js/figures/trained/unseen.js").Measured} Measured */

const NARROW = 600; // px of the figure: below, the river stands
const MOST_SEED = 9999;

class MgResiduals extends OnPrefix {
  fields = {
    ...prefixFields("karen", 5),
    attention: flagField(true),
    mlp: flagField(true),
    seed: wholeField(42, 0, MOST_SEED),
  };
  blocks = /** @type {import("../js/figures/trained/river-facts.js").Blocks} */ ({});
  kernel = /** @type {import("../js/kernel.js").Kernel} */ ({});
  docs = /** @type {string[]} */ ([]);
  /** @private */ isTall = false;
  /** @private how far each has been measured here @type {Map<Off, Measured>} */ measured =
    new Map();
  /** @private @type {Off | null} */ measures = null;
  /** @private what was written @type {Map<string, string[]>} */ wrote = new Map();
  stream = svg("svg", {
    class: "river",
    role: "img",
    "aria-label": "The residual stream as a river, attention and MLP as its tributaries",
  });
  scale = svg("svg", {
    class: "river-losses",
    viewBox: `0 0 ${SCALE.width} ${SCALE.height}`,
    role: "img",
    "aria-label": "Loss on unseen names, with nothing, attention, the MLP and both switched off",
  });
  here = html("p", { class: "mg-note river-measured" });
  names = html("p", { class: "river-names" });

  async load() {
    const answer = fetched(new URL("../data/blocks.json", import.meta.url));
    const [names, kernel] = await Promise.all([loadNames(), pageKernel(), super.load()]);
    this.blocks = await (await answer).json();
    this.docs = names.shuffled.slice(STEPS);
    this.kernel = kernel;
  }

  build() {
    this.measures = null;
    this.isTall = this.clientWidth < NARROW;
    const watcher = new ResizeObserver(() => {
      const isTall = this.clientWidth < NARROW;
      if (!this.clientWidth || isTall === this.isTall) return;
      this.isTall = isTall;
      this.guard(() => this.show());
    });
    watcher.observe(this);
    this.whenLeaving(() => watcher.disconnect());
    this.whenLeaving(() => (this.measures = null));
    const [field, refused, , tokens] = this.entry("Look at the river of this token");
    this.listen(this.stream, "click", (event) => {
      const box = this.stream.getBoundingClientRect();
      const size = riverSize(this.isTall).width / box.width;
      const [x, y] = [(event.clientX - box.left) * size, (event.clientY - box.top) * size];
      for (const [key, one] of Object.entries(boxes(this.isTall)))
        if (x >= one.x && x <= one.x + one.width && y >= one.y && y <= one.y + one.height)
          this.set({ [key]: !(/** @type {any} */ (this.values)[key]) });
    });
    this.listen(this.scale, "click", (event) => {
      const box = this.scale.getBoundingClientRect();
      this.set(onOf(rowAt(((event.clientY - box.top) * SCALE.height) / box.height)));
    });
    const again = this.button("Three other names", () =>
      this.set({ seed: (this.values.seed + 1) % MOST_SEED }),
    );
    const below = html(
      "div",
      { class: "river-below" },
      this.scale,
      html("div", {}, html("p", { class: "mg-title" }, "It writes"), this.names, this.here),
    );
    return [
      this.figure([tokens, this.stream, below], {
        controls: [
          field,
          refused,
          group(
            "Switch on and off",
            {},
            this.toggle("attention", "Attention"),
            this.toggle("mlp", "MLP"),
          ),
          again,
        ],
      }),
      tableOf("The stream at each token", () => this.asTable()),
    ];
  }

  /** @private @returns {import("../js/figures/trained/river-facts.js").On} */
  get on() {
    const { attention, mlp } = this.values;
    return { attention, mlp };
  }

  show() {
    const { on, isTall, stream } = this;
    const { tokens, at, names } = this.now;
    const facts = streamAt(this.real, tokens, at, on);
    const { width, height } = riverSize(isTall);
    setAll(stream, { viewBox: `0 0 ${width} ${height}`, "data-tall": isTall ? "" : null });
    redraw(stream, river(facts, on, names[at], isTall));
    this.showLosses();
    setText(this.names, this.written().join(", "));
    this.measure(offOf(on));
    this.summary(() => sentence(names[at], at, facts, on, this.blocks));
  }

  /** @private */
  written() {
    const { on } = this;
    const { seed } = this.values;
    const key = `${offOf(on)} ${seed}`;
    const known = this.wrote.get(key) ?? namesFrom(this.kernel, this.real, on, seed);
    this.wrote.set(key, known);
    return known.map((name) => name || "(empty)");
  }

  /** @private */
  showLosses() {
    const done = this.measured.get(offOf(this.on));
    redraw(this.scale, losses(this.blocks, this.on, done ? done.sum / done.count : null));
    const all = this.docs.length;
    const told = done
      ? `${written(done.sum / done.count, 3)} over ${counted(done.names)} of ${counted(all)} names`
      : "";
    setText(this.here, `Measured on this page: ${told}`);
    this.toggleAttribute("data-measured", done?.names === all);
  }

  /**
   * The loss of what is on, measured here: each once, a part at a time.
   * @private
   * @param {Off} off
   */
  async measure(off) {
    if (this.measures === off) return;
    this.measures = off;
    if (this.measured.get(off)?.names === this.docs.length) return;
    for (const part of lossOf(this.kernel, this.real, onOf(off), this.docs)) {
      await new Promise((resolve) => setTimeout(resolve));
      if (this.measures !== off) return; // something else is on now, or it has left
      this.measured.set(off, part);
      this.guard(() => this.showLosses());
    }
  }

  /** @private */
  asTable() {
    const { tokens, names } = this.now;
    return {
      head: ["token", "before", "attention adds", "then", "the MLP adds", "at the end"],
      rows: names.map((name, at) => {
        const found = streamAt(this.real, tokens, at, this.on);
        const sizes = [found.x, found.attention, found.middle, found.mlp, found.end];
        return [name, ...sizes.map((size) => written(size))];
      }),
    };
  }
}

define("mg-residuals", MgResiduals);
