// <mg-embeddings>: the rows of the trained wte as points in a plane. A letter is dragged through
// it, and one sees who is near and what the model writes after it; or it stands at 16 positions.

import { html, setAll, svg, tableOf } from "../js/kit/dom.js";
import { define } from "../js/kit/element.js";
import { redraw } from "../js/kit/shapes.js";
import { choiceField, flagField, numberField, wholeField } from "../js/kit/state.js";
import { snapped, written } from "../js/kit/text.js";
import { Widget } from "../js/kit/widget.js";
import {
  axes,
  BARS,
  bars,
  factsOf,
  groundOf,
  marks,
  sentence,
} from "../js/figures/trained/embedding-drawing.js";
import { placeOf, planeOf } from "../js/figures/trained/embedding-plane.js";
import { labelsOf, loadReal } from "../js/figures/trained/real-model.js";

/** @typedef {import("../js/figures/trained/embedding-drawing.js").Spot} Spot */

const MOST = 2.4; // a letter from one end of the plane to the other
const STEP = 0.01;
const [WIDE, NARROW] = [560, 350];
const CLICK = 4; // pixels: what moves less was only chosen
const LETTERS = [..."abcdefghijklmnopqrstuvwxyz", "BOS"];

class MgEmbeddings extends Widget {
  fields = {
    letter: choiceField("a", LETTERS),
    dx: numberField(0, -MOST, MOST, STEP),
    dy: numberField(0, -MOST, MOST, STEP),
    positions: flagField(false),
    at: wholeField(1, 0, 15),
  };
  real = /** @type {import("../js/figures/trained/real-model.js").Real} */ ({});
  ground = /** @type {import("../js/figures/trained/embedding-drawing.js").Ground} */ ({});
  /** @private */ width = WIDE;
  /** @private what is drawn of the plane */ laid = "";
  still = svg("g");
  moving = svg("g");
  plane = svg(
    "svg",
    {
      class: "emb-plane",
      role: "img",
      "aria-label":
        "The letters as points in a plane; drag one, or choose it by the menu and move it by the " +
        "two numbers behind More",
    },
    this.still,
    this.moving,
  );
  next = svg("svg", {
    class: "emb-next-bars",
    viewBox: `0 0 ${BARS.width} ${BARS.height}`,
    role: "img",
    "aria-label": "What the model writes next, the likeliest first",
  });
  said = html("p", { class: "mg-note emb-said" });

  async load() {
    this.real = await loadReal();
  }

  build() {
    const box = html("div", {}, this.plane);
    const watcher = new ResizeObserver(() => {
      const width = box.clientWidth < 480 ? NARROW : WIDE;
      if (!box.clientWidth || width === this.width) return;
      this.width = width;
      this.guard(() => this.show());
    });
    watcher.observe(box);
    this.whenLeaving(() => watcher.disconnect());
    this.width = this.clientWidth < 600 ? NARROW : WIDE;
    this.laid = "";
    this.drag();
    const at = this.knob("at", { label: "Position", slider: true });
    this.follow(({ positions }) => (at.hidden = !positions));
    const menu = this.menu("letter", {
      label: "Letter",
      options: Object.fromEntries(LETTERS.map((name) => [name, name])),
      also: () => ({ dx: 0, dy: 0 }),
    });
    const away = { digits: 2 };
    return [
      this.figure(html("div", { class: "emb-two" }, box, html("div", {}, this.next)), {
        controls: [menu, this.toggle("positions", "Add the positions"), at, this.said],
        more: [
          this.knob("dx", { label: "Moved along axis 1", ...away }),
          this.knob("dy", { label: "Moved along axis 2", ...away }),
        ],
      }),
      tableOf("The letters", () => this.asTable()),
    ];
  }

  /** Lays the plane out, where it shows something else than before. @private */
  lay() {
    const { letter, dx, dy, positions } = this.values;
    const rows = this.real.weights.wte;
    const home = placeOf(this.ground.plane ?? planeOf(rows), rows[LETTERS.indexOf(letter)]);
    const place = [home[0] + dx, home[1] + dy];
    const laid = `${this.width} ${positions ? letter : ""}`;
    const { frame: last } = this.ground;
    if (laid === this.laid && (!positions || last.shows(last.spot(place)))) return;
    this.laid = laid;
    const names = labelsOf(
      this.real,
      LETTERS.map((_, i) => i),
    );
    this.ground = groundOf(this.real, names, this.width, positions ? place : null);
    const { frame } = this.ground;
    setAll(this.plane, { viewBox: `0 0 ${frame.width} ${frame.height}` });
    redraw(this.still, axes(this.ground));
  }

  /** @private */
  get facts() {
    const { letter, dx, dy, positions, at } = this.values;
    return factsOf(this.ground, { token: LETTERS.indexOf(letter), by: [dx, dy], positions, at });
  }

  /** @private */
  drag() {
    /** @type {{from: Spot, start: Spot, isMoving: boolean} | null} */ let held = null;
    this.listen(this.plane, "pointerdown", (event) => {
      if (event.button !== 0) return;
      this.plane.setPointerCapture(event.pointerId);
      const from = this.spotOf(event);
      this.grab(from);
      held = { from, start: this.facts.spot, isMoving: false };
    });
    this.listen(this.plane, "pointermove", (event) => {
      const spot = this.spotOf(event);
      if (!held) {
        this.point(spot);
        return;
      }
      const [right, down] = spot.map((x, i) => x - /** @type {any} */ (held).from[i]);
      held.isMoving ||= Math.hypot(right, down) > CLICK;
      if (held.isMoving) this.pull([held.start[0] + right, held.start[1] + down]);
    });
    this.listen(this.plane, "pointerup pointercancel", () => (held = null));
    this.listen(this.plane, "pointerleave", () => this.point(null));
    this.listen(this.plane, "dblclick", () => this.set({ dx: 0, dy: 0 }));
  }

  /** @private @param {PointerEvent} event @returns {Spot} */
  spotOf(event) {
    const box = this.plane.getBoundingClientRect();
    const size = this.ground.frame.width / box.width;
    return [(event.clientX - box.left) * size, (event.clientY - box.top) * size];
  }

  /** Chooses the letter, or the position, that is nearest to a spot. @private @param {Spot} spot */
  grab(spot) {
    const { dots, seen } = this.ground;
    const { token, spot: own, sums } = this.facts;
    const far = (/** @type {Spot} */ [x, y]) => Math.hypot(x - spot[0], y - spot[1]);
    const letter = least(
      dots.map((dot, i) => (i === token ? far(own) : seen.includes(i) ? far(dot) : Infinity)),
    );
    const position = least(sums.map(far));
    if (position >= 0 && far(sums[position]) <= far(letter === token ? own : dots[letter]))
      this.set({ at: position });
    else if (letter !== token) this.set({ letter: LETTERS[letter], dx: 0, dy: 0 });
  }

  /** Brings the chosen letter to a spot. @private @param {Spot} spot */
  pull(spot) {
    const { frame, plane, rows } = this.ground;
    const [x, y] = frame.back(spot);
    const home = placeOf(plane, rows[LETTERS.indexOf(this.values.letter)]);
    const by = (/** @type {number} */ to, /** @type {number} */ i) =>
      snapped(to - home[i], { min: -MOST, max: MOST, step: STEP });
    this.set({
      dx: by(within(x, frame.reach.left, frame.reach.right), 0),
      dy: by(within(y, frame.reach.low, frame.reach.high), 1),
    });
  }

  /** Says what is pointed at. @private @param {Spot | null} spot */
  point(spot) {
    const { dots, names } = this.ground;
    const far = spot ? dots.map(([x, y]) => Math.hypot(x - spot[0], y - spot[1])) : [];
    const token = least(far);
    const { near } = this.facts;
    const one = near.find((other) => other.token === token);
    this.said.textContent =
      one && far[token] < 24
        ? `From ${this.values.letter} to ${names[token]}: ${written(one.distance)} in all 16 ` +
          `dimensions. Its row is wte[${token}].`
        : HINT;
  }

  show() {
    this.lay();
    const { ground, facts } = this;
    redraw(this.moving, marks(ground, facts));
    redraw(this.next, bars(ground.names, facts));
    if (!this.said.textContent) this.said.textContent = HINT;
    this.summary(() => sentence(ground, facts));
  }

  /** @private */
  asTable() {
    const { names, plane, rows } = this.ground;
    const { near, probs, token } = this.facts;
    return {
      head: ["token", "axis 1", "axis 2", `distance from ${names[token]}`, "next"],
      rows: names.map((name, i) => [
        name,
        ...placeOf(plane, rows[i]).map((x) => written(x)),
        written(near.find((one) => one.token === i)?.distance ?? 0),
        written(probs[i], 3),
      ]),
    };
  }
}

const HINT = "Drag a letter. Point at another: how far it is.";

const RIM = 0.02; // so much stays between a letter and the edge
/** @param {number} x @param {number} from @param {number} to */
const within = (x, from, to) => Math.max(from + RIM, Math.min(to - RIM, x));

/** @param {number[]} numbers */
const least = (numbers) => numbers.indexOf(Math.min(...numbers));

define("mg-embeddings", MgEmbeddings);
